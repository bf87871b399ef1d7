"""Compares two policies: what an activation would change, and what a revision did change."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from console.model.words import DEFAULT_SEQUENCE, ExitPoint
from console.policy.address_groups import GROUP_DEFAULTS, few_members, group_fields
from console.policy.checks import DEFAULTS, rule_fields
from console.policy.exit_programs import PROGRAM_DEFAULTS, program_fields, program_place
from console.policy.fields import DFT
from console.policy.rule import AddressGroup, Policy, Rule
from console.policy.secret import NO_SECRET
from console.policy.socks_entries import SOCKS_DEFAULTS, socks_fields
from console.policy.time_groups import TIME_DEFAULTS, time_group_fields

_TEXT = "text"
"""The field that holds whatever somebody wrote: it is told in quotes, always."""
_LISTS = frozenset({"members", "servers", "days", "times"})
"""Fields whose values have blanks between their parts."""
_NOT_ALONE = re.compile(r"[\s,']")
_NOT_IN_LIST = re.compile(r"[,']")
_OTHER_PASSWORD = "another"  # noqa: S105 -- what is told instead of one


class Kind(StrEnum):
    """What happened to a thing."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Subject(StrEnum):
    """What sort of thing it happened to."""

    MODE = "mode"
    SETTING = "setting"
    RULE = "rule"
    EXIT_PROGRAM = "exit program"
    SOCKS_ENTRY = "SOCKS entry"
    ADDRESS_GROUP = "address group"
    TIME_GROUP = "time group"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs: a mode, a setting, a rule, a group, an exit program or a SOCKS entry."""

    kind: Kind
    what: str
    """``*CONNECT mode``, ``udp``, ``*CONNECT 40``, ``*CONNECT *DFT``, ``*CONNECT program 2``, ``SOCKS entry 10``,
    ``address group DMZ`` or ``time group NIGHT``."""
    before: str
    """What differs as it was, ``action *ALLOW, text 'web'``; empty for what was added. Texts stand in quotes, and so
    does any value that could be taken for two."""
    after: str
    """The same as it is; empty for what was removed."""
    subject: Subject
    exit_point: str
    """The exit point concerned, ``*CONNECT``; empty for a setting or a SOCKS entry, which belong to none."""


def compare(old: Policy, new: Policy) -> tuple[Change, ...]:
    """Return the changes from one policy to another: modes, settings, groups, rules, exit programs, SOCKS entries.

    A rule is known by its exit point and sequence number: one that was renumbered was removed and added; so are exit
    programs and SOCKS entries. Of a password it is told that it changed, and never what it is. The ports of services
    and the name of the system's time zone are left out: they belong to the system that makes a revision, not to the
    rules. Of the members of a group those are told that came or went, the first few of them by name.
    """
    return (
        *_modes(old, new),
        *_settings(old, new),
        *_changes(*_address_groups(old, new), _ADDRESS_GROUPS),
        *_changes(_time_groups(old), _time_groups(new), _TIME_GROUPS),
        *_changes(*_rules(old, new), _RULES),
        *_changes(_exit_programs(old), _exit_programs(new), _EXIT_PROGRAMS),
        *_changes(*_socks(old, new), _SOCKS_ENTRIES),
    )


def _modes(old: Policy, new: Policy) -> list[Change]:
    pairs = [(point, old.modes.get(point, ""), new.modes.get(point, "")) for point in ExitPoint]
    return [
        Change(Kind.CHANGED, f"{point} mode", str(before), str(after), Subject.MODE, point.value)
        for point, before, after in pairs
        if before != after
    ]


def _settings(old: Policy, new: Policy) -> list[Change]:
    pairs = (("udp", old.udp, new.udp), ("raw_sockets", old.raw_sockets, new.raw_sockets))
    return [
        Change(Kind.CHANGED, name, before.value, after.value, Subject.SETTING, exit_point="")
        for name, before, after in pairs
        if before != after
    ]


_Fields = Mapping[str, str]
_Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Telling:
    """How what is numbered, within an exit point or not, is told."""

    subject: Subject
    name: Callable[[str, int], str]
    """Exit point and number -> `Change.what`."""
    defaults: Mapping[str, object]
    always: frozenset[str] = frozenset()
    """Fields that are told of what is new or gone even at their default."""
    named: int = 2
    """How many fields, the first ones, the name of the change says already."""


_RULES = _Telling(
    Subject.RULE,
    lambda exit_point, sequence: f"{exit_point} {DFT if sequence == DEFAULT_SEQUENCE else sequence}",
    DEFAULTS,
    frozenset({"action"}),
)
_EXIT_PROGRAMS = _Telling(
    Subject.EXIT_PROGRAM,
    lambda exit_point, number: f"{exit_point} program {number}",
    PROGRAM_DEFAULTS,
    frozenset({"program", "time_limit_ms"}),
)
_SOCKS_ENTRIES = _Telling(
    Subject.SOCKS_ENTRY,
    lambda _, sequence: f"{Subject.SOCKS_ENTRY} {sequence}",
    SOCKS_DEFAULTS,
    frozenset({"remote_address", "type"}),
    named=1,
)


_ADDRESS_GROUPS = _Telling(
    Subject.ADDRESS_GROUP,
    lambda name, _: f"{Subject.ADDRESS_GROUP} {name}",
    GROUP_DEFAULTS,
    frozenset({"members"}),
    named=1,
)
_TIME_GROUPS = _Telling(
    Subject.TIME_GROUP,
    lambda name, _: f"{Subject.TIME_GROUP} {name}",
    TIME_DEFAULTS,
    frozenset({"days", "times"}),
    named=1,
)


def _rules(old: Policy, new: Policy) -> tuple[Mapping[_Place, _Fields], Mapping[_Place, _Fields]]:
    """Return the rules of both that are not the same in the other: of ten thousand, those are few."""
    olds = {(rule.exit_point.value, rule.sequence): rule for rule in old.rules}
    news = {(rule.exit_point.value, rule.sequence): rule for rule in new.rules}
    return _unlike_rules(olds, news), _unlike_rules(news, olds)


def _unlike_rules(rules: Mapping[_Place, Rule], others: Mapping[_Place, Rule]) -> dict[_Place, _Fields]:
    return {place: rule_fields(rule) for place, rule in rules.items() if others.get(place) != rule}


def _exit_programs(policy: Policy) -> dict[_Place, _Fields]:
    return {program_place(program): program_fields(program) for program in policy.exit_programs}


def _time_groups(policy: Policy) -> dict[_Place, _Fields]:
    return {(group.name, 0): time_group_fields(group) for group in policy.time_groups}


def _address_groups(old: Policy, new: Policy) -> tuple[Mapping[_Place, _Fields], Mapping[_Place, _Fields]]:
    """Return the groups of both, each with the members that the other has not."""
    olds = {group.name: group for group in old.address_groups}
    news = {group.name: group for group in new.address_groups}
    return _unlike(olds, news), _unlike(news, olds)


def _unlike(groups: Mapping[str, AddressGroup], others: Mapping[str, AddressGroup]) -> dict[_Place, _Fields]:
    """Return groups by name; of members that differ from those of the other, those that the other has not."""
    told: dict[_Place, _Fields] = {}
    for name, group in groups.items():
        other = others.get(name)
        fields = group_fields(group)
        if other is None or other.members != group.members:
            has = frozenset(() if other is None else other.members)
            own = [member for member in group.members if member not in has]
            # How many there are tells two groups apart of which one has all that the other has.
            fields["members"] = (
                f"{few_members(own)} (of {len(group.members)})" if other is not None else few_members(own)
            )
        told[name, 0] = fields
    return told


def _socks(old: Policy, new: Policy) -> tuple[Mapping[_Place, _Fields], Mapping[_Place, _Fields]]:
    """Return the entries of both; where a password is another, the new one says so."""
    olds = {("", entry.sequence): entry for entry in old.socks}
    news = {("", entry.sequence): entry for entry in new.socks}
    told = {place: socks_fields(entry) for place, entry in news.items()}
    for place, fields in told.items():
        before = olds[place].password if place in olds else NO_SECRET
        if before and news[place].password and before != news[place].password:
            fields["password"] = _OTHER_PASSWORD
    return {place: socks_fields(entry) for place, entry in olds.items()}, told


def _changes(olds: Mapping[_Place, _Fields], news: Mapping[_Place, _Fields], telling: _Telling) -> list[Change]:
    changes = (_change(place, olds.get(place), news.get(place), telling) for place in sorted({*olds, *news}))
    return [change for change in changes if change is not None]


def _change(place: _Place, old: _Fields | None, new: _Fields | None, telling: _Telling) -> Change | None:
    if old == new:
        return None
    before = _said(old, new, telling) if old is not None else ""
    after = _said(new, old, telling) if new is not None else ""
    kind = Kind.ADDED if old is None else Kind.REMOVED if new is None else Kind.CHANGED
    return Change(kind, telling.name(*place), before, after, telling.subject, place[0])


def _said(fields: _Fields, others: _Fields | None, telling: _Telling) -> str:
    """Return the fields in which a thing differs from another; without another, from the defaults."""
    if others is not None:
        said = [name for name in fields if fields[name] != others[name]]
    else:
        names = list(fields)[telling.named :]
        said = [name for name in names if name in telling.always or fields[name] != telling.defaults.get(name)]
    return ", ".join(f"{name} {_told(name, fields[name])}" for name in said)


def _told(name: str, value: str) -> str:
    """Return a value as it stands behind its name.

    A text such as ``x, action *ALLOW`` would read as two fields: in quotes, as in a command, it is what it is.
    """
    ends = _NOT_IN_LIST if name in _LISTS else _NOT_ALONE
    if name != _TEXT and value and not ends.search(value):
        return value
    return "'" + value.replace("'", "''") + "'"
