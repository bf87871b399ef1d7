"""What runs, or ran: jobs under a guard, and workers."""

from typing import Annotated

from pydantic import AwareDatetime, StringConstraints
from sqlmodel import Field, SQLModel

from console.model.columns import COUNTER

JOB_NUMBER_MAX = 999_999
"""Highest first part of a qualified job name; the next is 1 again."""


class GuardBase(SQLModel):
    """The fields of a guarded job."""

    id: int | None = Field(default=None, primary_key=True)
    """In order of arrival."""
    guard_id: Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")] = Field(unique=True, max_length=32)
    job_number: int = Field(ge=1, le=JOB_NUMBER_MAX, index=True)
    user: str = Field(max_length=64)
    job_name: str = Field(max_length=10)
    command: str
    pid: int = Field(ge=0)
    """Process id of the guard itself."""
    started: AwareDatetime
    ended: AwareDatetime | None = Field(default=None, index=True)
    """None while it runs, as far as the worker knows."""
    exit_status: int | None = None
    """As a shell shows it; None while it runs, and when the guard was killed."""
    last_number: int = Field(default=0, ge=0, sa_type=COUNTER)
    """Highest event number of this guard that is in the journal."""
    revision: int = Field(default=0, ge=0)
    """Revision that it decides with; 0 before it has said."""
    decided: int = Field(default=0, ge=0, sa_type=COUNTER)
    """Calls that it has decided, journalled or not."""
    refused: int = Field(default=0, ge=0, sa_type=COUNTER)
    """Those of them that were rejected."""
    decision_us: int = Field(default=0, ge=0, sa_type=COUNTER)
    """Microseconds that deciding took, all together."""
    end_requested: str | None = Field(default=None, max_length=20)
    """How an operator wants the job ended, and after how many seconds at the latest (``*CNTRLD 30``, ``*IMMED 0``);
    None while nobody does."""


class Guard(GuardBase, table=True):
    """One job under a guard, running or ended."""

    __tablename__ = "guard"

    @property
    def qualified_job_name(self) -> str:
        """Return number/USER/NAME."""
        return f"{self.job_number:06}/{self.user}/{self.job_name}"


class WorkerBase(SQLModel):
    """The fields of a worker."""

    id: int | None = Field(default=None, primary_key=True)
    pid: int = Field(ge=1)
    host: str = Field(max_length=255)
    started: AwareDatetime
    heartbeat: AwareDatetime
    """When it last said that it is alive."""
    ended: AwareDatetime | None = None
    """When it ended in order; None while it runs, and when it was killed."""
    revision: int = Field(ge=0)
    """Revision that it hands to guards."""
    cgroup: str = Field(default="", max_length=4096)
    """Directory of the cgroup that its kernel engine decides for; empty without one."""
    kernel: str = Field(default="", max_length=500)
    """What its kernel engine does, or why it does not, in one sentence; empty without one."""


class Worker(WorkerBase, table=True):
    """One run of the worker."""

    __tablename__ = "worker"
