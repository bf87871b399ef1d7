"""What the worker keeps about the kernel engine."""

from sqlmodel import Field, SQLModel

from console.model.columns import COUNTER


class KernelRingBase(SQLModel):
    """Up to where what the kernel tells is in the journal."""

    ring: str = Field(primary_key=True, max_length=64)
    """Name of the directory that the ring buffer is pinned in; no other one ever has it. With the word lost behind it:
    for how many decisions there was no room in it, of which the journal says so."""
    position: int = Field(ge=0, sa_type=COUNTER)
    """Octets that it was written from, since it was made: those before are in the journal."""


class KernelRing(KernelRingBase, table=True):
    """One ring buffer that is there still."""

    __tablename__ = "kernel_ring"


class KernelCgroupBase(SQLModel):
    """A cgroup for which an operator has said that the rules hold there."""

    cgroup: str = Field(primary_key=True, max_length=4096)
    """Its directory."""


class KernelCgroup(KernelCgroupBase, table=True):
    """One of them; for all others the kernel engine only says what it would do."""

    __tablename__ = "kernel_cgroup"
