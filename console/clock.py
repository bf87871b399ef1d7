"""The one place that asks what time it is; everything else is handed a clock or a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present moment, aware, in UTC."""


def system_clock() -> datetime:
    """Return the system's time, aware, in UTC."""
    return datetime.now(UTC)


def now_ns() -> int:
    """Return the system's time in nanoseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns()
