"""User profiles: who may use the console, and as what; and the public keys with which they sign on over SSH."""

from enum import StrEnum

from pydantic import AwareDatetime
from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from console.model.columns import COUNTER, words

NAME_LENGTH = 32
"""Of a user name that useradd(8) takes: every user of the system can have a profile."""
MOST_GROUPS = 15
"""Supplementary groups of a profile. Source: SUPGRPPRF of CRTUSRPRF."""


class Status(StrEnum):
    """Whether a profile lets in."""

    ENABLED = "*ENABLED"
    DISABLED = "*DISABLED"


class UserClass(StrEnum):
    """What kind of work a profile is for; SPCAUT(*USRCLS) takes the special authorities of it."""

    SECOFR = "*SECOFR"
    SECADM = "*SECADM"
    PGMR = "*PGMR"
    SYSOPR = "*SYSOPR"
    USER = "*USER"


class Limited(StrEnum):
    """How much of the console a profile is kept from. Source: LMTCPB of CRTUSRPRF."""

    NO = "*NO"
    PARTIAL = "*PARTIAL"
    """May key commands, and may not choose another menu when signing on."""
    YES = "*YES"
    """May key only the commands that are for limited users."""


class UserProfileBase(SQLModel):
    """The fields of a user profile."""

    name: str = Field(primary_key=True, min_length=1, max_length=NAME_LENGTH)
    """Upper case."""
    text: str = Field(default="", max_length=50)
    status: Status = Field(default=Status.ENABLED, sa_type=words(Status))
    password_hash: str = Field(default="", max_length=255, repr=False)
    """As `console.people.passwords` makes it; empty: no password lets in."""
    old_hashes: str = Field(default="", max_length=8192, repr=False)
    """Those of the passwords before, newest first, with blanks between them."""
    password_changed_at: AwareDatetime | None = None
    password_expired: bool = False
    """Set by an administrator: the next sign-on by password asks for a new one."""
    user_class: UserClass = Field(default=UserClass.USER, sa_type=words(UserClass))
    special_authorities: str = Field(default="", max_length=200)
    """With blanks between them, sorted."""
    limited: Limited = Field(default=Limited.NO, sa_type=words(Limited))
    group: str = Field(default="", max_length=NAME_LENGTH)
    """Group profile; empty for none."""
    supplementary_groups: str = Field(default="", max_length=(NAME_LENGTH + 1) * MOST_GROUPS)
    """With blanks between them, in the order given."""
    initial_menu: str = Field(default="MAIN", max_length=10)
    theme: str = Field(default="", max_length=10)
    """Colours; empty for those of the console."""
    keymap: str = Field(default="", max_length=10)
    """Key map; empty for that of the console."""
    previous_sign_on: AwareDatetime | None = None
    failures: int = Field(default=0, ge=0)
    """Sign-ons that failed since the last one that did not."""
    sealed_code_key: str = Field(default="", max_length=512, repr=False)
    """Secret of the one-time codes, sealed as `console.store.secrets` does it; empty: none is asked for."""
    last_code: int = Field(default=0, ge=0, sa_type=COUNTER)
    """Time step of the newest code that was taken: none is taken twice. Source: RFC 6238, section 5.2."""
    created_at: AwareDatetime
    created_by: str = Field(max_length=64)
    changed_at: AwareDatetime


class UserProfile(UserProfileBase, table=True):
    """One user profile."""

    __tablename__ = "user_profile"


class UserKeyBase(SQLModel):
    """The fields of a public key."""

    id: int | None = Field(default=None, primary_key=True, sa_type=COUNTER)
    user: str = Field(max_length=NAME_LENGTH, foreign_key="user_profile.name", ondelete="CASCADE")
    key: str = Field(min_length=1, max_length=8192)
    """As OpenSSH writes it, without a comment: ``ssh-ed25519 AAAA...``."""
    fingerprint: str = Field(min_length=1, max_length=64)
    """``SHA256:...``, as ssh-keygen -l shows it."""
    comment: str = Field(default="", max_length=64)
    added_at: AwareDatetime
    added_by: str = Field(max_length=64)


class UserKey(UserKeyBase, table=True):
    """One public key with which a user signs on."""

    __tablename__ = "user_key"
    __table_args__ = (Index("ix_user_key_user", "user", "fingerprint", unique=True),)
