"""The terminal at its public door: keys, colours, mouse, pastes and sizes in a real terminal (tmux)."""

from __future__ import annotations

import re
import stat

import pytest

from tests.end_to_end.command import until

pytestmark = [pytest.mark.end_to_end, pytest.mark.kernel]

_COLOUR = re.compile(r"\x1b\[(?:[\d;:]*;)?(?:3[0-8]|4[0-8]|9\d|10\d)(?:[;:]\d+)*m")
_START_S = 60.0


def opened(terminal, greenwall, *options, size=(80, 24), **environment):
    command = greenwall.arguments()
    screen = terminal([*command, *options], size, **environment)
    screen.wait_for("Greenwall Main Menu", _START_S)
    return screen


def resize(screen, columns, rows):
    screen._tmux("resize-window", "-x", str(columns), "-y", str(rows))


def painted(screen):
    """Return the screen with the escape sequences of its looks."""
    return screen._tmux("capture-pane", "-pe")


def test_dspkey_shows_keys_live_and_the_second_f12_leaves(terminal, greenwall):
    screen = opened(terminal, greenwall)
    screen.enter("dspkey")
    screen.wait_for("Press keys")
    for key in ("F5", "S-F3", "C-k", "S-F12"):
        screen.press(key)
    screen.wait_for("shift+f12")
    shown = [row.split() for row in screen.screen().split("\n")[7:11]]
    assert [row[:2] for row in shown] == [
        ["f5", "F5"],
        ["shift+f3", "F15"],
        ["ctrl+k", "FIELDEXIT"],
        ["shift+f12", "F24"],
    ]
    screen.press("F12")
    screen.wait_for(" f12 ")
    screen.press("F12")
    screen.wait_for("Greenwall Main Menu")


def test_the_palette_finds_a_command_and_runs_it(terminal, greenwall):
    screen = opened(terminal, greenwall)
    screen.press("C-p")
    screen.wait_for("Find Keys, Options, Menus and Commands")
    screen.enter("audit report")
    screen.wait_for("DSPAUDRPT")
    screen.press("Enter")
    screen.wait_for("Display Audit Report")


@pytest.mark.parametrize("environment", [{}, {"LINES": "24", "COLUMNS": "80"}], ids=["plain", "size exported"])
def test_a_window_that_gets_too_small_keeps_what_is_typed(terminal, greenwall, environment):
    screen = opened(terminal, greenwall, **environment)
    screen.type("half a command")
    screen.wait_for("half a command")
    resize(screen, 60, 20)
    screen.wait_for("Needs 80x24, have 60x20")
    screen.type("lost")
    resize(screen, 132, 30)
    screen.wait_for("===> half a command")
    resize(screen, 80, 24)
    screen.wait_for("===> half a command")
    assert "lost" not in screen.screen()


def test_escape_says_what_may_follow_and_completes_a_key(terminal, greenwall):
    screen = opened(terminal, greenwall)
    screen.press("Escape")
    screen.wait_for("ESC-  1-9 0 - = for F1-F12")
    screen.press("4")
    screen.wait_for("Commands")


@pytest.mark.parametrize(
    ("options", "environment"),
    [((), {"NO_COLOR": "1"}), ((), {"TERM": "vt220"}), (("--theme", "mono"), {})],
    ids=["NO_COLOR", "vt220", "mono"],
)
def test_without_colours_no_colour_is_sent(terminal, greenwall, options, environment):
    term = environment.pop("TERM", "")
    screen = opened(terminal, greenwall, *options, **environment) if not term else None
    if screen is None:
        screen = terminal(["env", f"TERM={term}", *greenwall.arguments()])
        screen.wait_for("Greenwall Main Menu", _START_S)
    assert not _COLOUR.search(painted(screen))
    assert "\x1b[" in painted(screen), "bold and underline stay"


@pytest.mark.parametrize("theme", ["green", "amber", "white", "paper"])
def test_a_theme_colours_the_screen(terminal, greenwall, theme):
    assert _COLOUR.search(painted(opened(terminal, greenwall, "--theme", theme)))


@pytest.mark.parametrize(("options", "wanted"), [((), "1"), (("--no-mouse",), "0")])
def test_the_mouse_is_asked_for_unless_told_otherwise(terminal, greenwall, options, wanted):
    screen = opened(terminal, greenwall, *options)
    until(lambda: screen._tmux("display-message", "-p", "#{mouse_any_flag}").strip() == wanted, "the mouse")


def test_a_paste_fills_one_field_with_its_first_line_and_runs_nothing(terminal, greenwall):
    screen = opened(terminal, greenwall)
    screen._tmux("set-buffer", "dspmsg\nsignoff\n")
    screen._tmux("paste-buffer", "-p")
    screen.wait_for("Only part of the text was pasted.")
    assert "===> dspmsg" in screen.screen()


def test_the_screen_is_printed_to_a_file_that_only_its_owner_reads(terminal, greenwall):
    screen = opened(terminal, greenwall)
    screen.press("M-p")
    screen.wait_for("Screen printed to")
    (path,) = greenwall.directory.glob("screen-*.txt")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "Greenwall Main Menu" in path.read_text()


def test_strict_keeps_an_error_until_reset(terminal, greenwall):
    screen = opened(terminal, greenwall, "--strict")
    screen.press("Up")
    screen.type("x")
    screen.wait_for("0005")
    assert "Ctrl+R resets." in screen.screen()
    screen.press("F5")
    screen.press("C-r")
    screen.wait_until_gone("0005")


@pytest.mark.parametrize("option", [("--theme", "sepia"), ("--keymap", "vi")])
def test_looks_that_there_are_not_are_refused_at_once(terminal, greenwall, option):
    screen = terminal([*greenwall.arguments(), *option])
    screen.wait_for("GWL07", _START_S)
    assert screen.wait_for_end() == 2
