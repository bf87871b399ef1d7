"""Results of connects that nobody could be told of, kept for the call that is made again.

A signal may take the caller out of a connect that waits. Linux then goes on connecting, and a call that is made again
(SA_RESTART) waits for the same connection and returns 0. Our connect may have come to its end meanwhile, with nobody to
tell; the kernel would then say EISCONN to the repeated call. So a result that could not be handed over is kept for
the same thread, socket and address. A call that names another address is another call: it is decided and made like
any, and what was kept is forgotten, because it may change what the socket is connected to.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from console.enforcement.backend import Call
from console.enforcement.fds import OwnedFd

RESULT_KEPT_S = 30.0
_MOST_RESULTS_KEPT = 1024


class _Result(NamedTuple):
    """How a connect ended."""

    since: float
    """When; seconds of the monotonic clock."""
    sockaddr: bytes
    """As it was copied out of the caller's memory."""
    errno: int
    """0 for none."""


class UntoldResults:
    """What is kept, for a thread and the inode of a socket."""

    def __init__(self) -> None:
        self._results: dict[tuple[int, int], _Result] = {}

    def __bool__(self) -> bool:
        """Return whether anything is kept."""
        return bool(self._results)

    def knows(self, call: Call, taken: OwnedFd, sockaddr: bytes) -> bool:
        """Say whether a connect was made already, and nobody could be told."""
        kept = self._results.get(_key(call, taken))
        return kept is not None and kept.sockaddr == sockaddr

    def pop(self, call: Call, taken: OwnedFd, sockaddr: bytes) -> int | None:
        """Return the errno that is kept for a call, 0 for none; None if nothing is. What else was kept is forgotten."""
        kept = self._results.pop(_key(call, taken), None)
        return kept.errno if kept is not None and kept.sockaddr == sockaddr else None

    def keep(self, call: Call, inode: int, sockaddr: bytes, result: int) -> None:
        """Keep a result for the call that the caller may make again."""
        now = time.monotonic()
        for key, kept in list(self._results.items()):
            if now - kept.since > RESULT_KEPT_S or len(self._results) >= _MOST_RESULTS_KEPT:
                self._results.pop(key, None)
        self._results[call.thread, inode] = _Result(now, sockaddr, result)


def _key(call: Call, taken: OwnedFd) -> tuple[int, int]:
    return call.thread, os.fstat(taken.number).st_ino
