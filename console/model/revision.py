"""Revisions: numbered policies that never change, and which of them is active."""

from pydantic import AwareDatetime
from sqlmodel import Field, SQLModel


class RevisionBase(SQLModel):
    """The fields of a revision."""

    number: int = Field(primary_key=True, ge=1)
    made_at: AwareDatetime
    made_by: str = Field(max_length=64)
    """User profile that activated it first."""
    text: str = Field(max_length=50)
    document: str
    """The whole `console.policy.rule.Policy` as JSON, service names and their ports included."""


class Revision(RevisionBase, table=True):
    """One revision."""

    __tablename__ = "revision"


class ActiveRevisionBase(SQLModel):
    """The fields of the pointer to the active revision."""

    id: int = Field(default=1, primary_key=True, ge=1, le=1)
    number: int = Field(foreign_key="revision.number", ge=1)


class ActiveRevision(ActiveRevisionBase, table=True):
    """Which revision is active; a table of exactly one row."""

    __tablename__ = "active_revision"


class PolicyConfirmationBase(SQLModel):
    """The fields of a revision that is taken back unless somebody confirms it."""

    id: int = Field(default=1, primary_key=True, ge=1, le=1)
    number: int = Field(ge=1)
    """The revision that waits for it."""
    return_to: int = Field(ge=1)
    """The last one that was not to be confirmed, or was; the worker goes back to it."""
    until: AwareDatetime
    asked_by: str = Field(max_length=64)
    """User profile that activated it."""
    emergency: bool = False
    """Whether it overrides rules for a while, and cannot be confirmed."""
    overrides: str = Field(default="", max_length=100)
    """What an emergency overrides: ``*ACCEPT=*REJECT *CONNECT=*ALLOW``."""


class PolicyConfirmation(PolicyConfirmationBase, table=True):
    """The revision that waits to be confirmed; a table of one row at most."""

    __tablename__ = "policy_confirmation"
