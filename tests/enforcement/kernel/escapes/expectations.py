"""What must come of each technique, as data: what it prints, what the witness saw, what the journal holds.

A technique tries its call where a rule must stop it, and where the rules allow it; the calls that are refused by name
fail alike in both cases. All addresses are reached at the witness's open port unless a key says ``closed``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FORBIDDEN = "127.0.0.2"
ALLOWED = "127.0.0.1"
BOTH = ("forbidden EPERM", "allowed 0")


@dataclass(frozen=True)
class Call:
    """A technique of single calls."""

    technique: str
    lines: tuple[str, ...] = BOTH
    arrived: Mapping[str, int] = field(default_factory=lambda: {f"tcp {ALLOWED}": 1})
    """Kind and address -> connections or datagrams at the witness; nothing else may have come."""
    journal: Mapping[str, int] = field(
        default_factory=lambda: {f"*CONNECT *ALLOWED {ALLOWED}": 1, f"*CONNECT *REJECTED {FORBIDDEN}": 1}
    )
    """Exit point, outcome and address (for listen the local one, otherwise the remote one) -> entries."""

    needs_root: bool = False

    def __str__(self):
        return self.technique


@dataclass(frozen=True)
class Race:
    """A technique that tries again and again."""

    technique: str
    rounds: int
    """Of the default run; a campaign makes at least 100,000."""
    lines: tuple[str, ...] = ("wrong 0",)
    arrives: bool = False
    """Whether it makes connections to the allowed address, all of which must have arrived there."""
    needs_luck: bool = True
    """Otherwise it wins or loses each round alike, and a campaign makes no more of them."""
    needs_root: bool = False

    def __str__(self):
        return self.technique


def _connects(allowed, refused, **addresses):
    journal = {f"*CONNECT *ALLOWED {ALLOWED}": allowed, f"*CONNECT *REJECTED {FORBIDDEN}": refused} | addresses
    return {key: count for key, count in journal.items() if count}


_FAST_OPEN = ("forbidden EOPNOTSUPP", "allowed EOPNOTSUPP")
_IN_MESSAGE = ("flag in the message, forbidden EPIPE", "flag in the message, allowed EPIPE")
_I386_CALLS = (
    "socket", "bind", "connect", "listen", "accept4", "sendto", "sendmsg", "sendmmsg", "io_uring_setup",
    "io_uring_enter", "io_uring_register",
)  # fmt: skip
_CHAIN = ("vfork", "posix_spawn", "clone", "clone", "clone", "clone", "exec in a thread")
_OTHER_PROTOCOLS = {
    "SCTP": "EPROTONOSUPPORT", "SCTP 6": "EPROTONOSUPPORT", "SCTP packets": "ESOCKTNOSUPPORT",
    "SCTP unnamed": "ESOCKTNOSUPPORT", "DCCP": "ESOCKTNOSUPPORT", "DCCP unnamed": "ESOCKTNOSUPPORT",
    "SMC family": "EAFNOSUPPORT", "SMC": "EPROTONOSUPPORT", "SMC 6": "EPROTONOSUPPORT",
    "with flags": "ESOCKTNOSUPPORT", "RDS": "EAFNOSUPPORT", "reserved": "EPROTONOSUPPORT",
    "TCP": "0", "TCP 6": "0", "UDP": "0", "Unix": "0",
}  # fmt: skip
_X32_CALLS = (
    "socket", "connect", "accept", "sendto", "listen", "accept4", "io_uring_setup", "io_uring_enter", "own sendmsg",
    "own sendmmsg", "own ioctl", "own setsockopt", "last", "allowed connect",
)  # fmt: skip
_LENGTHS = 113
"""16 to 128: the lengths of an address that the kernel takes of a sockaddr_in."""

CALLS = (
    Call("plain_connect"),
    Call("mapped_address"),
    Call(
        "scoped_address",
        ("link-local EPERM", "link-local, no scope EPERM", "scope forbidden EPERM", "scope allowed 0",
         "flow forbidden EPERM", "flow allowed 0", "short forbidden EPERM", "short allowed 0"),
        {"tcp ::1": 3},
        {"*CONNECT *ALLOWED ::1": 3, "*CONNECT *REJECTED ::1": 3, "*CONNECT *REJECTED fe80::1": 2},
    ),
    Call(
        "short_and_long_address",
        ("forbidden -2:EINVAL 16:EPERM 129:EINVAL", "allowed -2:EINVAL 16:0 129:EINVAL", "edge EFAULT"),
        {f"tcp {ALLOWED}": _LENGTHS},
        _connects(_LENGTHS, _LENGTHS),
    ),
    Call(
        "connect_af_unspec_then",
        (*BOTH, "without family, forbidden 0", "without family, allowed 0"),
        {f"tcp {ALLOWED}": 3},
        _connects(3, 1),
    ),
    Call(
        "any_address",
        (*BOTH, ":: forbidden EPERM", ":: allowed 0", "mapped forbidden EPERM", "mapped allowed 0"),
        {f"tcp {ALLOWED}": 2, "tcp ::1": 1},
        _connects(2, 1) | {"*CONNECT *ALLOWED ::1": 1, "*CONNECT *REJECTED ::1": 1,
                           f"*CONNECT *REJECTED {ALLOWED}": 1},
    ),
    Call("fastopen_sendto", (*_FAST_OPEN, "flags above an int EOPNOTSUPP"), {}, {}),
    Call("fastopen_sendmsg", (*_FAST_OPEN, *_IN_MESSAGE), {}, {}),
    Call("fastopen_sendmmsg", (*_FAST_OPEN, *_IN_MESSAGE), {}, {}),
    Call(
        "tcp_fastopen_connect",
        (*BOTH, "sent nowhere EOPNOTSUPP"),
        {f"tcp {ALLOWED}": 2},
        _connects(3, 1),
    ),
    Call("x32_calls", tuple(f"{name} ENOSYS" for name in _X32_CALLS), {}, {}),
    Call(
        "int80_socketcall",
        tuple(f"{what} {call} EPERM" for what in ("forbidden", "allowed") for call in range(1, 21)),
        {},
        {},
    ),
    Call(
        "int80_calls",
        ("forbidden", *(f"{name} EPERM" for name in _I386_CALLS),
         "allowed", *(f"{name} EPERM" for name in _I386_CALLS), "getpid 0"),
        {},
        {},
    ),
    Call(
        "io_uring_connect",
        ("setup ENOSYS", "enter ENOSYS", "register ENOSYS", "register without ring ENOSYS"),
        {},
        {},
    ),
    Call(
        "other_protocols",
        tuple(f"{name} {result}" for name, result in _OTHER_PROTOCOLS.items() for _ in range(2)),
        {},
        {},
    ),
    Call(
        "source_route",
        ("loose EPERM", "strict EPERM", "no route EPERM", "cleared 0", "routing header EPERM", "cleared 0",
         "old routing header EPERM", "old options EPERM", "flow label with a route EPERM", "flow label 0",
         "another option 0"),
        {},
        {},
    ),
    Call(
        "terminal_input",
        ("TIOCSTI EIO", "with a high word EIO", "i386 TIOCSTI EIO", "TIOCLINUX ENOTTY", "waiting 0"),
        {},
        {},
    ),
    Call("syscall_user_dispatch"),
    Call(
        "own_seccomp_filter",
        (*(f"{answer}: {line}" for answer in ("allow", "log", "trace") for line in BOTH),
         "user notification: forbidden ENOSYS", "user notification: allowed ENOSYS",
         "errno 0: forbidden 0", "errno 0: allowed 0", "errno: forbidden EXDEV", "errno: allowed EXDEV",
         "trap: forbidden EINTR", "trap: allowed EINTR"),
        {f"tcp {ALLOWED}": 3},
        _connects(3, 3),
    ),
    Call(
        "nested_user_notification",
        ("listener EBUSY", "listener of all threads EBUSY", "in a thread EBUSY", "in a child EBUSY", *BOTH),
    ),
    Call(
        "vfork_exec_chain",
        ("forbidden", *(f"{way} EPERM" for way in _CHAIN), "allowed", *(f"{way} 0" for way in _CHAIN)),
        {f"tcp {ALLOWED}": len(_CHAIN)},
        _connects(len(_CHAIN), len(_CHAIN)),
    ),
    Call(
        "exec_beside_shared_memory",
        BOTH,
        {f"tcp {ALLOWED}": 1},
        _connects(1, 1, **{f"*CONNECT *REJECTED {ALLOWED}": 4}),
    ),
    Call(
        "ptrace_changes_call",
        tuple(f"another {what}, {line}" for what in ("call", "address") for line in BOTH),
        {f"tcp {ALLOWED}": 2},
        _connects(2, 2),
    ),
    Call(
        "namespaces",
        ("users:", *BOTH, "processes:", *BOTH, "mounts:", *BOTH,
         "network:", *BOTH, "forbidden there EPERM", "allowed there ENETUNREACH"),
        {f"tcp {ALLOWED}": 4},
        _connects(5, 5),
    ),
    Call(
        "setuid_between",
        ("thread as root 0", "thread as nobody EPERM", "process meanwhile 0", "thread as root again 0",
         "real and saved user nobody 0", "nobody for good EPERM", "process afterwards 0",
         "nobody EPERM", "nobody with users of its own EPERM", "uid there 0", "nobody as root there EPERM"),
        {"tcp 127.0.0.7": 5},
        {"*CONNECT *ALLOWED 127.0.0.7": 5, "*CONNECT *REJECTED 127.0.0.7": 5},
        needs_root=True,
    ),
    Call(
        "listen_without_bind",
        ("forbidden EPERM", "listens 0", "forbidden 6 EPERM", "listens 0", "allowed 0", "listens 1"),
        {},
        {"*LISTEN *REJECTED 0.0.0.0": 2, f"*LISTEN *ALLOWED {ALLOWED}": 1},
    ),
    Call(
        "dual_stack_listener",
        ("both families EPERM", "listens 0", "IPv6 only 0", "listens 1", "one address 0", "listens 1"),
        {},
        {"*LISTEN *REJECTED 0.0.0.0": 1, "*LISTEN *ALLOWED ::": 1, "*LISTEN *ALLOWED ::1": 1},
    ),
    Call(
        "mptcp_socket",
        ("protocol 6", BOTH[0], "protocol 6", BOTH[1], "fast open EOPNOTSUPP"),
    ),
    Call(
        "raw_socket",
        tuple(f"{kind} EPERM" for kind in ("IPv4", "IPv4, any", "IPv6", "with flags", "old packet", "packet",
                                           "cooked packet", "XDP")),
        {},
        {"*CONNECT *REJECTED ": 8},
    ),
    Call("tcp_repair", arrived={}, needs_root=True),
    Call("unshare_files", (*BOTH, "its own is connected 0", "the other is not ENOTCONN")),
    Call(
        "listen_in_other_words",
        ("forbidden EPERM", "listens 0", "mapped forbidden EPERM", "listens 0", "mapped allowed 0", "listens 1",
         "allowed 0", "listens 1", "more backlog 0", "bound anew 0", "after shutdown EPERM", "listens 0",
         "after dissolving EPERM", "listens 0"),
        {f"tcp {ALLOWED}": 1},
        {f"*CONNECT *ALLOWED {ALLOWED}": 1, f"*LISTEN *ALLOWED {ALLOWED}": 3, "*LISTEN *REJECTED 127.0.0.66": 4},
    ),
)  # fmt: skip

RACES = (
    Race("rewrite_sockaddr", 100_000, (), arrives=True),
    Race("rewrite_sockaddr_by_another_process", 100_000, ("both 1",), arrives=True),
    Race("remap_sockaddr", 100_000, (), arrives=True),
    Race("dup2_during_connect", 100_000, ("both 1",), arrives=True),
    Race("unix_cover_connect", 100_000),
    Race("unix_cover_listen", 100_000, ("wrong 0", "both 1")),
    Race("unix_cover_accept", 100_000, ("wrong 0", "took 1")),
    Race("listener_swapped_during_accept", 100_000, ("wrong 0", "took 1")),
    Race("bind_during_listen", 100_000, ()),
    Race("close_during_accept", 10_000, ("wrong 0", "took 1")),
    Race("interrupted_connect", 100_000, ("both 1",), arrives=True),
    Race("clone_files_sharing", 100_000),
    Race("exec_during_accept", 500, ("wrong 0", "fine 1", "other 0"), needs_root=True),
    Race(
        "userfaultfd_between_looks", 500, ("wrong 0", "looked twice 1"), arrives=True, needs_luck=False, needs_root=True
    ),
)

_WAYS = (
    "connect", "sendto", "without family", "on IPv6", "mapped", "far", "elsewhere", "sendmsg", "long name", "route",
    "sendmmsg", "corked", "any", "lite",
)  # fmt: skip

DATAGRAMS = tuple(
    f"{way}: {line}" for way in _WAYS for line in (BOTH if way != "route" else ("forbidden EPERM", "allowed EPERM"))
)
"""What `udp_calls` says where datagrams are decided; one that carries a source route is refused wherever it goes."""
DATAGRAMS_ARRIVED = {f"udp {ALLOWED}": 12, "udp 127.0.0.9": 2}
"""A datagram each way but two: one is refused and, of UDP-Lite, nobody waits for it; corked ones are one."""
