"""The journal as a list that is fetched page by page, from its end; never held whole."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from console.commands.definition import Context
from console.messages import Message
from console.model.journal import JournalEntry
from console.store.journal import EVERYTHING, JournalFilter, get_entry, page_after, page_before
from screens.panels.pager import Pager
from screens.panels.replies import at_bottom, at_top


class JournalPager(Pager[JournalEntry]):
    """A window on the journal; the id of a row is the entry's sequence number."""

    def __init__(self, context: Context, only: JournalFilter = EVERYTHING) -> None:
        """Begin at the end.

        Args:
            context: Reads the store.
            only: Which entries to show.
        """
        self._context = context
        self.only = only
        self._entries: list[JournalEntry] = []
        self._more = False
        self._fetched = 0
        self.read_at = context.clock()
        """When the entries were read that show."""

    def visible(self) -> Sequence[tuple[str, JournalEntry]]:
        """Return the entries that show; fetched at first, and when the page has another size."""
        if self._fetched != self.rows:
            if self._entries and self._more:
                self.from_number(self._entries[0].sequence_number)
            else:
                self.refresh()
        return [(str(entry.sequence_number), entry) for entry in self._entries]

    def has_more(self) -> bool:
        """Say whether there are later entries."""
        return self._more

    def refresh(self) -> None:
        """Show the newest entries."""
        with self._context.opened() as session:
            self._show(page_before(session, None, limit=self.rows, only=self.only), more=False)

    def roll(self, key: str) -> tuple[Message, ...]:
        """Go one page towards the newest (``ROLLUP``) or the oldest entry."""
        if not self._entries:
            return (at_bottom(),)
        with self._context.opened() as session:
            return self._later(session) if key == "ROLLUP" else self._earlier(session)

    def find(self, row_id: str) -> JournalEntry | None:
        """Return an entry by its number."""
        with self._context.opened() as session:
            if self.only.journal:
                return next(iter(page_after(session, int(row_id) - 1, limit=1, only=self.only)), None)
            return get_entry(session, int(row_id))

    def order(self, row_id: str) -> int:
        """Return the number itself."""
        return int(row_id)

    def bring(self, row_id: str) -> None:
        """Turn to the page that begins with an entry, unless it shows."""
        if all(row_id != shown for shown, _ in self.visible()):
            self.from_number(int(row_id))

    def from_number(self, number: int) -> None:
        """Show the entries from a sequence number on; the last page when they are fewer."""
        with self._context.opened() as session:
            found = page_after(session, number - 1, limit=self.rows + 1, only=self.only)
            if len(found) < self.rows:
                found = page_before(session, None, limit=self.rows, only=self.only)
        self._show(found[: self.rows], more=len(found) > self.rows)

    def neighbour(self, number: int, step: int) -> JournalEntry | None:
        """Return the entry before (-1) or after (1) one, as the list shows them."""
        with self._context.opened() as session:
            if step > 0:
                return next(iter(page_after(session, number, limit=1, only=self.only)), None)
            return next(iter(page_before(session, number, limit=1, only=self.only)), None)

    def _later(self, session: Session) -> tuple[Message, ...]:
        found = page_after(session, self._entries[-1].sequence_number, limit=self.rows + 1, only=self.only)
        if not found:
            return (at_bottom(),)
        self._show(found[: self.rows], more=len(found) > self.rows)
        return ()

    def _earlier(self, session: Session) -> tuple[Message, ...]:
        first = self._entries[0].sequence_number
        found = page_before(session, first, limit=self.rows, only=self.only)
        if not found:
            return (at_top(),)
        if len(found) < self.rows:
            found = page_after(session, 0, limit=self.rows, only=self.only)
        self._show(found, more=True)
        return ()

    def _show(self, entries: list[JournalEntry], *, more: bool) -> None:
        self._entries = entries
        self._more = more
        self._fetched = self.rows
        self.read_at = self._context.clock()
