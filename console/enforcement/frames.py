"""What a guard and the worker say to each other: frozen values, and their octets on the Unix socket.

Layout: a frame is a length (4 octets, big-endian, not counting itself) and that many octets of MessagePack, a tagged
array. Decisions go in a frame as the octets that the guard packed (`console.enforcement.records`).

The conversation::

    guard                                        worker
    Hello  ------------------------------------>
           <------------------------------------  Welcome (job number, what it already has, policy in force)
    Records (numbers n..m) --------------------->  one transaction
           <------------------------------------  Taken (m)
    Counted ------------------------------------>
           <------------------------------------  NewRevision
           <------------------------------------  NewAuditing
    InForce ------------------------------------>
           <------------------------------------  EndJob (an operator wants the job ended)
    End ---------------------------------------->
           <------------------------------------  Taken (last, ended)

A guard that comes back after the worker was away says Hello again with the same guard id; Welcome.last_number tells
it which records to send again. Where that is less than what it said was forgotten, the store is not the one of before,
or an older copy of it: what lies between is missing for good, and the journal says so.
"""

from __future__ import annotations

import struct
from typing import Annotated

import msgspec

from console.errors import WorkerError
from console.policy.audit_levels import Auditing
from console.policy.rule import Policy

PROTOCOL = 4
"""Raised when a frame or a policy in it changes its meaning; both sides refuse another number."""

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""A policy of 100,000 rules takes about 20 MB; anything above this is not a frame."""

_LENGTH = struct.Struct(">I")

Count = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
Number = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
"""Numbers that the journal can hold; another one makes a frame that is none."""

GuardId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]


class Hello(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """A guard introduces itself."""

    protocol: int
    guard_id: GuardId
    """32 hexadecimal digits, new for each guard."""
    pid: Count
    user: str
    """User profile of the job, upper case."""
    job_name: str
    """Third part of the qualified job name: upper case, at most 10 characters."""
    command: str
    started_ns: Number
    forgotten: Number = 0
    """Highest event number that the guard cannot send any more, because a journal has it."""


class Welcome(msgspec.Struct, frozen=True, array_like=True, tag="welcome"):
    """The worker takes the guard on."""

    protocol: int
    job_number: int
    """First part of the qualified job name, 1 to 999999; the same at each Hello of one guard."""
    last_number: int
    """Highest event number of this guard that is in the journal; 0 for none."""
    revision: int
    policy: Policy
    auditing: Auditing = Auditing()


class Records(msgspec.Struct, frozen=True, array_like=True, tag="records"):
    """Decisions, in ascending order of number."""

    octets: bytes
    """Whole records, as `console.enforcement.records` lays them out."""


class Counted(msgspec.Struct, frozen=True, array_like=True, tag="counted"):
    """What the guard has decided since it began; sent when there was something that no rule wants in the journal."""

    decided: Number
    refused: Number
    decision_us: Number


class Taken(msgspec.Struct, frozen=True, array_like=True, tag="taken"):
    """All records up to this number are in the journal, on disk."""

    number: int
    ended: bool = False
    """The End is there too: the guard has nothing left to do."""


class NewRevision(msgspec.Struct, frozen=True, array_like=True, tag="revision"):
    """A policy was activated."""

    revision: int
    policy: Policy


class NewAuditing(msgspec.Struct, frozen=True, array_like=True, tag="auditing"):
    """The auditing system values, or the levels of users, were changed."""

    auditing: Auditing


class EndJob(msgspec.Struct, frozen=True, array_like=True, tag="end_job"):
    """An operator wants the job ended; said again by each worker until it has."""

    option: str
    """``*CNTRLD`` or ``*IMMED``."""
    delay_s: Count
    """Seconds between asking and killing; 0 with ``*IMMED``."""


class InForce(msgspec.Struct, frozen=True, array_like=True, tag="in_force"):
    """The guard decides with this revision from now on."""

    revision: Count


class End(msgspec.Struct, frozen=True, array_like=True, tag="end"):
    """The job has no process left; the last frame of a guard."""

    exit_status: Count
    """As the shell shows it: the command's own status, or 128 + signal number."""


Frame = Hello | Welcome | Records | Counted | Taken | NewRevision | NewAuditing | EndJob | InForce | End

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)


def whole_text(text: str) -> str:
    """Return a text from the system with what is no UTF-8 spelt out octet by octet: no frame can carry it as it is."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace") if not text.isascii() else text


def encode(frame: Frame) -> bytes:
    """Return the octets of a frame, length included."""
    payload = _encoder.encode(frame)
    return _LENGTH.pack(len(payload)) + payload


def decode(buffer: bytes | bytearray | memoryview) -> tuple[Frame, int] | None:
    """Read one frame from the front of a buffer.

    Args:
        buffer: Octets received and not yet used.

    Returns:
        The frame and how many octets it took, or None if more are needed.

    Raises:
        WorkerError: No further octets can make this a frame.
    """
    if len(buffer) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack_from(buffer)
    if length > MAX_FRAME_BYTES:
        raise WorkerError("GWL0503", length=length)
    end = _LENGTH.size + length
    if len(buffer) < end:
        return None
    try:
        return _decoder.decode(memoryview(buffer)[_LENGTH.size : end]), end
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # msgspec lets the last two through: text that is no UTF-8, and arrays nested without end.
        raise WorkerError("GWL0504", reason=str(error)) from error
