"""Decisions as octets, from the moment they are made until they are in the journal. Pure.

A guard packs each decision once, into memory that outlives it (`console.enforcement.segment`); the same octets go over
the worker's socket and lie in a dead guard's segments. The worker reads them, and believes nothing before it has.

Layout: A record is a seal (8 octets), a head of fixed length, four texts, and octets of 0 up to the next multiple of 8;
all little-endian. The seal is the length of the whole record in 24 bits, 0xA5 in 8 bits, and in 32 bits the CRC-32 of
all that follows. It is stored last, by one aligned move of the processor: at whatever moment the guard is killed, a
reader finds the record whole, or a seal of 0 where it would have begun.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple
from zlib import crc32

from console import compiled
from console.enforcement.layouts import Endpoint, address_text, is_mapped
from console.errors import WorkerError
from console.model.words import SK_TYPES, AddressFamily, ExitPoint, Outcome, SkType
from console.policy.request import Decision
from console.store.text import storable

SEAL = struct.Struct("<Q")
"""How a record begins; 0 where there is none."""
LONGEST_RECORD = 8192
"""Octets; the texts are cut so that no record is longer."""

_HEAD = struct.Struct("<QQQQQIIII16s16sHHBBHHHH")
"""Number, nanoseconds since 1970; decided, refused and microseconds of `Totals`; rule, revision, process, microseconds;
local and remote address in network order, local and remote port; exit point, outcome; octets of each of the texts."""
_VARYING = struct.Struct("<QQQQQ12sI16s16sHH")
"""The same up to the ports; rule, revision and process are the octets of `_COUNTS`."""
_COUNTS = struct.Struct("<III")
_WORDS = struct.Struct("<BBHHHH")
"""What comes after the ports."""
_MARK = 0xA500_0000
_MARK_MASK = 0xFF00_0000
_LENGTH_MASK = 0x00FF_FFFF
_PADDING = tuple(b"\0" * (-length % SEAL.size) for length in range(SEAL.size))
_LONGEST_USER, _LONGEST_PROGRAM, _LONGEST_TEXT = 256, 4096, 2048
"""Octets. The second is PATH_MAX; the journal takes no more of either."""
_LONGEST_SERVER = 512
"""Octets; a name has 253 at most."""
_MOST_USER, _MOST_PROGRAM, _MOST_SERVER = 64, 4096, 96
"""Characters that the journal's columns take."""
_NUMBER_END, _COUNT_END = 2**62, 2**31
"""What the columns of the journal hold."""


class Seen(Enum):
    """What a record is about that is no call of an exit point, or more than that."""

    DATAGRAM = "decided datagram"
    """A decision of *CONNECT about a datagram."""
    PORT = "port"
    """A bind or listen for which no port could be had."""
    RECEIVED = "received"
    """The first datagram from a peer, about which nobody was asked."""
    SENT = "sent"
    """The first datagram to a peer, about which nobody was asked."""
    REFUSED_LISTEN = "refused listen"
    """Stands beside the decision that rejected the listen."""


class _Form(NamedTuple):
    """How the journal shows one kind of record."""

    exit_point: str
    sk_type: str
    has_outcome: bool = True
    entry_type: str = "SK"


_KINDS: tuple[ExitPoint | Seen, ...] = (*ExitPoint, *Seen)
EXIT_POINT_CODES: Mapping[ExitPoint | Seen, int] = {kind: code for code, kind in enumerate(_KINDS)}
"""Exit point, or what else a record may be about -> its number in a record."""
_FORMS: Mapping[ExitPoint | Seen, _Form] = {
    **{point: _Form(point, SK_TYPES[point]) for point in ExitPoint},
    Seen.DATAGRAM: _Form(ExitPoint.CONNECT, SkType.OUTBOUND),
    Seen.PORT: _Form("", SkType.PORT, has_outcome=False),
    Seen.RECEIVED: _Form("", SkType.INBOUND, has_outcome=False),
    Seen.SENT: _Form("", SkType.OUTBOUND, has_outcome=False),
    Seen.REFUSED_LISTEN: _Form(ExitPoint.LISTEN, "", entry_type="AF"),
}
SK_TYPE_OF: Mapping[ExitPoint | Seen, str] = {kind: form.sk_type for kind, form in _FORMS.items()}
"""What a record is about -> type of its SK entry."""
OUTCOMES = tuple(Outcome)
"""By their numbers in a record."""
OUTCOME_CODES = {outcome: code for code, outcome in enumerate(OUTCOMES)}
"""Outcome -> its number in a record."""
_NOTICE = 255
"""In place of an exit point."""
_NO_ADDRESS = bytes(16)
_new = tuple.__new__
"""Makes a named tuple in half the time."""


class Who(NamedTuple):
    """The caller of one call, as rules and the journal name it."""

    user: str
    program: str
    process: int


class Decided(NamedTuple):
    """One decision, as the guard makes it."""

    at_ns: int
    exit_point: ExitPoint | Seen
    decision: Decision
    revision: int
    who: Who
    local: Endpoint
    remote: Endpoint
    decision_us: int
    text: str
    socks_server: str = ""
    """Host and port of the one that it went through, or that failed; empty for a call that went directly."""


class Totals(NamedTuple):
    """What a guard has decided since it began, journalled or not."""

    decided: int = 0
    refused: int = 0
    decision_us: int = 0


class Event(NamedTuple):
    """One decision, or what else a guard has seen, as the worker reads it; becomes one entry."""

    number: int
    """Running number of this guard, from 1, without gaps."""
    at_ns: int
    """Nanoseconds since 1970-01-01T00:00:00Z."""
    sk_type: str
    outcome: str
    exit_point: str
    rule_sequence: int
    revision: int
    user: str
    pid: int
    program: str
    address_family: str
    local_address: str
    local_port: int
    remote_address: str
    remote_port: int
    socks_server: str
    decision_us: int
    """Microseconds from receiving the notification to having decided."""
    text: str
    """Why, where the rule does not say it: an unreadable caller, a connection that could not be delivered."""
    totals: Totals = Totals()
    """The guard's, up to and with this."""
    entry_type: str = "SK"
    """``GR`` for a notice."""


def pack(number: int, totals: tuple[int, int, int], decided: Decided) -> bytes:
    """Return a decision's record but for its seal. It stands in the way of every supervised call, and is quick."""
    (
        at_ns, exit_point, decision, revision, (user, program, process), local, remote, decision_us, text, socks_server,
    ) = decided  # fmt: skip
    all_decided, all_refused, all_us = totals
    names, user_length, program_length = _names(user, program)
    text_octets = text.encode("utf-8", "surrogateescape")[:_LONGEST_TEXT] if text else b""
    server_octets = socks_server.encode()[:_LONGEST_SERVER] if socks_server else b""
    head = _HEAD.pack(
        number, at_ns, all_decided, all_refused, all_us, decision.sequence, revision, process, decision_us,
        local[0].to_bytes(16, "big"), remote[0].to_bytes(16, "big"), local[1], remote[1],
        EXIT_POINT_CODES[exit_point], OUTCOME_CODES[decision.outcome],
        user_length, program_length, len(server_octets), len(text_octets),
    )  # fmt: skip
    body = head + names + server_octets + text_octets
    return body + _PADDING[len(body) & 7]


@lru_cache(maxsize=1024)
def _names(user: str, program: str) -> tuple[bytes, int, int]:
    """Return the octets of two names, one after the other, and how many each has; a job has few of them."""
    first = user.encode("utf-8", "surrogateescape")[:_LONGEST_USER]
    second = program.encode("utf-8", "surrogateescape")[:_LONGEST_PROGRAM]
    return first + second, len(first), len(second)


def pack_notice(number: int, totals: tuple[int, int, int], at_ns: int, text: str) -> bytes:
    """Return the record, but for its seal, of something else that belongs into the journal."""
    octets = text.encode("utf-8", "backslashreplace")[:_LONGEST_TEXT]
    words = (_NO_ADDRESS, _NO_ADDRESS, 0, 0, _NOTICE, 0, 0, 0, 0, len(octets))
    body = _HEAD.pack(number, at_ns, *totals, 0, 0, 0, 0, *words) + octets
    return body + _PADDING[len(body) & 7]


def seal(body: bytes) -> int:
    """Return the seal that goes before what `pack` gave."""
    return crc32(body) << 32 | _MARK | len(body) + SEAL.size


def sealed(body: bytes) -> bytes:
    """Return the whole record of what `pack` gave."""
    return SEAL.pack(seal(body)) + body


class Unreadable(Exception):  # noqa: N818 -- a state of some octets
    """No record begins here; the text says why."""


def read(octets: bytes) -> Iterator[tuple[Event, int]]:
    """Read records up to the end, or to the first seal of 0.

    The hot loop of the worker: what most records of a job have in common is read once, and looked up from then on.

    Args:
        octets: Beginning with a record.

    Yields:
        Each event, and where its record ends.

    Raises:
        Unreadable: What comes next is neither, or is none that a guard writes.
    """
    at, size = 0, len(octets)
    unpack, seal_size = _VARYING.unpack_from, SEAL.size
    shortest, said_at = seal_size + _HEAD.size, seal_size + _VARYING.size
    while at + seal_size <= size:
        (found,) = SEAL.unpack_from(octets, at)
        if not found:
            return
        end = at + (found & _LENGTH_MASK)
        if found & _MARK_MASK != _MARK or not at + shortest <= end <= size:
            raise Unreadable("length")
        if crc32(octets[at + seal_size : end]) != found >> 32:
            raise Unreadable("checksum")
        (
            number, at_ns, decided, refused, spent_us, counts, decision_us, local, remote, local_port, remote_port,
        ) = unpack(octets, at + seal_size)  # fmt: skip
        if (number | at_ns | decided | refused | spent_us) >= _NUMBER_END:
            raise Unreadable("number")
        if decision_us >= _COUNT_END:
            raise Unreadable("count")
        rule, revision, process = _counts(counts)
        sk_type, outcome, exit_point, entry_type, user, program, socks_server, text, is_call = _said(
            octets[at + said_at : end]
        )
        here, here_family = _side(local, local_port > 0)
        there, there_family = _side(remote, remote_port > 0)
        yield _new(Event, (
            number, at_ns, sk_type, outcome, exit_point, rule, revision, user, process, program,
            (there_family if there else here_family) if is_call else "", here, local_port, there, remote_port,
            socks_server, decision_us, text, _new(Totals, (decided, refused, spent_us)), entry_type,
        )), end  # fmt: skip
        at = end
    if at != size:
        raise Unreadable("cut short")


def read_all(octets: bytes) -> list[Event]:
    """Read what a guard has sent.

    Raises:
        WorkerError: It is not one record after the other and nothing else.
    """
    events: list[Event] = []
    end = 0
    try:
        for event, found_end in read(octets):
            events.append(event)
            end = found_end
    except Unreadable as error:
        raise WorkerError("GWL0504", reason=str(error)) from error
    if end != len(octets):
        raise WorkerError("GWL0504", reason="cut short")
    return events


def plain_drafts(
    octets: bytes, last_number: int, *, code: str, job: str, guard_id: str
) -> tuple[list[list[Any]], list[int], Totals] | None:
    """Return what `console.enforcement.intake.take` makes of decided calls, in a tenth of the time; None if it cannot.

    It cannot where there is no compiled module, and where anything is in the way: a record that is none, a number that
    is missing or was taken already, a notice.

    Args:
        octets: As they were sent.
        last_number: Highest number of this guard that is in the journal.
        code: Journal code of the entries.
        job: Qualified name of the guard's job.
        guard_id: The guard.

    Returns:
        Drafts, the places of those that went through a SOCKS server, and the totals of the last record.
    """
    native = compiled.journalling
    if native is None:
        return None
    try:
        found = native.read_records(octets, last_number, code, job, guard_id, _said, _counts, _side)
    except Unreadable:
        return None
    return None if found is None else (found[0], found[1], _new(Totals, found[2]))


# A job has few callers, and says the same of most calls: what is read again and again is read once.


class _Said(NamedTuple):
    """What a record says in words."""

    sk_type: str
    outcome: str
    exit_point: str
    entry_type: str
    user: str
    program: str
    socks_server: str
    text: str
    is_call: bool


@lru_cache(maxsize=512)
def _said(octets: bytes) -> _Said:
    """Return what a record says in words, given what comes after the ports, cut to what the journal takes.

    What is longer is cut and not refused, so that no entry is lost.

    Raises:
        Unreadable: No guard writes such a one.
    """
    point, outcome, *lengths = _WORDS.unpack_from(octets)
    if outcome >= len(OUTCOMES) or (point >= len(_KINDS) and point != _NOTICE):
        raise Unreadable("word")
    if not 0 <= len(octets) - _WORDS.size - sum(lengths) < SEAL.size:
        raise Unreadable("texts")
    user, program, socks_server, text = _texts(octets[_WORDS.size :], lengths)
    if point == _NOTICE:
        return _Said("", "", "", "GR", "", "", "", text, is_call=False)
    form = _FORMS[_KINDS[point]]
    # Plain texts: a driver has to ask each member of an enumeration what it is.
    return _Said(
        str(form.sk_type),
        str(OUTCOMES[outcome]) if form.has_outcome else "",
        str(form.exit_point),
        form.entry_type,
        user[:_MOST_USER],
        program[:_MOST_PROGRAM],
        socks_server[:_MOST_SERVER],
        text,
        is_call=True,
    )


def _texts(octets: bytes, lengths: Sequence[int]) -> list[str]:
    found = []
    at = 0
    for length in lengths:
        # What is no UTF-8 is spelt out octet by octet: the journal cannot hold it as it is.
        found.append(storable(octets[at : at + length].decode(errors="backslashreplace")))
        at += length
    return found


@lru_cache(maxsize=512)
def _counts(octets: bytes) -> tuple[int, int, int]:
    """Return rule, revision and process.

    Raises:
        Unreadable: The journal cannot hold one of them.
    """
    rule, revision, process = _COUNTS.unpack(octets)
    if (rule | revision | process) >= _COUNT_END:
        raise Unreadable("count")
    return rule, revision, process


@lru_cache(maxsize=4096)
def _side(octets: bytes, has_port: bool) -> tuple[str, str]:
    """Return the address of one end as people write it, "" for none, and its family."""
    address = int.from_bytes(octets, "big")
    family = AddressFamily.IPV4 if is_mapped(address) else AddressFamily.IPV6
    # One text a family: entries of a job are quicker to tell alike.
    return address_text(address) if address or has_port else "", intern(str(family))
