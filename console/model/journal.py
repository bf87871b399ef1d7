"""The audit journal: its entries, with the names that exports use, and its receivers."""

from pydantic import AwareDatetime
from sqlmodel import Field, SQLModel

from console.model.columns import COUNTER
from console.model.words import DEFAULT_SEQUENCE

PORT_MAX = 65535
GENESIS_HASH = "0" * 64
"""Stands for the hash of the entry before the first."""

HIGHEST_NUMBER = 2**62 - 1
"""No entry of ours ever has a higher one: what has was planted, and the journal does not go on behind it."""


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
    grouped: int = Field(default=0, ge=0, le=1, sa_column_kwargs={"server_default": "0"})
    """1: its index is in `JournalGroup`, and no longer in `JournalIndex`."""
    form: int = Field(default=0, ge=0, le=1, sa_column_kwargs={"server_default": "0"})
    """1: its index tells the ports apart which the system picks. 0: an older Greenwall has made it."""


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


class JournalGroup(SQLModel, table=True):
    """The index of the blocks of a group: group n holds the blocks from n * 32 on, those of them that are `grouped`.

    A value that no block has, or few, is then found with a step for each group and not for each block.

    Source: `console.store.group_postings` for the entries.
    """

    # A table with an index beside it: to compare keys in one tree, SQLite would read the entries of each row it meets.
    __tablename__ = "journal_group"

    number: int = Field(primary_key=True, ge=0, sa_type=COUNTER, sa_column_kwargs={"autoincrement": False})
    field: int = Field(primary_key=True, ge=0, sa_column_kwargs={"autoincrement": False})
    key: bytes = Field(primary_key=True)
    entries: bytes


class ReceiverBase(SQLModel):
    """The fields of a journal receiver; its row stays when its entries are deleted, so that the chain goes on."""

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
    before_hash: str = Field(default=GENESIS_HASH, min_length=64, max_length=64)
    """Chain hash of the entry before its first."""
    size_bytes: int = Field(default=0, ge=0, sa_type=COUNTER)
    """Octets of its entries in canonical form."""
    checkpoints: int = Field(default=0, ge=0, sa_type=COUNTER)
    """Number of the last checkpoint at its end."""
    saved_at: AwareDatetime | None = None
    deleted_at: AwareDatetime | None = None
    """When its deletion was asked for; its entries go bit by bit."""
    purged: bool = False
    """All its entries have gone."""
    signature: str = Field(default="", max_length=128)
    """Over all of the above, made anew with each change; in hexadecimal. Source: `console.journal.seal`."""


class Receiver(ReceiverBase, table=True):
    """One journal receiver."""

    __tablename__ = "receiver"


class CheckpointBase(SQLModel):
    """The fields of a checkpoint: the end of the journal at a time, signed."""

    number: int = Field(primary_key=True, ge=1, sa_type=COUNTER, sa_column_kwargs={"autoincrement": False})
    """From 1, without gaps."""
    sequence_number: int = Field(ge=1, sa_type=COUNTER)
    """Of the last entry then."""
    chain_hash: str = Field(min_length=64, max_length=64)
    """Of that entry."""
    made_at: AwareDatetime
    signature: str = Field(max_length=128)


class Checkpoint(CheckpointBase, table=True):
    """One checkpoint; one at least for each minute in which there are entries."""

    __tablename__ = "journal_checkpoint"


THRESHOLD_KB = 1_500_000
"""Source: CRTJRNRCV THRESHOLD, default."""


class JournalAttributesBase(SQLModel):
    """What CHGJRN sets."""

    name: str = Field(primary_key=True, max_length=10)
    """``QAUDJRN``."""
    threshold_kb: int = Field(default=THRESHOLD_KB, ge=0, le=1_000_000_000, sa_type=COUNTER)
    """Size at which the receiver is changed; 0: never."""
    manage_receivers: str = Field(default="*SYSTEM", max_length=10)
    """``*SYSTEM`` changes the receiver at its threshold, ``*USER`` says so to the operator."""
    delete_receivers: str = Field(default="*NO", max_length=10)
    """``*YES``: what is kept long enough goes even if it was not saved."""
    keep_days: int = Field(default=0, ge=0)
    """Days that a detached receiver is kept; 0: for ever."""
    keep_kb: int = Field(default=0, ge=0, sa_type=COUNTER)
    """Size of all detached receivers that are kept; 0: any."""
    warned_receiver: str = Field(default="", max_length=10)
    """Receiver whose threshold the operator has been told of."""


class JournalAttributes(JournalAttributesBase, table=True):
    """The attributes of the journal, one row."""

    __tablename__ = "journal"
