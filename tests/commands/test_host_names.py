"""Names of hosts: never waited for longer than said, and safe to show."""

from __future__ import annotations

import threading

import pytest

from console.commands.host_names import NO_NAME, WAITING, HostNames, reverse_lookup

PATIENCE_S = 30


@pytest.fixture
def gate():
    """Return what a lookup waits for; opened at the end, so that no thread stays."""
    gate = threading.Event()
    yield gate
    gate.set()


def test_a_name_is_asked_for_once():
    asked = []
    names = HostNames(lambda address: asked.append(address) or "www.example")
    for _ in range(2):
        assert names.ask(["192.0.2.1", "192.0.2.1", ""]) == {"192.0.2.1": "www.example"}
    assert asked == ["192.0.2.1"]


def test_an_address_without_name_says_so():
    assert HostNames(lambda address: "").ask(["192.0.2.1"]) == {"192.0.2.1": NO_NAME}


def test_a_name_cannot_draw():
    assert HostNames(lambda address: "a\x1b[2Jb").ask(["192.0.2.1"]) == {"192.0.2.1": "a·[2Jb"}


def test_a_slow_resolver_is_left_to_itself_and_its_answer_shows_later(gate):
    def slow(address):
        assert gate.wait(PATIENCE_S)
        return "late.example"

    names = HostNames(slow, limit_s=0.05)
    assert names.ask(["192.0.2.1"]) == {"192.0.2.1": WAITING}
    gate.set()
    patient = HostNames(slow, limit_s=PATIENCE_S)
    patient._asked, patient._names = names._asked, names._names
    assert patient.ask(["192.0.2.1"]) == {"192.0.2.1": "late.example"}


def test_only_so_many_questions_are_under_way(gate):
    asked = []

    def slow(address):
        asked.append(address)
        assert gate.wait(PATIENCE_S)
        return ""

    names = HostNames(slow, limit_s=0.0)
    addresses = [f"192.0.2.{number}" for number in range(50)]
    assert set(names.ask(addresses).values()) == {WAITING}
    names.ask(addresses)
    assert len(set(asked)) <= 8


def test_loopback_has_its_name_and_nonsense_has_none():
    assert reverse_lookup("127.0.0.1").startswith("localhost")
    assert [reverse_lookup(text) for text in ("no address at all\0", "localhost", "")] == ["", "", ""]
