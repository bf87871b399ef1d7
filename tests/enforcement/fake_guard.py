"""A guard that decides nothing: says to a worker whatever a test wants said."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager

from console.enforcement.frames import Taken, Welcome, decode, encode
from console.store.unix_path import connect
from tests.factories import GUARD_ID, hello, records

PATIENCE_S = 20


class FakeGuard:
    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    def send(self, *frames):
        self.writer.write(b"".join(map(encode, frames)))

    async def read(self):
        async with asyncio.timeout(PATIENCE_S):
            header = await self.reader.readexactly(4)
            frame, _ = decode(header + await self.reader.readexactly(int.from_bytes(header, "big")))
            return frame

    async def read_until(self, kind):
        while not isinstance(frame := await self.read(), kind):
            pass
        return frame

    async def ask(self, guard_id=GUARD_ID, **fields) -> Welcome:
        self.send(hello(guard_id, **fields))
        return await self.read_until(Welcome)

    async def deliver(self, first, last) -> int:
        self.send(records(first, last))
        return (await self.read_until(Taken)).number

    async def is_cut_off(self):
        async with asyncio.timeout(PATIENCE_S):
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionError:
                pass
        return True


@asynccontextmanager
async def guard(location):
    """Connect to the worker, waiting for one that is just starting."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            endpoint = socket.socket(socket.AF_UNIX)
            try:
                connect(endpoint, location.worker_socket)
            except (FileNotFoundError, ConnectionRefusedError):
                endpoint.close()
                await asyncio.sleep(0.01)
            else:
                break
    endpoint.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=endpoint)
    try:
        yield FakeGuard(reader, writer)
    finally:
        writer.close()


@contextmanager
def worker_process(store_url, **options):
    """Run a real worker; killed at the end if it still runs."""
    code = "import sys; from console.enforcement.worker import run_worker; sys.exit(run_worker(sys.argv[1]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, store_url], stderr=subprocess.PIPE, text=True, encoding="utf-8", **options
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
