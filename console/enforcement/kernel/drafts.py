"""Makes what the kernel has told into drafts of entries: the hot loop of a worker with the engine.

Nearly all that is told is that a call was let go on. Of such a *plain* event there is nothing to say but its fields,
and nearly all of these are those of the event before: names, addresses and what the audit levels say are looked up once
a batch. Whatever is not plain goes the long way, by `telling.entries_of`; the test has both make the same. Where there
was a compiler the loop is in C (`console/compiled/events.c`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from socket import AF_INET, inet_ntop
from typing import NamedTuple

from console import compiled
from console.enforcement.kernel.entries import job_name
from console.enforcement.kernel.events import BY_LEVEL, EVENT, OUTCOMES, KernelEvent, read_event
from console.enforcement.kernel.programs import program_of
from console.enforcement.kernel.resets import is_to_be_reset
from console.enforcement.kernel.telling import entries_of
from console.enforcement.layouts import address_text
from console.journal.entries import AUDIT_CODE, Draft, Entry, draft
from console.model.words import SK_TYPES, AddressFamily, Outcome
from console.policy.audit_levels import Levels
from console.policy.image import EXIT_POINTS, Account
from console.store.text import storable

_LONGEST_USER, _LONGEST_PROGRAM = 64, 4096
_REFUSED = OUTCOMES.index(Outcome.REJECTED)
_NOWHERE = bytes(16)
_MAPPED = bytes(10) + b"\xff\xff"
"""What IPv4 addresses begin with among those of IPv6."""
_IPV4, _IPV6 = AddressFamily.IPV4.value, AddressFamily.IPV6.value
_OUTCOMES = tuple(outcome.value for outcome in OUTCOMES)
_POINTS = tuple(point.value for point in EXIT_POINTS)
_CALLER, _PROGRAM = slice(8, 16), slice(72, 136)
"""Of an event: process and user, what the process runs."""
_CLOCK_END = 1 << 62
_TYPES = tuple(SK_TYPES[point].value for point in EXIT_POINTS)


class Made(NamedTuple):
    """What came of some records."""

    drafts: list[Draft]
    notable: list[Entry]
    """Those of them of which operators may be told something."""
    resets: list[KernelEvent]
    """Refused connections whose peers are to hear of it."""


class _Who(NamedTuple):
    user: str
    job: str
    program: str


class _Batch:
    """What is looked up once for the records of a batch."""

    def __init__(self, accounts: Mapping[int, Account], levels: Levels) -> None:
        self._accounts = accounts
        self._levels = levels
        self._people: dict[bytes, _Who] = {}
        self._addresses: dict[bytes, tuple[str, str]] = {}
        self._wanted: dict[tuple[int, str, int], bool] = {}

    def who(self, octets: bytes) -> _Who:
        """Return who made the call of an event, and by which program; one object for each."""
        key = octets[_CALLER] + octets[_PROGRAM]
        found = self._people.get(key)
        if found is None:
            event = read_event(octets)
            user = (self._accounts.get(event.uid) or Account(str(event.uid))).user
            program = storable(program_of(event))[:_LONGEST_PROGRAM]
            found = self._people[key] = _Who(storable(user)[:_LONGEST_USER], job_name(event, user), program)
        return found

    def address(self, octets: bytes) -> tuple[str, str]:
        """Return an address as text, and its family."""
        found = self._addresses.get(octets)
        if found is None:
            found = self._addresses[octets] = _address(octets)
        return found

    def is_wanted(self, exit_point: int, user: str, port: int) -> bool:
        """Say whether the audit levels want a decision."""
        key = exit_point, user, port if exit_point == 0 else 0  # the port is asked of accepts only
        found = self._wanted.get(key)
        if found is None:
            kind = SK_TYPES[EXIT_POINTS[exit_point]]
            found = self._wanted[key] = self._levels.wants("SK", kind, user=user, local_port=port)
        return found


def _address(octets: bytes) -> tuple[str, str]:
    if octets.startswith(_MAPPED):  # a server meets a new one with nearly each accept
        return inet_ntop(AF_INET, octets[len(_MAPPED) :]), _IPV4
    return address_text(int.from_bytes(octets, "big")), _IPV6


def drafts_of(records: Sequence[bytes], clock_ns: int, accounts: Mapping[int, Account], levels: Levels) -> Made:
    """Return the drafts of what the kernel has told.

    Args:
        records: As they were told.
        clock_ns: What to add to their times to get nanoseconds since 1970.
        accounts: Everybody, by number.
        levels: What the audit levels want.

    Raises:
        struct.error: They are those of another version.
    """
    made = Made([], [], [])
    batch, native = _Batch(accounts, levels), compiled.journalling

    def go_the_long_way(octets: bytes) -> None:
        _go_the_long_way(octets, clock_ns, accounts, levels, made)

    if native is None or not 0 <= clock_ns < _CLOCK_END:
        _add_drafts(made.drafts, records, clock_ns, batch, go_the_long_way)
    else:
        native.draft_events(
            list(records), clock_ns, made.drafts, _TYPES, _OUTCOMES, _POINTS, AUDIT_CODE, _IPV4, batch.who,
            batch.address, batch.is_wanted, go_the_long_way,
        )  # fmt: skip
    return made


def _add_drafts(
    drafts: list[Draft],
    records: Sequence[bytes],
    clock_ns: int,
    batch: _Batch,
    go_the_long_way: Callable[[bytes], None],
) -> None:
    add, size, unpack = drafts.append, EVENT.size, EVENT.unpack
    for octets in records:
        if len(octets) != size:
            go_the_long_way(octets)
            continue
        (
            at_ns, pid, _, revision, sequence, exit_point, outcome, flags, _, local_port, remote_port,
            _, _, is_silent, local, remote, _, _, _, _, _,
        ) = unpack(octets)  # fmt: skip
        if flags & ~BY_LEVEL or is_silent or outcome == _REFUSED:
            go_the_long_way(octets)
            continue
        user, job, program = batch.who(octets)
        if flags and not batch.is_wanted(exit_point, user, local_port):
            continue
        far, family = batch.address(remote)
        if remote == _NOWHERE and not remote_port:
            far, (near, family) = "", batch.address(local)
        else:
            near, _ = batch.address(local)
        add([
            0, (at_ns + clock_ns) // 1000, "", AUDIT_CODE, "SK", _TYPES[exit_point], _OUTCOMES[outcome],
            _POINTS[exit_point], sequence, revision, user, job, pid, program, family, near if local_port else "",
            local_port, far, remote_port, "", 0, "", "", "", 0,
        ])  # fmt: skip


def _go_the_long_way(octets: bytes, clock_ns: int, accounts: Mapping[int, Account], levels: Levels, made: Made) -> None:
    event = read_event(octets)
    if is_to_be_reset(event):
        made.resets.append(event)
    for each in entries_of(event, clock_ns, accounts, levels):
        made.drafts.append(draft(each))
        made.notable.append(each)
