"""Connections of this system: which are listed, and the rules that they would be."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from console.commands.connections import (
    check_can_end,
    check_job,
    check_rule,
    exit_point_of,
    is_listed,
    plain,
    rule_of_socket,
)
from console.commands.coverage import CoveredSocket, Engine, Holder
from console.commands.execute import run_command
from console.commands.host_sockets import LISTEN, OPEN, HostProcess, HostSocket
from console.commands.registry import COMMANDS
from console.errors import CommandError
from console.model.words import ExitPoint

HTTPD = HostProcess(4712, 1, 0.0, "httpd", "/usr/sbin/httpd", 1, frozenset({1, 2}))
LISTENER = CoveredSocket(
    HostSocket(1, "TCP", LISTEN, "0.0.0.0", 80, "", 0, 33), Engine.NONE, "", "", "WWW", (Holder(HTTPD),)
)
ACCEPTED = replace(LISTENER, socket=HostSocket(2, "TCP", "ESTABLISHED", "192.0.2.10", 80, "198.51.100.7", 50112, 33))
CONNECTED = replace(
    LISTENER, socket=HostSocket(3, "TCP", "ESTABLISHED", "192.0.2.10", 50113, "203.0.113.9", 443, 1000), user="ALICE"
)
DATAGRAMS = replace(LISTENER, socket=HostSocket(4, "UDP", OPEN, "::", 53, "", 0, 0))
ALL_OF_THEM = (LISTENER, ACCEPTED, CONNECTED, DATAGRAMS)


def listed(**values):
    return [each.socket.inode for each in ALL_OF_THEM if is_listed(each, values)]


@pytest.mark.parametrize(
    ("values", "inodes"),
    [
        ({}, [1, 2, 3, 4]),
        ({"TYPE": "*ALL", "ENGINE": "*ALL", "OPTION": "*ALL", "USRPRF": "*ALL", "RMTADR": "*ALL"}, [1, 2, 3, 4]),
        ({"OPTION": "*CNN"}, [1, 2, 3]),
        ({"OPTION": "*CNN6"}, [4]),
        ({"TYPE": "*CNN"}, [2, 3]),
        ({"USRPRF": "AL*"}, [3]),
        ({"LCLPORT": "80"}, [1, 2]),
        ({"RMTPORT": "443"}, [3]),
        ({"RMTADR": "198.51.100.0/24"}, [2]),
        ({"RMTADR": "203.0.113.1-203.0.113.9"}, [3]),
        ({"ENGINE": "*GUARD"}, []),
    ],
)
def test_a_subset_takes_what_its_values_say(values, inodes):
    assert listed(**values) == inodes


def test_an_ipv4_address_of_an_ipv6_socket_is_among_those_of_its_network():
    mapped = replace(ACCEPTED, socket=replace(ACCEPTED.socket, remote_address="::ffff:198.51.100.7"))
    assert is_listed(mapped, {"RMTADR": "198.51.100.0/24"})
    assert plain("::ffff:198.51.100.7") == "198.51.100.7"


def test_a_connection_on_the_port_of_a_listener_was_accepted_and_any_other_made_here():
    assert [exit_point_of(each, ALL_OF_THEM) for each in ALL_OF_THEM[:3]] == [
        ExitPoint.LISTEN,
        ExitPoint.ACCEPT,
        ExitPoint.CONNECT,
    ]


def test_a_listener_of_another_network_namespace_accepted_nothing_here():
    elsewhere = replace(LISTENER, socket=replace(LISTENER.socket, namespace=7))
    assert exit_point_of(ACCEPTED, (elsewhere, ACCEPTED)) is ExitPoint.CONNECT


@pytest.mark.parametrize(
    ("each", "ends"),
    [
        (LISTENER, {"EXITPNT": "*LISTEN", "LCLADR": "0.0.0.0", "LCLPORT": "80", "USRPRF": "WWW"}),
        (ACCEPTED, {"EXITPNT": "*ACCEPT", "LCLADR": "192.0.2.10", "LCLPORT": "80", "RMTADR": "198.51.100.7"}),
        (CONNECTED, {"EXITPNT": "*CONNECT", "RMTADR": "203.0.113.9", "RMTPORT": "443", "USRPRF": "ALICE"}),
    ],
)
def test_a_rule_from_a_connection_refuses_its_like_and_leaves_out_what_is_by_chance(context, each, ends):
    values = rule_of_socket(context, each, ALL_OF_THEM)
    assert ends.items() <= values.items()
    assert (values["ACTION"], values["SEQNBR"]) == ("*REJECT", "*NEXT")
    assert not {"LCLPORT", "RMTPORT"} & (values.keys() - ends.keys())


def test_such_a_rule_stands_before_the_one_that_decides_now(context):
    run_command("ADDSOCRUL *CONNECT 40 RMTADR('203.0.113.0/24') ACTION(*ALLOW)", context)
    assert rule_of_socket(context, CONNECTED, ALL_OF_THEM)["SEQNBR"] == "20"


@pytest.mark.parametrize(
    ("check", "each", "message_id"),
    [
        (check_rule, DATAGRAMS, "GWL075A"),
        (check_rule, replace(CONNECTED, user="*ALL"), "GWL075B"),
        (check_can_end, DATAGRAMS, "GWL0756"),
        (check_can_end, replace(ACCEPTED, socket=replace(ACCEPTED.socket, namespace=7)), "GWL0757"),
        (check_job, ACCEPTED, "GWL0758"),
        (check_job, replace(ACCEPTED, holders=()), "GWL0759"),
    ],
)
def test_what_makes_no_sense_is_refused(check, each, message_id):
    with pytest.raises(CommandError) as caught:
        check(each)
    assert caught.value.message_id == message_id


def test_netstat_is_the_same_command():
    assert COMMANDS["NETSTAT"] is COMMANDS["WRKTCPSTS"]


def test_the_command_lists_a_listener_of_this_system_with_its_program(context):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        heading, row, counted = run_command(f"netstat *CNN LCLPORT({port})", context).lines
    assert heading.startswith("Type  State")
    assert f"127.0.0.1:{port}" in row
    assert "python" in row
    assert counted.startswith("Listeners ")
