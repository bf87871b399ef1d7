"""Requests that a job forges on its own socket while the guard talks to a SOCKS server on it."""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import threading
import time

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


class Hesitant:
    """A SOCKS 4 server whose queue is full most of the time: as one far away, it does not answer a SYN at once."""

    _FULL_S, _OPEN_S, _PATIENCE_S = 1.5, 0.7, 3

    def __init__(self):
        self.asked = []
        self._server = socket.create_server(("127.0.0.1", 0), backlog=0)
        self._server.settimeout(0.1)
        self.address = self._server.getsockname()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._server.close()

    def _run(self):
        while not self._stop.is_set():
            with contextlib.ExitStack() as filling:
                for _ in range(3):
                    filler = filling.enter_context(socket.socket())
                    filler.setblocking(False)
                    filler.connect_ex(self.address)
                self._stop.wait(self._FULL_S)
            until = time.monotonic() + self._OPEN_S
            while time.monotonic() < until:
                with contextlib.suppress(OSError):
                    peer, _ = self._server.accept()
                    with peer:
                        peer.settimeout(self._PATIENCE_S)
                        self._serve(peer)

    def _serve(self, peer):
        request = peer.recv(512)
        if len(request) < 9:
            return
        port, host = struct.unpack(">H", request[2:4])[0], socket.inet_ntoa(request[4:8])
        self.asked.append(host)
        with socket.create_connection((host, port)) as far:
            peer.sendall(b"\0\x5a" + bytes(6) + far.recv(64))
            peer.shutdown(socket.SHUT_WR)
            peer.recv(64)


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


def test_no_other_connection_is_made_for_one_that_is_taken_back(house, techniques):
    """What went with the SYN has gone with that connection; in another one nothing of ours would come first."""
    with serving(_say_where) as port, Hesitant() as server:
        entry = make_socks_entry(sequence=10, servers="{}:{}".format(*server.address), version="4")
        refused = rejecting(exit_point=ExitPoint.CONNECT, sequence=10, remote_address=FORBIDDEN)
        activate_rules(house.store, refused, socks=(entry,))
        program = str(techniques.get("shutdown_during_connect"))
        name, command = house.command(program, port, port, rounds_of(100))
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=3600, check=False, stdin=subprocess.DEVNULL
        )
        entries = house.entries(name)
    assert (done.stderr, done.returncode) == ("", 0)
    numbers = {what: int(number) for what, number in map(str.split, done.stdout.splitlines())}
    assert numbers["wrong"] == 0
    assert numbers["stopped"] > 0
    assert FORBIDDEN not in server.asked
    told = [text for _, outcome, _, _, text in entries if outcome == "*REJECTED"]
    assert len(told) == numbers["stopped"]
    assert all(text.startswith("led elsewhere during the exchange") for text in told)
