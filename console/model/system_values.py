"""System values, and the audit levels of users, as they are set."""

from sqlmodel import Field, SQLModel


class SystemValueBase(SQLModel):
    """The fields of a system value; what it may hold is the business of `console.commands.audit_values`."""

    name: str = Field(primary_key=True, max_length=10)
    """``QAUDLVL``."""
    value: str = Field(max_length=2000)
    """Its words, with blanks between them."""


class SystemValue(SystemValueBase, table=True):
    """One system value."""

    __tablename__ = "system_value"


class UserAuditBase(SQLModel):
    """The fields of a user's audit levels."""

    user: str = Field(primary_key=True, max_length=64)
    """User profile, upper case."""
    levels: str = Field(max_length=2000)
    """With blanks between them; a user without any has no row."""


class UserAudit(UserAuditBase, table=True):
    """The audit levels of one user, which hold besides those of the system."""

    __tablename__ = "user_audit"
