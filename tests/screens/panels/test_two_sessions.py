"""System Request, the Attention key, the second session, and the command line window, by keys."""

from __future__ import annotations

import threading

import pytest

from console.errors import CommandError
from console.request_end import EndWish, endable, is_to_end
from console.store.session import reading
from screens.app import ConsoleApp
from screens.console import attention, command_window, system_request
from screens.console_options import ConsoleOptions
from screens.panel import FunctionKey, Panel, Reply, Stay
from screens.panels.main_menu import MainMenu
from screens.progress import Progress
from screens.terminal.keys import Function
from screens.terminal.page import COMMAND, Page, Size
from tests.screens.conftest import ended, press, settle

SIZE = (80, 25)
IN_FRONT = {Function.SYSREQ: system_request, Function.ATTN: attention}


@pytest.fixture
def make_console(services, now, tmp_path):
    """Return a maker of the whole console."""

    def make(first=None, **options):
        settings = {
            "system_name": "NJORD01",
            "state_directory": tmp_path / "state",
            "clock": lambda: now,
            "poll_s": None,
            "in_front": IN_FRONT,
            "command_window": command_window,
            **options,
        }
        return ConsoleApp(first or (lambda: MainMenu(services, is_first=True)), ConsoleOptions(**settings))

    return make


def rows(app):
    return app.surface.text()


def shown(app):
    return "\n".join(rows(app))


class Slow(MainMenu):
    """A first panel whose Enter runs until it is let go, or asked to end."""

    def __init__(self, services) -> None:
        super().__init__(services, is_first=True)
        self.may_go = threading.Event()
        self.has_begun = threading.Event()

    def handle(self, submission) -> Reply:
        if submission.values.get(COMMAND, "").strip() != "slow":
            return super().handle(submission)
        progress = Progress()
        self.has_begun.set()
        while not self.may_go.wait(0.005):
            progress.tell("1,000 entries read")
        return Stay()


async def test_system_request_shows_its_line_and_f12_takes_it_away(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, *"wrk", "ctrl+c")
        assert rows(app)[23].startswith(" System request  ")
        assert rows(app)[23][:40].endswith("Enter=Menu F12=Cancel")
        assert "Greenwall Main Menu" in rows(app)[0]
        await press(pilot, "f12")
        assert "wrk" in rows(app)[19]
        assert "System request" not in shown(app)


async def test_enter_on_the_line_shows_the_menu_and_f3_goes_back(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+c", "enter")
        assert rows(app)[0].strip() == "System Request"
        assert "1. Begin a second session, B" in shown(app)
        await press(pilot, "f3")
        assert "Greenwall Main Menu" in rows(app)[0]


async def test_the_second_session_has_its_own_panels_and_the_same_history(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, *"wrkreginf", "enter")
        assert rows(app)[24][1] == "A"
        await press(pilot, "ctrl+c", "1", "enter")
        assert rows(app)[24][1] == "B"
        assert "Greenwall Main Menu" in rows(app)[0]
        await press(pilot, "f9")
        assert "wrkreginf" in rows(app)[19]
        await press(pilot, "ctrl+c", "enter")
        assert "Go back to session A" in shown(app)
        await press(pilot, "1", "enter")
        assert rows(app)[24][1] == "A"
        assert "Work with Registration Information" in rows(app)[0]
        await press(pilot, "ctrl+c", "1", "enter")
        assert "wrkreginf" in rows(app)[19]


async def test_system_request_works_while_the_keyboard_is_locked_and_ends_the_request(make_console, services):
    slow = Slow(services)
    app = make_console(lambda: slow)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press(*"slow", "enter")
        while not slow.has_begun.is_set():
            await pilot.pause(0.005)
        assert "X SYSTEM" in rows(app)[24]
        await pilot.press("ctrl+c", "enter")
        while "End the request that runs" not in shown(app):
            await pilot.pause(0.005)
        await pilot.press("2", "enter")
        await settle(pilot)
        assert rows(app)[23].strip() == "The request was ended by System Request."
        assert "slow" in rows(app)[19]


async def test_the_other_session_goes_on_while_one_is_busy(make_console, services):
    slow = Slow(services)
    firsts = iter([slow, MainMenu(services, is_first=True)])
    app = make_console(lambda: next(firsts))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press(*"slow", "enter")
        while not slow.has_begun.is_set():
            await pilot.pause(0.005)
        await pilot.press("ctrl+c", "1", "enter")
        while rows(app)[24][1] != "B" or not app.is_idle:
            await pilot.pause(0.005)
        await pilot.press(*"go rules", "enter")
        while "Exit Points, Rules" not in rows(app)[0]:
            await pilot.pause(0.005)
        slow.may_go.set()
        await settle(pilot)
        assert "Exit Points, Rules" in rows(app)[0]


async def test_without_a_request_there_is_none_to_end(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+c", "2", "enter")
        assert rows(app)[23].strip() == "No request is running."


async def test_panels_of_system_request_come_back_to_its_menu(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+c", "enter", "3", "enter")
        assert rows(app)[0].strip() == "Display Session"
        assert "Greenwall Main Menu" in shown(app)
        await press(pilot, "f12")
        assert rows(app)[0].strip() == "System Request"
        await press(pilot, "4", "enter")
        assert rows(app)[0].strip() == "Display Messages"
        await press(pilot, "f3")
        assert "Greenwall Main Menu" in rows(app)[0]


async def test_an_option_that_is_none_is_refused(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+c", "4", "4", "enter")
        assert rows(app)[23].strip() == "Option 44 is not on the System Request menu."
        await press(pilot, "f12")
        assert "Greenwall Main Menu" in rows(app)[0]


async def test_sign_off_by_system_request(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, *"wrkreginf", "enter")
        await pilot.press("ctrl+c", "9", "0", "enter")
        await ended(pilot)
    assert app.return_code == 0


@pytest.mark.parametrize("keys", [("9", "0", "enter", "enter"), ("f3", "f3", "f3", "f3")])
async def test_sign_off_tells_of_the_other_session_first(make_console, keys):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, *"wrkreginf", "enter", "ctrl+c", "1", "enter")
        for key in keys[:-1]:
            await press(pilot, key)
        if keys[0] == "9":
            assert rows(app)[23].strip() == "Session A is open, too. Sign off again to end both."
        await pilot.press(keys[-1])
        await ended(pilot)
    assert app.return_code == 0


async def test_a_second_session_that_cannot_begin_says_why_in_the_first(make_console, services):
    def makes():
        yield MainMenu(services, is_first=True)
        raise CommandError("GWL0704")

    firsts = makes()
    app = make_console(lambda: next(firsts))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+c", "1", "enter")
        assert rows(app)[24][1] == "A"
        assert rows(app)[23].strip() == "There is no earlier command."


async def test_attention_shows_its_menu_in_front_and_leaves_everything_as_it_was(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, *"wrkreginf", "enter", *"typed", "ctrl+a")
        assert "Attention" in rows(app)[0]
        await press(pilot, *"dspmsg", "enter")
        assert rows(app)[0].strip() == "Display Messages"
        await press(pilot, "f3", "f3")
        assert "Work with Registration Information" in rows(app)[0]


async def test_a_panel_without_a_command_line_opens_one_in_a_window(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, *"dspthrmdl", "enter")
        assert "F21=Command line" in shown(app)
        await press(pilot, "shift+f9", *"sndmsg 'hello'", "enter")
        assert "Display Threat Model" in rows(app)[0]
        assert "===>" in rows(app)[19]
        assert rows(app)[23].strip().startswith("Message sent")
        await press(pilot, *"wrkreginf", "enter")
        assert "Work with Registration Information" in rows(app)[0]
        await press(pilot, "f3", "f9")
        assert "wrkreginf" in rows(app)[19]
        await press(pilot, "f12")
        assert "===>" not in shown(app)
        assert "Display Threat Model" in rows(app)[0]


async def test_a_terminal_that_grows_while_system_request_shows_lays_both_out(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, *"wrksocrul", "enter", "ctrl+c")
        await pilot.resize_terminal(132, 28)
        await settle(pilot)
        await press(pilot, "f12")
        assert "Local address" in shown(app)


async def test_f22_shows_a_value_whole_that_its_column_cuts_off(make_console, run):
    address = "2001:db8:1111:2222:3333:4444:5555:6666-2001:db8:1111:2222:3333:4444:5555:7777"
    run(f"ADDSOCRUL *CONNECT 10 RMTADR('{address}') ACTION(*REJECT)")
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, *"wrksocrul", "enter")
        row = next(number for number, text in enumerate(rows(app)) if "2001:db8" in text)
        column = rows(app)[row].index("2001:db8")
        app.surface.terminal.frame.buffer.move(row + 1, column + 4)
        await press(pilot, "shift+f10")
        assert "5555:7777" in shown(app)
        await press(pilot, "f12", "shift+f10")
        assert "5555:7777" in shown(app)
        await press(pilot, "f12")
        app.surface.terminal.frame.buffer.move(1, 2)
        await press(pilot, "shift+f10")
        assert rows(app)[23].strip() == "The cursor is on no value that is cut off."


class Plain(Panel):
    """A first panel of somebody who has not signed on."""

    function_keys = (FunctionKey(3, "Exit"),)

    def page(self, size: Size) -> Page:
        page = Page(size)
        page.title("Sign On")
        page.field("USER", 6, 53, 10)
        return page

    def handle(self, submission) -> Reply:
        return Stay()


async def test_before_sign_on_there_is_only_what_needs_nobody(make_console):
    app = make_console(Plain)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+c", "enter")
        assert [row.split(".")[0].strip() for row in rows(app)[4:8] if "." in row] == ["2", "90"]
        await press(pilot, "f12", "ctrl+a")
        assert rows(app)[23].strip() == "The Attention key has no program."
        assert "Command line" not in shown(app)


def test_a_statement_of_the_store_that_runs_long_is_ended(store):
    from sqlalchemy import text

    from console.errors import RequestEnded

    endless = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    if store.engine.dialect.name != "sqlite":
        pytest.skip("SQLite's machine")
    wish = EndWish()
    wish.is_made = True
    with pytest.raises(RequestEnded), endable(wish), reading(store) as session:
        session.execute(endless)
    assert not is_to_end()
