"""Sockets of all kinds, made under a real filter."""

from __future__ import annotations

import socket
import struct
import sys
from pathlib import Path

import pytest

from console.model.words import ExitPoint, Mode, RawSockets
from tests.end_to_end.command import until
from tests.enforcement.guard.test_protocols import needs_mptcp
from tests.enforcement.kernel.jobs import RULES, activate_rules, is_root, outcomes

SOCKETS = Path(__file__).parent / "programs" / "sockets.py"
RAW_TEXTS = [
    "raw socket: AF_INET, SOCK_RAW, protocol 1",
    "raw socket: AF_INET6, SOCK_RAW, protocol 58",
    "raw socket: AF_PACKET, SOCK_RAW, protocol 0",
    "raw socket: AF_INET, SOCK_PACKET, protocol 0",
    "raw socket: AF_XDP, SOCK_RAW, protocol 0",
]
_SO_PEERGROUPS = 59


def sockets(house, *arguments, **options):
    return house.run(sys.executable, SOCKETS, *arguments, **options)


def test_only_protocols_that_rules_can_see_are_there(house):
    lines, entries = sockets(house, "kinds")
    native = house.native(sys.executable, SOCKETS, "kinds")
    assert lines == [
        "tcp 0",
        "udp 0",
        "udplite 0",
        native[3],  # ping: 0 or EACCES, as net.ipv4.ping_group_range says
        "smc EPROTONOSUPPORT",
        "smc family EAFNOSUPPORT",
        "sctp EPROTONOSUPPORT",
        "sctp packets ESOCKTNOSUPPORT",
        "dccp ESOCKTNOSUPPORT",
        "l2tp EPROTONOSUPPORT",
        "quic EPROTONOSUPPORT",
        "rds EAFNOSUPPORT",
        "tipc EAFNOSUPPORT",
        "rxrpc EAFNOSUPPORT",
        "no protocol EINVAL",
        "no type EINVAL",
        "no family EAFNOSUPPORT",
    ]
    assert lines[-3:] == native[-3:]
    assert entries == []


@needs_mptcp
def test_mptcp_socket_is_a_tcp_socket_whose_connects_are_decided(house, port):
    lines, entries = sockets(house, "mptcp", port)
    assert lines == ["6 True", "6 True", "6 False", "EPERM", "0", "EPERM"]
    assert outcomes(entries) == [
        ("*CONNECT", "*REJECTED", "127.0.0.2"),
        ("*CONNECT", "*ALLOWED", "127.0.0.1"),
        ("*CONNECT", "*REJECTED", "127.0.0.2"),
    ]


@needs_mptcp
@pytest.mark.skipif(not is_root(), reason="only root can choose process numbers")
def test_process_that_has_the_number_of_one_that_ended_is_not_taken_for_it(house):
    lines, entries = sockets(house, "number-again")
    assert (lines, entries) == (["0", "0"], [])


def test_options_that_lead_elsewhere_are_refused_and_others_are_set(house):
    lines, _ = sockets(house, "options")
    assert lines == [
        "route EPERM",
        "route on IPv6 EPERM",
        "no route 0",
        "routing header EPERM",
        "smc ENOENT",
        "nothing ENOENT",
        "nodelay 0",
    ]


def test_raw_and_packet_sockets_are_refused_and_named_in_the_journal(house):
    lines, entries = sockets(house, "raw")
    assert [line.rpartition(" ")[2] for line in lines] == ["EPERM"] * 5
    assert [(entry[1], entry[4]) for entry in entries] == [("*REJECTED", text) for text in RAW_TEXTS]


def taken_up(house, revision):
    """Wait until the worker, if one runs, hands a revision out to new jobs."""
    until(
        lambda: all(
            each["revision"] == revision for each in house.greenwall.show("workers") if each["status"] == "running"
        ),
        "the new revision",
    )


@pytest.mark.skipif(not is_root(), reason="only root makes raw sockets")
def test_raw_and_packet_sockets_are_made_where_the_policy_allows_or_monitors(fresh_house):
    native = fresh_house.native(sys.executable, SOCKETS, "raw")
    taken_up(fresh_house, activate_rules(fresh_house.store, *RULES, raw_sockets=RawSockets.ALLOW))
    assert sockets(fresh_house, "raw") == (native, [])
    taken_up(fresh_house, activate_rules(fresh_house.store, *RULES, modes={ExitPoint.CONNECT: Mode.MONITOR}))
    lines, entries = sockets(fresh_house, "raw")
    assert lines == native
    assert [(entry[1], entry[4]) for entry in entries] == [("*MONITOR", text) for text in RAW_TEXTS]


@pytest.mark.skipif(not is_root(), reason="only root may run a job as another user")
def test_unix_listener_of_a_job_of_another_user_shows_that_users_ids(house, tmp_path):
    script = (
        "import os, socket, sys; server = socket.socket(socket.AF_UNIX); server.bind(b'\\0' + sys.argv[1].encode());"
        "server.listen(); print(os.geteuid(), os.getegid(), *sorted(os.getgroups()), flush=True); sys.stdin.read()"
    )
    name = f"greenwall-{tmp_path.name}"
    with house.running("/usr/bin/python3", "-c", script, name, options=("--user", "nobody")) as server:
        user, group, *groups = map(int, server.line().split())
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"\0{name}")
            told = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            told_groups = client.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 256)
        assert user != 0
        assert struct.unpack("=iII", told)[1:] == (user, group)
        assert sorted(struct.unpack(f"={len(told_groups) // 4}I", told_groups)) == groups
