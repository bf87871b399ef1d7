from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from console.errors import CommandError, ConsoleError
from screens.app import ConsoleApp
from screens.console_options import ConsoleOptions
from screens.terminal.attributes import Attribute
from screens.terminal.keys import Function
from tests.screens.conftest import ended, press, settle
from tests.screens.demo import DemoEntry, DemoMenu

SIZE = (80, 25)


def row(app: ConsoleApp, number: int) -> str:
    return app.surface.text()[number - 1]


def shown(app: ConsoleApp) -> str:
    return "\n".join(app.surface.text())


def values(app: ConsoleApp) -> dict[str, str]:
    return app.surface.terminal.frame.buffer.values


def drawn(app: ConsoleApp) -> list[str]:
    return [app.surface.render_line(y).text for y in range(app.size.height)]


async def test_a_menu_option_opens_a_panel_and_f12_comes_back(make_app):
    app = make_app(DemoMenu())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert row(app, 1).split() == ["DEMO", "Demo", "Menu"]
        await press(pilot, "1", "enter")
        assert row(app, 1).strip() == "Demo Entry"
        await press(pilot, "f12")
        assert row(app, 1).split() == ["DEMO", "Demo", "Menu"]


async def test_keys_typed_before_the_next_panel_shows_go_to_it(make_app):
    app = make_app(DemoMenu())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "1", "enter", "a", "b", "c", "tab", "h", "i", "enter")
        assert values(app) == {"NAME": "ABC", "TEXT": "hi", "PASSWORD": ""}
        assert row(app, 24).strip() == "Accepted."


async def test_keys_wait_while_a_slow_turn_runs_and_the_status_row_says_so(make_app):
    panel = DemoEntry()
    app = make_app(panel)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("f5", "x", "y")
        assert "X SYSTEM" in row(app, 25)
        assert "KB 2" in row(app, 25)
        await pilot.press("ctrl+c")
        assert row(app, 24).startswith(" There is no system request")
        panel.gate.set()
        await settle(pilot)
        assert values(app)["NAME"] == "XY"
        assert "Turns: 1" in shown(app)
        assert "X SYSTEM" not in shown(app)


async def test_the_locked_keyboard_is_drawn_only_when_the_answer_takes_a_while(make_app):
    panel = DemoEntry()
    app = make_app(panel)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        app.surface.press(Function.F5)
        assert app.surface.terminal.keyboard.is_busy
        assert "X SYSTEM" not in drawn(app)[24]
        while "X SYSTEM" not in drawn(app)[24]:
            await pilot.pause(0.01)
        panel.gate.set()
        await settle(pilot)
        assert "X SYSTEM" not in drawn(app)[24]


async def test_a_turn_that_fails_drops_what_was_typed_ahead(make_app):
    panel = DemoEntry()
    app = make_app(panel)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("f9", "q", "enter", "q")
        assert "KB 3" in row(app, 25)
        panel.gate.set()
        await settle(pilot)
        assert row(app, 24).strip() == "Too late."
        assert values(app) == {"NAME": "", "TEXT": "", "PASSWORD": ""}
        assert app.surface.terminal.cursor == (6, 37)


async def test_a_validation_error_marks_the_field_and_moves_the_cursor_there(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "4", "tab", "t", "enter")
        assert row(app, 24) == " Name not valid.".ljust(79) + "+"
        assert app.surface.terminal.cursor == (5, 37)
        assert app.surface.terminal.rows()[4][36].attribute is Attribute.GREEN_UNDERLINE_REVERSE
        assert values(app)["TEXT"] == "t"
        assert values(app)["NAME"] == "4"


async def test_a_console_error_is_shown_as_its_message(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "f6")
        assert row(app, 24).strip() == "Function key not allowed."


async def test_an_undeclared_function_key_is_refused(make_app):
    panel = DemoEntry()
    app = make_app(panel)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "shift+f3")
        assert row(app, 24).strip() == "Function key not allowed."
        assert panel.seen == []


async def test_f1_on_a_field_shows_help_in_a_window_and_f12_keeps_everything(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "a", "b", "f1")
        assert ": Name (NAME) - Help" in shown(app)
        assert row(app, 5).rstrip().endswith("AB")
        await press(pilot, "f12")
        assert "Help" not in shown(app)
        assert values(app)["NAME"] == "AB"
        assert app.surface.terminal.cursor == (5, 39)


async def test_f1_on_the_title_shows_the_panel_s_help(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "up", "up", "up", "up", "f1")
        assert "Demo Entry - Help" in shown(app)


async def test_f1_on_the_message_row_shows_the_second_level(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "4", "enter", *["up"] * 5, "f1")
        lines = app.surface.text()
        assert lines[0].strip() == "Additional Message Information"
        assert lines[2].startswith(" Message ID . . . . . . :   DMO0001      Severity . . . . . . . :   20")
        assert lines[6].rstrip() == " Message . . . . :   Name not valid."
        assert lines[8].rstrip() == " Cause . . . . . :   Because."
        assert lines[9].rstrip() == " Recovery  . . . :   Do otherwise."
        await press(pilot, "enter")
        assert row(app, 24).startswith(" Name not valid.")


async def test_f1_on_a_keying_error_explains_the_error(make_app):
    app = make_app(DemoEntry(), strict=True)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "up", "x", "f1")
        assert "KBD0005" in row(app, 3)
        await press(pilot, "enter")
        assert row(app, 1).strip() == "Demo Entry"
        assert row(app, 24).strip() == ""


async def test_typing_in_a_protected_place_locks_until_the_next_key(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "up", "x")
        assert row(app, 24).startswith(" 0005  ")
        assert "X II      0005" in row(app, 25)
        await press(pilot, "down", "x")
        assert values(app)["NAME"] == "X"
        assert row(app, 24).strip() == ""


async def test_ctrl_q_does_not_quit_and_attention_answers(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+q")
        assert app.is_running
        await press(pilot, "ctrl+a")
        assert row(app, 24).startswith(" The Attention key")


async def test_tab_belongs_to_the_page(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "tab")
        assert app.surface.terminal.cursor == (6, 37)
        await press(pilot, "shift+tab")
        assert app.surface.terminal.cursor == (5, 37)
        assert app.focused is app.surface


async def test_a_prefix_shows_in_the_status_row_and_completes_a_key(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "escape")
        assert "ESC-" in row(app, 25)
        await press(pilot, "4")
        assert "Select Name" in shown(app)
        await press(pilot, "escape", "escape")
        assert "Select Name" not in shown(app)
        await press(pilot, "ctrl+g", "z")
        assert row(app, 24).startswith(" 0027")


async def test_a_window_returns_its_value(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "f4", "1", "enter")
        assert values(app)["NAME"] == "ALICE"
        assert row(app, 24).strip() == "Chosen."


async def test_print_writes_the_screen_to_a_file_of_the_owner_only_without_hidden_fields(make_app, tmp_path):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "a", "tab", "tab", "s", "3", "c", "alt+p")
        (path,) = (tmp_path / "state").iterdir()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        text = path.read_text()
        assert "Demo Entry" in text
        assert "s3c" not in text
        assert row(app, 24).startswith(" Screen printed to ")
        await press(pilot, "alt+p")
        assert row(app, 24).startswith(" The screen cannot be printed to ")


async def test_sign_off_ends_the_console(make_app):
    app = make_app(DemoMenu())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("9", "0", "enter")
        await ended(pilot)
    assert app.return_code == 0


async def test_the_first_panel_s_error_ends_the_console_and_is_kept(make_app):
    def broken():
        raise CommandError("KBD0101", key="F1")

    app = ConsoleApp(broken, ConsoleOptions(poll_s=None))
    async with app.run_test(size=SIZE) as pilot:
        await ended(pilot)
    assert isinstance(app.failure, ConsoleError)
    assert app.return_code == 1


async def test_the_banner_comes_from_the_status_and_moves_nothing(make_app):
    app = make_app(DemoMenu(), status=lambda: "*CONNECT is in *MONITOR")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert row(app, 2).startswith(" *CONNECT is in *MONITOR   ")
        assert row(app, 2).endswith("System:   NJORD01  ")


async def test_a_status_that_fails_is_shown_as_the_banner(make_app):
    def failing() -> str:
        raise CommandError("KBD0102")

    app = make_app(DemoMenu(), status=failing)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert row(app, 2).startswith(" Key not allowed here.")


async def test_80_by_25_shows_25_rows(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=(80, 25)) as pilot:
        await settle(pilot)
        assert [len(line) for line in app.surface.text()] == [80] * 25
        assert drawn(app) == app.surface.text()
        assert row(app, 25).startswith(" A NJORD01")


async def test_80_by_24_shares_the_message_row(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert [len(line) for line in app.surface.text()] == [80] * 24
        assert drawn(app) == app.surface.text()
        assert row(app, 24).rstrip().endswith("05/037")
        await press(pilot, "4", "enter")
        assert row(app, 24) == " Name not valid.".ljust(79) + "+"


async def test_132_by_28_shows_the_wide_page_and_its_status_row(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=(132, 28)) as pilot:
        await settle(pilot)
        assert [len(line) for line in app.surface.text()] == [132] * 28
        assert row(app, 1).strip() == "Wide Demo Entry"


async def test_132_by_27_has_no_room_for_the_wide_page(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=(132, 27)) as pilot:
        await settle(pilot)
        assert [len(line) for line in app.surface.text()] == [80] * 25


async def test_60_by_20_says_what_it_needs_and_keeps_what_was_typed(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "a", "b")
        await pilot.resize_terminal(60, 20)
        await settle(pilot)
        assert drawn(app)[0].rstrip() == "Needs 80x24, have 60x20"
        assert {line.strip() for line in drawn(app)[1:]} == {""}
        await press(pilot, "z", "enter")
        await pilot.resize_terminal(80, 25)
        await settle(pilot)
        assert values(app)["NAME"] == "AB"
        assert drawn(app) == app.surface.text()


async def test_resizing_to_wide_and_back_keeps_typed_data_and_the_message(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "4", "tab", "t", "enter")
        await pilot.resize_terminal(140, 40)
        await settle(pilot)
        assert row(app, 1).strip() == "Wide Demo Entry"
        assert values(app)["TEXT"] == "t"
        assert row(app, 27).startswith(" Name not valid.")
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert row(app, 1).strip() == "Demo Entry"
        assert values(app)["TEXT"] == "t"


async def test_a_resize_while_a_turn_runs_is_done_after_it(make_app):
    panel = DemoEntry()
    app = make_app(panel)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("f5")
        await pilot.resize_terminal(132, 28)
        await pilot.press("x")
        panel.gate.set()
        await settle(pilot)
        assert row(app, 1).strip() == "Wide Demo Entry"
        assert values(app)["NAME"] == "X"
        assert "Turns: 1" in shown(app)


@pytest.mark.parametrize("size", [(80, 24), (80, 25), (200, 60)])
async def test_a_message_from_outside_cannot_draw_on_the_screen(make_app, size):
    app = make_app(DemoMenu(), status=lambda: "\x1b[31mred\u202e")
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert "\x1b" not in "".join(drawn(app))
        assert "·[31mred·" in row(app, 2)


async def test_the_banner_is_asked_for_again_and_again(make_app):
    answers = iter(["first"])
    app = make_app(DemoMenu(), status=lambda: next(answers, "later"), poll_s=0.01)
    async with app.run_test(size=SIZE) as pilot:
        for _ in range(3000):
            await pilot.pause(0.01)
            if row(app, 2).startswith(" later"):
                return
    raise AssertionError("the banner did not change")


async def test_redraw_changes_nothing(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        before = app.surface.text()
        await press(pilot, "ctrl+l")
        assert app.surface.text() == before


async def test_no_color_draws_without_colours(make_app, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert {segment.style.color for segment in app.surface.render_line(0)} == {None}


def test_bug_that_ends_the_console_shows_in_its_exit_status_and_shows_no_variables():
    code = """
from screens.console_options import ConsoleOptions
from screens.run import run_console

def first_panel():
    password = "-".join(["se", "cret"])
    return 1 // 0

run_console(first_panel, ConsoleOptions())
"""
    driver = {"TEXTUAL_DRIVER": "textual.drivers.headless_driver:HeadlessDriver"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | driver, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, "ZeroDivisionError" in done.stderr) == (1, True)
    assert "se-cret" not in done.stderr


@pytest.mark.parametrize(
    ("terminal", "expected"), [("vt220", "False"), ("xterm-256color", "True"), ("none-such", "True")]
)
def test_terminal_without_colours_is_known_by_its_name(terminal, expected):
    code = "from screens.themes import has_colours; print(has_colours())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"TERM": terminal}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.stdout.strip() == expected
