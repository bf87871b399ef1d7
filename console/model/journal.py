"""The audit journal: its entries, with the names that exports use, and its receivers."""

from pydantic import AwareDatetime
from sqlmodel import Field, SQLModel

from console.model.columns import COUNTER
from console.model.words import DEFAULT_SEQUENCE

PORT_MAX = 65535


class JournalEntryBase(SQLModel):
    """The fields of an entry. Where an entry has no such thing, a text is empty and a number is 0.

    Source: names as in the JSON export, after the heading fields of QADSPJR5 and the SK layout of QASYSKJ5.
    """

    sequence_number: int = Field(primary_key=True, ge=1, sa_type=COUNTER)
    """From 1, without gaps, across receivers."""
    entry_timestamp: AwareDatetime
    """When it happened, in UTC, to the microsecond."""
    receiver_name: str = Field(max_length=10)
    journal_code: str = Field(max_length=1)
    """``T``: audit trail."""
    entry_type: str = Field(max_length=2)
    """``SK`` sockets connection, ``JS`` job start or end, ``GR`` generic record, ``CD`` command."""
    sk_type: str = Field(max_length=1)
    """Of an SK entry: ``A`` accept, ``C`` connect, ``L`` listen."""
    outcome: str = Field(max_length=10)
    exit_point: str = Field(max_length=10)
    rule_sequence: int = Field(ge=0, le=DEFAULT_SEQUENCE)
    revision: int = Field(ge=0)
    """Revision that decided."""
    user_name: str = Field(max_length=64)
    qualified_job_name: str = Field(max_length=96)
    pid: int = Field(ge=0)
    program: str = Field(max_length=4096)
    address_family: str = Field(max_length=10)
    local_address: str = Field(max_length=46)
    local_port: int = Field(ge=0, le=PORT_MAX)
    remote_address: str = Field(max_length=46)
    remote_port: int = Field(ge=0, le=PORT_MAX)
    socks_server: str = Field(max_length=96)
    decision_us: int = Field(ge=0)
    text: str
    detail: str
    """Entry-specific data of a GR or CD entry: the command as it was run, values before and after."""
    guard_id: str = Field(max_length=32)
    """Guard that sent it; empty when none did."""
    guard_number: int = Field(ge=0, sa_type=COUNTER)
    """Running number of that guard."""
    chain_hash: str = Field(min_length=64, max_length=64)
    """BLAKE2b over the hash of the entry before it and its own fields, in hexadecimal."""


class JournalEntry(JournalEntryBase, table=True):
    """One entry; written once, by the worker, and never changed."""

    __tablename__ = "journal_entry"


class JournalBlock(SQLModel, table=True):
    """A block of entries that the index knows: block n holds the entries from n * 16,384 + 1 on."""

    __tablename__ = "journal_block"

    block: int = Field(primary_key=True, ge=0, sa_type=COUNTER, sa_column_kwargs={"autoincrement": False})
    first_time: AwareDatetime | None = None
    """Earliest time of an entry; None: it had no entries."""
    last_time: AwareDatetime | None = None


class JournalIndex(SQLModel, table=True):
    """Which entries of a block have a value in a field. Derived from the entries, and made anew from them at any time.

    Source: `console.store.journal_keys` for fields and keys, `console.store.postings` for the entries.
    """

    __tablename__ = "journal_index"
    # One tree and not a table with an index beside it: half the size, and rows come in the order of the key.
    __table_args__ = ({"sqlite_with_rowid": False},)

    block: int = Field(primary_key=True, ge=0, sa_type=COUNTER, sa_column_kwargs={"autoincrement": False})
    field: int = Field(primary_key=True, ge=0, sa_column_kwargs={"autoincrement": False})
    key: bytes = Field(primary_key=True)
    entries: bytes


class ReceiverBase(SQLModel):
    """The fields of a journal receiver."""

    name: str = Field(primary_key=True, max_length=10)
    """``AUDRCV0001``."""
    attached_at: AwareDatetime
    detached_at: AwareDatetime | None = None
    """None while it is attached; exactly one receiver is."""
    first_sequence: int = Field(ge=1, sa_type=COUNTER)
    last_sequence: int = Field(ge=0, sa_type=COUNTER)
    """Number of its last entry; `first_sequence` - 1 while it has none."""
    last_hash: str = Field(min_length=64, max_length=64)
    """Chain hash of its last entry, or of the entry before its first: cutting off the end of the journal shows."""


class Receiver(ReceiverBase, table=True):
    """One journal receiver."""

    __tablename__ = "receiver"
