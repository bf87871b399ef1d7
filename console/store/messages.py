"""Message queues: what operators are told, in the order in which it came, and who has read it.

Whoever has something to say sends it in the transaction of what it tells of. A queue holds the last ten thousand
messages; of those with the same key it holds the last, and how often it was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, func
from sqlmodel import Session, col, select

from console.messages import Message
from console.model.messages import MessageReader, QueueMessage
from console.printable import printable
from console.store.text import storable

QSYSOPR = "QSYSOPR"
"""The system operator's queue, which is always there."""
BREAK_SEVERITY = 40
"""From this severity on a message breaks in on who works in the console; below, MW lights. Source: 5250, break
messages."""

_MOST_KEPT = 10_000
_LONGEST_TEXT = 1024
_LONGEST_DETAIL = 8192
_LONGEST_KEY = 200
_LONGEST_SENDER = 64


class News(NamedTuple):
    """What a reader has not read yet."""

    unread: int
    """How many."""
    last_id: int
    """The newest, 0 for none."""
    breaking: QueueMessage | None
    """The newest that is severe enough to break in."""


def send_message(
    session: Session,
    *,
    queue: str = QSYSOPR,
    message_id: str,
    text: str,
    severity: int,
    at: datetime,
    detail: str = "",
    key: str = "",
    sender: str = "",
) -> int:
    """Put a message into a queue, in the caller's transaction.

    Args:
        session: A transaction that may write.
        queue: Which one.
        message_id: Of the catalogue; empty for words that somebody keyed.
        text: First level: one line. What is not fit to be shown is spelt out, what is too long is cut.
        severity: 0 to 99; 40 and up breaks in on who works in the console.
        at: When.
        detail: Second level: cause and recovery.
        key: What it is about, for what is said again and again: it takes the place of the message with the same key,
            as a new one.
        sender: User profile that sent it; empty for Greenwall itself.

    Returns:
        Its id.
    """
    key = storable(key)[:_LONGEST_KEY]
    count = 1
    if key:
        before = session.exec(select(QueueMessage).where(*_keyed(queue, key))).first()
        if before is not None:
            count = before.count + 1
            session.delete(before)
            session.flush()
    row = {
        "queue": queue,
        "message_id": message_id,
        "severity": max(0, min(severity, 99)),
        "text": storable(printable(text))[:_LONGEST_TEXT] or "-",
        "detail": storable(detail)[:_LONGEST_DETAIL],
        "key": key,
        "count": count,
        "sent_at": at,
        "sender": storable(printable(sender))[:_LONGEST_SENDER],
    }
    sent = QueueMessage.model_validate(row)
    session.add(sent)
    session.flush()
    _forget_oldest(session, queue)
    return sent.id or 0


def send(session: Session, said: Message, *, at: datetime, key: str = "", severity: int | None = None) -> int:
    """Put a message of the catalogue into QSYSOPR, with its cause and recovery; return its id.

    Args:
        session: A transaction that may write.
        said: The message, its blanks filled.
        at: When.
        key: As of `send_message`.
        severity: In place of the message's own.
    """
    return send_message(
        session,
        message_id=said.message_id,
        text=said.text,
        severity=said.severity if severity is None else severity,
        at=at,
        detail="\n".join(filter(None, (said.cause, said.recovery))),
        key=key,
    )


def list_messages(
    session: Session, queue: str = QSYSOPR, *, severity: int = 0, limit: int = 1000, before: int | None = None
) -> list[QueueMessage]:
    """Return messages of a queue, newest first.

    Args:
        session: A session.
        queue: Which one.
        severity: At least this severe.
        limit: At most so many.
        before: Only those with a lower id.
    """
    wanted = [col(QueueMessage.queue) == queue, col(QueueMessage.severity) >= severity]
    if before is not None:
        wanted.append(col(QueueMessage.id) < before)
    query = select(QueueMessage).where(*wanted).order_by(col(QueueMessage.id).desc()).limit(limit)
    return list(session.exec(query))


def remove_messages(session: Session, ids: Sequence[int], queue: str = QSYSOPR) -> int:
    """Remove messages by their ids; return how many there were."""
    found = session.execute(delete(QueueMessage).where(col(QueueMessage.queue) == queue, col(QueueMessage.id).in_(ids)))
    return int(getattr(found, "rowcount", 0))


def clear_queue(session: Session, queue: str = QSYSOPR, *, up_to: int | None = None) -> int:
    """Remove every message of a queue, or those up to an id; return how many there were."""
    wanted: list[ColumnElement[bool]] = [col(QueueMessage.queue) == queue]
    if up_to is not None:
        wanted.append(col(QueueMessage.id) <= up_to)
    return int(getattr(session.execute(delete(QueueMessage).where(*wanted)), "rowcount", 0))


def mark_read(session: Session, reader: str, up_to: int, queue: str = QSYSOPR) -> None:
    """Record that a user was shown the messages up to an id."""
    if up_to > read_up_to(session, reader, queue):
        row = {"queue": queue, "reader": storable(reader)[:_LONGEST_SENDER], "read_id": up_to}
        session.merge(MessageReader.model_validate(row))
        session.flush()


def read_up_to(session: Session, reader: str, queue: str = QSYSOPR) -> int:
    """Return the highest id of a message that a user was shown, 0 for none."""
    row = session.get(MessageReader, (queue, storable(reader)[:_LONGEST_SENDER]))
    return 0 if row is None else row.read_id


def news(session: Session, reader: str, queue: str = QSYSOPR, *, break_at: int = BREAK_SEVERITY) -> News:
    """Return what a user has not read of a queue."""
    unread = (col(QueueMessage.queue) == queue, col(QueueMessage.id) > read_up_to(session, reader, queue))
    count, last_id = session.exec(select(func.count(), func.max(QueueMessage.id)).where(*unread)).one()
    if not count:
        return News(0, 0, None)
    severe = select(QueueMessage).where(*unread, col(QueueMessage.severity) >= break_at)
    return News(count, last_id or 0, session.exec(severe.order_by(col(QueueMessage.id).desc()).limit(1)).first())


def _keyed(queue: str, key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(QueueMessage.queue) == queue, col(QueueMessage.key) == key


def _forget_oldest(session: Session, queue: str) -> None:
    """Keep a queue that nobody reads from growing for ever."""
    ids = select(QueueMessage.id).where(col(QueueMessage.queue) == queue).order_by(col(QueueMessage.id).desc())
    oldest = session.exec(ids.offset(_MOST_KEPT).limit(1)).first()
    if oldest is not None:
        clear_queue(session, queue, up_to=oldest)
