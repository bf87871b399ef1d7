"""SOCKS entries become what an exchange is told."""

from __future__ import annotations

import pytest

from console.policy.rule import SocksServer
from console.policy.socks_entries import make_socks_entry
from console.policy.wire import wire_server
from console.socks.words import Server, Version


@pytest.mark.parametrize(
    ("said", "version", "user", "password"),
    [
        ({"version": "4"}, Version.FOUR, "alice", None),
        ({"version": "4A", "user_id": "nobody"}, Version.FOUR_A, "nobody", None),
        ({"version": "5"}, Version.FIVE, "", None),
        ({"version": "5", "user_id": "anna", "password": "x"}, Version.FIVE, "anna", "x"),
    ],
)
def test_who_a_server_is_told_connects_follows_the_version(said, version, user, password):
    entry = make_socks_entry(sequence=1, servers="a", **said)
    assert wire_server(entry, entry.servers[0], "alice") == Server(version, "a:1080", user, password)


@pytest.mark.parametrize(
    ("host", "label"), [("a", "a:1080"), ("192.0.2.1", "192.0.2.1:1080"), ("2001:db8::1", "[2001:db8::1]:1080")]
)
def test_a_server_is_called_by_host_and_port(host, label):
    assert SocksServer(host).label == label
