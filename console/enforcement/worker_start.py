"""Makes sure that a store has a worker: starts one when none answers."""

from __future__ import annotations

import os

from console.store.location import Location
from console.store.worker_process import answers, start_worker


def ensure_worker(store_url: str, location: Location) -> None:
    """Return when a worker answers for a store, after starting one if need be.

    Raises:
        WorkerError: None answers, and none can be started.
        StoreError: The store's directory is not there and cannot be made.
    """
    if answers(location):
        return
    if not os.path.isdir(location.directory):
        # Rare, and the engine brings SQLAlchemy. A misspelt --store must not get a store, and with it another policy.
        from console.store.engine import make_directory

        make_directory(store_url)
    start_worker(store_url, location)
