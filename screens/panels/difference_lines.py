"""Differences of policies as rows of a display: what was, and what is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.policy.difference import Change, Kind
from screens.panels.display import Line

_WORDS = {Kind.ADDED: "Added", Kind.REMOVED: "Removed", Kind.CHANGED: "Changed"}


def difference_lines(changes: Iterable[Change]) -> Sequence[Line]:
    """Return each change, as it was and as it is."""
    return [line for change in changes for line in _told(change)]


def _told(change: Change) -> list[Line]:
    label = f"{_WORDS[change.kind]} {change.what}"
    if change.kind is Kind.CHANGED:
        return [Line(label, change.before), Line(value=f"-> {change.after}")]
    return [Line(label, change.after or change.before)]
