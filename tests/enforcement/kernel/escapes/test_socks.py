"""Requests that a job forges on its own socket while the guard talks to a SOCKS server on it."""

from __future__ import annotations

import contextlib
import socket
import subprocess

import pytest

from console.model.words import ExitPoint
from console.policy.socks_entries import make_socks_entry
from tests.enforcement.kernel.escapes.expectations import ALLOWED, FORBIDDEN
from tests.enforcement.kernel.escapes.ground import rounds_of
from tests.enforcement.kernel.jobs import activate_rules, make_house, rejecting
from tests.loopback import serving
from tests.socks.server import SocksServer


@pytest.fixture(scope="module")
def house(tmp_path_factory, programs):
    with make_house(tmp_path_factory.mktemp("forging") / "store", programs, ()) as made:
        yield made


def _say_where(peer):
    with contextlib.suppress(OSError):
        peer.sendall(peer.getsockname()[0].encode())
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(4096):
            pass


def forge(house, techniques, version, rounds, *more):
    """Let a job forge requests; returns its numbers, and what the server was asked for."""
    with serving(_say_where) as port, SocksServer() as server:
        entry = make_socks_entry(sequence=10, servers="{}:{}".format(*server.address), version=version)
        refused = rejecting(exit_point=ExitPoint.CONNECT, sequence=10, remote_address=FORBIDDEN)
        activate_rules(house.store, refused, socks=(entry,))
        program = str(techniques.get("forged_request"))
        name, command = house.command(program, port, port, rounds, version, *more)
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=3600, check=False, stdin=subprocess.DEVNULL
        )
        assert (done.stderr, done.returncode) == ("", 0)
        numbers = {what: int(number) for what, number in map(str.split, done.stdout.splitlines())}
        return numbers, [asked.host for asked in server.asked], house.entries(name)


@pytest.mark.parametrize("version", ["4", "4A"])
def test_request_cannot_be_forged_where_there_is_one_message(house, techniques, version):
    """It goes with the SYN, so that whatever anybody writes comes after it."""
    rounds = rounds_of(300)
    numbers, asked, _ = forge(house, techniques, version, rounds)
    assert numbers["wrong"] == numbers["received"] == 0
    assert numbers["succeeded"] == rounds
    assert set(asked) == {ALLOWED}


def test_connection_for_which_a_request_was_forged_is_taken_away_and_the_journal_says_so(house, techniques):
    numbers, _, entries = forge(house, techniques, "5", rounds_of(300))
    assert numbers["wrong"] == 0
    assert numbers["stopped"] > 0
    told = [text for _, outcome, _, _, text in entries if outcome == "*REJECTED"]
    assert len(told) == numbers["stopped"]
    assert all(text.startswith("written to during the exchange") for text in told)
