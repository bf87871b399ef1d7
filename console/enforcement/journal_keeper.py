"""Keeps the journal in order while the worker runs: its index, its receivers, the file that says how far it has come.

Each step is one small transaction, and between two of them what guards send has its turn. Whatever was being done when
a worker was killed is done by the next: what is left to do can be seen in the store.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta

from sqlmodel import Session

from console.clock import Clock
from console.enforcement.pulse import Wake
from console.enforcement.scribe import Scribe
from console.errors import StoreError
from console.journal.attached import is_in_order, make_readable, place_to_write
from console.journal.ending import last_checkpoint
from console.journal.entries import Entry
from console.journal.grouping import Grouping
from console.journal.purging import Purging
from console.journal.receivers import (
    attached_is_sound,
    change_at_threshold,
    change_receiver,
    expire,
    purge_is_due,
    threshold_is_reached,
)
from console.journal.signer import key_fault, key_of, read_head, write_head
from console.journal.writer import append
from console.messages import describe, line, message
from console.store.damaged_jobs import damaged_jobs, mend_job
from console.store.engine import Store
from console.store.journal import last_number
from console.store.journal_index import make_index, missing_block, older_block, write_index
from console.store.journal_postings import block_of
from console.store.messages import send, send_message
from console.store.session import reading, transaction

_log = logging.getLogger("greenwall.worker")

_BETWEEN_STEPS_S = 0.01
"""Or as long as the step has taken: a long deletion leaves half of the disk to what guards send."""
_PRESSED_PAUSE_S = 1.0
"""While guards send many entries: to look takes as long as to write down a thousand of them."""
_EXPIRE_EVERY = timedelta(minutes=1)
_MAY_WAIT = 2
"""Full blocks whose index may wait while guards send many entries: it is a third of the work of writing one down, and
readers look through a block without index in some 20 ms."""
_GENERIC = "GR"


class JournalKeeper:
    """Finds out what there is to do, and does one step of it.

    Threads: One at a time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._indexed = 0
        """Blocks below this have an index, or had when this worker last looked."""
        self._purging = Purging(store)
        self._grouping = Grouping(store)
        self._renewing: int | None = None
        """Blocks from this on have their index in the form of today, or get none; None: nobody has looked yet."""
        self._expired_at = clock() - _EXPIRE_EVERY
        self._head = read_head(store.location)
        self._key_is_said = False
        self._not_indexed: int | None = None
        """Block of which it was said that it gets no index."""

    def begin(self) -> None:
        """Sign what an older Greenwall has left unsigned.

        Raises:
            StoreError: The store or its key cannot be used.
        """
        self._look_at_key()
        self._mend_jobs()
        if not self._put_in_order():
            with transaction(self._store) as session:
                key_of(session)

    def step(self, *, pressed: bool = False) -> bool:
        """Do one step; say whether there is more to do at once.

        Args:
            pressed: Many entries are coming: what can wait for a while does.

        Raises:
            StoreError: The store cannot be read or written; nothing was done.
        """
        self._look_at_key()
        self._mend_jobs()
        self._put_in_order()
        with reading(self._store) as session:
            end = block_of(last_number(session) + 1)
            block = missing_block(session, end) if end > self._indexed else None
            sound = attached_is_sound(session)
            # A row that somebody else has written to may hold anything.
            purge, change = purge_is_due(session), sound and threshold_is_reached(session)
            checkpoint = last_checkpoint(session)
        if not sound:
            self._leave_unsound()
        # What is short and promised by the clock comes before what may go on for minutes.
        self._write_head(checkpoint)
        if change:
            self._change()
        self._expire()
        if block is not None and not (pressed and end - self._indexed <= _MAY_WAIT) and self._index(block):
            return True
        if block is None:
            self._indexed = end
        if purge:
            self._grouping.begin_anew()
            return self._purging.step()
        # The blocks of one group are made anew and brought together before those of the next are taken apart.
        return not pressed and block is None and (self._grouping.step(end) or self._renew(end))

    def _renew(self, end: int) -> bool:
        """Make the index of a block anew that an older Greenwall has made; say whether there was one."""
        if self._renewing is None:
            self._renewing = end
        with reading(self._store) as session:
            block = older_block(session, self._renewing) if self._renewing else None
        self._renewing = block or 0
        return block is not None and self._index(block)

    def _index(self, block: int) -> bool:
        """Make the index of a block; False if it can have none: that must not end all that comes after it.

        A store that can be read or written by nobody now is met again by what comes next.
        """
        try:
            with reading(self._store) as session:
                made = make_index(session, block)
            with transaction(self._store) as session:
                write_index(session, made)
            self._grouping.begin_anew(block)
        except StoreError as error:
            if block != self._not_indexed:
                _log.warning("block %s: %s", block, line(describe(error)))
            self._not_indexed = block
            return False
        return True

    def _look_at_key(self) -> None:
        """Tell operators, once, of a key without which nothing can be written: what guards send waits for it."""
        with reading(self._store) as session:
            fault = key_fault(session)
        if fault is not None and not self._key_is_said:
            with transaction(self._store) as session:
                send(session, fault, at=self._clock(), key="journal key")
        self._key_is_said = fault is not None

    def _mend_jobs(self) -> None:
        """Make rows of jobs readable: one that is not would hold up what all guards send."""
        with reading(self._store) as session:
            if not damaged_jobs(session):
                return
        with transaction(self._store) as session:
            for damage in damaged_jobs(session):
                mend_job(session, damage)
                found = damage.found.decode("utf-8", "backslashreplace")
                self._say(session, "GWL0525", row=damage.job, column=damage.column, found=found)

    def _put_in_order(self) -> bool:
        """See to it that entries have a place to go to and receivers can be read; say whether anything was amiss."""
        with reading(self._store) as session:
            if is_in_order(session):
                return False
        with transaction(self._store) as session:
            said = make_readable(session, self._clock())
            said += place_to_write(session, self._clock).said
            append(session, said, clock=self._clock)
            _log.warning("%s", "; ".join(each.text for each in said))
        return True

    def _change(self) -> None:
        with transaction(self._store) as session:
            reached = change_at_threshold(session, clock=self._clock)
            if reached is None:
                return
            if reached.attached == reached.receiver:
                self._say(session, "GWL0618", receiver=reached.receiver)
            else:
                self._say(session, "GWL0617", receiver=reached.receiver, attached=reached.attached)

    def _leave_unsound(self) -> None:
        """Attach a receiver that signatures vouch for in the place of one that somebody else has written to."""
        with transaction(self._store) as session:
            old, new = change_receiver(session, clock=self._clock)
            self._say(session, "GWL061A", receiver=old, attached=new)

    def _expire(self) -> None:
        now = self._clock()
        if timedelta() <= now - self._expired_at < _EXPIRE_EVERY:  # a clock may be set back
            return
        with transaction(self._store) as session:
            for name in expire(session, now):
                self._say(session, "GWL0619", receiver=name)
        self._expired_at = now

    def _write_head(self, last: tuple[int, int, str] | None) -> None:
        if last is not None and (self._head is None or self._head[0] < last[0]):
            write_head(self._store.location, last)
            self._head = read_head(self._store.location)

    def _say(self, session: Session, message_id: str, **values: object) -> None:
        """Tell the operator, and the journal."""
        said = message(message_id, **values)
        now = self._clock()
        text = line(said)
        append(session, [Entry(now, _GENERIC, text=text)], clock=self._clock)
        send_message(session, message_id=message_id, text=said.text, severity=said.severity, at=now)
        _log.info("%s", text)


async def keep_journal(scribe: Scribe, keeper: JournalKeeper, wake: Wake) -> None:
    """Do what there is to do, for ever.

    Args:
        scribe: Whose thread works on the store, so that this never waits for what it does, nor the other way round.
        keeper: Does it.
        wake: Set when the store or the key of its journal has changed.
    """
    await scribe.insist(keeper.begin)
    while True:
        began = time.monotonic()
        is_pressed = scribe.is_pressed
        if await scribe.insist(keeper.step, pressed=is_pressed):
            await asyncio.sleep(max(_BETWEEN_STEPS_S, time.monotonic() - began))
        elif is_pressed:
            await asyncio.sleep(_PRESSED_PAUSE_S)
        else:
            await wake.rest()
