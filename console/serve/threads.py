"""Where the server does what takes long, so that no session waits for another's: a few threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_AT_ONCE = 2
"""Sign-ons that are checked at a time: each password takes a tenth of a second of a processor, and 64 MB."""


class Threads:
    """A few threads, and one that does one thing after the other in the order in which they were asked for.

    Threads: The event loop's asks.
    """

    def __init__(self) -> None:
        self._few = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="ask")
        self._one = ThreadPoolExecutor(1, thread_name_prefix="write")

    async def run(self, work: Callable[[], T]) -> T:
        """Do something."""
        return await asyncio.get_running_loop().run_in_executor(self._few, work)

    async def run_in_order(self, work: Callable[[], T]) -> T:
        """Do something after all else that was asked for in this way."""
        return await asyncio.get_running_loop().run_in_executor(self._one, work)

    def close(self) -> None:
        """Wait for what is under way, and end."""
        self._few.shutdown(cancel_futures=True)
        self._one.shutdown()
