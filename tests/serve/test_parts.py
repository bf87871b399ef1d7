"""The small parts of the SSH server: what it listens on, its key, terminals, and what a console is told."""

from __future__ import annotations

import os

import asyncssh
import pytest
from asyncssh import encryption, kex, mac, public_key

from console.errors import ServeError, StoreError, UsageError
from console.people.sign_on import SignedOn
from console.serve.algorithms import CIPHERS, KEY_EXCHANGES, MACS, SIGNATURES, at_hand
from console.serve.child import environment
from console.serve.entries import Peer, plain_address
from console.serve.host_key import fingerprint, host_key, known_hosts_line
from console.serve.limits import Endpoint, parse_endpoint
from console.serve.options import checked
from console.serve.seat import Seat, pack, unpack
from console.serve.terminals import size_of, terminal_type


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("127.0.0.1:2222", "127.0.0.1", 2222),
        ("[::1]:22", "::1", 22),
        ("[::]:0", "::", 0),
        ("0.0.0.0:65535", "0.0.0.0", 65535),
    ],
)
def test_an_address_and_a_port_are_read_and_written_alike(text, address, port):
    assert parse_endpoint(text) == Endpoint(address, port)
    assert str(parse_endpoint(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2222",
        "localhost:22",
        "::1:22",
        "[127.0.0.1]:22",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:²",
    ],
)
def test_what_is_no_address_and_port_is_refused(text):
    with pytest.raises(UsageError, match="GWL1050"):
        parse_endpoint(text)


@pytest.mark.parametrize(
    "option",
    [
        {"sessions": 0},
        {"attempts": 26},
        {"sign_on_time": 1},
        {"idle": -1},
        {"connections": 1001},
        {"sessions_per_profile": 0},
    ],
)
def test_limits_that_make_no_sense_are_refused(option):
    with pytest.raises(UsageError, match="GWL1051"):
        checked(**option)


def test_host_key_is_made_once(store):
    key = host_key(store.location)
    assert fingerprint(host_key(store.location)) == fingerprint(key)
    assert store.location.ssh_host_key.stat().st_mode & 0o777 == 0o600
    assert known_hosts_line(key, "[h]:1").split() == ["[h]:1", *key.export_public_key().decode().split()[:2]]


@pytest.mark.parametrize("spoil", ["mode", "text", "kind", "link"])
def test_host_key_that_others_may_read_or_that_is_none_is_refused(store, spoil, tmp_path):
    path = store.location.ssh_host_key
    host_key(store.location)
    if spoil == "mode":
        path.chmod(0o640)
    elif spoil == "text":
        path.write_text("no key\n")
    elif spoil == "kind":
        path.write_bytes(asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_private_key())
    else:
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="GWL1052"):
        host_key(store.location)


@pytest.mark.parametrize(
    "name", ["xterm-256color", "screen.xterm-256color", "tmux-256color", "vt220", "linux", "rxvt-unicode-256color"]
)
def test_terminal_types_that_people_have_are_believed(name):
    assert terminal_type(name) == name


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "xterm;rm", "strange", "xterm-" + "x" * 200, "xterm\n", "xterm-256color/.."]
)
def test_any_other_terminal_type_becomes_an_xterm(name):
    assert terminal_type(name) == "xterm"


@pytest.mark.parametrize("name", ["", "dumb", "DUMB", "unknown"])
def test_a_terminal_that_can_show_nothing_gets_no_console(name):
    assert terminal_type(name) == ""


def test_sizes_are_those_that_terminals_have():
    assert size_of(0, 0) == (80, 24)
    assert size_of(4_000_000_000, 4_000_000_000) == (500, 300)
    assert size_of(132, 27) == (132, 27)


def test_a_seat_is_handed_over_whole():
    who = SignedOn("ALICE", frozenset({"*SECADM", "*AUDIT"}), limited=False, initial_menu="RULES", theme="amber",
                   keymap="acs", password_expired=True)  # fmt: skip
    seat = Seat("postgresql://u:p@h/d", who, "192.0.2.7:1")
    assert unpack(pack(seat)) == seat


@pytest.mark.parametrize(
    "octets", [b"", b"{}", b"[]", b"1", b'{"store_url": 1}', b"\xff", pack(Seat("", SignedOn("A"), ""))[:-1]]
)
def test_what_is_no_seat_is_refused(octets):
    with pytest.raises(ServeError, match="GWL1053"):
        unpack(octets)


def test_a_console_gets_little_of_the_servers_environment():
    ours = {
        "HOME": "/root",
        "LD_PRELOAD": "x",
        "PYTHONPATH": "y",
        "GREENWALL_STORE": "z",
        "PGSSLMODE": "require",
        "NO_COLOR": "1",
    }
    given = environment("xterm", "192.0.2.7 50000 192.0.2.1 2222", ours)
    handed_on = {"HOME", "PGSSLMODE", "NO_COLOR"}
    made = {"TERM", "SSH_CONNECTION", "LANG", "PATH", "TEXTUAL_ANIMATIONS", "ESCDELAY"}
    assert set(given) == handed_on | made


def test_nothing_weak_is_agreed_on():
    known = (
        at_hand(KEY_EXCHANGES, kex.get_kex_algs()),
        at_hand(CIPHERS, encryption.get_encryption_algs()),
        at_hand(MACS, mac.get_mac_algs()),
        at_hand(SIGNATURES, public_key.get_public_key_algs()),
    )
    assert all(known)
    names = [name for names in known for name in names]
    assert not [
        name for name in names if "sha1" in name or "cbc" in name or "md5" in name or "64" in name or "gss" in name
    ]
    assert not {"ssh-rsa", "ssh-dss", "rsa2048-sha256", "arcfour"} & set(names)


def test_peers_are_written_as_journals_write_addresses():
    assert plain_address("::ffff:192.0.2.7") == "192.0.2.7"
    assert plain_address("fe80::1%lo") == "fe80::1"
    assert str(Peer("2001:db8::7", 9)) == "[2001:db8::7]:9"
    assert Peer("2001:db8::7", 9).fields()["address_family"] == "*IPV6"


def test_session_verb_is_for_the_server_only():
    reader, writer = os.pipe()
    os.close(writer)
    from console.serve.seat import take_seat

    with pytest.raises(ServeError, match="GWL1053"):
        take_seat(reader)
