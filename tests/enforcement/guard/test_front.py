"""What the guard says to its front."""

from __future__ import annotations

import json
import signal
import socket

import pytest

from console.enforcement.guard.front import Front
from console.enforcement.launch import _LONGEST_REPORT
from console.errors import UsageError


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        theirs.send(bytes([signal.SIGINT, signal.SIGTSTP]))
        yield ours, theirs


def test_front_has_said_which_signals_it_got(ends):
    guard, _front = ends
    assert Front(guard).missed == {signal.SIGINT, signal.SIGTSTP}


@pytest.mark.parametrize("command", ["x" * 120_000, "\x01" * 120_000, "\udcff" * 400_000])
def test_error_about_a_very_long_command_reaches_the_front_whole(ends, command):
    guard, front = ends
    Front(guard).say_error(UsageError("GWL0407", command=command, reason="none"))
    report = json.loads(front.recv(_LONGEST_REPORT))
    assert report["message_id"] == "GWL0407"
    assert report["values"]["command"] == command[: len(report["values"]["command"])]


def test_front_that_has_gone_is_told_nothing(ends):
    guard, front = ends
    told = Front(guard)
    front.close()
    told.say("ended", status=0)
