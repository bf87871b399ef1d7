"""What a guard and the worker say to each other: frozen values, and their octets on the Unix socket.

Layout: a frame is a length (4 octets, big-endian, not counting itself) and that many octets of MessagePack, a tagged
array. A stream of frames is also what a spool file holds (see `console.enforcement.spool`).

The conversation::

    guard                                        worker
    Hello  ------------------------------------>
           <------------------------------------  Welcome (job number, what it already has, policy in force)
    Entries (numbers n..m) --------------------->  one transaction
           <------------------------------------  Taken (m)
           <------------------------------------  NewRevision
    InForce ------------------------------------>
    End ---------------------------------------->
           <------------------------------------  Taken (last)

A guard that comes back after the worker was away says Hello again with the same guard id; Welcome.last_number tells
it which entries to send again.
"""

from __future__ import annotations

import struct
from typing import Annotated

import msgspec

from console.errors import WorkerError
from console.policy.rule import Policy

PROTOCOL = 1
"""Raised when a frame changes its meaning; both sides refuse another number."""

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""A policy of 100,000 rules takes about 20 MB; anything above this is not a frame."""

_LENGTH = struct.Struct(">I")

Count = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
Number = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
"""Numbers that the journal can hold; another one makes a frame that is none."""

GuardId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]


class Event(msgspec.Struct, frozen=True, array_like=True):
    """One decided call, as the guard saw it; becomes one SK entry."""

    number: Number
    """Running number of this guard, from 1, without gaps."""
    at_ns: Number
    """Nanoseconds since 1970-01-01T00:00:00Z."""
    sk_type: str
    outcome: str
    exit_point: str
    rule_sequence: Count
    revision: Count
    user: str
    pid: Count
    program: str
    address_family: str
    local_address: str
    local_port: Port
    remote_address: str
    remote_port: Port
    socks_server: str
    decision_us: Count
    """Microseconds from receiving the notification to having decided."""
    text: str
    """Why, where the rule does not say it: an unreadable caller, a connection that could not be delivered."""


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


class Welcome(msgspec.Struct, frozen=True, array_like=True, tag="welcome"):
    """The worker takes the guard on."""

    protocol: int
    job_number: int
    """First part of the qualified job name, 1 to 999999; the same at each Hello of one guard."""
    last_number: int
    """Highest event number of this guard that is in the journal; 0 for none."""
    revision: int
    policy: Policy


class Entries(msgspec.Struct, frozen=True, array_like=True, tag="entries"):
    """Events in ascending order of number."""

    events: tuple[Event, ...]


class Taken(msgspec.Struct, frozen=True, array_like=True, tag="taken"):
    """All events up to this number are in the journal, on disk."""

    number: int


class NewRevision(msgspec.Struct, frozen=True, array_like=True, tag="revision"):
    """A policy was activated."""

    revision: int
    policy: Policy


class InForce(msgspec.Struct, frozen=True, array_like=True, tag="in_force"):
    """The guard decides with this revision from now on."""

    revision: Count


class End(msgspec.Struct, frozen=True, array_like=True, tag="end"):
    """The job has no process left; the last frame of a guard."""

    exit_status: Count
    """As the shell shows it: the command's own status, or 128 + signal number."""


Frame = Hello | Welcome | Entries | Taken | NewRevision | InForce | End

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)


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
