"""What is kept about the kernel engine: up to where its ring buffers are written, and where its rules hold."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import update
from sqlmodel import Session, col, delete, select

from console.model.kernel import KernelCgroup, KernelRing
from console.model.running import Worker


def ring_position(session: Session, ring: str) -> int:
    """Return up to where what a ring buffer says is in the journal; 0 for one that is not known."""
    found = session.get(KernelRing, ring)
    return 0 if found is None else found.position


def set_ring_position(session: Session, ring: str, position: int) -> None:
    """Record up to where what a ring buffer says is in the journal: with the entries, in one transaction."""
    session.merge(KernelRing.model_validate({"ring": ring, "position": position}))


def forget_rings(session: Session, *, but: Collection[str]) -> None:
    """Forget the ring buffers that are no more."""
    session.exec(delete(KernelRing).where(col(KernelRing.ring).not_in(but)))


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
