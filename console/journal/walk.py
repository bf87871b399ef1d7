"""The walk along the chain of the journal, from its first entry to the first that is not what was written."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import Result, Row, String, select, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from console.journal.chain import canonical, link
from console.journal.index_check import IndexCheck
from console.journal.key_file import JournalKey
from console.journal.page import columns_of, is_plain, is_unbroken
from console.journal.seal import CheckpointForm, ReceiverForm
from console.journal.spans import Readers, Span, Whole, hash_at
from console.journal.stored import StoredReceiver, first_entry, moment_us, pages, us_or_none
from console.model.journal import GENESIS_HASH, Checkpoint, JournalEntry
from console.store.journal_index import last_before

WHOLE = "GWL0601"
"""Id of the message that everything is as it was written."""

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk along the chain has found."""

    entries: int
    """How many entries are good, from the first on."""
    bad_entry: int | None = None
    """Sequence number at which the journal is first not what was written; None: all of it is."""
    message_id: str = WHOLE
    """Says what is wrong there, or that nothing is."""
    detail: tuple[tuple[str, object], ...] = ()
    """Further values of that message."""
    hidden: tuple[int, ...] = ()
    """Blocks whose index hides entries from readers; the entries themselves are good."""

    def values(self) -> dict[str, object]:
        """Return the values of the message."""
        return {"entries": self.entries, "bad_entry": self.bad_entry, **dict(self.detail)}


class FoundError(Exception):
    """The walk is at its end: this is the verdict."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


class Walk:
    """The state of a walk: which entry comes next, the hash before it, and up to where signatures vouch."""

    def __init__(self, session: Session, key: JournalKey, check: IndexCheck | None, readers: Readers) -> None:
        self._session = session
        self._key = key
        self._check = check
        self._readers = readers
        self._hidden: list[int] = []
        self._expected = 1
        self._digest = bytes.fromhex(GENESIS_HASH)
        self._good = 0
        self._vouched = 0
        self._checkpoints = self._read_checkpoints()
        self._next: tuple[CheckpointForm, object] | None = None
        self._passed = 0
        self._unchecked: list[ReceiverForm] = []
        self._head: tuple[int, int, str] | None = None
        self._head_path = ""

    def whole(self, receivers: list[StoredReceiver], head: tuple[int, int, str] | None, head_path: str) -> int:
        """Walk from the first entry to the last; return how many are good."""
        self._head, self._head_path = head, head_path
        with closing(self._checkpoints):
            self._next = next(self._checkpoints, None)
            return self._walk(receivers)

    def hidden_blocks(self) -> list[int]:
        """Return the blocks whose index hides entries; ask when the walk is at its end."""
        return sorted([*self._hidden, *(self._check.finish() if self._check else ())])

    def _walk(self, receivers: list[StoredReceiver]) -> int:
        stray = first_entry(self._session, -(2**63), 0)
        if stray is not None:
            self._stop(1, "GWL0603")
        for place, receiver in enumerate(receivers):
            self._receiver(receiver, is_last=place == len(receivers) - 1)
        stray = first_entry(self._session, self._expected - 1, None)
        if stray is not None:
            self._stop(self._expected, "GWL0604")
        self._end(receivers[-1].form)
        if self._unchecked:
            names = ", ".join(form.name for form in self._unchecked)
            detail = (("receivers", names),)
            raise FoundError(Verdict(self._good, self._unchecked[0].first_sequence, "GWL062A", detail))
        return self._good

    def _receiver(self, receiver: StoredReceiver, *, is_last: bool) -> None:
        row, signature = receiver
        signed = None not in row and self._is_signed(row, signature)
        below = row.first_sequence - 1
        if self._expected <= below and first_entry(self._session, self._expected - 1, below) is not None:
            self._stop(self._expected, "GWL061D", receiver=row.name, last=below)
        if signed and row.deleted_us:
            self._hole(row)
        self._entries(row)
        # What the entries themselves show is said first: it names the very entry.
        tiles = row.first_sequence <= row.last_sequence + 1 and self._expected == row.last_sequence + 1
        detached = bool(row.detached_us) != is_last
        if not (signed and tiles and detached and row.last_hash == self._digest.hex()):
            self._stop(self._vouched + 1, "GWL0607", receiver=row.name)
        self._vouched = row.last_sequence

    def _is_signed(self, form: ReceiverForm, signature: object) -> bool:
        """Say whether a receiver is signed, or was with a key that is gone: then only the chain vouches for it."""
        if self._key.vouches(form, signature):
            return True
        if self._key.since == 1 or form.last_sequence >= self._key.since:
            return False
        # It was detached when the key was gone.
        if not self._key.vouches(form._replace(detached_us=0), signature):
            self._unchecked.append(form)
        return True

    def _hole(self, row: ReceiverForm) -> None:
        """Go to the first entry of a deleted receiver that is still there, or behind its last."""
        there = first_entry(self._session, row.first_sequence - 1, row.last_sequence)
        if row.first_sequence != self._expected or row.before_hash != self._digest.hex():
            self._stop(self._vouched + 1, "GWL0607", receiver=row.name)
        if there is not None and row.purged:
            self._stop(there, "GWL0603")
        # The hash before the first that is left is nowhere; that entry is about to go, and those after it are checked.
        after = row.last_sequence if there is None else there
        number = JournalEntry.metadata.tables["journal_entry"].c
        query = select(number.chain_hash).where(number.sequence_number == after)
        found = row.last_hash if there is None else self._session.execute(query).scalar()
        try:
            self._digest = bytes.fromhex(str(found))
        except ValueError:
            self._stop(after, "GWL0603")
        self._expected = after + 1
        while self._next is not None and self._next[0].sequence_number <= after:
            self._checkpoint(self._next, None)

    def _entries(self, row: ReceiverForm) -> None:
        """Go along the entries of a receiver; stretches that others have found whole are passed over."""
        # Its row may say any number: what is cut into stretches ends where entries do.
        end = min(row.last_sequence, last_before(self._session, row.last_sequence + 1) or 0)
        spans = self._readers.cut(self._expected, end, row.name)
        with closing(self._readers.look(spans)) as looks:
            for span, whole in zip(spans, looks, strict=False):
                self._walk_along(row.name, span.first - 1)
                if self._expected != span.first:  # one is missing: what comes next says what is to be said of it
                    break
                if not self._pass_over(span, whole):
                    self._walk_along(row.name, span.last)
        self._walk_along(row.name, row.last_sequence)
        if self._expected <= row.last_sequence:
            self._stop(self._expected, "GWL0602")

    def _pass_over(self, span: Span, whole: Whole | None) -> bool:
        """Go behind a stretch that is whole, as others say; False if it fits neither its place nor what we see."""
        if whole is None or whole.before != self._digest.hex() or whole.after != hash_at(self._session, span.last):
            return False
        good = self._good
        while (mark := max(self._mark(), span.first)) <= span.last:
            self._good = good + mark - span.first + 1
            self._pass_checkpoints(mark, hash_at(self._session, mark))
        self._expected, self._digest = span.last + 1, bytes.fromhex(whole.after)
        self._good = good + span.last - span.first + 1
        self._hidden += whole.hidden
        return True

    def _walk_along(self, name: str, last: int) -> None:
        """Walk along entries of a receiver up to one."""
        for page in self._readable(self._expected, last):
            columns = columns_of(page)
            if page[-1][0] < self._mark() and is_unbroken(columns, self._expected, name, self._digest):
                self._digest = bytes.fromhex(page[-1][-1])
                self._expected += len(page)
                self._good += len(page)
            else:
                self._one_by_one(page, name, plain=is_plain(columns))
            if self._check is not None:
                self._check.extend(columns)

    def _one_by_one(self, page: Sequence[Sequence[Any]], name: str, *, plain: bool) -> None:
        """Walk along the entries of a page that is not whole, or holds one that a checkpoint tells of.

        Args:
            page: The entries.
            name: Of their receiver.
            plain: Whether all of the page is.
        """
        mark = self._mark()
        for entry in page:
            number = entry[0]
            fault = _place_fault(entry, self._expected, name) if number != self._expected or entry[2] != name else ""
            is_readable = not fault and (plain or is_plain(columns_of([entry])))
            link_hash = _hash_of(self._digest, entry) if is_readable else None
            if link_hash is None or link_hash != entry[-1]:
                self._stop(self._expected, fault or "GWL0603")
            self._digest = bytes.fromhex(link_hash)
            self._expected += 1
            self._good += 1
            if number >= mark:
                self._pass_checkpoints(number, link_hash)
                mark = self._mark()

    def _readable(self, first: int, last: int) -> Iterator[Sequence[Sequence[Any]]]:
        """Yield entries, some at a time; one that cannot be read is not what was written."""
        number = first - 1
        try:
            for page in pages(self._session, first, last):
                number = page[-1][0]
                yield page
        except DBAPIError:
            self._stop(number + 1, "GWL0603")

    def _mark(self) -> int:
        return 2**63 if self._next is None else self._next[0].sequence_number

    def _pass_checkpoints(self, number: int, digest: str) -> None:
        while self._next is not None and self._next[0].sequence_number <= number:
            if self._next[0].sequence_number < number:
                self._bad_checkpoint()
            self._checkpoint(self._next, digest)
        self._vouched = number

    def _checkpoint(self, found: tuple[CheckpointForm, object], digest: str | None) -> None:
        """Check the next checkpoint, and against the hash of its entry where that is there."""
        form, signature = found
        in_order = form.number == self._passed + 1
        if not (in_order and self._is_made(form, signature) and digest in (None, form.chain_hash)):
            self._bad_checkpoint()
        if self._head is not None and form.number == self._head[0] and form[1:3] != self._head[1:]:
            self._stop(self._vouched + 1, "GWL0609", path=self._head_path)
        self._passed += 1
        self._next = next(self._checkpoints, None)

    def _is_made(self, form: CheckpointForm, signature: object) -> bool:
        return 0 < form.sequence_number < self._key.since or self._key.vouches(form, signature)

    def _read_checkpoints(self) -> Generator[tuple[CheckpointForm, object]]:
        columns = Checkpoint.metadata.tables["journal_checkpoint"].c
        made_at = type_coerce(columns.made_at, String)
        query = select(columns.number, columns.sequence_number, columns.chain_hash, made_at, columns.signature)
        query = query.order_by(columns.number)
        try:
            found = self._session.execute(query, execution_options={"yield_per": _PAGE})
        except DBAPIError:  # SQLite has the first row with it, a text of which is none
            self._bad_checkpoint()
        try:
            while row := self._fetched(found):
                number, sequence, digest, made, signature = tuple(row)
                place = sequence if isinstance(sequence, int) else 0
                yield CheckpointForm(number, place, digest, us_or_none(made) or -1), signature
        finally:
            found.close()

    def _fetched(self, found: Result[Any]) -> Row[Any] | None:
        try:
            return found.fetchone()
        except DBAPIError:
            return self._bad_checkpoint()

    def _end(self, last: ReceiverForm) -> None:
        if self._next is not None or self._passed != last.checkpoints:
            self._bad_checkpoint()
        if self._head is not None and self._head[0] > last.checkpoints:
            self._stop(self._expected, "GWL0609", path=self._head_path)

    def _bad_checkpoint(self) -> NoReturn:
        self._stop(self._vouched + 1, "GWL0608", checkpoint=self._passed + 1)

    def _stop(self, bad_entry: int, message_id: str, **detail: object) -> NoReturn:
        good = min(self._good, bad_entry - 1)
        raise FoundError(Verdict(good, bad_entry, message_id, tuple(detail.items())))


def _place_fault(entry: Sequence[Any], expected: int, receiver: str) -> str:
    number = entry[0]
    if number != expected:
        return "GWL0602" if number > expected else "GWL0603"
    return "" if entry[2] == receiver else "GWL0604"


def _hash_of(before: bytes, entry: Sequence[Any]) -> str | None:
    """Return the hash that an entry should have; None if it can have none."""
    try:
        values = [entry[0], moment_us(entry[1]), *entry[2:-1]]
    except ValueError:
        return None
    return link(before, canonical(values)).hex()
