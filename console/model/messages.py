"""Message queues: what operators are told, and how far each of them has read."""

from pydantic import AwareDatetime
from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from console.model.columns import COUNTER

SEVERITY_MAX = 99
"""Source: CHGMSGQ of IBM i, keyword SEV."""


class QueueMessageBase(SQLModel):
    """The fields of a message in a queue."""

    id: int | None = Field(default=None, primary_key=True, sa_type=COUNTER)
    """In order of arrival; never used twice, so that who has read up to one has read all before it."""
    queue: str = Field(min_length=1, max_length=10)
    """``QSYSOPR``."""
    message_id: str = Field(default="", max_length=7)
    """Empty for one that somebody keyed."""
    severity: int = Field(ge=0, le=SEVERITY_MAX)
    text: str = Field(min_length=1, max_length=1024)
    """First level: one line."""
    detail: str = Field(default="", max_length=8192)
    """Second level: cause and recovery."""
    key: str = Field(default="", max_length=200)
    """What it is about; of the messages with the same key a queue holds the last. Empty: nothing else is about that."""
    count: int = Field(default=1, ge=1, sa_type=COUNTER)
    """How often it was sent with this key."""
    sent_at: AwareDatetime
    sender: str = Field(default="", max_length=64)
    """User profile that sent it; empty for Greenwall itself."""


class QueueMessage(QueueMessageBase, table=True):
    """One message in a queue."""

    __tablename__ = "queue_message"
    # Without AUTOINCREMENT, SQLite gives the number of the last row to the next one once that row is deleted.
    __table_args__ = (
        Index("ix_queue_message_queue", "queue", "severity", "id"),
        Index("ix_queue_message_key", "queue", "key", unique=True, sqlite_where=text("key != ''"),
              postgresql_where=text("key != ''")),
        {"sqlite_autoincrement": True},
    )  # fmt: skip


class MessageReaderBase(SQLModel):
    """How far somebody has read a queue."""

    queue: str = Field(primary_key=True, min_length=1, max_length=10)
    reader: str = Field(primary_key=True, min_length=1, max_length=64)
    """User profile, upper case."""
    read_id: int = Field(ge=0, sa_type=COUNTER)
    """Highest id of a message that was shown to them."""


class MessageReader(MessageReaderBase, table=True):
    """How far one user has read one queue."""

    __tablename__ = "message_reader"
