"""Where the next entry goes, in the caller's transaction: the receiver that is attached, and the key that signs it.

Who can write into the store can take both away. Entries must go on being written, behind what is there: then another
receiver is attached that continues the chain, operators are told, and verification names what is missing. Nothing that
is found is removed. What is no value in a receiver's row, so that it could not be read any more, is said and replaced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import LargeBinary, cast, select, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from console.clock import Clock
from console.errors import StoreError
from console.journal import key_file
from console.journal.chain import EPOCH, HASH_BYTES
from console.journal.ending import highest_checkpoint, last_entry
from console.journal.entries import Entry
from console.journal.signer import key_is_lost, key_of, sign_receiver
from console.journal.stored import NUMBERS, ORDER, raw_receivers, us_or_none
from console.messages import Message, line, message
from console.model.journal import GENESIS_HASH, JournalEntry, Receiver
from console.store.journal import attached_receiver
from console.store.messages import send
from console.store.session import location_of

FIRST_NAME = "AUDRCV0001"
_NAME = re.compile(r"[A-Z#$@][A-Z0-9#$@_]{0,9}")
_NAME_LONGEST = 10
_STEM_LONGEST = 6
_DIGITS = 4
_GENERIC, _PREVIOUS = "GR", "PR"
_RECEIVER = Receiver.metadata.tables["receiver"]
_ENTRY = JournalEntry.metadata.tables["journal_entry"].c
_INSTEAD: dict[str, object] = {
    "attached_at": EPOCH, "detached_at": EPOCH, "saved_at": None, "deleted_at": None,
    "first_sequence": 1, "last_sequence": 0, "size_bytes": 0, "checkpoints": 0, "purged": False,
    "before_hash": GENESIS_HASH, "last_hash": GENESIS_HASH, "signature": "",
}  # fmt: skip
"""What is put in the place of a value that is none of its column's."""


@dataclass(slots=True)
class Place:
    """Where the next entry goes."""

    receiver: Receiver
    key: Ed25519PrivateKey
    said: list[Entry] = field(default_factory=list)
    """What is to be written before it."""


def is_name(text: object) -> bool:
    """Say whether something can be the name of a receiver."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def next_name(name: str, taken: set[str]) -> str:
    """Return the name that ``JRNRCV(*GEN)`` makes: digits at the end count up; without any, four are appended.

    Source: Change Journal, "JRNRCV(*GEN)"; after the last number comes the first name that is free.
    """
    found = re.fullmatch(r"(.*?)(\d+)", name)
    stem, digits = (found[1], found[2]) if found else (name[:_STEM_LONGEST], "0" * _DIGITS)
    last = 10 ** len(digits)
    for step in range(1, last + 1):
        made = f"{stem}{(int(digits) + step) % last:0{len(digits)}}"
        if made not in taken:
            return made
    stem = stem[: _NAME_LONGEST - len(digits) - 1] + "A"
    return next_name(f"{stem}{'0' * len(digits)}", taken)


def place_to_write(session: Session, clock: Clock) -> Place:
    """Return where the next entry goes; see to it that there is such a place.

    Args:
        session: A transaction.
        clock: For what is said.

    Raises:
        StoreError: The key of the journal cannot be read or made.
    """
    receiver, lost = _attached(session), key_is_lost(session)
    if receiver is not None and not lost:
        return Place(receiver, key_of(session))
    now = clock()
    said = make_readable(session, now)
    receiver = _attached(session) if receiver is None else receiver
    if receiver is not None and not lost:
        return Place(receiver, key_of(session), said)
    last, digest = last_entry(session)
    path = location_of(session).journal_key
    if lost:
        key_file.make(location_of(session), since=last + 1)
    before, key = receiver, key_of(session)
    if before is not None:
        before.detached_at = now  # its signature stays as it is
    name = next_name(_last_name(session), {row[0] for row in raw_receivers(session)})
    receiver = attach(session, key, name, now, last=last, digest=digest, checkpoints=highest_checkpoint(session))
    told = message("GWL061C", path=path, attached=name) if lost else message("GWL061B", attached=name, last=last)
    said.append(_told(session, told, now))
    if before is not None:
        said.insert(0, Entry(now, _PREVIOUS, text=f"Previous receiver {before.name}"))
    return Place(receiver, key, said)


def attach(
    session: Session, key: Ed25519PrivateKey, name: str, now: datetime, *, last: int, digest: str, checkpoints: int
) -> Receiver:
    """Add a receiver, signed, that continues the chain.

    Args:
        session: A transaction.
        key: Of the journal.
        name: Its name.
        now: When.
        last: Number of the entry before its first.
        digest: The hash of that.
        checkpoints: Number of the last checkpoint.
    """
    ends = {"first_sequence": last + 1, "last_sequence": last, "before_hash": digest, "last_hash": digest}
    new = Receiver.model_validate({"name": name, "attached_at": now, "checkpoints": checkpoints, **ends})
    sign_receiver(key, new)
    session.add(new)
    session.flush()
    return new


def is_in_order(session: Session) -> bool:
    """Say whether `place_to_write` and `make_readable` have nothing to do; a session that only reads may ask."""
    return not (key_is_lost(session) or _unreadable(session)) and _attached(session) is not None


def make_readable(session: Session, now: datetime) -> list[Entry]:
    """Replace what is no value in the rows of receivers; return what the journal is to say of it.

    Args:
        session: A transaction.
        now: When.
    """
    said = []
    for name, column, value in _unreadable(session):
        instead = _INSTEAD[column] if column != "name" else _free_name(session)
        here = _RECEIVER.c.name == name
        if isinstance(name, bytes):
            here = cast(_RECEIVER.c.name, LargeBinary) == name
        session.execute(update(_RECEIVER).where(here).values({column: instead}))
        told = message("GWL061E", receiver=_shown(name), column=column, value=_shown(value))
        said.append(_told(session, told, now))
    if said:
        session.expire_all()
    return said


def _unreadable(session: Session) -> list[tuple[Any, str, Any]]:
    """Return what is no value of its column: name of the receiver, column, and what is in it; names come last."""
    found: list[tuple[Any, str, Any]] = []
    for row in raw_receivers(session):
        found += [(row[0], column, value) for column, value in zip(ORDER, row, strict=True) if not _fits(column, value)]
    return sorted(found, key=lambda each: each[1] == "name")


def _fits(column: str, value: object) -> bool:
    if column == "name":
        return isinstance(value, str)
    if column.endswith("_at"):
        return us_or_none(value) is not None
    if column in NUMBERS:
        return isinstance(value, int) and (column != "purged" or value in (0, 1))
    if column == "signature":
        return isinstance(value, str)
    return _is_hash(value)


def _is_hash(value: object) -> bool:
    try:
        return isinstance(value, str) and len(bytes.fromhex(value)) == HASH_BYTES
    except ValueError:
        return False


def _attached(session: Session) -> Receiver | None:
    """Return the receiver that is attached; None if there is none, or its row cannot be read."""
    try:
        found = attached_receiver(session)
    except (StoreError, DBAPIError, LookupError, TypeError, ValueError):  # the last ones are of SQLAlchemy's types
        return None
    return found if is_name(found.name) else None


def _last_name(session: Session) -> str:
    """Return the name after which the next is made: of the newest receiver, by the entries where no row is left."""
    by_rows = [row[0] for row in reversed(raw_receivers(session))]
    by_entries = session.execute(select(_ENTRY.receiver_name).order_by(_ENTRY.sequence_number.desc()).limit(1))
    return next(filter(is_name, [*by_rows, *by_entries.scalars()]), FIRST_NAME)


def _free_name(session: Session) -> str:
    return next_name("DAMAGE0000", {row[0] for row in raw_receivers(session)})


def _shown(value: object) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _told(session: Session, told: Message, now: datetime) -> Entry:
    """Tell operators; return the entry that says the same."""
    send(session, told, at=now)
    return Entry(now, _GENERIC, text=line(told))
