"""How much of what could be tried without end the default run tries, and how much a campaign (tests/run --campaign)."""

from __future__ import annotations

import os

IS_CAMPAIGN = os.environ.get("GREENWALL_CAMPAIGN") == "1"
_TIMES = 10


def examples(count: int) -> int:
    """Return how many examples a property is tried with: as many as said, each time others, and more in a campaign."""
    return count * _TIMES if IS_CAMPAIGN else count
