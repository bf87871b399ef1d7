"""A worker in the test's own event loop, and what the journal has of a guard's decisions."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager

from console.enforcement.worker import Worker
from console.journal.verify import verify
from console.store.journal import page_after
from console.store.session import reading
from console.store.unix_path import bind
from tests.enforcement.fake_guard import PATIENCE_S
from tests.factories import GUARD_ID


@asynccontextmanager
async def worker_here(store):
    """Run a worker in this event loop."""
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wake:
        for endpoint, path in ((listener, store.location.worker_socket), (wake, store.location.wake_socket)):
            endpoint.setblocking(False)
            bind(endpoint, path)
        listener.listen()
        worker = Worker(store, listener, wake)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(worker.run())
            try:
                yield running
            finally:
                worker.stop()


def sk_numbers(store, guard_id=GUARD_ID):
    with reading(store) as session:
        assert verify(session).bad_entry is None
        entries = page_after(session, 0, limit=1_000_000)
    return [entry.guard_number for entry in entries if entry.guard_id == guard_id and entry.entry_type == "SK"]


async def eventually(claim):
    async with asyncio.timeout(PATIENCE_S):
        while not claim():  # noqa: ASYNC110 - the claim is about another process
            await asyncio.sleep(0.02)
