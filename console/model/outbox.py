"""Audit entries on their way: written with the change they tell of, moved into the journal by the worker."""

from pydantic import AwareDatetime
from sqlmodel import Field, SQLModel

from console.model.columns import COUNTER
from console.model.journal import PORT_MAX


class AuditOutboxBase(SQLModel):
    """The fields of an audit entry on its way; each becomes the journal field of the same name."""

    id: int | None = Field(default=None, primary_key=True, sa_type=COUNTER)
    entry_timestamp: AwareDatetime
    entry_type: str = Field(min_length=2, max_length=2)
    user_name: str = Field(max_length=64)
    qualified_job_name: str = Field(max_length=96)
    pid: int = Field(ge=0)
    exit_point: str = Field(default="", max_length=10)
    revision: int = Field(default=0, ge=0)
    sk_type: str = Field(default="", max_length=1)
    """Of an IM entry: ``P``, potential intrusion."""
    program: str = Field(default="", max_length=4096)
    address_family: str = Field(default="", max_length=10)
    local_address: str = Field(default="", max_length=46)
    local_port: int = Field(default=0, ge=0, le=PORT_MAX)
    remote_address: str = Field(default="", max_length=46)
    remote_port: int = Field(default=0, ge=0, le=PORT_MAX)
    text: str
    detail: str


class AuditOutbox(AuditOutboxBase, table=True):
    """One audit entry that is not in the journal yet."""

    __tablename__ = "audit_outbox"
