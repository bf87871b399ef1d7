"""What the programs in the kernel tell, and what they are asked: octets to values and back. Pure.

Source: data/bpf/greenwall.h.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from console.enforcement.layouts import NO_ENDPOINT, Endpoint
from console.model.words import ExitPoint, Outcome
from console.policy.image import EXIT_POINTS

OUTCOMES = (Outcome.ALLOWED, Outcome.REJECTED, Outcome.MONITOR)
"""By their numbers."""
INERT = 1
"""Flag of a listener that was not refused at its bind: nothing can reach it."""
DATAGRAM = 2
"""Flag of a connect of a datagram socket, or of one datagram."""
RAW = 4
"""Flag of a socket, or a way of packets, that no rule sees."""
SETTLED = 8
"""Flag of a connection that went to a SOCKS server."""
NO_RELAY = 16
"""Flag of a connection that should have, and could not be led there."""
LEFT = 32
"""Flag of a connection that ended before the relay had said what became of it."""

NOTE = 128
"""Flag of what is no decision: what the relay has to say."""
BY_LEVEL = 64
"""Flag of what the audit levels have a word in."""

EVENT = struct.Struct("<QIIIIBBBBHHIHH16s16sQII32s16s")
"""struct event."""
_SETTLED = struct.Struct("<96s256s")
"""What follows the event of a connection that went to a SOCKS server."""
_KEY = struct.Struct("<QQ")
_SOURCE = struct.Struct("<QQII")
_UNDERWAY = struct.Struct(f"<QQIIQII{EVENT.size}s")
_COOKIE = struct.Struct("<Q")
_DIMENSIONS = 5
_REQUEST = struct.Struct(f"<II{_KEY.size * _DIMENSIONS}sII")
_DECISION = struct.Struct("<IIIBBBBII")
_LOWER = (1 << 64) - 1


class RunProgram(NamedTuple):
    """What a process runs, as far as the kernel says it at once."""

    inode: int
    device: int
    """With 20 bits for the minor number."""
    file: str
    """Its name without directories, of at most 31 octets; empty for none, as of the kernel's own threads."""
    thread: str
    """Name of the thread."""


class KernelEvent(NamedTuple):
    """One decision of the kernel."""

    at_ns: int
    """Since the system was started (CLOCK_MONOTONIC)."""
    pid: int
    """Process; of an accepted connection, the one that has made the listener. 0: not known."""
    uid: int
    revision: int
    sequence: int
    exit_point: ExitPoint
    outcome: Outcome
    flags: int
    alert: bool
    local: Endpoint
    remote: Endpoint
    detail: int
    """Of a connection that was refused at its SYN its number; of a socket that no rule sees family, type, protocol."""
    error: int
    """Errno of a refusal."""
    program: RunProgram
    """What the process ran at the call; of an accept, when it made its listener."""
    server: str = ""
    """The SOCKS server that it went through, or that failed."""
    text: str = ""
    """Why it failed."""
    is_silent: bool = False
    """Whether it is told for the worker to act on it, and not for the journal."""


class Underway(NamedTuple):
    """A connection that is led to the relay."""

    remote: Endpoint
    """Where it wants to go."""
    entry: int
    """Sequence number of the SOCKS entry that is about it."""
    revision: int
    cookie: int
    """Of its socket."""
    uid: int


class Answer(NamedTuple):
    """What the kernel would decide."""

    sequence: int
    error: int
    revision: int
    outcome: Outcome
    journal: bool
    alert: bool
    off: bool
    """Whether the exit point is *OFF."""
    by_level: bool
    """Whether the audit levels have a word in whether it is written."""


def read_event(octets: bytes) -> KernelEvent:
    """Return the event that was told."""
    (
        at_ns, pid, uid, revision, sequence, exit_point, outcome, flags, alert, local_port, remote_port,
        detail, error, is_silent, local, remote, inode, device, _, file, thread,
    ) = EVENT.unpack_from(octets)  # fmt: skip
    server, text = _SETTLED.unpack_from(octets, EVENT.size) if len(octets) > EVENT.size else (b"", b"")
    return KernelEvent(
        at_ns,
        pid,
        uid,
        revision,
        sequence,
        EXIT_POINTS[exit_point],
        OUTCOMES[outcome],
        flags,
        bool(alert),
        Endpoint(int.from_bytes(local, "big"), local_port),
        Endpoint(int.from_bytes(remote, "big"), remote_port),
        detail,
        error,
        RunProgram(inode, device, _text(file), _text(thread)),
        _text(server),
        _text(text),
        bool(is_silent),
    )


UNDERWAY_SIZE = _UNDERWAY.size
"""Octets of what is kept of a connection on its way."""


def source_key(source: Endpoint) -> bytes:
    """Return the key under which a connection on its way is kept: where it comes from."""
    return _SOURCE.pack(source.address >> 64, source.address & _LOWER, source.port, 0)


def read_underway(octets: bytes) -> Underway:
    """Return what is kept of a connection on its way."""
    upper, lower, port, entry, cookie, revision, _, event = _UNDERWAY.unpack(octets)
    return Underway(Endpoint(upper << 64 | lower, port), entry, revision, cookie, read_event(event).uid)


def settlement(source: Endpoint, cookie: int, server: str, text: str) -> bytes:
    """Return the octets that say what became of a connection; what is too long is cut."""
    return source_key(source) + _SETTLED.pack(server.encode(), text.encode()) + _COOKIE.pack(cookie)


def note(text: str) -> bytes:
    """Return the octets that put a text into the journal."""
    return settlement(NO_ENDPOINT, 0, "", text)


def _text(octets: bytes) -> str:
    return octets.partition(b"\0")[0].decode(errors="backslashreplace")


def question(exit_point: ExitPoint, uid: int, local: Endpoint, remote: Endpoint) -> bytes:
    """Return the octets that ask what would be decided."""
    return _question(EXIT_POINTS.index(exit_point), uid, local, remote)


def question_of_way(uid: int, remote: Endpoint) -> bytes:
    """Return the octets that ask for the SOCKS entry of a connection; the answer has its sequence number, or 0."""
    return _question(len(EXIT_POINTS), uid, NO_ENDPOINT, remote)


def _question(exit_point: int, uid: int, local: Endpoint, remote: Endpoint) -> bytes:
    keys = b"".join(_KEY.pack(value >> 64, value & _LOWER) for value in (uid, *local, *remote))
    return _REQUEST.pack(exit_point, 0, keys, 0, 0) + bytes(_DECISION.size)


def read_answer(octets: bytes) -> Answer:
    """Return what was answered to a `question`."""
    sequence, error, revision, outcome, journal, alert, off, _, _ = _DECISION.unpack(octets[_REQUEST.size :])
    return Answer(
        sequence, error, revision, OUTCOMES[outcome], bool(journal), bool(alert), bool(off), bool(journal & 2)
    )
