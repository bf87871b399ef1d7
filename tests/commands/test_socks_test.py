"""Which SOCKS entry a connection would take, and what servers say: against servers on loopback."""

from __future__ import annotations

import contextlib
import socket

import pytest

from console.commands.execute import run_command
from console.commands.socks_servers import ask_servers
from console.errors import ConsoleError
from console.policy.rule import SocksEntry
from console.policy.rule import SocksServer as Proxy
from tests.socks.server import Manners, SocksServer

ENTRIES = (
    "ADDSOCKSE 10 RMTADR('10.0.0.0/8') TYPE(*DIRECT)",
    "ADDSOCKSE 20 RMTADR('192.0.2.0/24') RMTPORT(https) USRPRF(ALICE) SERVER(a b)",
    "ADDSOCKSE 30 RMTPORT(1-99) SERVER(c) VERSION(4)",
)


@pytest.fixture
def asked(context):
    """Return a way to ask which entry a connection takes, without asking servers."""
    for command in ENTRIES:
        run_command(command, context)
    return lambda text: run_command(f"TSTSOCKSE {text} ASKSVR(*NO)", context)


@pytest.mark.parametrize(
    ("connection", "message_id", "words"),
    [
        ("'10.1.2.3' 80", "GWL0176", "SOCKS entry 10 would let OPER connect to 10.1.2.3 port 80 directly."),
        ("'192.0.2.1' https alice", "GWL0113", ""),
        ("'192.0.2.1' https USRPRF(alice)", "GWL0177",
         "SOCKS entry 20 would take ALICE to 192.0.2.1 port 443 by a b."),
        ("'192.0.2.1' 443", "GWL0175", "No SOCKS entry is for 192.0.2.1 port 443: OPER would connect directly."),
        ("'2001:db8::1' 80", "GWL0178", "SOCKS entry 30 is for 2001:db8::1 port 80, and version 4 cannot reach it."),
    ],
)  # fmt: skip
def test_the_first_entry_that_matches_is_told(asked, connection, message_id, words):
    if not words:
        with pytest.raises(ConsoleError):
            asked(connection)
        return
    result = asked(connection)
    assert [(message.message_id, message.text) for message in result.messages] == [(message_id, words)]
    assert result.panel == "DisplaySocksTest"


def test_each_entry_that_was_tried_is_listed_with_the_reason(asked):
    lines = asked("'192.0.2.1' 80").lines
    assert [(line.split()[0], line.rpartition("  ")[2].strip()) for line in lines[1:]] == [
        ("10", "RMTADR does not match"),
        ("20", "RMTPORT does not match"),
        ("30", "decides"),
    ]


@pytest.mark.parametrize("connection", ["*NONE 80", "'192.0.2.1' *NONE", "'192.0.2.0/24' 80", "'192.0.2.1' 1-9", "80"])
def test_what_is_no_connection_is_refused(asked, connection):
    with pytest.raises(ConsoleError):
        asked(connection)


def test_the_active_policy_is_asked_when_it_is_meant(asked, context):
    result = run_command("TSTSOCKSE '10.1.2.3' 80 POLICY(*ACTIVE)", context)
    assert [message.message_id for message in result.messages] == ["GWL0175"]
    assert result.lines[-1] == "(No SOCKS entries)"


@pytest.fixture
def server():
    """Return a function that starts a SOCKS server with the given manners."""
    with contextlib.ExitStack() as running:
        yield lambda **manners: running.enter_context(SocksServer(Manners(**manners), "127.0.0.1"))


@pytest.fixture
def destination():
    """Return the port of something that listens on loopback and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def nobody():
    """Return a port of loopback on which nothing listens, nor will while the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_server_that_connects_answers(context, server, destination):
    good = server(users={"anna": "hunter2"})
    run_command(f"ADDSOCKSE SERVER(localhost:{good.address[1]}) USERID(anna) PASSWORD(hunter2)", context)
    result = run_command(f"TSTSOCKSE '127.0.0.1' {destination}", context)
    assert [message.message_id for message in result.messages] == ["GWL0177", "GWL0179"]
    assert result.messages[1].text.startswith(f"Server localhost:{good.address[1]} answers, after ")
    assert result.messages[1].text.endswith(" ms: connected")
    assert "hunter2" not in f"{result}"


def test_a_server_that_says_that_the_destination_refuses_does_answer(context, server, nobody):
    run_command(f"ADDSOCKSE SERVER(127.0.0.1:{server().address[1]})", context)
    result = run_command(f"TSTSOCKSE '127.0.0.1' {nobody}", context)
    assert [message.message_id for message in result.messages] == ["GWL0177", "GWL0179"]


def test_every_server_of_the_entry_is_asked_and_told_of_in_order(context, server, nobody, destination):
    mute, good = server(silent_after=0), server()
    servers = f"127.0.0.1:{nobody} 127.0.0.1:{mute.address[1]} 127.0.0.1:{good.address[1]}"
    run_command(f"ADDSOCKSE SERVER({servers}) VERSION(4) TIMLMT(3000)", context)
    result = run_command(f"TSTSOCKSE '127.0.0.1' {destination}", context)
    assert [message.message_id for message in result.messages] == [
        "GWL0177",
        "GWL017A",
        "GWL017A",
        "GWL0179",
    ]
    said = [message.text for message in result.messages[1:]]
    assert "does not listen" in said[0]
    assert "does not answer in time" in said[1]


def test_a_server_whose_name_is_not_known_cannot_be_reached():
    unknown = SocksEntry(10, servers=(Proxy("x" * 64),))
    (answer,) = ask_servers(unknown, "oper", 0xFFFF_7F00_0001, 80)
    assert not answer.answers
    assert "cannot be reached" in answer.said


def test_a_wrong_password_is_the_servers_answer_and_not_told(context, server, destination):
    picky = server(users={"anna": "other"})
    run_command(f"ADDSOCKSE SERVER(127.0.0.1:{picky.address[1]}) USERID(anna) PASSWORD(hunter2)", context)
    result = run_command(f"TSTSOCKSE '127.0.0.1' {destination}", context)
    assert [message.message_id for message in result.messages] == ["GWL0177", "GWL017A"]
    assert "hunter2" not in f"{result}"
