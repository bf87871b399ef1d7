"""Compares two policies: what an activation would change, and what a revision did change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from console.model.words import DEFAULT_SEQUENCE, ExitPoint
from console.policy.checks import DEFAULTS, rule_fields
from console.policy.fields import DFT
from console.policy.rule import Policy, Rule


class Kind(StrEnum):
    """What happened to a thing."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs: a mode or a rule."""

    kind: Kind
    what: str
    """``*CONNECT mode``, ``*CONNECT 40`` or ``*CONNECT *DFT``."""
    before: str
    """What differs as it was, ``action *ALLOW, remote_port 443``; empty for what was added."""
    after: str
    """The same as it is; empty for what was removed."""


def compare(old: Policy, new: Policy) -> tuple[Change, ...]:
    """Return the changes from one policy to another, modes first, then rules in order.

    A rule is known by its exit point and sequence number: one that was renumbered was removed and added. The ports of
    services are left out: they belong to the system that makes a revision, not to the rules.
    """
    return (*_modes(old, new), *_rules(old, new))


def _modes(old: Policy, new: Policy) -> list[Change]:
    pairs = [(point, old.modes.get(point, ""), new.modes.get(point, "")) for point in ExitPoint]
    return [
        Change(Kind.CHANGED, f"{point} mode", str(before), str(after))
        for point, before, after in pairs
        if before != after
    ]


def _rules(old: Policy, new: Policy) -> list[Change]:
    olds, news = _by_place(old), _by_place(new)
    changes = (_change(place, olds.get(place), news.get(place)) for place in sorted(olds.keys() | news.keys()))
    return [change for change in changes if change is not None]


def _by_place(policy: Policy) -> dict[tuple[str, int], Rule]:
    return {(rule.exit_point.value, rule.sequence): rule for rule in policy.rules}


def _change(place: tuple[str, int], old: Rule | None, new: Rule | None) -> Change | None:
    if old == new:
        return None
    exit_point, sequence = place
    what = f"{exit_point} {DFT if sequence == DEFAULT_SEQUENCE else sequence}"
    before = _said(old, new) if old is not None else ""
    after = _said(new, old) if new is not None else ""
    kind = Kind.ADDED if old is None else Kind.REMOVED if new is None else Kind.CHANGED
    return Change(kind, what, before, after)


def _said(rule: Rule, other: Rule | None) -> str:
    """Return the fields in which a rule differs from another; from the defaults, and its action, when there is none."""
    fields = rule_fields(rule)
    if other is not None:
        others = rule_fields(other)
        said = [name for name in fields if fields[name] != others[name]]
    else:
        said = [name for name in list(fields)[2:] if name == "action" or fields[name] != DEFAULTS[name]]
    return ", ".join(f"{name} {fields[name]}" for name in said)
