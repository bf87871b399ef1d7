"""The internet sockets of this system and the processes that hold them, read from /proc.

psutil knows the processes; of the sockets it says neither the inode nor the owner, and of several processes that hold
one socket it names one. Whether a socket is shared, and whose it is where its process cannot be seen, is what coverage
is about: so the tables of proc(5) are read here.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

_PROC = Path("/proc")

LISTEN = "LISTEN"
"""State of a TCP socket that takes connections."""
OPEN = "OPEN"
"""State of a datagram or raw socket without a fixed other end."""

_TABLES = (
    ("tcp", "TCP"), ("tcp6", "TCP"), ("udp", "UDP"), ("udp6", "UDP"), ("udplite", "UDPLITE"), ("udplite6", "UDPLITE"),
    ("raw", "RAW"), ("raw6", "RAW"),
)  # fmt: skip
"""File in /proc/net -> protocol; a kernel without it has no such file. All have the layout of proc_net_tcp."""
_TCP_STATES = (
    "", "ESTABLISHED", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSE", "CLOSE-WAIT",
    "LAST-ACK", LISTEN, "CLOSING", "SYN-RECV",
)  # fmt: skip
"""By number (include/net/tcp_states.h)."""
_ESTABLISHED = 1
_PREFIX = "socket:["
_VERSION_2 = "0::"
"""How the line of the cgroup of version 2 begins (cgroups(7))."""
_KERNEL_THREAD = 0x0020_0000
"""PF_KTHREAD of include/linux/sched.h."""
_STAT_STATE, _STAT_PARENT, _STAT_FLAGS, _STAT_STARTED = 0, 1, 6, 19
"""Fields of /proc/PID/stat counted from behind the name: state, ppid, flags, starttime (proc_pid_stat(5))."""
_ZOMBIE = "Z"


@dataclass(frozen=True, slots=True)
class HostSocket:
    """One socket that a process has open."""

    inode: int
    protocol: str
    state: str
    local_address: str
    local_port: int
    remote_address: str
    """Empty without another end."""
    remote_port: int
    user_id: int
    """Who made it."""
    namespace: int = 0
    """Inode of the network namespace that it is in; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class HostProcess:
    """One process, as far as it may be looked at."""

    pid: int
    parent: int
    started: float
    """Seconds since 1970-01-01T00:00:00Z."""
    name: str
    program: str
    """Path of what it executes; empty where that may not be seen."""
    filters: int
    """How many seccomp filters it stands under."""
    sockets: frozenset[int] | None
    """Inodes of the sockets that it holds; None where that may not be seen."""
    namespace: int = 0
    """Inode of its network namespace; 0 where that may not be seen."""
    cgroup: str = ""
    """Path of its cgroup of version 2 below the mount of those; empty without one."""


def own_namespace() -> int:
    """Return the inode of the network namespace that this process is in."""
    return _inode(_PROC / "self/ns/net")


def cgroup_mount() -> Path | None:
    """Return where the cgroups of version 2 are mounted; None where they are not.

    Source: proc_pid_mountinfo(5).
    """
    for line in (_PROC / "self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            return Path(before.split(" ")[4].encode("utf-8", "surrogateescape").decode("unicode_escape"))
    return None


def read_processes() -> list[HostProcess]:
    """Return the processes of this system, kernel threads left out; one that ends meanwhile is not there."""
    booted = psutil.boot_time()
    found = (_process(pid, booted) for pid in psutil.pids())
    return [process for process in found if process is not None]


def read_sockets(processes: Iterable[HostProcess]) -> list[HostSocket]:
    """Return the sockets of every network namespace that a process which may be looked at is in.

    Left out is what no process has: connections that wait to be accepted, and those that the kernel winds up.

    Args:
        processes: As `read_processes` gives them.
    """
    one_of_each: dict[int, str] = {own_namespace(): "self"}
    for process in processes:
        if process.namespace:
            one_of_each.setdefault(process.namespace, str(process.pid))
    found: dict[int, HostSocket] = {}
    for namespace, pid in one_of_each.items():
        for table, protocol in _TABLES:
            sockets = _table(_PROC / pid / "net" / table, protocol)
            found |= {each.inode: replace(each, namespace=namespace) for each in sockets}
    return list(found.values())


def _process(pid: int, booted: float) -> HostProcess | None:
    place = _PROC / str(pid)
    try:
        name, fields = _stat(place)
        status = (place / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended, or hidepid hides it
        return None
    if int(fields[_STAT_FLAGS]) & _KERNEL_THREAD:
        return None
    return HostProcess(
        pid=pid,
        parent=int(fields[_STAT_PARENT]),
        started=booted + int(fields[_STAT_STARTED]) / os.sysconf("SC_CLK_TCK"),
        name=name,
        program=_link(place / "exe"),
        filters=int(status.partition("\nSeccomp_filters:")[2].split()[0]),
        sockets=_held_by_threads(place) if fields[_STAT_STATE] == _ZOMBIE else _held(place / "fd"),
        namespace=_inode(place / "ns/net"),
        cgroup=_cgroup(place),
    )


def _stat(place: Path) -> tuple[str, list[str]]:
    """Return the name of a process, which may hold anything, and the fields behind it."""
    text = (place / "stat").read_text(encoding="utf-8", errors="surrogateescape")
    head, _, rest = text.rpartition(")")
    return head.partition("(")[2], rest.split()


def _held_by_threads(place: Path) -> frozenset[int] | None:
    """Return what a process holds whose first thread has ended before the others, and with it its list."""
    try:
        found = [_held(task / "fd") for task in (place / "task").iterdir()]
    except OSError:
        return frozenset()
    return None if None in found else frozenset().union(*(each for each in found if each))


def _held(place: Path) -> frozenset[int] | None:
    try:
        names = os.listdir(place)
    except PermissionError:
        return None
    except OSError:
        return frozenset()
    links = (_link(place / name) for name in names)
    return frozenset(int(link[len(_PREFIX) : -1]) for link in links if link.startswith(_PREFIX))


def _cgroup(place: Path) -> str:
    lines: list[str] = []
    with contextlib.suppress(OSError):
        lines = (place / "cgroup").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    return next((line.removeprefix(_VERSION_2) for line in lines if line.startswith(_VERSION_2)), "")


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _table(path: Path, protocol: str) -> Iterator[HostSocket]:
    lines: list[str] = []
    with contextlib.suppress(OSError):  # a protocol that the kernel does not have, or a process that has ended
        lines = path.read_text(encoding="ascii").splitlines()[1:]
    for line in lines:
        found = parse_socket(line, protocol)
        if found.inode:
            yield found


def parse_socket(line: str, protocol: str) -> HostSocket:
    """Read one line of a socket table.

    Layout: number, local address:port, remote address:port, state, queues, timer, retransmissions, user id, timeout,
    inode; blanks between. Addresses are 32-bit words of the machine's byte order in hexadecimal.
    Source: Documentation/networking/proc_net_tcp.rst.
    """
    words = line.split()
    local_address, local_port = _end(words[1])
    remote_address, remote_port = _end(words[2])
    number = int(words[3], 16)
    if protocol == "TCP":
        state = _TCP_STATES[number] if number < len(_TCP_STATES) else str(number)
    else:
        state = "ESTABLISHED" if number == _ESTABLISHED else OPEN
    has_other_end = state not in (LISTEN, OPEN)
    return HostSocket(
        inode=int(words[9]),
        protocol=protocol,
        state=state,
        local_address=local_address,
        local_port=local_port,
        remote_address=remote_address if has_other_end else "",
        remote_port=remote_port if has_other_end else 0,
        user_id=int(words[7]),
    )


def _end(text: str) -> tuple[str, int]:
    address, _, port = text.partition(":")
    words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
    octets = struct.pack(f"={len(words)}I", *words)
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, octets), int(port, 16)


def lineage(process: HostProcess, by_pid: Mapping[int, HostProcess]) -> Iterator[HostProcess]:
    """Yield the parent of a process, its parent, and so on; ends where one cannot be seen."""
    seen = {process.pid}
    while (parent := by_pid.get(process.parent)) is not None and parent.pid not in seen:
        yield parent
        seen.add(parent.pid)
        process = parent
