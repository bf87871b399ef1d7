"""Alerts: what they look for, whom they tell, what is raised now, and what is still to be delivered."""

from enum import StrEnum

from pydantic import AwareDatetime
from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from console.model.columns import COUNTER, words
from console.model.messages import SEVERITY_MAX

MOST_KEY_CHARACTERS = 200
MOST_THRESHOLD = 10_000
MOST_SECONDS = 604_800
"""A week."""


class Telling(StrEnum):
    """What an alert tells while it is raised."""

    SUMMARY = "*SUMMARY"
    """That it is raised, after each quiet time how often it was met since, and that it is over."""
    EACH = "*EACH"
    """Each entry that meets it."""


class Probe(StrEnum):
    """What an alert writes into the journal when it is raised and when it is over."""

    NONE = "*NONE"
    SCAN = "SCANE"
    """IM entry: somebody elsewhere looks for open ports here. Source: probe types of QASYIMJ5."""
    EXTRUSION = "XSCAN"
    """IM entry: somebody here looks for open ports elsewhere."""


class Channel(StrEnum):
    """How a destination is reached."""

    EMAIL = "*EMAIL"
    WEBHOOK = "*WEBHOOK"
    SYSLOG = "*SYSLOG"
    COMMAND = "*COMMAND"
    APPRISE = "*APPRISE"


class Security(StrEnum):
    """How the way to a mail or syslog server is protected."""

    NONE = "*NONE"
    STARTTLS = "*STARTTLS"
    TLS = "*TLS"


class Delivered(StrEnum):
    """What became of a delivery."""

    WAITING = "*WAITING"
    SENT = "*SENT"
    FAILED = "*FAILED"
    """Given up."""


class AlertBase(SQLModel):
    """The fields of an alert."""

    name: str = Field(primary_key=True, min_length=1, max_length=10)
    active: bool = False
    condition: str = Field(min_length=1, max_length=1024)
    """Which entries count; see `console.alerts.conditions`."""
    clear_condition: str = Field(default="", max_length=1024)
    """Which entry ends it at once; empty: only time does."""
    per: str = Field(default="", max_length=200)
    """Names of the entry fields that entries are counted by, with blanks between; empty: all together."""
    distinct: str = Field(default="", max_length=200)
    """Names of entry fields whose different values are counted; empty: entries are."""
    threshold: int = Field(default=1, ge=1, le=MOST_THRESHOLD)
    within_s: int = Field(default=60, ge=1, le=MOST_SECONDS)
    clear_s: int = Field(default=0, ge=0, le=MOST_SECONDS)
    """It is over when it was not met for so long; 0: as `within_s`."""
    telling: Telling = Field(default=Telling.SUMMARY, sa_type=words(Telling))
    quiet_s: int = Field(default=600, ge=0, le=MOST_SECONDS)
    severity: int = Field(default=40, ge=0, le=SEVERITY_MAX)
    probe: Probe = Field(default=Probe.NONE, sa_type=words(Probe))
    send_to: str = Field(default="*MSGQ", max_length=200)
    """Names of destinations, with blanks between; ``*MSGQ`` is QSYSOPR."""
    text: str = Field(default="", max_length=50)
    since_number: int = Field(default=0, ge=0, sa_type=COUNTER)
    """Entries of the journal after this one count: the last there was when it was activated or changed."""


class Alert(AlertBase, table=True):
    """One alert."""

    __tablename__ = "alert"


class AlertDestinationBase(SQLModel):
    """The fields of a destination; what does not concern its channel is empty."""

    name: str = Field(primary_key=True, min_length=1, max_length=10)
    channel: Channel = Field(sa_type=words(Channel))
    target: str = Field(max_length=1024)
    """Mail addresses with commas between, a URL, a host, or a command and its arguments; empty for ``*APPRISE``."""
    server: str = Field(default="", max_length=255)
    """Host of the mail server."""
    port: int = Field(default=0, ge=0, le=65535)
    """0: the usual one."""
    security: Security = Field(default=Security.NONE, sa_type=words(Security))
    sender: str = Field(default="", max_length=255)
    user_id: str = Field(default="", max_length=255)
    sealed_secret: str = Field(default="", max_length=4096)
    """Password of the mail server, key of the webhook's signature, URL for Apprise; see `console.store.secrets`."""
    time_limit_s: int = Field(default=30, ge=1, le=600)
    text: str = Field(default="", max_length=50)


class AlertDestination(AlertDestinationBase, table=True):
    """One destination of alerts."""

    __tablename__ = "alert_destination"


class AlertPositionBase(SQLModel):
    """How far the journal was looked at."""

    id: int = Field(default=1, primary_key=True, ge=1, le=1)
    number: int = Field(ge=0, sa_type=COUNTER)
    """Highest sequence number that every alert has seen."""


class AlertPosition(AlertPositionBase, table=True):
    """The one row that says how far the journal was looked at."""

    __tablename__ = "alert_position"


class AlertStateBase(SQLModel):
    """The fields of an alert that is raised now for one key."""

    alert: str = Field(primary_key=True, max_length=10)
    """Name of an alert; with an asterisk one that Greenwall has without anybody's asking (``*SOCKS``)."""
    key: str = Field(primary_key=True, max_length=MOST_KEY_CHARACTERS)
    raised_at: AwareDatetime
    last_at: AwareDatetime
    """When it was last met."""
    count: int = Field(ge=0, sa_type=COUNTER)
    """Entries since it was raised, those that raised it among them."""
    told: int = Field(ge=0, sa_type=COUNTER)
    """How many of them were told of."""
    told_at: AwareDatetime
    first_number: int = Field(ge=0, sa_type=COUNTER)
    last_number: int = Field(ge=0, sa_type=COUNTER)


class AlertState(AlertStateBase, table=True):
    """One alert that is raised now for one key."""

    __tablename__ = "alert_state"


class AlertDeliveryBase(SQLModel):
    """The fields of something to be delivered."""

    id: int | None = Field(default=None, primary_key=True, sa_type=COUNTER)
    delivery_id: str = Field(min_length=1, max_length=64)
    """The same for each attempt, so that a receiver can drop what it has."""
    alert: str = Field(max_length=10)
    destination: str = Field(max_length=10)
    payload: str
    """JSON; see `console.alerts.notices`."""
    created_at: AwareDatetime
    tries: int = Field(default=0, ge=0)
    next_try_at: AwareDatetime
    state: Delivered = Field(default=Delivered.WAITING, sa_type=words(Delivered))
    ended_at: AwareDatetime | None = None
    error: str = Field(default="", max_length=512)
    """What the last attempt failed with."""


class AlertDelivery(AlertDeliveryBase, table=True):
    """One notice on its way to one destination."""

    __tablename__ = "alert_delivery"
    __table_args__ = (
        Index("ix_alert_delivery_state", "state", "next_try_at"),
        Index("ix_alert_delivery_id", "delivery_id", "destination", unique=True),
        {"sqlite_autoincrement": True},
    )
