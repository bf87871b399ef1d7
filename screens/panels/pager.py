"""Pages of lists: which rows show, and how to get to others. A list is held whole, or fetched page by page."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Generic

from console.messages import Message
from screens.panels.columns import RowT
from screens.panels.replies import roll


class Pager(ABC, Generic[RowT]):
    """A window on a list; a panel says before each use how many rows it shows."""

    rows: int = 1
    """Rows on a page."""

    @abstractmethod
    def visible(self) -> Sequence[tuple[str, RowT]]:
        """Return the rows that show, each with its id."""

    @abstractmethod
    def has_more(self) -> bool:
        """Say whether there are later rows."""

    @abstractmethod
    def roll(self, key: str) -> tuple[Message, ...]:
        """Go one page on (``ROLLUP``) or back; return a message when there is nothing more that way."""

    @abstractmethod
    def refresh(self) -> None:
        """Read the list anew."""

    @abstractmethod
    def find(self, row_id: str) -> RowT | None:
        """Return a row by its id, on any page; None when it is there no more."""

    @abstractmethod
    def order(self, row_id: str) -> int:
        """Return where in the list a row is, for sorting ids."""

    @abstractmethod
    def bring(self, row_id: str) -> None:
        """See to it that a row shows."""

    def from_here(self, row_id: str) -> Sequence[str]:
        """Return the ids from a row to the end of the list; none for lists that do not know their end."""
        del row_id
        return ()


class HeldList(Pager[RowT]):
    """A list that is read whole; for up to some ten thousand rows."""

    def __init__(self, load: Callable[[], Sequence[RowT]], row_id: Callable[[RowT], str]) -> None:
        """Read the list.

        Args:
            load: Reads it.
            row_id: Returns a row's id, unique and lasting.
        """
        self._load = load
        self._row_id = row_id
        self._all: Sequence[RowT] = ()
        self._found_places: dict[str, int] | None = None
        self._top = 0
        self.refresh()

    @property
    def all(self) -> Sequence[RowT]:
        """Every row."""
        return self._all

    def visible(self) -> Sequence[tuple[str, RowT]]:
        """Return the rows that show."""
        return [(self._row_id(row), row) for row in self._all[self._top : self._top + self.rows]]

    def has_more(self) -> bool:
        """Say whether there are later rows."""
        return self._top + self.rows < len(self._all)

    def roll(self, key: str) -> tuple[Message, ...]:
        """Go one page on or back."""
        self._top, messages = roll(key, self._top, self.rows, len(self._all))
        return messages

    def refresh(self) -> None:
        """Read the list anew, keeping the place in it."""
        before, self._all = self._all, self._load()
        if self._all is not before:
            self._found_places = None
        if self._top >= len(self._all):
            self._top = max(0, len(self._all) - self.rows)

    @property
    def _places(self) -> dict[str, int]:
        """Where each row is; a list that is only looked at never asks."""
        if self._found_places is None:
            self._found_places = {self._row_id(row): index for index, row in enumerate(self._all)}
        return self._found_places

    def find(self, row_id: str) -> RowT | None:
        """Return a row by its id."""
        place = self._places.get(row_id)
        return None if place is None else self._all[place]

    def order(self, row_id: str) -> int:
        """Return a row's place; before all others for one that is not there."""
        return self._places.get(row_id, -1)

    def bring(self, row_id: str) -> None:
        """Turn to the page that a row is on, unless it shows."""
        place = self._places.get(row_id)
        if place is not None and not self._top <= place < self._top + self.rows:
            self._top = place - place % self.rows

    def position(self, is_wanted: Callable[[RowT], bool]) -> None:
        """Bring the first row that is wanted to the top; the last page, when none is."""
        found = next((place for place, row in enumerate(self._all) if is_wanted(row)), None)
        if found is None:
            self.edge("*BOT")
        else:
            self._top = found

    def edge(self, which: str) -> None:
        """Go to the beginning for ``*TOP``, else to the last full page."""
        self._top = 0 if which == "*TOP" else max(0, len(self._all) - self.rows)

    def from_here(self, row_id: str) -> Sequence[str]:
        """Return the ids from a row to the end of the list."""
        return [self._row_id(row) for row in self._all[max(0, self.order(row_id)) :]]
