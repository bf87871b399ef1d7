from __future__ import annotations

from datetime import UTC, datetime

import pytest

from screens.app import ConsoleApp
from screens.console_options import ConsoleOptions
from screens.panel import Panel

NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def make_app(tmp_path):
    """Return a maker of applications that show a panel; the clock stands, and nothing polls."""

    def make(panel: Panel, **options: object) -> ConsoleApp:
        settings = {
            "system_name": "NJORD01",
            "state_directory": tmp_path / "state",
            "clock": lambda: NOON,
            "poll_s": None,
            **options,
        }
        return ConsoleApp(lambda: panel, ConsoleOptions(**settings))

    return make


async def settle(pilot) -> None:
    """Wait until no turn runs and everything posted has been handled."""
    for _ in range(500):
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        if pilot.app.is_idle and not pilot.app.workers:
            return
    raise AssertionError("the application does not come to rest")


async def press(pilot, *keys: str) -> None:
    """Press keys one by one and wait for what comes of them; the first panel shows before."""
    while not pilot.app._has_shown:  # there is nothing to bring System Request in front of
        await pilot.pause(0.01)
    await pilot.press(*keys)
    await settle(pilot)


async def ended(pilot) -> None:
    """Wait until the application has ended of itself."""
    for _ in range(3000):
        await pilot.pause(0.01)
        if pilot.app.return_code is not None:
            return
    raise AssertionError("the application does not end")
