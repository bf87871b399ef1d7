"""A console that nobody works at ends, as QINACTITV says; one that somebody works at does not."""

from __future__ import annotations

from datetime import timedelta

from tests.screens.conftest import NOON, settle


class Clock:
    """Time that a test moves."""

    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


def text_panel():
    from console.messages import message
    from screens.message_information import AdditionalMessageInformation

    return AdditionalMessageInformation(message("GWL1001"), NOON)


async def shown_after(make_app, minutes, *, presses=()):
    clock = Clock()
    app = make_app(text_panel(), clock=clock, idle_minutes=lambda: 5)
    async with app.run_test(size=(80, 25)) as pilot:
        await settle(pilot)
        for minute in range(minutes):
            clock.now = NOON + timedelta(minutes=minute + 1)
            if minute in presses:
                await pilot.press("tab")
                await settle(pilot)
        app._poll()
        for _ in range(50):
            await pilot.pause(0.01)
            if app.return_code is not None:
                break
        return app.return_code is None


async def test_console_ends_after_as_many_minutes_without_a_key(make_app):
    assert await shown_after(make_app, 4)
    assert not await shown_after(make_app, 5)


async def test_key_begins_the_time_anew(make_app):
    assert await shown_after(make_app, 8, presses=(4,))
