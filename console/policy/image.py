"""A compiled policy as pages of octets: the same bit vectors, in a form that a program in the kernel reads.

The kernel engine (data/bpf) decides from these pages as `console.policy.decide` does from its tables. User profiles and
their groups are resolved here, because the kernel knows numbers only.

Layout: Pages of 4096 octets, of 512 little-endian 64-bit words. A page is named by its number.

========  =====================================================================================================
page 0    word 0 the revision, word 1 the number of pages, word 2 the settings (`Settings`), word 3 left for whoever
          activates it (`ACTIVATION_AT`), word 4 when its rules hold no longer, 0 for never; from word 16 on, 16 words
          for each exit point, and after them as many for the SOCKS entries; from word 96 on, two words for each later
          period: when it ends, 0 for never, which only the last has, and the page that has the words from 16 on for it
page 1    all ones: the row of a dimension about which no rule says anything
========  =====================================================================================================

Of an exit point: word 0 how many rules it has, 0 for *OFF; word 1 the page where its decisions begin; word 2 the binary
logarithm of the words of a row; then, from word 4 on, two words for each of user number, local address, local port,
remote address and remote port: first the page of its index, 0 for none, and above it (32 bits up) how many pieces
begin in it; second the page where its leaves begin, and above it the page where its rows begin.

A dimension is cut into pieces (`console.policy.vectors.Ranges`); a lookup counts the beginnings at or before a value.
A leaf has 256 beginnings, in ascending order, of two words each, the upper first; the index has the first of each leaf.
Where that is more than a page, one with the first of each page of the index is in front of them. What is left of a page
is all ones. The row of a piece is its set of rules, least word first; rows have a power of two
of words, and none goes over the end of a page.

A decision is one word: sequence number in 20 bits, errno in 12, outcome (0 allowed, 1 rejected, 2 would be rejected) in
2, then whether it is journalled, whether an alert is asked for, and whether the audit levels have a word in it. The
first belongs to bit 0, the default rule.

The SOCKS entries are laid out as the rules of one more exit point, of which only user number, remote address and remote
port are asked. The decision is the sequence number of the entry; 0 for one that says *DIRECT, and in bit 0 for none.

Knows nothing of the kernel, and no files: who has which number is handed in.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag
from itertools import pairwise

from console.errors import PolicyError
from console.model.words import ExitPoint, Mode, Outcome, RawSockets, SocksType, Udp
from console.policy.decide import CompiledPolicy, Table
from console.policy.periods import MOST_PERIODS, Part, sets_of
from console.policy.request import Decision
from console.policy.routes import Routes
from console.policy.vectors import Names

PAGE = 4096
"""Octets."""
MOST_RULES = 16_384
"""Of one exit point; what the program in the kernel can look through."""
EXIT_POINTS = (ExitPoint.ACCEPT, ExitPoint.CONNECT, ExitPoint.LISTEN)
"""In the order in which page 0 has them."""
ACTIVATION_AT = 24
"""Where in page 0 there are 8 octets that tell one activation from another, also of the same revision."""


class Settings(IntFlag):
    """What a policy says besides its rules; data/bpf/greenwall.h has the same numbers."""

    DECIDE_DATAGRAMS = 1
    REFUSE_RAW = 2
    MONITOR_RAW = 4
    """Let raw sockets be, and tell of them."""
    REFUSE_UNSEEN = 8
    """Protocols that no rule sees are answered as not built in."""
    HAS_ROUTES = 16


_WORD = struct.Struct("<Q")
_WORDS = PAGE // _WORD.size
_KEY_WORDS = 2
_FANOUT = _WORDS // _KEY_WORDS
"""Beginnings in a leaf, and leaves in an index."""
_ALL_ONES_PAGE = 1
_HEAD_WORDS = 16
_ENDS, _PERIODS_AT = 4, 96
_FIRST_DIMENSION = 4
_KEY_END = 1 << 128
_USERS_END = 1 << 32
_OUTCOMES = {Outcome.ALLOWED: 0, Outcome.REJECTED: 1, Outcome.MONITOR: 2}
_ERRNO_AT, _OUTCOME_AT, _JOURNAL_AT, _ALERT_AT, _BY_LEVEL_AT = 20, 32, 34, 35, 36


@dataclass(frozen=True, slots=True)
class Account:
    """Who has a user number, as rules know them."""

    user: str
    """User profile in upper case."""
    groups: frozenset[str] = frozenset()
    """In upper case."""


def image(
    compiled: CompiledPolicy, accounts: Mapping[int, Account], *, ends_ns: int = 0, later: Sequence[Part] = ()
) -> bytes:
    """Return the pages of a policy.

    Args:
        compiled: Without exit programs and rules about programs, which only a guard can ask and see.
        accounts: Everybody that the system knows, by number. Who is not among them is called by the number itself, as
            a guard does it.
        ends_ns: When it holds no longer, in nanoseconds since the system was started, also of sleep; 0 for never.
        later: What holds after that, at most one more than `MOST_PERIODS` say; the last without an end.

    Raises:
        PolicyError: There are exit programs, rules about programs, or more rules than the kernel looks through.
    """
    pages = _Pages()
    routes = _padded(_routes_head(pages, compiled.routes, accounts))
    periods: list[int] = []
    places: dict[tuple[int, ...], int] = {}  # they come again each week
    for part in later[:MOST_PERIODS]:
        sets = sets_of(part.compiled)
        if sets not in places:
            words = [*[0] * _HEAD_WORDS, *_heads(pages, part.compiled, accounts), *routes]
            places[sets] = pages.add(b"".join(map(_WORD.pack, words)))
        periods += (part.ends_ns, places[sets])
    words = [compiled.revision, 0, settings(compiled), 0, ends_ns, *[0] * (_HEAD_WORDS - _ENDS - 1)]
    words += (*_heads(pages, compiled, accounts), *routes)
    return pages.finish([*words, *[0] * (_PERIODS_AT - len(words)), *periods])


def settings(compiled: CompiledPolicy) -> Settings:
    """Return what is to become of datagrams, raw sockets and the like; a mode of *OFF holds for these too."""
    found = Settings(0)
    connect = compiled.modes[ExitPoint.CONNECT]
    if compiled.udp is Udp.DECIDE and connect is not Mode.OFF:
        found |= Settings.DECIDE_DATAGRAMS
    if compiled.raw_sockets is RawSockets.REFUSE and connect is not Mode.OFF:
        found |= Settings.MONITOR_RAW if connect is Mode.MONITOR else Settings.REFUSE_RAW
    if Mode.ENFORCE in compiled.modes.values():
        found |= Settings.REFUSE_UNSEEN
    if compiled.routes is not None and any(entry.type is SocksType.SOCKS for entry in compiled.routes.entries):
        found |= Settings.HAS_ROUTES
    return found


def check_image(compiled: CompiledPolicy) -> None:
    """Check that the kernel can hold a policy.

    Raises:
        PolicyError: It cannot; nothing of it is left out silently.
    """
    for exit_point in EXIT_POINTS:
        table = compiled.tables[exit_point]
        if table is None:
            continue
        if compiled.exit_programs[exit_point]:
            raise PolicyError("GWL0470", exit_point=exit_point, number=compiled.exit_programs[exit_point][0].number)
        if table.programs is not None:
            raise PolicyError("GWL0471", exit_point=exit_point, program=_first_program(table.programs))
        if len(table.decisions) > MOST_RULES:
            raise PolicyError("GWL0472", exit_point=exit_point, count=len(table.decisions), most=MOST_RULES)
    if compiled.routes is not None and len(compiled.routes.entries) >= MOST_RULES:
        raise PolicyError("GWL0488", count=len(compiled.routes.entries), most=MOST_RULES - 1)


def what_is_not_seen(compiled: CompiledPolicy) -> tuple[str, ...]:
    """Return the ids of the messages about what a policy says and the kernel does only in part."""
    return ("GWL049A",) if Settings.REFUSE_RAW in settings(compiled) else ()


def who_is_named(compiled: CompiledPolicy) -> tuple[frozenset[str], frozenset[str]]:
    """Return the users and the groups that rules and SOCKS entries say by their full names, in upper case."""
    said = [table.users for table in compiled.tables.values() if table is not None and table.users is not None]
    if compiled.routes is not None:
        said.append(compiled.routes.users)
    users = frozenset(name for names in said for name in names.words()[0])
    return users, frozenset(name for names in said for name in names.groups())


def _first_program(programs: Names) -> str:
    exact, generic = programs.words()
    return next(iter([*exact, *(f"{begin}*" for begin in generic)]))


class _Pages:
    """The pages made so far; page 0 is written last."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = [b"\xff" * PAGE]
        self._count = _ALL_ONES_PAGE + 1
        self.placed: dict[tuple[int, int], tuple[int, int]] = {}
        """Where pieces are that all periods share: identity of the `Ranges`, which outlive this, and scale of rows."""
        self.decided: dict[int, int] = {}
        """Likewise the page where decisions begin."""

    def add(self, octets: bytes, fill: bytes = b"\0") -> int:
        """Append whole pages; return the number of the first."""
        first = self._count
        self._chunks += (octets, fill * (-len(octets) % PAGE))
        self._count += -(-len(octets) // PAGE)
        return first

    def finish(self, words: Sequence[int]) -> bytes:
        first = b"".join(map(_WORD.pack, (words[0], self._count, *words[2:])))
        return b"".join([first.ljust(PAGE, b"\0"), *self._chunks])


_Pieces = tuple[Sequence[int], Sequence[int]]
"""Beginnings, and one more set than beginnings."""


def _padded(head: Sequence[int]) -> list[int]:
    return [*head, *[0] * (_HEAD_WORDS - len(head))]


def _heads(pages: _Pages, compiled: CompiledPolicy, accounts: Mapping[int, Account]) -> Iterator[int]:
    """Go through the words of the exit points. Periods differ in sets of rules, which are in the rows of users."""
    for exit_point in EXIT_POINTS:
        table = compiled.tables[exit_point]
        yield from _padded(() if table is None else _head(pages, table, accounts))


def _head(pages: _Pages, table: Table, accounts: Mapping[int, Account]) -> Sequence[int]:
    scale = _scale(len(table.decisions))
    first = pages.decided.get(id(table.decisions))
    if first is None:
        first = pages.decided[id(table.decisions)] = pages.add(_words(map(_decision, table.decisions)))
    users = _timed_users(table, accounts)
    places = [*((0, 0) if users is None else _dimension(pages, *users, row_octets=_WORD.size << scale))]
    for each in (table.local_addresses, table.local_ports, table.remote_addresses, table.remote_ports):
        if each is not None and (id(each), scale) not in pages.placed:
            pages.placed[id(each), scale] = _dimension(pages, *each.pieces(), row_octets=_WORD.size << scale)
        places += (0, 0) if each is None else pages.placed[id(each), scale]
    return len(table.decisions), first, scale, 0, *places


def _routes_head(pages: _Pages, routes: Routes | None, accounts: Mapping[int, Account]) -> Sequence[int]:
    if routes is None:
        return ()
    ways = [0, *(entry.sequence if entry.type is SocksType.SOCKS else 0 for entry in routes.entries)]
    asked = (_users(routes.users, accounts), None, None, routes.addresses.pieces(), routes.ports.pieces())
    scale, first = _scale(len(ways)), pages.add(_words(ways))
    places: list[int] = []
    for each in asked:
        places += (0, 0) if each is None else _dimension(pages, *_behind_default(each), row_octets=_WORD.size << scale)
    return len(ways), first, scale, 0, *places


def _behind_default(pieces: _Pieces) -> _Pieces:
    """Make room for one more that matches everything and is tried last."""
    starts, masks = pieces
    return starts, [mask << 1 | 1 for mask in masks]


def _scale(count: int) -> int:
    """Return the binary logarithm of the words of a row."""
    return max(-(-count // 64) - 1, 0).bit_length()


def _words(words: Iterable[int]) -> bytes:
    return b"".join(map(_WORD.pack, words))


def _timed_users(table: Table, accounts: Mapping[int, Account]) -> _Pieces | None:
    users = None if table.users is None else _users(table.users, accounts)
    if table.every == (1 << len(table.decisions)) - 1:
        return users
    starts, masks = users or ((), (table.every,))  # it is not the time of some rules
    return starts, [mask & table.every for mask in masks]


def _dimension(pages: _Pages, starts: Sequence[int], masks: Sequence[int], *, row_octets: int) -> tuple[int, int]:
    starts = [start for start in starts if start < _KEY_END]
    leaves = pages.add(_keys(starts), b"\xff")
    firsts = starts[::_FANOUT]
    top = _keys(firsts[::_FANOUT]).ljust(PAGE, b"\xff") if len(firsts) > _FANOUT else b""
    index = pages.add(top + _keys(firsts), b"\xff")
    rows = pages.add(b"".join(mask.to_bytes(row_octets, "little") for mask in masks[: len(starts) + 1]))
    return index | len(starts) << 32, leaves | rows << 32


def _keys(starts: Sequence[int]) -> bytes:
    """Return beginnings as they stand in a leaf; at least one page of them."""
    upper_first = (_WORD.pack(start >> 64) + _WORD.pack(start & (1 << 64) - 1) for start in starts)
    return b"".join(upper_first) or b"\xff" * PAGE


def _users(users: Names, accounts: Mapping[int, Account]) -> _Pieces:
    """Return the pieces of the user numbers."""
    edges = {0, _USERS_END}
    for number in accounts:
        edges |= {number, number + 1}
    exact, generic = users.words()
    for low, high in (*map(_numbers_called, exact), *(each for begin in generic for each in _numbers_like(begin))):
        edges |= {low, high}
    starts = sorted(edge for edge in edges if 0 <= edge < _USERS_END)
    masks = [0]
    for start in starts:
        who = accounts.get(start) or Account(str(start))
        masks.append(users.of(who.user, who.groups))
    return _joined(starts, masks)


def _joined(starts: Sequence[int], masks: Sequence[int]) -> _Pieces:
    """Leave out the beginnings at which nothing changes."""
    changes = [at for at, (before, after) in enumerate(pairwise(masks)) if before != after]
    return [starts[at] for at in changes], [masks[0], *(masks[at + 1] for at in changes)]


def _numbers_called(name: str) -> tuple[int, int]:
    """Return the user number that is spelt so, as the first and the one after the last; an empty span for none."""
    number = int(name) if _is_number(name) else -1
    return number, number + 1


def _numbers_like(begin: str) -> Collection[tuple[int, int]]:
    """Return the spans of user numbers whose spelling begins so."""
    if not _is_number(begin):
        return ()
    first = int(begin)
    if first == 0:  # no other number begins with 0
        return ((0, 1),)
    spans = []
    scale = 1
    while first * scale < _USERS_END:
        spans.append((first * scale, (first + 1) * scale))
        scale *= 10
    return spans


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and str(int(text)) == text


def _decision(decision: Decision) -> int:
    return (
        decision.sequence
        | decision.errno << _ERRNO_AT
        | _OUTCOMES[decision.outcome] << _OUTCOME_AT
        | decision.journal << _JOURNAL_AT
        | decision.alert << _ALERT_AT
        | decision.by_level << _BY_LEVEL_AT
    )
