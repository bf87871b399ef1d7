"""The console over lines that are slow, that tear keys apart, that are not read, and whose octets are counted."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time

import asyncssh
import psutil
import pytest

from tests.end_to_end import octet_by_octet
from tests.end_to_end.command import until
from tests.end_to_end.ssh import ssh_server, with_alice
from tests.serve.relay import Relay

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed"),
]

ONE_FIELD = 2048
FULL_SCREEN = 6 * 1024
"""Octets that no full screen takes: 1,920 characters, and some four changes of colour a row, each of up to 40 octets
(``ESC [ 0 ; 4 ; 38 ; 5 ; 40 ; 48 ; 5 ; 16 m``). What one takes here is measured: Ctrl+L draws everything anew."""
QUIET_S = 1.2
"""Longer than the time from one look at the store to the next, in which only the clock may change."""


@pytest.fixture
def server(greenwall, tmp_path):
    with_alice(greenwall, tmp_path)
    with ssh_server(greenwall, tmp_path) as running:
        yield running


def test_keys_that_come_late_and_octet_by_octet_are_the_keys_that_were_pressed(server, terminal):
    with Relay(server.port, delay_s=0.2, octet_by_octet=True) as relay:
        words = server.words(port=relay.port)
        console = terminal([sys.executable, octet_by_octet.__file__, "30", *words])
        console.wait_for("Greenwall Main Menu", 40)
        console.enter("wrksocrul")
        console.wait_for("Work with Socket Rules")
        console.press("F5", "F5")
        console.press("Down", "Up", "Right", "Left", "Home", "End")
        console._tmux("send-keys", "-H", *hexadecimal("\x1b[1;2R"), *hexadecimal("\x1bOR"))
        console.wait_for("Greenwall Main Menu")
        console.move_to("===>")
        console.type("dsp")
        console._tmux("send-keys", "-H", *hexadecimal("\x1b[15~"), *hexadecimal("\x1b[1;2R"))
        console.type("msg")
        shown = until(lambda: row_of(console, "dspmsg"), "what was typed")
        assert shown.strip() == "===> dspmsg"
        console.press("Enter")
        console.wait_for("Display Messages")
        console.press("F3")
        console.wait_for("Greenwall Main Menu")
        console.move_to("===>")
        console.enter("signoff")
        assert console.wait_for_end() == 0


def hexadecimal(text):
    return [f"{octet:02x}" for octet in text.encode()]


def row_of(console, text):
    return next((row for row in console.screen().split("\n") if text in row), "")


def quiet(relay):
    """Wait until nothing comes any more; return how much came in all."""
    while True:
        before = relay.to_client
        time.sleep(QUIET_S)
        if relay.to_client - before < 300:
            return relay.to_client


STEPS = (
    ("a letter", ["d"], "===> d", ONE_FIELD),
    ("backspace", ["BSpace"], "===>", ONE_FIELD),
    ("a cursor key", ["Up"], "Main Menu", ONE_FIELD),
    ("eight letters", ["Home", *"wrksocrul"], "wrksocrul", ONE_FIELD),
    ("a panel", ["Enter"], "Work with Socket Rules", FULL_SCREEN),
    ("the same panel anew", ["F5"], "Work with Socket Rules", ONE_FIELD),
    ("help", ["F1"], "Help", FULL_SCREEN),
    ("back", ["F12"], "Work with Socket Rules", FULL_SCREEN),
    ("a prompt", ["F6"], "Add Socket Rule", FULL_SCREEN),
    ("a character in a field", ["7"], "Add Socket Rule", ONE_FIELD),
    ("field exit", ["C-k"], "Add Socket Rule", ONE_FIELD),
    ("the menu", ["F3", "F3"], "Greenwall Main Menu", FULL_SCREEN),
)
"""What is done, its keys, what shows then, and how many octets it may take at most."""


def test_a_key_costs_little_and_a_panel_no_more_than_a_full_screen(server, terminal):
    with Relay(server.port) as relay:
        console = terminal(server.words(port=relay.port))
        console.wait_for("Greenwall Main Menu")
        before = quiet(relay)
        console.press("C-l")
        full = quiet(relay) - before
        assert 1920 < full <= FULL_SCREEN
        costs = {}
        for name, keys, shows, most in STEPS:
            before = quiet(relay)
            console.press(*keys)
            console.wait_for(shows)
            costs[name] = quiet(relay) - before
            assert costs[name] <= min(most, full + ONE_FIELD // 2), (full, costs)


@pytest.mark.parametrize("at", ["channel", "line"])
async def test_a_client_that_reads_nothing_holds_up_its_console_and_fills_no_memory(server, at):
    key = str(server.directory / "key")
    options = {"known_hosts": None, "username": "alice", "client_keys": [key], "config": None}
    async with asyncssh.connect("127.0.0.1", server.port, **options) as client:
        channel, _ = await client.create_session(
            Deaf, term_type="xterm-256color", term_size=(132, 60), encoding=None, window=WINDOWS[at]
        )
        if at == "line":
            client._transport.pause_reading()  # the client has room for all of it, and takes nothing off the line
        process = server.console()
        before = server_memory(server)
        for _ in range(3000):
            channel.write(b"\x1b[15~\x0c")
        await asyncio.to_thread(until, lambda: is_held_up(process), "the console to be held up")
        assert server_memory(server) - before < 8_000_000
    await asyncio.to_thread(until, lambda: not process.is_running(), "the console to end")


def is_held_up(process):
    """Say whether a console has written much, and nothing more for a second."""
    written = process.io_counters().write_chars
    time.sleep(1)
    return written > 20_000 and process.io_counters().write_chars == written


WINDOWS = {"channel": 20_000, "line": 64 * 1024 * 1024}


class Deaf(asyncssh.SSHClientSession):
    """Takes nothing."""

    def connection_made(self, chan):
        chan.pause_reading()


def server_memory(server):
    return psutil.Process(server.process.pid).memory_info().rss
