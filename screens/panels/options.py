"""The options of a list: what the numbers mean, and which were typed on which rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic

from screens.panel import Panel
from screens.panels.columns import RowT

ADD_ROW = "*ADD"
"""Id of the input row, which is the first of a list that has one."""


class Way(Enum):
    """How an option is carried out."""

    PROMPT = "prompt its command, or run it with the parameters on the command line"
    RUN = "run its command"
    CONFIRM = "ask once for all rows, then run its command for each"


@dataclass(frozen=True, slots=True)
class Option(Generic[RowT]):
    """What one number does."""

    number: int
    text: str
    command: str = ""
    """Name of its command; empty for one that only opens a panel."""
    given: Callable[[RowT], Mapping[str, str]] = lambda row: {}
    """Returns the command's values for a row."""
    way: Way = Way.PROMPT
    opens: Callable[[RowT], Panel] | None = None
    """Makes the panel of an option without command."""
    check: Callable[[RowT], None] = lambda row: None
    """Raises a `ConsoleError` when the option makes no sense for a row: before anything is done."""
    asks: Callable[[RowT], Panel | None] = lambda row: None
    """Makes a panel that asks for the values of the command in the prompter's place; None: the prompter does."""
    is_for_add_row: bool = False
    """Whether it belongs on the input row, and only there."""
    replaceable: frozenset[str] = frozenset()
    """Keywords of `given` that parameters on the command line may give otherwise."""


class Typed:
    """The options typed and not carried out yet, by row id; kept while the list is paged."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._texts)

    def __getitem__(self, row_id: str) -> str:
        """Return what is typed on a row, empty for nothing."""
        return self._texts.get(row_id, "")

    def put(self, row_id: str, text: str) -> None:
        """Take what is typed on a row now."""
        if text.strip():
            self._texts[row_id] = text.strip()
        else:
            self._texts.pop(row_id, None)

    def clear(self) -> None:
        """Drop everything."""
        self._texts.clear()

    def rows(self, order: Callable[[str], int]) -> list[str]:
        """Return the rows with an option, top to bottom."""
        return sorted(self._texts, key=order)
