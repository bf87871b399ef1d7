"""Where the journal is forwarded to, and how far it was; and journals that were read from elsewhere."""

from enum import StrEnum

from pydantic import AwareDatetime
from sqlmodel import Field, SQLModel

from console.model.columns import COUNTER, words
from console.model.journal import PORT_MAX
from console.model.words import YesNo


class Protocol(StrEnum):
    """How entries are sent to a syslog server."""

    UDP = "*UDP"
    """A datagram an entry (RFC 5426); whether it arrived nobody knows."""
    TCP = "*TCP"
    """Octet counting (RFC 6587)."""
    TLS = "*TLS"
    """The same, encrypted, to a server whose certificate is checked (RFC 5425)."""
    RELP = "*RELP"
    """Each entry is acknowledged by the server itself."""


class ForwardFormat(StrEnum):
    """What the messages hold."""

    SYSLOG = "*SYSLOG"
    """The fields as structured data, and a sentence (RFC 5424)."""
    JSON = "*JSON"
    CEF = "*CEF"
    LEEF = "*LEEF"


class ForwardState(StrEnum):
    """What forwarding to a target is doing."""

    NEW = "*NEW"
    """Not begun yet: no worker runs, or it has not looked yet."""
    SENDING = "*SENDING"
    """Connected, or sending datagrams."""
    FAILING = "*FAILING"
    """Cannot be reached, or broke off; is tried again and again."""
    HELD = "*HELD"
    """Not to be sent to for now."""


class ForwardTargetBase(SQLModel):
    """The fields of a target."""

    name: str = Field(primary_key=True, min_length=1, max_length=10)
    protocol: Protocol = Field(sa_type=words(Protocol))
    host: str = Field(min_length=1, max_length=255)
    """Address or name."""
    port: int = Field(ge=1, le=PORT_MAX)
    format: ForwardFormat = Field(sa_type=words(ForwardFormat))
    ca_file: str = Field(default="", max_length=4096)
    """PEM file with the certificates that may have signed the server's; empty for those that this system trusts."""
    active: YesNo = Field(default=YesNo.YES, sa_type=words(YesNo))
    position: int = Field(ge=0, sa_type=COUNTER)
    """Sequence number up to which entries need not be sent again."""
    state: ForwardState = Field(default=ForwardState.NEW, sa_type=words(ForwardState))
    state_since: AwareDatetime
    last_error: str = Field(default="", max_length=512)
    """Why it failed last; kept until the next failure."""
    text: str = Field(default="", max_length=50)


class ForwardTarget(ForwardTargetBase, table=True):
    """One target; its position and state are the worker's, the rest the operator's."""

    __tablename__ = "forward_target"


class ImportedJournalBase(SQLModel):
    """The fields of a journal that was read from elsewhere."""

    name: str = Field(primary_key=True, min_length=1, max_length=10)
    imported_at: AwareDatetime
    imported_by: str = Field(max_length=64)
    source: str = Field(max_length=4096)
    """File that it was read from."""
    form: str = Field(max_length=20)
    """``QASYSKJ5`` or ``AUDIT_JOURNAL_SK``."""
    entries: int = Field(ge=0, sa_type=COUNTER)
    text: str = Field(default="", max_length=50)


class ImportedJournal(ImportedJournalBase, table=True):
    """One imported journal. Its entries are somebody's word: nothing chains or signs them."""

    __tablename__ = "imported_journal"


class ImportedEntryBase(SQLModel):
    """The fields of an imported entry: those of `console.model.journal.JournalEntry` that such an entry can have."""

    journal_name: str = Field(primary_key=True, min_length=1, max_length=10)
    sequence_number: int = Field(primary_key=True, ge=1, sa_type=COUNTER)
    """Place in the file, from 1. The number that the entry had is in its detail: there it may begin anew."""
    entry_timestamp: AwareDatetime
    receiver_name: str = Field(default="", max_length=10)
    journal_code: str = Field(default="T", max_length=1)
    entry_type: str = Field(default="SK", max_length=2)
    sk_type: str = Field(max_length=1)
    outcome: str = Field(default="", max_length=10)
    exit_point: str = Field(default="", max_length=10)
    rule_sequence: int = Field(default=0, ge=0, le=0)
    revision: int = Field(default=0, ge=0, le=0)
    user_name: str = Field(default="", max_length=64)
    qualified_job_name: str = Field(default="", max_length=96)
    pid: int = Field(default=0, ge=0, le=0)
    program: str = Field(default="", max_length=4096)
    address_family: str = Field(default="", max_length=10)
    local_address: str = Field(default="", max_length=46)
    local_port: int = Field(default=0, ge=0, le=PORT_MAX)
    remote_address: str = Field(default="", max_length=46)
    remote_port: int = Field(default=0, ge=0, le=PORT_MAX)
    socks_server: str = Field(default="", max_length=96)
    decision_us: int = Field(default=0, ge=0, le=0)
    text: str = Field(default="")
    detail: str = Field(default="")
    """Every field that the record has, under its own name, as JSON."""
    guard_id: str = Field(default="", max_length=32)
    guard_number: int = Field(default=0, ge=0, le=0, sa_type=COUNTER)
    chain_hash: str = Field(default="", max_length=64)


class ImportedEntry(ImportedEntryBase, table=True):
    """One entry of an imported journal; has the shape of a `JournalEntry`, so that what shows those shows these."""

    __tablename__ = "imported_entry"
