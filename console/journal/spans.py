"""Stretches of the journal that are verified apart from each other, in as many processes as there are processors.

Each entry is stored with its hash: whether a stretch is what was written can be said from the hash before its first
entry on, whoever says whether that hash is right. What is not whole is nobody's to judge here: the walk along the chain
(`console.journal.walk`) goes along such a stretch itself, and names the entry.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, Protocol

import msgspec
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import SQLAlchemyError as AnyStoreError
from sqlmodel import Session
from sqlmodel import select as select_columns

from console.errors import RequestEnded
from console.journal.index_check import IndexCheck
from console.journal.page import columns_of, is_unbroken
from console.journal.stored import pages
from console.model.journal import GENESIS_HASH, JournalEntry
from console.request_end import is_to_end
from console.store.postings import BLOCK
from console.store.session import BEGIN
from console.store.url import database_file

_BLOCKS = 4
"""Blocks of a stretch: half a second of work."""
_MANY = 16 * BLOCK
"""Entries of a receiver from which on other processes are worth their start, of half a second of processor time."""
_MOST = 8
"""Processes at most; the disk is then what is slow."""
_AHEAD = 2
"""Stretches that a process is given at once, so that it has one while we take in what it said of the other."""
_LOOK_S = 0.2
"""After so long we look whether the operator wants no more of it."""
_READ_BYTES = 65536


class Span(NamedTuple):
    """Entries of one receiver."""

    first: int
    last: int
    receiver: str


@dataclass(frozen=True, slots=True)
class Stretches:
    """Entries of a receiver in stretches of one length, made when they are asked for.

    A receiver's row, which anybody may have written over, says how many there are.
    """

    first: int
    last: int
    receiver: str
    length: int

    def __iter__(self) -> Iterator[Span]:
        """Yield the stretches, ascending; the last may be shorter."""
        for at in range(self.first, self.last + 1, self.length):
            yield Span(at, min(at + self.length - 1, self.last), self.receiver)


class Whole(NamedTuple):
    """What is said of a stretch of which each entry was written so, if the hash before it was."""

    before: str
    """Hash of the entry before its first."""
    after: str
    """Hash of its last entry."""
    hidden: list[int]
    """Blocks of it whose index hides entries from readers."""


class Readers(Protocol):
    """Who looks at stretches."""

    def cut(self, first: int, last: int, receiver: str) -> Iterable[Span]:
        """Return the stretches of some entries that are to be looked at, ascending; what lies in none is walked.

        They are gone through more than once, and never all kept.
        """

    def look(self, spans: Iterable[Span]) -> Generator[Whole | None]:
        """Yield what is said of each stretch; None: not that it is whole."""


def hash_at(session: Session, number: int) -> str:
    """Return the hash that is stored with an entry; nothing for none, or what is no text."""
    if number == 0:
        return GENESIS_HASH
    columns = JournalEntry.metadata.tables["journal_entry"].c
    query = select_columns(columns.chain_hash).where(columns.sequence_number == number)
    try:
        found = session.execute(query).scalar()
    except DBAPIError:
        return ""
    return found if isinstance(found, str) else ""


def look_at(session: Session, span: Span, *, index: bool) -> Whole | None:
    """Look at a stretch.

    Args:
        session: Reads the store.
        span: The entries.
        index: Whether to hold the index of its blocks against them: they are whole blocks.
    """
    before, expected = hash_at(session, span.first - 1), span.first
    after = before
    check = IndexCheck(session) if index else None
    try:
        for page in pages(session, span.first, span.last):
            columns = columns_of(page)
            if not is_unbroken(columns, expected, span.receiver, bytes.fromhex(after)):
                return None
            after = page[-1][-1]
            expected += len(page)
            if check is not None:
                check.extend(columns)
        hidden = check.finish() if check else []
    except (AnyStoreError, ValueError):
        return None
    return Whole(before, after, hidden) if expected > span.last else None


def aligned(first: int, last: int, receiver: str, blocks: int) -> Stretches:
    """Return stretches of whole blocks of the index."""
    return Stretches(-(-(first - 1) // BLOCK) * BLOCK + 1, last // BLOCK * BLOCK, receiver, blocks * BLOCK)


class Processes:
    """Has stretches looked at by other processes; close it when done.

    They read the store by themselves, a little later than we do: an entry that they found whole was so while the
    journal was verified. They are niced, so that the worker, which may be writing, comes first.

    Args:
        url: Of the store, with its password.
        index: Whether the index is looked at, too.
        count: How many processes.
        many: Entries of a receiver from which on it is worth the while.
        blocks: Of the index, that make a stretch.
    """

    def __init__(self, url: str, *, index: bool, count: int, many: int = _MANY, blocks: int = _BLOCKS) -> None:
        self._many, self._blocks = many, blocks
        self._begin = msgspec.json.encode((url, index)) + b"\n"
        self._count = count
        self._running: list[subprocess.Popen[bytes]] = []
        self._said: list[bytes] = []

    def cut(self, first: int, last: int, receiver: str) -> Iterable[Span]:
        """Return stretches of whole blocks, if there is enough to do for other processes."""
        return aligned(first, last, receiver, self._blocks) if last - first >= self._many else ()

    def look(self, spans: Iterable[Span]) -> Generator[Whole | None]:
        """Yield what is said of each stretch; None as well where a process has ended."""
        coming = iter(spans)
        sent = taken = 0
        try:
            while True:
                for span in islice(coming, taken + _AHEAD * self._count - sent):
                    if not self._running:
                        self._start()
                    self._send(sent % self._count, msgspec.json.encode(span) + b"\n")
                    sent += 1
                if taken == sent:
                    return
                whole = self._receive(taken % self._count)
                taken += 1
                yield whole
        finally:
            if taken < sent:  # what they still say is of no use, and must not be taken for the answer to something else
                self.close()

    def _start(self) -> None:
        # -P and -E: neither the directory we are in nor PYTHONPATH may supply our modules.
        command = [sys.executable, "-P", "-E", "-m", "console.journal.span_reader"]
        for _ in range(self._count):
            process = subprocess.Popen(
                command, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
            )
            self._running.append(process)
            self._said.append(b"")
            self._send(len(self._running) - 1, self._begin)

    def _send(self, which: int, octets: bytes) -> None:
        line = self._running[which].stdin
        with suppress(BrokenPipeError):  # it has ended; that is seen when it is to answer
            if line is not None:
                line.write(octets)

    def _receive(self, which: int) -> Whole | None:
        answers = self._running[which].stdout
        while answers is not None and b"\n" not in self._said[which]:
            if not select.select([answers], [], [], _LOOK_S)[0]:
                if is_to_end():
                    raise RequestEnded
                continue
            octets = os.read(answers.fileno(), _READ_BYTES)
            if not octets:
                return None
            self._said[which] += octets
        said, _, self._said[which] = self._said[which].partition(b"\n")
        return msgspec.json.decode(said, type=Whole | None)

    def close(self) -> None:
        """End the processes; those that are asked again are started anew."""
        for process in self._running:
            process.kill()
            for line in (process.stdin, process.stdout):
                if line is not None:
                    line.close()
            process.wait()
        self._running, self._said = [], []


class Nobody:
    """Has no stretch looked at by others."""

    def cut(self, first: int, last: int, receiver: str) -> Iterable[Span]:
        """Return no stretch."""
        return ()

    def look(self, spans: Iterable[Span]) -> Generator[Whole | None]:
        """Yield nothing."""
        yield from ()

    def close(self) -> None:
        """Do nothing."""


def readers_for(session: Session, *, index: bool) -> Processes | Nobody:
    """Return who looks at the stretches of a journal: nobody else where others would not see what we do."""
    bind = session.get_bind()
    processors = len(os.sched_getaffinity(0))
    if processors < 2 or bind.get_execution_options().get(BEGIN) != "DEFERRED":
        return Nobody()
    url = bind.engine.url
    file = database_file(url)
    if file is not None:  # they are in another directory
        url = url.set(database=str(file))
    return Processes(url.render_as_string(hide_password=False), index=index, count=min(processors, _MOST))
