"""Decides which protocols a job's sockets may speak, where the filter cannot tell by itself: socket(2) and TCP_ULP.

**MPTCP.** The kernel does not count an MPTCP socket as TCP where it forbids the job connects of its own (see `child`),
so such a socket, swapped in behind the connect of a Unix socket, would connect unseen. A program that asks for one gets
a plain TCP socket: any host or middlebox on the way may force the same fallback (RFC 8684, section 3.7), so programs
are ready for it. Where the kernel makes no MPTCP socket (net.mptcp.enabled, not built in) its errno is the answer. The
socket is made by the guard, with the caller's ids, so that its owner is the caller's; one thing shows: it belongs to
the guard's control group, the job's own unless the job moves itself. In another network namespace than the guard's no
socket can be made; the answer there is that of a namespace with MPTCP switched off.

**Raw and packet sockets** carry what no rule sees. Where the policy refuses them the answer is EPERM, as without the
privilege, and the journal says which socket it was. They count as connects, to anywhere: the mode of that exit point
holds, so in *MONITOR they pass and the entry says what would have been, and in *OFF they pass in silence. Where they
pass the kernel carries the call out: its arguments are numbers, there is no memory to race for.

**TCP_ULP** hands a TCP socket over to another protocol by name. The name is copied and the call made here; kernel TLS
passes, anything else is answered as not built in, because "smc" connects by TCP inside the kernel and "espintcp" sends
IPsec.

Source: net/mptcp/ctrl.c; net/core/sock.c, sk_set_owner and sock_init_data_uid; net/ipv4/tcp_ulp.c, tcp_set_ulp.
"""

from __future__ import annotations

import errno
import socket

from console.enforcement import layouts as k
from console.enforcement.guard.acting import as_caller, is_in_our_network
from console.enforcement.guard.supervisor import Attempt, Supervisor, Undecidable
from console.enforcement.layouts import NO_ENDPOINT
from console.enforcement.sockets import make_socket, set_upgrade
from console.model.words import ExitPoint, Mode, Outcome, RawSockets
from console.policy.request import Decision

_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})
_KINDS = {socket.SOCK_RAW: "SOCK_RAW", socket.SOCK_DGRAM: "SOCK_DGRAM", k.SOCK_PACKET: "SOCK_PACKET"}
_FAMILIES = {
    socket.AF_INET: "AF_INET",
    socket.AF_INET6: "AF_INET6",
    socket.AF_PACKET: "AF_PACKET",
    k.AF_PPPOX: "AF_PPPOX",
    k.AF_XDP: "AF_XDP",
}
_NO_RULE = 0
"""In place of a sequence number: no rule was asked."""
_REFUSED = Decision(Outcome.REJECTED, _NO_RULE, errno.EPERM, journal=True, alert=False)
_MONITORED = Decision(Outcome.MONITOR, _NO_RULE, errno=0, journal=True, alert=False)
_LONGEST_NAME = 15
"""Octets of a protocol's name that the kernel looks at (TCP_ULP_NAME_MAX less the final zero)."""
_PAGE = 4096
_UPGRADES = frozenset({b"tls"})


def handle_socket(supervisor: Supervisor, attempt: Attempt) -> None:
    """Answer one socket(2).

    Raises:
        CallerGone: The call no longer waits.
        Undecidable: It must be rejected.
    """
    try:
        supervisor.backend.renew(attempt.call, attempt.caller)
    except OSError as error:
        raise Undecidable(f"caller unknown: {error.strerror}") from error
    family, kind, protocol = (argument & 0xFFFF_FFFF for argument in attempt.call.arguments[:3])
    if family in _INTERNET and kind & k.SOCKET_TYPE_MASK == socket.SOCK_STREAM and protocol == k.IPPROTO_MPTCP:
        _multipath(supervisor, attempt, family, kind)
    else:
        _raw(supervisor, attempt, family, kind, protocol)


def _multipath(supervisor: Supervisor, attempt: Attempt, family: int, kind: int) -> None:
    """Answer a call for an MPTCP socket with a TCP socket."""
    backend, call = supervisor.backend, attempt.call
    if not is_in_our_network(supervisor, attempt):
        backend.answer(call, errno.ENOPROTOOPT)
        return
    try:
        with as_caller(supervisor, attempt):
            make_socket(family, kind | socket.SOCK_CLOEXEC, k.IPPROTO_MPTCP).close()
            made = make_socket(family, kind | socket.SOCK_CLOEXEC, socket.IPPROTO_TCP)
        with made:
            backend.deliver(call, made.number, close_on_exec=bool(kind & socket.SOCK_CLOEXEC))
    except OSError as error:
        backend.answer(call, error.errno or errno.EPROTONOSUPPORT)


def _raw(supervisor: Supervisor, attempt: Attempt, family: int, kind: int, protocol: int) -> None:
    """Answer a call for a raw or packet socket as the policy says."""
    policy = supervisor.policy
    mode = policy.modes[ExitPoint.CONNECT]
    if policy.raw_sockets is RawSockets.ALLOW or mode is Mode.OFF:
        supervisor.backend.go_on(attempt.call)
        return
    if supervisor.recorder.full:
        raise Undecidable("the journal takes nothing more")
    supervisor.identify(attempt)
    decision = _MONITORED if mode is Mode.MONITOR else _REFUSED
    text = f"raw socket: {_socket_text(family, kind, protocol)}"
    supervisor.record(policy, attempt, decision, NO_ENDPOINT, NO_ENDPOINT, text=text)
    if decision.errno:
        supervisor.backend.answer(attempt.call, decision.errno)
    else:
        supervisor.backend.go_on(attempt.call)


def _socket_text(family: int, kind: int, protocol: int) -> str:
    kind &= k.SOCKET_TYPE_MASK
    return f"{_FAMILIES.get(family, family)}, {_KINDS.get(kind, kind)}, protocol {protocol}"


def handle_upgrade(supervisor: Supervisor, attempt: Attempt) -> None:
    """Answer one setsockopt(2) of TCP_ULP.

    Raises:
        CallerGone: The call no longer waits.
        Undecidable: It must be rejected.
    """
    taken = supervisor.take_socket(attempt)
    if taken is None:
        return
    with taken:
        number = _upgrade(supervisor, attempt, taken.number)
        taken.close()
        supervisor.backend.answer(attempt.call, number)


def _upgrade(supervisor: Supervisor, attempt: Attempt, number: int) -> int:
    _, _, _, address, length, _ = attempt.call.arguments
    length &= 0xFFFF_FFFF
    if not 0 < length < 1 << 31:
        return errno.EINVAL
    size = min(length, _LONGEST_NAME, _PAGE - address % _PAGE)
    try:
        name = supervisor.backend.read_memory(attempt.call, address, size)
        # The kernel stops at the zero, so what lies on the next page matters only when there was none.
        if size < min(length, _LONGEST_NAME) and b"\0" not in name:
            rest = min(length, _LONGEST_NAME) - size
            name += supervisor.backend.read_memory(attempt.call, address + size, rest)
    except OSError as error:
        if error.errno == errno.EFAULT:
            return errno.EFAULT
        raise Undecidable(f"memory not readable: {error.strerror}") from error
    name, _, _ = name.partition(b"\0")
    if name not in _UPGRADES:
        return errno.ENOENT
    return set_upgrade(number, name)
