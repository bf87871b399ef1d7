"""The console in a terminal that goes away."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
import termios

import pytest

from screens.run import has_hung_up, let_the_terminal_tell_its_size
from tests.end_to_end.command import until

SCRIPT = """
from screens.console_options import ConsoleOptions
from screens.run import run_console
from tests.screens.demo import DemoMenu

run_console(DemoMenu, ConsoleOptions(poll_s=0.1))
"""


@pytest.fixture
def terminal():
    """Return both ends of a terminal; the test may close the first."""
    ends = pty.openpty()
    yield ends
    for descriptor in ends:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def test_terminal_has_hung_up_when_nobody_holds_its_other_end(terminal):
    master, slave = terminal
    assert not has_hung_up(slave)
    os.close(master)
    assert has_hung_up(slave)


def test_console_ends_with_a_terminal_that_sends_it_no_signal(terminal):
    master, slave = terminal
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    ) as console:
        try:
            until(lambda: b"Menu" in os.read(master, 65536), "the first panel")
            os.close(master)
            until(lambda: console.poll() is not None, "the end of the console")
        finally:
            console.kill()


@pytest.mark.parametrize(
    ("rows", "columns", "kept"),
    [(24, 80, {}), (0, 0, {"LINES": "24", "COLUMNS": "80"})],
    ids=["a terminal that knows its size", "a serial line"],
)
def test_size_of_the_environment_counts_only_where_the_terminal_has_none(terminal, rows, columns, kept):
    termios.tcsetwinsize(terminal[1], (rows, columns))
    environment = {"LINES": "24", "COLUMNS": "80", "TERM": "xterm"}
    let_the_terminal_tell_its_size(environment, terminal[1])
    assert environment == {"TERM": "xterm"} | kept


def test_size_of_the_environment_counts_where_there_is_no_terminal(tmp_path):
    environment = {"LINES": "24"}
    with (tmp_path / "file").open("w") as file:
        let_the_terminal_tell_its_size(environment, file.fileno())
    assert environment == {"LINES": "24"}
