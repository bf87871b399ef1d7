"""What is kept about the kernel engine: up to where its ring buffers are written, and where its rules hold."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import update
from sqlmodel import Session, col, delete, select

from console.model.kernel import KernelCgroup, KernelRing
from console.model.running import Worker


class Told(NamedTuple):
    """How much of what a ring buffer says is in the journal."""

    position: int = 0
    """Octets from its beginning."""
    lost: int = 0
    """Decisions that found no room in it, of which the journal says that they are missing."""


def ring_told(session: Session, ring: str) -> Told:
    """Return how much of what a ring buffer says is in the journal; nothing of one that is not known."""
    rows = [session.get(KernelRing, name) for name in (ring, lost_of(ring))]
    return Told(*(0 if row is None else row.position for row in rows))


def set_ring_told(session: Session, ring: str, told: Told) -> None:
    """Record how much of what a ring buffer says is in the journal: with the entries, in one transaction."""
    for name, position in zip((ring, lost_of(ring)), told, strict=True):
        session.merge(KernelRing.model_validate({"ring": name, "position": position}))


def lost_of(ring: str) -> str:
    """Return by which name it is kept how many decisions found no room in a ring buffer."""
    return f"{ring} lost"


def forget_rings(session: Session, *, but: Collection[str]) -> None:
    """Forget the ring buffers that are no more."""
    kept = [*but, *map(lost_of, but)]
    session.exec(delete(KernelRing).where(col(KernelRing.ring).not_in(kept)))


def is_enforced(session: Session, cgroup: str) -> bool:
    """Say whether an operator has said that the rules hold in a cgroup."""
    return session.get(KernelCgroup, cgroup) is not None


def set_enforced(session: Session, cgroup: str, *, enforced: bool) -> bool:
    """Say whether the rules hold in a cgroup; returns whether that is another answer than before."""
    found = session.get(KernelCgroup, cgroup)
    if enforced is (found is not None):
        return False
    if found is not None:
        session.delete(found)
    else:
        session.add(KernelCgroup.model_validate({"cgroup": cgroup}))
    return True


def enforced_cgroups(session: Session) -> list[str]:
    """Return the cgroups in which the rules hold."""
    return list(session.exec(select(KernelCgroup.cgroup).order_by(KernelCgroup.cgroup)))


def say_of_kernel(session: Session, worker_id: int, text: str) -> None:
    """Record what the kernel engine of a worker does, or why it does not."""
    session.execute(update(Worker).where(col(Worker.id) == worker_id).values(kernel=text))
