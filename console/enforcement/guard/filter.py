"""The seccomp filter of a job, as the bytes of a classic BPF program. Pure: installs nothing.

What it says, in order:

* i386 entry (``int 0x80``, a 32-bit program): socket calls fail with EPERM; the terminal requests below fail too;
  everything else passes.
* x32 entry: every call fails with ENOSYS, as on the kernels that are built without x32.
* connect, accept, accept4, listen: ask the guard.
* io_uring_setup, io_uring_enter, io_uring_register: ENOSYS, so that programs fall back to calls that can be seen
  (io_uring operations pass no filter). All three, because a ring may have been inherited or received.
* sendto, sendmsg, sendmmsg with MSG_FASTOPEN, which connect without connect: EOPNOTSUPP, which is what the kernel
  answers where TCP Fast Open is switched off, so that programs fall back to connect.
* sendto with an address, sendmsg and sendmmsg: ask the guard, in a job whose policy decides datagrams.
* the same, and recvfrom with an address, recvmsg and recvmmsg: ask the guard, in a job whose names are resolved at
  SOCKS servers, and in one whose datagrams are watched (see `traffic`).
* getpeername, getsockname, and setsockopt of the level that means Rbind: ask the guard, in a job whose policy has SOCKS
  entries.
* bind: asks the guard, in a job that was started with --rbind, and in one whose binds are watched (see `bind`); in the
  latter landlock_restrict_self too, which ends the watch.
* socket and socketpair: by family, type and protocol, see below.
* setsockopt: TCP_ULP asks the guard (see `protocols`), and what routes by way of hosts that no rule has seen is
  refused with EPERM: IP_OPTIONS (which carries the source routes of IPv4), IPV6_RTHDR and its two predecessors.
  Clearing them passes. So can a flow label that options are given with (IPV6_FLOWLABEL_MGR); without them it passes.
* ioctl TIOCSTI and TIOCLINUX: EIO and ENOTTY, as with dev.tty.legacy_tiocsti at 0 and on no Linux console. They put
  words on the command line of the shell that started the job, which runs them when the job has ended, without a guard.
* Any other call passes.

Sockets of the internet families pass where a rule can see what they do: TCP, UDP, UDP-Lite and the datagram sockets of
ICMP. SOCK_RAW and SOCK_PACKET ask the guard, because no rule sees their packets, and so does MPTCP, which the kernel
does not count as TCP where it forbids the job connects of its own (see `child`). All else is refused as where it is not
built in, whether it is known today or comes with a later kernel. Among these are

* SCTP, which connects by sendmsg and by setsockopt (sctp_connectx(3)); DCCP, whose connects no Landlock sees;
* SMC (also as protocol 256): connects by TCP inside the kernel, and is not TCP to Landlock;
* L2TP (protocol 115): sends whole packets of its own, and its address has no port where a rule would look for one;
* QUIC and Homa, where a kernel has them: their sends connect.

Of the other families these are refused as not built in, or ask the guard as raw sockets do:

* AF_RDS: its bind and its sends make TCP connections, from a thread of the kernel;
* AF_RXRPC: its sends make calls over UDP, from a socket of the kernel's own;
* AF_TIPC: carries streams to other hosts, over UDP too, under addresses that no rule knows; socketpair included;
* AF_SMC: as SMC above;
* AF_PACKET and AF_XDP: read and write whole frames; AF_PPPOX: sends PPPoE frames, GRE and L2TP packets.

AF_KCM passes: it multiplexes messages over TCP sockets which must be connected already. So do AF_UNIX, AF_NETLINK,
AF_VSOCK (a virtual machine and its host), AF_ALG and those of buses and radio: none carries to an internet address.

A program may add filters of its own, which can only forbid more: the kernel takes the strictest answer, and of those
that could let a call through without us (TRACE, LOG, ALLOW) each ranks below USER_NOTIF. A second listener in the
same task is refused by the kernel with EBUSY. Source: seccomp(2), Documentation/userspace-api/seccomp_filter.rst.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Mapping, Sequence

from console.enforcement import layouts as k

_LOAD_WORD = 0x20
"""BPF_LD | BPF_W | BPF_ABS."""
_JUMP_EQUAL = 0x15
_JUMP_GREATER_OR_EQUAL = 0x35
_JUMP_ANY_BIT = 0x45
_RETURN = 0x06
_AND = 0x54
"""BPF_ALU | BPF_AND | BPF_K."""

# Offsets in struct seccomp_data (linux/seccomp.h); of a 64-bit argument the low word, where int arguments are.
_NUMBER = 0
_ARCHITECTURE = 4
_ARGUMENTS = 16

_ASK = (k.SYS_CONNECT, k.SYS_ACCEPT, k.SYS_ACCEPT4, k.SYS_LISTEN)
_ASK_NAMES = (k.SYS_GETPEERNAME, k.SYS_GETSOCKNAME)
_ASK_BINDS = (k.SYS_BIND,)
_ABSENT = (k.SYS_IO_URING_SETUP, k.SYS_IO_URING_ENTER, k.SYS_IO_URING_REGISTER)
_FAST_OPEN_ARGUMENT = {k.SYS_SENDTO: 3, k.SYS_SENDMSG: 2, k.SYS_SENDMMSG: 3}
"""Calls that can carry MSG_FASTOPEN -> index of their flags argument."""
_ASK_RECEIVES = (k.SYS_RECVMSG, k.SYS_RECVMMSG)
_SENDTO_ADDRESS = _RECVFROM_ADDRESS = 4

_INTERNET_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_ABSENT_FAMILIES = (socket.AF_RDS, socket.AF_TIPC, k.AF_RXRPC, k.AF_SMC)
_RAW_FAMILIES = (socket.AF_PACKET, k.AF_PPPOX, k.AF_XDP)
_PLAIN_PROTOCOLS: Mapping[int, tuple[int, ...]] = {
    socket.SOCK_STREAM: (0, socket.IPPROTO_TCP),
    socket.SOCK_DGRAM: (0, socket.IPPROTO_UDP, 136, socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6),
}
"""Type of an internet socket -> the protocols that pass; 136 is IPPROTO_UDPLITE."""
_RAW_TYPES = (socket.SOCK_RAW, k.SOCK_PACKET)
_PROTOCOLS_END = 263
"""IPPROTO_MAX: from here on there is no protocol, and EINVAL; negative ones are among these (net/ipv4/af_inet.c)."""
_TYPES_END = 11
"""SOCK_MAX; that type and zero, no type either, are left to the kernel to refuse."""

_ROUTES = ((socket.IPPROTO_IP, 4), (socket.IPPROTO_IPV6, 57), (socket.IPPROTO_IPV6, 5), (socket.IPPROTO_IPV6, 6))
"""Level and name of the options that can route: IP_OPTIONS, IPV6_RTHDR, IPV6_2292RTHDR, IPV6_2292PKTOPTIONS."""
_FLOW_LABEL = 32
"""IPV6_FLOWLABEL_MGR; what is longer than its struct in6_flowlabel_req carries options (net/ipv6/ip6_flowlabel.c)."""
_FLOW_LABEL_SIZE = 32

_IOCTL = 16
_I386_IOCTL = 54
_TERMINAL_REQUESTS = {0x5412: errno.EIO, 0x541C: errno.ENOTTY}
"""TIOCSTI, TIOCLINUX -> answer; the kernel looks at the low word of a request only (tty_io.c, vt.c)."""

_PASS = k.SECCOMP_RET_ALLOW
_ASK_GUARD = k.SECCOMP_RET_USER_NOTIF


def build_filter(
    *,
    decide_datagrams: bool = False,
    ask_names: bool = False,
    ask_binds: bool = False,
    ask_receives: bool = False,
    watch_binds: bool = False,
) -> bytes:
    """Return the filter: 8 bytes an instruction, layout `layouts.FILTER_INSTRUCTION`.

    Args:
        decide_datagrams: Whether sends that can carry an address ask the guard too.
        ask_names: Whether getpeername, getsockname and the option that is Rbind ask the guard too.
        ask_binds: Whether bind does.
        ask_receives: Whether receives that tell an address do.
        watch_binds: Whether bind does, and what restricts it.
    """
    program = [
        _step(_LOAD_WORD, _ARCHITECTURE),
        *_i386_part(),
        _step(_JUMP_EQUAL, k.AUDIT_ARCH_X86_64, if_true=1),
        _errno(errno.ENOSYS),
        _step(_LOAD_WORD, _NUMBER),
        _step(_JUMP_GREATER_OR_EQUAL, k.X32_BIT, if_false=1),
        _errno(errno.ENOSYS),
    ]
    for number in (
        *_ASK,
        *_ASK_NAMES * ask_names,
        *_ASK_BINDS * (ask_binds or watch_binds),
        *_ASK_RECEIVES * ask_receives,
    ):
        program += _when(number, [_return(_ASK_GUARD)])
    if ask_receives:
        program += _when(k.SYS_RECVFROM, [*_pass_without_pointer(_RECVFROM_ADDRESS), _return(_ASK_GUARD)])
    if watch_binds:
        program += _when(k.SYS_LANDLOCK_RESTRICT_SELF, _restriction_part())
    for number in _ABSENT:
        program += _when(number, [_errno(errno.ENOSYS)])
    for number in _FAST_OPEN_ARGUMENT:
        program += _when(number, _send_part(number, decide_datagrams=decide_datagrams))
    program += _when(k.SYS_SOCKETPAIR, _pair_part())
    program += _when(k.SYS_SETSOCKOPT, _option_part(ask_rbind=ask_names))
    program += _when(k.SYS_SOCKET, _socket_part())
    program += _when(_IOCTL, _terminal_part())
    program.append(_return(_PASS))
    return b"".join(program)


def _send_part(number: int, *, decide_datagrams: bool) -> list[bytes]:
    """Refuse sends that connect; with `decide_datagrams`, ask about those that can carry an address."""
    steps = [
        _load_argument(_FAST_OPEN_ARGUMENT[number]),
        _step(_JUMP_ANY_BIT, k.MSG_FASTOPEN, if_false=1),
        _errno(errno.EOPNOTSUPP),
    ]
    if not decide_datagrams:
        return [*steps, _return(_PASS)]
    if number == k.SYS_SENDTO:
        steps += _pass_without_pointer(_SENDTO_ADDRESS)
    return [*steps, _return(_ASK_GUARD)]


def _pass_without_pointer(index: int) -> list[bytes]:
    """Let a call pass whose argument is a null pointer; others may be zero in either of their words."""
    return [
        _load_argument(index),
        _step(_JUMP_EQUAL, 0, if_false=3),
        _load_argument(index, high=True),
        *_when(0, [_return(_PASS)]),
    ]


def _restriction_part() -> list[bytes]:
    return [_load_argument(2), *_when(k.OWN_RESTRICTION, [_return(_PASS)]), _return(_ASK_GUARD)]


def _pair_part() -> list[bytes]:
    return [_load_argument(0), *_when(socket.AF_TIPC, [_errno(errno.EAFNOSUPPORT)]), _return(_PASS)]


def _option_part(*, ask_rbind: bool) -> list[bytes]:
    """Ask about TCP_ULP and Rbind, and refuse to route; an option of length zero is one that is cleared."""
    steps: list[bytes] = []
    if ask_rbind:
        steps += [_load_argument(1), *_when(k.RBIND_LEVEL, [_return(_ASK_GUARD)])]
    for level, name in _ROUTES:
        clear = [_load_argument(4), *_when(0, [_return(_PASS)]), _errno(errno.EPERM)]
        steps += [_load_argument(1), *_when(level, [_load_argument(2), *_when(name, clear)])]
    longer = [_load_argument(4), _step(_JUMP_GREATER_OR_EQUAL, _FLOW_LABEL_SIZE + 1, if_false=1), _errno(errno.EPERM)]
    label = [_load_argument(2), *_when(_FLOW_LABEL, longer)]
    steps += [_load_argument(1), *_when(socket.IPPROTO_IPV6, label)]
    upgrade = [_load_argument(2), *_when(k.TCP_ULP, [_return(_ASK_GUARD)])]
    return [*steps, _load_argument(1), *_when(socket.IPPROTO_TCP, upgrade), _return(_PASS)]


def _terminal_part() -> list[bytes]:
    """Refuse to type in the terminal's name."""
    steps = [_load_argument(1)]
    for request, number in _TERMINAL_REQUESTS.items():
        steps += _when(request, [_errno(number)])
    return [*steps, _return(_PASS)]


def _socket_part() -> list[bytes]:
    """Sort sockets by family."""
    steps = [_load_argument(0)]
    for family in _ABSENT_FAMILIES:
        steps += _when(family, [_errno(errno.EAFNOSUPPORT)])
    for family in _RAW_FAMILIES:
        steps += _when(family, [_return(_ASK_GUARD)])
    return [
        *steps,
        *(_step(_JUMP_EQUAL, family, if_true=left) for left, family in _countdown(_INTERNET_FAMILIES)),
        _return(_PASS),
        *_internet_part(),
    ]


def _internet_part() -> list[bytes]:
    """Sort sockets of the internet families by type and protocol."""
    steps = [_load_argument(1), _step(_AND, k.SOCKET_TYPE_MASK)]
    for kind in _RAW_TYPES:
        steps += _when(kind, [_return(_ASK_GUARD)])
    for kind, protocols in _PLAIN_PROTOCOLS.items():
        inside = [_load_argument(2)]
        for protocol in protocols:
            inside += _when(protocol, [_return(_PASS)])
        if kind == socket.SOCK_STREAM:
            inside += _when(k.IPPROTO_MPTCP, [_return(_ASK_GUARD)])
        inside += [_step(_JUMP_GREATER_OR_EQUAL, _PROTOCOLS_END, if_false=1), _errno(errno.EINVAL)]
        steps += _when(kind, [*inside, _errno(errno.EPROTONOSUPPORT)])
    steps += _when(0, [_return(_PASS)])
    steps += [_step(_JUMP_GREATER_OR_EQUAL, _TYPES_END, if_false=1), _return(_PASS)]
    return [*steps, _errno(errno.ESOCKTNOSUPPORT)]


def _countdown(values: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Return each value with how many instructions lie between its own and the one after a return that follows all."""
    return ((len(values) - at, value) for at, value in enumerate(values))


def _i386_part() -> list[bytes]:
    """Refuse the socket calls of the i386 entry; skipped as a whole on any other architecture."""
    inside = [_step(_LOAD_WORD, _NUMBER)]
    for number in k.I386_SOCKET_CALLS:
        inside += _when(number, [_errno(errno.EPERM)])
    inside += _when(_I386_IOCTL, _terminal_part())
    return _when(k.AUDIT_ARCH_I386, [*inside, _return(_PASS)])


def _when(constant: int, steps: Sequence[bytes]) -> list[bytes]:
    """Return steps that are skipped unless the loaded word is a constant.

    Steps that may fall through must not expect the word that was loaded before them.
    """
    return [_step(_JUMP_EQUAL, constant, if_false=len(steps)), *steps]


def _load_argument(index: int, *, high: bool = False) -> bytes:
    return _step(_LOAD_WORD, _ARGUMENTS + 8 * index + (4 if high else 0))


def _return(answer: int) -> bytes:
    return _step(_RETURN, answer)


def _errno(number: int) -> bytes:
    return _return(k.SECCOMP_RET_ERRNO | number)


def _step(code: int, constant: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    return k.FILTER_INSTRUCTION.pack(code, if_true, if_false, constant)
