"""Feeds Textual's parser the bytes that terminals send; runs again with every new Textual."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from textual import constants, events
from textual._xterm_parser import XTermParser

from screens import keys_shim
from screens.key_tables import LAYOUTS
from screens.keymap import KeyMap
from screens.terminal.keys import Function, Typed

keys_shim.install()

_SS3 = "PQRS"
_TILDE = (15, 17, 18, 19, 20, 21, 23, 24)


def parsed(data: str) -> list[object]:
    """Parse the bytes, then let the time in which more might follow an Escape run out."""
    parser = XTermParser()
    found = list(parser.feed(data))
    if parser._timeout_time is not None:
        parser._timeout_time = 0.0
    return found + list(parser.tick())


def names(data: str) -> list[str]:
    return [event.key if isinstance(event, events.Key) else type(event).__name__ for event in parsed(data)]


def presses(data: str, layout: str = "acs") -> list[object]:
    keymap = KeyMap(LAYOUTS[layout])
    keys = [event for event in parsed(data) if isinstance(event, events.Key)]
    return [keymap.translate(event.key, event.character) for event in keys]


XTERM = [(f"\x1bO{letter}", number) for number, letter in enumerate(_SS3, 1)]
XTERM += [(f"\x1b[{code}~", number) for number, code in enumerate(_TILDE, 5)]
XTERM_SHIFTED = [(f"\x1b[1;2{letter}", number) for number, letter in enumerate(_SS3, 13)]
XTERM_SHIFTED += [(f"\x1b[{code};2~", number) for number, code in enumerate(_TILDE, 17)]
VT220 = [(f"\x1b[{code}~", number) for number, code in enumerate((25, 26, 28, 29, 31, 32, 33, 34), 13)]
PUTTY = [(f"\x1b[{code}~", number) for number, code in enumerate((11, 12, 13, 14), 1)]
LINUX = [(f"\x1b[[{letter}", number) for number, letter in enumerate("ABCDE", 1)]
KITTY = [(f"\x1b[{57376 + index}u", 13 + index) for index in range(12)]
KITTY += [("\x1b[P", 1), ("\x1b[Q", 2), ("\x1b[S", 4), ("\x1b[13~", 3), ("\x1b[13;2~", 15)]
RXVT = [("\x1b[23$", 23), ("\x1b[24$", 24)]
PUTTY_SHIFTED = [("\x1b[23~", 11), ("\x1b[24~", 12)]
PUTTY_SHIFTED += [(f"\x1b[{code}~", number) for number, code in enumerate((25, 26, 28, 29, 31, 32, 33, 34), 13)]
"""Shift+F1 is F11 there and nobody can tell them apart; Shift+F3 to F10 are F13 to F20."""
LOCKED = [(f"\x1b[1;{lock + 1}{letter}", number) for lock in (64, 128, 192) for number, letter in enumerate(_SS3, 1)]
LOCKED += [(f"\x1b[1;{lock + 2}{letter}", number) for lock in (64, 128, 192) for number, letter in enumerate(_SS3, 13)]
LOCKED += [(f"\x1b[{code};130~", number) for number, code in enumerate(_TILDE, 17)]
LOCKED += [(f"\x1b[{57376 + index};129u", 13 + index) for index in range(12)]
"""With Caps Lock or Num Lock on, where the kitty protocol is."""
_HIGH = [pair for pair in XTERM if pair[1] > 4]
TERMINALS = {
    "xterm, VTE, Konsole, iTerm2, Windows Terminal, Alacritty": XTERM + XTERM_SHIFTED,
    "tmux": XTERM + XTERM_SHIFTED,
    "tmux with an odd TERM": XTERM + VT220,
    "GNU screen": XTERM + XTERM_SHIFTED,
    "PuTTY": PUTTY + _HIGH + PUTTY_SHIFTED,
    "PuTTY, Xterm 216+": XTERM + XTERM_SHIFTED,
    "PuTTY, Linux": LINUX + [pair for pair in XTERM if pair[1] > 5],
    "Linux console": LINUX + [pair for pair in XTERM if pair[1] > 5] + VT220,
    "VT220": [pair for pair in XTERM if pair[1] > 5] + VT220,
    "rxvt-unicode": PUTTY + _HIGH + PUTTY_SHIFTED + RXVT,
    "kitty, Ghostty, foot, WezTerm": XTERM + KITTY + XTERM_SHIFTED + LOCKED,
    "PuTTY, SCO": [],
    "a browser that keeps every function key": [],
}
"""What each terminal sends for function keys that it can send at all. Source: measured, and their manuals."""
ALT_DIGIT = [(f"\x1b{character}", number) for number, character in enumerate("1234567890-=", 1)]


@pytest.mark.parametrize(
    ("data", "number"),
    [*XTERM, *XTERM_SHIFTED, *VT220, *PUTTY, *PUTTY_SHIFTED, *LINUX, *KITTY, *RXVT, *LOCKED, *ALT_DIGIT],
    ids=lambda value: repr(value),
)
def test_every_encoding_of_a_function_key_is_that_key(data, number):
    assert presses(data) == [Function[f"F{number}"]]


_DIGITS = "1234567890-="
_UPPER = "!@#$%^&*()_+"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("terminal", TERMINALS)
def test_every_function_key_is_reached_from_every_terminal(terminal, layout):
    sent = TERMINALS[terminal]
    for data, number in sent:
        assert presses(data, layout) == [Function[f"F{number}"]], (terminal, data)
    for number in {*range(1, 25)} - {number for _, number in sent}:
        plain = f"\x07{_DIGITS[number - 1]}" if number <= 12 else f"\x07\x07{_DIGITS[number - 13]}"
        assert presses(plain, layout)[-1] is Function[f"F{number}"], (terminal, plain)
        if number > 12:
            assert presses(f"\x07{_UPPER[number - 13]}", layout)[-1] is Function[f"F{number}"]


@pytest.mark.parametrize("number", range(1, 13))
def test_escape_and_a_digit_are_a_function_key_slow_and_fast(number):
    fast = f"\x1b{_DIGITS[number - 1]}"
    assert presses(fast) == [Function[f"F{number}"]]
    keymap = KeyMap()
    slow = [*parsed("\x1b"), *parsed(_DIGITS[number - 1])]
    assert [keymap.translate(event.key, event.character) for event in slow][-1] is Function[f"F{number}"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("\x1b[1~", Function.HOME),  # Linux console, PuTTY
        ("\x1b[4~", Function.END),
        ("\x1b[7~", Function.HOME),  # rxvt
        ("\x1b[8~", Function.END),
        ("\x1bOH", Function.HOME),
        ("\x1bOA", Function.UP),  # application cursor keys
        ("\x1b[57414u", Function.ENTER),  # keypad, kitty
        ("\x1b[112;5u", Function.PALETTE),
        ("\x10", Function.PALETTE),
        ("\x1bg", Function.PALETTE),
        ("\x1b[1;5H", Function.TOP),
        ("\x1b[1;5F", Function.BOTTOM),
        ("\x1b[3;5~", Function.ERASE_EOF),
        ("\x1b[13;2u", Function.NEW_LINE),
        ("\x1b[1;3P", Function.F1),
        ("\x0c", Function.REDRAW),
    ],
    ids=lambda value: repr(value),
)
def test_editing_keys_of_other_terminals_do_what_they_say(data, expected):
    assert presses(data) == [expected]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, 0.1),
        ({"SSH_CONNECTION": "192.0.2.7 50000 192.0.2.1 22"}, 0.4),
        ({"SSH_TTY": "/dev/pts/3", "ESCDELAY": "50"}, 0.1),
    ],
)
def test_a_terminal_beyond_a_network_gets_time_for_its_sequences(environment, expected, monkeypatch):
    monkeypatch.setattr(constants, "ESCAPE_DELAY", 0.1)
    keys_shim.wait_longer(environment)
    assert expected == constants.ESCAPE_DELAY


def test_a_sequence_that_is_split_within_the_delay_is_still_one_key():
    parser = XTermParser()
    found = [event for byte in "\x1b[15~" for event in parser.feed(byte)]
    assert [event.key for event in found] == ["f5"]


def test_shift_f3_is_a_key_and_a_cursor_report_is_still_a_report():
    assert names("\x1b[1;2R") == ["shift+f3"]
    assert names("\x1b[12;40R") == ["CursorPosition"]
    assert names("\x1b[1;40R") == ["CursorPosition"]


def test_a_pound_sign_that_is_typed_stays_a_pound_sign():
    assert presses("£") == [Typed("£")]
    assert presses("¡") == [Typed("¡")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("\r", Function.ENTER),
        ("\n", Function.ENTER),
        ("\x1bOM", Function.ENTER),
        ("\t", Function.TAB),
        ("\x1b[Z", Function.BACKTAB),
        ("\x7f", Function.BACKSPACE),
        ("\x08", Function.BACKSPACE),
        ("\x1b[5~", Function.ROLLDOWN),
        ("\x1b[6~", Function.ROLLUP),
        ("\x1b[H", Function.HOME),
        ("\x1b[F", Function.END),
        ("\x1b[2~", Function.INSERT),
        ("\x1b[3~", Function.DELETE),
        ("\x1b[A", Function.UP),
        ("\x0b", Function.FIELD_EXIT),
        ("\x12", Function.RESET),
        ("\x03", Function.SYSREQ),
        ("\x05", Function.ERASE_INPUT),
        ("\x1bx", Function.FIELD_EXIT),
        ("\x1br", Function.RESET),
        ("\x1bp", Function.PRINT),
        ("a", Typed("a")),
        (" ", Typed(" ")),
        ("Ä", Typed("Ä")),
    ],
    ids=lambda value: repr(value),
)
def test_other_keys_do_what_the_table_says(data, expected):
    assert presses(data) == [expected]


def test_installing_twice_changes_nothing():
    keys_shim.install()
    keys_shim.install()
    assert presses("\x1b[1;2R\x1b[32~\x1b3") == [Function.F15, Function.F18, Function.F3]


_PROGRAM = """
import sys
sys.path.insert(0, {root!r})
from screens import keys_shim
keys_shim.install()
from textual.app import App
from screens.keymap import KeyMap

class Show(App):
    ENABLE_COMMAND_PALETTE = False
    keymap = KeyMap()

    def on_mount(self):
        with open({out!r}, "a") as file:
            file.write("ready\\n")

    def on_key(self, event):
        with open({out!r}, "a") as file:
            file.write(str(self.keymap.translate(event.key, event.character)) + "\\n")

Show().run()
"""


def _wait_for(path: Path, line: str) -> None:
    for _ in range(600):
        if path.exists() and line in path.read_text().split():
            return
        time.sleep(0.05)
    raise AssertionError(f"{line} did not come: {path.read_text() if path.exists() else 'nothing'}")


@pytest.mark.end_to_end
@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_shift_f3_arrives_as_f15_through_tmux(tmp_path):
    out = tmp_path / "keys"
    program = tmp_path / "show.py"
    program.write_text(_PROGRAM.format(root=str(Path(__file__).parents[2]), out=str(out)))
    socket = tmp_path / "tmux"
    tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]
    command = f"{sys.executable} {program}"
    subprocess.run([*tmux, "new-session", "-d", "-x", "90", "-y", "30", command], check=True)
    try:
        _wait_for(out, "ready")
        for key in ("S-F3", "F3", "S-F12", "F12"):
            subprocess.run([*tmux, "send-keys", key], check=True)
        _wait_for(out, "F12")
        assert out.read_text().split()[1:] == ["F15", "F3", "F24", "F12"]
    finally:
        subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_paste_with_escapes_stays_one_paste_however_it_is_cut(size):
    sent = "a\x1b[200~x\x1b[31my\x1b[20\x1b\x1b[201~b"
    parser = XTermParser()
    found = [event for start in range(0, len(sent), size) for event in parser.feed(sent[start : start + size])]
    assert [event.text if isinstance(event, events.Paste) else event.key for event in found] == ["a", "x[31my[20", "b"]


def test_paste_with_a_line_end_after_an_escape_presses_no_key():
    (pasted,) = parsed("\x1b[200~ab\x1b[31mcd\rXY\x1b[201~")
    assert pasted.text == "ab[31mcd\rXY"
