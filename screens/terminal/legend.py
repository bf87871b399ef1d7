"""The function-key legend: which keys a panel has and how the key rows are laid out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_GAP = "   "
_ATTENTION = frozenset({1, 3, 5, 12})
_MORE_KEYS = 24


@dataclass(frozen=True, slots=True)
class FunctionKey:
    """A function key that a panel answers to; a key that is not declared is refused before the panel hears of it."""

    number: int
    """1 to 24. F1 (help) and, when the keys need more than one set, F24 (more keys) are the application's."""
    label: str
    """As in the legend: ``Exit`` gives ``F3=Exit``."""
    attention: bool | None = None
    """Command-attention keys hand over no field data and skip mandatory-field checks: F3, F5 and F12 unless said
    otherwise. All others are command-function keys."""

    @property
    def is_attention(self) -> bool:
        """Whether the key skips the fields."""
        return self.number in _ATTENTION if self.attention is None else self.attention

    @property
    def text(self) -> str:
        """Return the legend's words for the key."""
        return f"F{self.number}={self.label}"


@dataclass(frozen=True, slots=True)
class LegendItem:
    """One key's place in the legend; also what a mouse click hits."""

    row: int
    """From 0, counted in legend rows."""
    column: int
    """From 0, counted from the legend's first column."""
    key: FunctionKey


def key_sets(keys: Sequence[FunctionKey], columns: int, rows: int) -> tuple[tuple[LegendItem, ...], ...]:
    """Lay keys out in ascending order, three blanks between, in as many sets as they need.

    When one set is not enough, every set ends with F24=More keys.

    Args:
        keys: In any order.
        columns: Width of a legend row.
        rows: How many rows the legend has, usually two.

    Returns:
        At least one set, which may be empty.
    """
    pending = sorted(keys, key=lambda key: key.number)
    whole, rest = _fill(pending, columns, rows)
    if not rest:
        return (whole,)
    more = FunctionKey(_MORE_KEYS, "More keys", attention=True)
    pending = [key for key in pending if key.number != _MORE_KEYS]
    sets = []
    while pending:
        items, pending = _fill_before(pending, more, columns, rows)
        sets.append(items)
    return tuple(sets)


def _fill(keys: Sequence[FunctionKey], columns: int, rows: int) -> tuple[tuple[LegendItem, ...], list[FunctionKey]]:
    """Place as many keys as fit; return them and the rest."""
    items: list[LegendItem] = []
    row = column = 0
    for index, key in enumerate(keys):
        if column and column + len(key.text) > columns:
            row, column = row + 1, 0
        if row >= rows:
            return tuple(items), list(keys[index:])
        items.append(LegendItem(row, column, key))
        column += len(key.text) + len(_GAP)
    return tuple(items), []


def _fill_before(
    keys: list[FunctionKey], more: FunctionKey, columns: int, rows: int
) -> tuple[tuple[LegendItem, ...], list[FunctionKey]]:
    """Place as many keys as leave room for `more` behind them, at least one."""
    for count in range(len(keys), 0, -1):
        items, rest = _fill([*keys[:count], more], columns, rows)
        if not rest:
            return items, keys[count:]
    items, _ = _fill(keys[:1], columns, rows)
    return items, keys[1:]
