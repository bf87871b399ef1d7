"""Journal receivers: attached one after the other, saved, deleted bit by bit.

Everything here is part of the caller's transaction.

A receiver's row stays when its entries have gone: numbers, last hash and signature of it say what was there, so that
the chain still verifies across the hole, and a hole that nobody asked for shows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from console.clock import Clock, system_clock
from console.errors import JournalError
from console.journal.attached import attach, is_name, next_name, place_to_write
from console.journal.entries import Entry
from console.journal.signer import is_sound, key_of, load_key, make_checkpoint, sign_receiver
from console.journal.writer import append
from console.model.journal import JournalAttributes, JournalEntry, Receiver
from console.store.journal import attached_receiver
from console.store.journal_index import forget_blocks
from console.store.journal_postings import block_of
from console.store.postings import BLOCK
from console.store.session import location_of

JOURNAL = "QAUDJRN"
_DELETED_AT_ONCE = 250
"""Entries deleted by a statement: some 3 ms."""
BUDGET_S = 0.02
"""After so long no further statement is begun in a transaction, on however slow a machine: new entries are waiting."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """What is to be said of a receiver that has reached its threshold."""

    receiver: str
    """The one that was attached."""
    attached: str
    """The one that is attached now; the same where only the operator may change it."""


def attributes(session: Session) -> JournalAttributes:
    """Return the attributes of the journal, those of a fresh one where nobody has set any.

    What is no value of an attribute, as only somebody who wrote there himself can make it, is that of a fresh one too.
    """
    fresh = JournalAttributes(name=JOURNAL)
    try:
        found = session.get(JournalAttributes, JOURNAL)
    except DBAPIError:  # a text is none
        return fresh
    if found is None:
        return fresh
    values = {name: getattr(found, name) for name in JournalAttributes.model_fields}
    usable = {name: value for name, value in values.items() if _is_like(getattr(fresh, name), value)}
    return found if usable == values else JournalAttributes(**{**fresh.model_dump(), **usable})


def _is_like(sample: object, value: object) -> bool:
    return type(value) is type(sample) and not (isinstance(value, int) and value < 0)


def set_attributes(session: Session, values: dict[str, object]) -> None:
    """Set some attributes of the journal.

    Raises:
        ValueError: One cannot be so.
    """
    there = attributes(session)
    made = JournalAttributes.model_validate({**there.model_dump(), **values})
    session.merge(made)
    session.flush()


def list_receivers(session: Session) -> list[Receiver]:
    """Return all receivers, oldest first, those whose entries were deleted too."""
    return list(session.exec(select(Receiver).order_by(col(Receiver.first_sequence), col(Receiver.attached_at))))


def find_receiver(session: Session, name: str) -> Receiver:
    """Return a receiver that has not been deleted.

    Raises:
        JournalError: There is none of that name.
    """
    found = session.get(Receiver, name)
    if found is None or found.deleted_at is not None:
        raise JournalError("GWL0612", receiver=name)
    return found


def state(receiver: Receiver) -> str:
    """Return the state of a receiver in IBM i's words."""
    if receiver.deleted_at is not None:
        return "DELETED"
    if receiver.detached_at is None:
        return "ATTACHED"
    return "ONLINE" if receiver.saved_at is None else "SAVED"


def change_receiver(session: Session, name: str = "", *, clock: Clock = system_clock) -> tuple[str, str]:
    """Detach the receiver that takes entries and attach a new one.

    Args:
        session: A transaction.
        name: Of the new one; generated when empty.
        clock: When.

    Returns:
        The name of the receiver before, and of the one now.

    Raises:
        JournalError: There is or was a receiver of that name, or it is no name.
        StoreError: The key of the journal cannot be read.
    """
    old = place_to_write(session, clock).receiver
    taken = set(session.exec(select(Receiver.name)))
    name = name or next_name(old.name, taken)
    if name in taken:
        raise JournalError("GWL0613", receiver=name)
    if not is_name(name):
        raise JournalError("GWL0614", receiver=name)
    now = clock()
    append(session, [Entry(now, "NR", text=f"Next receiver {name}")], clock=clock)
    key = key_of(session)
    sound = is_sound(location_of(session), key, old)
    if sound:
        session.add(make_checkpoint(key, old, now))
    old.detached_at = now
    if sound:
        sign_receiver(key, old)
    session.flush()
    attach(session, key, name, now, last=old.last_sequence, digest=old.last_hash, checkpoints=old.checkpoints)
    append(session, [Entry(now, "PR", text=f"Previous receiver {old.name}")], clock=clock)
    return old.name, name


def mark_saved(session: Session, name: str, at: datetime) -> None:
    """Record that a receiver was saved.

    Raises:
        JournalError: There is no such receiver.
        StoreError: The key of the journal cannot be read.
    """
    _change(session, find_receiver(session, name), saved_at=at)


def _change(session: Session, receiver: Receiver, **values: object) -> None:
    """Change a receiver's row, and sign it if it was what was signed."""
    key = key_of(session)
    sound = is_sound(location_of(session), key, receiver)
    for name, value in values.items():
        setattr(receiver, name, value)
    if sound:
        sign_receiver(key, receiver)
    session.flush()


def attached_is_sound(session: Session) -> bool:
    """Say whether the attached receiver's row is what was signed; a session that only reads may ask.

    Raises:
        StoreError: The key of the journal cannot be read, or there is no such receiver.
    """
    location = location_of(session)
    return not location.journal_key.exists() or is_sound(location, load_key(location), attached_receiver(session))


def delete_receiver(session: Session, name: str, *, unsaved: bool, at: datetime) -> Receiver:
    """Mark a receiver as deleted; the worker removes its entries bit by bit.

    Args:
        session: A transaction.
        name: Its name.
        unsaved: Whether it may go without having been saved.
        at: When this was asked for.

    Raises:
        JournalError: There is no such receiver, it is attached, or it was not saved.
        StoreError: The key of the journal cannot be read.
    """
    receiver = find_receiver(session, name)
    if receiver.detached_at is None:
        raise JournalError("GWL0615", receiver=name)
    if receiver.saved_at is None and not unsaved:
        raise JournalError("GWL0616", receiver=name)
    _change(session, receiver, deleted_at=at)
    return receiver


def _marked() -> SelectOfScalar[Receiver]:
    marked = col(Receiver.deleted_at).is_not(None) & col(Receiver.purged).is_(False)
    return select(Receiver).where(marked).order_by(col(Receiver.first_sequence))


def purge_is_due(session: Session) -> bool:
    """Say whether `purge_some` has something to do."""
    return session.exec(_marked()).first() is not None


def purge_some(session: Session, *, budget_s: float = BUDGET_S, timer: Callable[[], float] = time.monotonic) -> bool:
    """Remove some entries of a receiver that is marked as deleted; say whether there are more of any.

    Stopped at any point it goes on where it was: entries go from the first on, and the row says at last that all have.

    Args:
        session: A transaction of its own: nothing can be written until it ends.
        budget_s: How long it may take; what has been begun by then is finished.
        timer: Seconds since whenever.
    """
    receiver = session.exec(_marked()).first()
    if receiver is None:
        return False
    ends = timer() + budget_s
    while _purge_slice(session, receiver) and timer() < ends:
        pass
    return True


def _purge_slice(session: Session, receiver: Receiver) -> bool:
    """Remove a few entries; say whether there is more to do, none of which takes longer than this did."""
    number = col(JournalEntry.sequence_number)
    inside = number.between(receiver.first_sequence, receiver.last_sequence)
    first = session.exec(select(number).where(inside).order_by(number).limit(1)).first()
    if first is None:
        _change(session, receiver, purged=True)
        return False
    last = min(first + _DELETED_AT_ONCE - 1, receiver.last_sequence)
    session.execute(delete(JournalEntry).where(number.between(first, last)))
    # Only whole blocks: in the first there may be entries of the receiver before, too.
    begin, end = max(block_of(first), block_of(receiver.first_sequence + BLOCK - 1)), block_of(last + 1)
    forget_blocks(session, begin, end - 1, keep_row=True)
    return begin >= end  # the index of a block has some thousand rows


def threshold_is_reached(session: Session) -> bool:
    """Say whether `change_at_threshold` has something to do or to say."""
    wanted = attributes(session)
    receiver = attached_receiver(session)
    reached = bool(wanted.threshold_kb) and receiver.size_bytes >= wanted.threshold_kb * 1024
    return reached and (wanted.manage_receivers == "*SYSTEM" or wanted.warned_receiver != receiver.name)


def change_at_threshold(session: Session, *, clock: Clock = system_clock) -> Threshold | None:
    """Change the receiver if it has reached its threshold, or say that it has where only the operator may change it.

    Returns:
        What is to be told; None when nothing has happened, or it was told before.
    """
    if not threshold_is_reached(session):
        return None
    if attributes(session).manage_receivers == "*SYSTEM":
        return Threshold(*change_receiver(session, clock=clock))
    name = attached_receiver(session).name
    set_attributes(session, {"warned_receiver": name})
    return Threshold(name, name)


def expire(session: Session, now: datetime) -> list[str]:
    """Mark as deleted what need not be kept any longer; return their names.

    Receivers that were not saved go only where the journal says DLTRCV(*YES).
    """
    wanted = attributes(session)
    gone = []
    for receiver in _expired(session, wanted, now):
        if receiver.saved_at is not None or wanted.delete_receivers == "*YES":
            delete_receiver(session, receiver.name, unsaved=True, at=now)
            gone.append(receiver.name)
    return gone


def _expired(session: Session, wanted: JournalAttributes, now: datetime) -> Iterator[Receiver]:
    """Yield the detached receivers that are too old, or too many, oldest first."""
    if not wanted.keep_days and not wanted.keep_kb:
        return
    there = [each for each in list_receivers(session) if each.detached_at is not None and each.deleted_at is None]
    size = sum(each.size_bytes for each in there)
    for receiver in there:
        detached = receiver.detached_at
        old = detached is not None and bool(wanted.keep_days) and now - detached >= timedelta(days=wanted.keep_days)
        if old or (wanted.keep_kb and size > wanted.keep_kb * 1024):
            yield receiver
            size -= receiver.size_bytes
