"""The pending policy: what operators edit and the next activation takes."""

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from console.model.columns import words
from console.model.words import (
    DEFAULT_SEQUENCE,
    Action,
    Audit,
    ExitPoint,
    Fail,
    Mode,
    RawSockets,
    SocksType,
    SocksVersion,
    Udp,
    YesNo,
)


class PendingRuleBase(SQLModel):
    """The fields of a socket rule, checked for range and size; spelling is the business of `console.policy.checks`."""

    exit_point: ExitPoint = Field(primary_key=True, sa_type=words(ExitPoint))
    sequence: int = Field(primary_key=True, ge=1, le=DEFAULT_SEQUENCE)
    user: str = Field(max_length=64)
    local_address: str = Field(max_length=96)
    local_port: str = Field(max_length=32)
    remote_address: str = Field(max_length=96)
    remote_port: str = Field(max_length=32)
    program: str = Field(max_length=4096)
    time_group: str = Field(default="*ANY", max_length=16, sa_column_kwargs={"server_default": "*ANY"})
    action: Action = Field(sa_type=words(Action))
    fail: Fail = Field(sa_type=words(Fail))
    audit: Audit = Field(sa_type=words(Audit))
    message: YesNo = Field(sa_type=words(YesNo))
    active: YesNo = Field(sa_type=words(YesNo))
    text: str = Field(max_length=50)


class PendingRule(PendingRuleBase, table=True):
    """One socket rule of the pending policy."""

    __tablename__ = "pending_rule"


class PendingExitPointBase(SQLModel):
    """The fields of an exit point."""

    exit_point: ExitPoint = Field(primary_key=True, sa_type=words(ExitPoint))
    mode: Mode = Field(sa_type=words(Mode))


class PendingExitPoint(PendingExitPointBase, table=True):
    """The mode of one exit point in the pending policy."""

    __tablename__ = "pending_exit_point"


class PendingExitProgramBase(SQLModel):
    """The fields of an exit program, checked for range and size; names are for `console.policy.exit_programs`."""

    exit_point: ExitPoint = Field(primary_key=True, sa_type=words(ExitPoint))
    number: int = Field(primary_key=True, ge=2, le=2_147_483_647)
    program: str = Field(max_length=128)
    time_limit_ms: int = Field(ge=1, le=60_000)
    text: str = Field(max_length=50)


class PendingExitProgram(PendingExitProgramBase, table=True):
    """One exit program of the pending policy."""

    __tablename__ = "pending_exit_program"


class PendingSocksEntryBase(SQLModel):
    """The fields of a SOCKS entry, checked for range and size; the rest is for `console.policy.socks_entries`."""

    sequence: int = Field(primary_key=True, ge=1, lt=DEFAULT_SEQUENCE)
    remote_address: str = Field(max_length=96)
    remote_port: str = Field(max_length=32)
    user: str = Field(max_length=64)
    type: SocksType = Field(sa_type=words(SocksType))
    servers: str = Field(max_length=2400)
    """As on the command line: separated by blanks."""
    version: SocksVersion = Field(sa_type=words(SocksVersion))
    user_id: str = Field(max_length=255)
    sealed_password: str = Field(max_length=1024)
    """Encrypted, see `console.store.secrets`; empty for none."""
    time_limit_ms: int = Field(ge=1, le=600_000)
    text: str = Field(max_length=50)


class PendingSocksEntry(PendingSocksEntryBase, table=True):
    """One SOCKS entry of the pending policy."""

    __tablename__ = "pending_socks_entry"


class PendingAddressGroupBase(SQLModel):
    """The fields of an address group, checked for size; members are for `console.policy.address_groups`."""

    name: str = Field(primary_key=True, max_length=10)
    members: str = Field(sa_type=Text)
    """Separated by blanks; a row a member would make a blocklist of thousands slow to take in and to read."""
    text: str = Field(max_length=50)


class PendingAddressGroup(PendingAddressGroupBase, table=True):
    """One address group of the pending policy."""

    __tablename__ = "pending_address_group"


class PendingTimeGroupBase(SQLModel):
    """The fields of a time group, checked for size; the rest is for `console.policy.time_groups`."""

    name: str = Field(primary_key=True, max_length=10)
    days: str = Field(max_length=40)
    times: str = Field(max_length=300)
    """Both as on the command line: separated by blanks."""
    from_date: str = Field(max_length=10)
    to_date: str = Field(max_length=10)
    time_zone: str = Field(max_length=40)
    text: str = Field(max_length=50)


class PendingTimeGroup(PendingTimeGroupBase, table=True):
    """One time group of the pending policy."""

    __tablename__ = "pending_time_group"


class PendingSettingsBase(SQLModel):
    """The settings that belong to no exit point."""

    id: int = Field(default=1, primary_key=True, ge=1, le=1)
    udp: Udp = Field(sa_type=words(Udp))
    raw_sockets: RawSockets = Field(sa_type=words(RawSockets))


class PendingSettings(PendingSettingsBase, table=True):
    """The settings of the pending policy; a table of exactly one row."""

    __tablename__ = "pending_settings"
