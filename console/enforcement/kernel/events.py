"""What the programs in the kernel tell, and what they are asked: octets to values and back. Pure.

Source: data/bpf/greenwall.h.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from console.enforcement.layouts import Endpoint
from console.model.words import ExitPoint, Outcome
from console.policy.image import EXIT_POINTS

OUTCOMES = (Outcome.ALLOWED, Outcome.REJECTED, Outcome.MONITOR)
"""By their numbers."""
INERT = 1
"""Flag of a listener that was not refused at its bind: nothing can reach it."""

_EVENT = struct.Struct("<QIIIIBBBBHHII16s16s16s")
_KEY = struct.Struct("<QQ")
_DIMENSIONS = 5
_REQUEST = struct.Struct(f"<II{_KEY.size * _DIMENSIONS}sII")
_DECISION = struct.Struct("<IIIBBBB")
_LOWER = (1 << 64) - 1


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
    syn_number: int
    """Of a connection that was refused at its SYN."""
    error: int
    """Errno of a refusal."""
    comm: str
    """Name of the thread; in the kernel's own threads, whose it is."""


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


def read_event(octets: bytes) -> KernelEvent:
    """Return the event that was told."""
    (
        at_ns, pid, uid, revision, sequence, exit_point, outcome, flags, alert, local_port, remote_port,
        syn_number, error, local, remote, comm,
    ) = _EVENT.unpack(octets)  # fmt: skip
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
        syn_number,
        error,
        comm.partition(b"\0")[0].decode(errors="backslashreplace"),
    )


def question(exit_point: ExitPoint, uid: int, local: Endpoint, remote: Endpoint) -> bytes:
    """Return the octets that ask what would be decided."""
    values = (uid, *local, *remote)
    keys = b"".join(_KEY.pack(value >> 64, value & _LOWER) for value in values)
    return _REQUEST.pack(EXIT_POINTS.index(exit_point), 0, keys, 0, 0) + bytes(_DECISION.size)


def read_answer(octets: bytes) -> Answer:
    """Return what was answered to a `question`."""
    sequence, error, revision, outcome, journal, alert, off = _DECISION.unpack(octets[_REQUEST.size :])
    return Answer(sequence, error, revision, OUTCOMES[outcome], bool(journal), bool(alert), bool(off))
