"""A link between a client and a server: it counts, it delays, and it takes apart what was sent together."""

from __future__ import annotations

import asyncio
import contextlib
import threading


class Relay:
    """A relay to a port of this system, in a thread of its own."""

    def __init__(self, port: int, *, delay_s: float = 0.0, octet_by_octet: bool = False) -> None:
        self.to_client = 0
        """Octets that the server has sent."""
        self.port = 0
        self._target = port
        self._delay_s = delay_s
        self._is_split = octet_by_octet
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *unused):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self):
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self):
        self._stop = asyncio.Event()
        self._tasks = set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._copy(reader, back, False))
                    group.create_task(self._copy(there, writer, True))
            finally:
                back.close()
                writer.close()

    async def _copy(self, reader, writer, is_to_client):
        queue = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send(queue, writer))
            while octets := await reader.read(65536):
                if is_to_client:
                    self.to_client += len(octets)
                queue.put_nowait((self._loop.time() + self._delay_s, octets))
            queue.put_nowait((0.0, b""))

    async def _send(self, queue, writer):
        while True:
            due_s, octets = await queue.get()
            if not octets:
                break
            await asyncio.sleep(max(0.0, due_s - self._loop.time()))
            for part in [octets[at : at + 1] for at in range(len(octets))] if self._is_split else [octets]:
                writer.write(part)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()
