"""Puts the kernel engine of a store to work, and takes it away.

A module of its own beside the worker's: nobody without the engine loads libbpf.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from console.enforcement.kernel_place import pin_directory, remove
from console.errors import KernelError
from console.messages import line, message
from console.store.locks import is_locked
from console.store.session import reading, transaction
from console.store.workers import forget_cgroup, latest_worker

if TYPE_CHECKING:
    from console.clock import Clock
    from console.enforcement.kernel.keeper import KernelKeeper
    from console.enforcement.scribe import Scribe
    from console.policy.rule import Policy
    from console.store.engine import Store
    from console.store.location import Location

_log = logging.getLogger("greenwall.worker")


def chosen_cgroup(path: str) -> Path:
    """Return the directory of the cgroup that is meant; the root of all of them for none.

    Raises:
        KernelError: There are no cgroups of version 2.
    """
    from console.enforcement.kernel.engine import find_cgroups

    return Path(path).absolute() if path else find_cgroups()


def begin_kernel(scribe: Scribe, location: Location, cgroup: Path, revision: int, policy: Policy) -> KernelKeeper:
    """Attach the engine with a policy in force, and let go of what an earlier worker has left attached.

    Args:
        scribe: Writes the journal.
        location: The store's.
        cgroup: What it is to decide for.
        revision: Number of the active revision.
        policy: The active revision.

    Raises:
        KernelError: This system cannot have it; what an earlier worker has attached stays.
        PolicyError: The kernel cannot hold this policy.
    """
    from console.enforcement.kernel.engine import KernelEngine
    from console.enforcement.kernel.keeper import KernelKeeper, Place, how_listens_fail
    from console.enforcement.kernel.loading import Wanted
    from console.enforcement.kernel.pins import Pins
    from console.enforcement.kernel.relay_house import RelayHouse
    from console.policy.compiler import compile_policy
    from console.policy.image import what_is_not_seen

    pins = Pins(pin_directory(location))
    found = pins.find(cgroup)
    engine = KernelEngine(found)
    directory = found or pins.make(cgroup)
    relay = RelayHouse(engine, directory)
    wanted = Wanted(revision, policy, scribe.ledger.kernel.is_enforced(str(cgroup)))
    try:
        engine.let_guard(os.getpid())  # an entry about what it takes to write entries would have no end
        keeper = KernelKeeper(scribe, engine, relay, Place(str(cgroup), directory.name), wanted)
        engine.attachment.attach(cgroup)
        if found is None:
            engine.pin(directory)
    except BaseException:
        if found is None:
            shutil.rmtree(directory)
            relay.end()
        engine.close()
        raise
    keeper.take_over(pins.leave_all(directory))
    told = message("GWL0483" if wanted.is_enforced else "GWL048B", path=cgroup, number=revision)
    _log.info("%s", line(told))
    _log.info("%s", line(how_listens_fail(engine)))
    for unseen in what_is_not_seen(compile_policy(policy)):
        _log.info("%s", line(message(unseen)))
    return keeper


def detach_kernel(store: Store, clock: Clock) -> str:
    """Remove what keeps the engine of a store attached; what it has told since its worker ended goes into the journal.

    Returns:
        The cgroup that it was attached to; empty where that is not known any more.

    Raises:
        KernelError: A worker that runs holds it, or nothing is attached for this store.
        StoreError: The store cannot be read.
    """
    from console.enforcement.kernel.last_words import write_last_words
    from console.enforcement.kernel.pins import Pins
    from console.enforcement.ledger import Ledger

    with reading(store) as session:
        worker = latest_worker(session)
    if worker is not None and worker.cgroup and is_locked(store.location.worker_lock):
        raise KernelError("GWL0485", pid=worker.pid, path=worker.cgroup)
    pins = Pins(pin_directory(store.location))
    write_last_words(Ledger(store, clock), pins.leave_all())
    if not pins.remove():
        raise KernelError("GWL0484", url=store.shown_url)
    with transaction(store) as session:
        forget_cgroup(session)
    return "" if worker is None else worker.cgroup


def detach_without_store(location: Location) -> bool:
    """Remove what keeps the engine of a store attached that is no more; say whether there was anything.

    Nobody can write down what it has told since its worker ended.

    Raises:
        KernelError: A worker that runs holds it.
    """
    if is_locked(location.worker_lock):
        raise KernelError("GWL04A2", path=location.worker_lock)
    directory = pin_directory(location)
    if not directory.exists():
        return False
    remove(directory)
    return True


def left_attached(store: Store, clock: Clock) -> Path | None:
    """Return the cgroup for which an earlier worker of a store has left the engine attached; None for none.

    A worker that took no notice would leave the kernel with the revision that was in force then, for ever. What was
    left for a cgroup that is no more decides nothing: what it has told goes into the journal, and it is removed.

    Raises:
        StoreError: The store cannot be read or written.
        KernelError: What was told cannot be read here.
    """
    directory = pin_directory(store.location)
    if os.geteuid() != 0 or not directory.exists():
        return None
    with reading(store) as session:
        worker = latest_worker(session)
    cgroup = Path(worker.cgroup) if worker is not None and worker.cgroup else None
    if cgroup is not None and cgroup.exists():
        return cgroup
    from console.enforcement.kernel.last_words import write_last_words
    from console.enforcement.kernel.pins import Pins
    from console.enforcement.ledger import Ledger

    pins = Pins(directory)
    write_last_words(Ledger(store, clock), pins.leave_all())
    pins.remove()
    return None
