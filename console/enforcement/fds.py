"""Descriptors with one owner."""

from __future__ import annotations

import os
from types import TracebackType


class OwnedFd:
    """A descriptor that is closed exactly once.

    The number is forgotten before it is closed: by the time close(2) returns, the same number may be another file, and
    a stale integer would then reach it.
    """

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = -1
        if number < 0:
            raise ValueError("a descriptor is not negative")
        self._number = number

    @property
    def number(self) -> int:
        """The descriptor, for a call made now; do not keep it.

        Raises:
            ValueError: It was closed or given away.
        """
        if self._number < 0:
            raise ValueError("the descriptor is closed")
        return self._number

    def release(self) -> int:
        """Give the descriptor away; the caller owns it from now on."""
        number, self._number = self.number, -1
        return number

    def close(self) -> None:
        """Close it; again is fine."""
        number, self._number = self._number, -1
        if number >= 0:
            os.close(number)

    def __enter__(self) -> OwnedFd:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._number >= 0:
            self.close()

    def __del__(self) -> None:
        if self._number >= 0:
            self.close()

    def __repr__(self) -> str:
        return "OwnedFd(closed)" if self._number < 0 else f"OwnedFd({self._number})"
