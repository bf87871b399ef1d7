"""What a long turn says of itself shows on row 2 while it runs, and no longer."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from screens.app import ConsoleApp
from screens.banner import Banner
from screens.console_options import ConsoleOptions
from screens.panel import FunctionKey, Panel, Stay
from screens.progress import Progress
from screens.terminal.page import Page
from tests.screens.conftest import settle

PATIENCE_S = 30


class Slow(Panel):
    """F5 tells how far it has come, and waits."""

    function_keys = (FunctionKey(5, "Refresh"),)

    def __init__(self, progress):
        self.progress = progress
        self.told, self.gate = threading.Event(), threading.Event()

    def page(self, size):
        page = Page(size)
        page.system("NJORD01")
        return page

    def handle(self, submission):
        self.progress.tell("12,345 entries read...")
        self.told.set()
        assert self.gate.wait(PATIENCE_S)
        self.progress.tell("")
        return Stay(redraw=True)


def test_the_end_is_told_once():
    progress = Progress()
    assert not progress.take_end()
    progress.tell("half")
    assert not progress.take_end()
    progress.tell("")
    assert (progress.take_end(), progress.take_end()) == (True, False)


async def test_it_shows_while_the_turn_runs_and_goes_with_it(store, now):
    progress = Progress()
    panel = Slow(progress)
    options = ConsoleOptions(
        clock=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        status=Banner(store, lambda: now, progress).text,
        progress=progress,
        poll_s=0.05,
    )
    app = ConsoleApp(lambda: panel, options)
    async with app.run_test(size=(80, 25)) as pilot:
        await settle(pilot)
        await pilot.press("f5")
        for _ in range(3000):
            await pilot.pause(0.01)
            if "12,345 entries read..." in app.surface.text()[1]:
                break
        else:
            raise AssertionError(app.surface.text()[1])
        assert not app.is_idle
        panel.gate.set()
        for _ in range(3000):
            await pilot.pause(0.01)
            if app.is_idle and "entries read" not in app.surface.text()[1]:
                return
        raise AssertionError(app.surface.text()[1])
