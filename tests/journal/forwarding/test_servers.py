"""Forwarding to a real rsyslog: over each protocol, over outages, with nothing lost."""

from __future__ import annotations

import contextlib
import random
import socket
import threading

import pytest
from sqlalchemy import delete
from sqlmodel import col

from console.clock import system_clock
from console.enforcement.forwarding import Lines
from console.journal.forwarding.line import Pace
from console.journal.writer import append
from console.model.forwarding import ForwardState
from console.model.journal import JournalEntry
from console.store.forwarding import add_target, change_target, get_target
from console.store.messages import list_messages
from console.store.session import reading, transaction
from tests.end_to_end.command import until
from tests.factories import entry
from tests.fidelity.peers import needs
from tests.journal.forwarding.syslog_server import Rsyslog, make_certificates, module_is_there

pytestmark = needs("rsyslogd")

QUICK = Pace(poll_s=0.02, store_s=0.05, settle_s=0.5, first_pause_s=0.05, longest_pause_s=0.5)
STREAMS = ("*TCP", "*TLS", "*RELP")


@pytest.fixture
def server(public, request):
    """Return a running rsyslog for the protocol that the test is parametrized with."""
    protocol = request.param
    if not module_is_there(protocol):
        pytest.skip(f"rsyslog cannot do {protocol} here: rsyslog-openssl or rsyslog-relp is not installed")
    directory = public / "syslog"  # another user's process is to read below
    directory.mkdir()
    if protocol == "*TLS":
        make_certificates(directory, "127.0.0.1")
    running = Rsyslog(directory, protocol)
    running.start()
    yield running
    running.stop()


def each(*protocols):
    return pytest.mark.parametrize("server", protocols, indirect=True, ids=str)


@contextlib.contextmanager
def forwarding(store, pace=QUICK):
    """Do what the worker's task does."""
    lines = Lines(store, system_clock, pace)
    lines.look()
    try:
        yield lines
    finally:
        lines.end()


def target(store, server, **fields):
    values = {
        "name": "SIEM", "protocol": server.protocol, "host": "127.0.0.1", "port": server.port, "format": "*SYSLOG",
        "position": 0, "ca_file": f"{server.directory}/ca.pem" if server.protocol == "*TLS" else "", **fields,
    }  # fmt: skip
    with transaction(store) as session:
        add_target(session, values, system_clock())


def add(store, count, **fields):
    with transaction(store) as session:
        return append(session, [entry(**fields)] * count)


def look(store):
    with reading(store) as session:
        return get_target(session, "SIEM")


def told(store):
    with reading(store) as session:
        return [each.message_id for each in list_messages(session)]


@each("*UDP", *STREAMS)
def test_every_entry_arrives_with_the_fields_in_their_places(store, server):
    add(store, 20, text='Grüße ]"\\\n', outcome="*REJECTED")
    target(store, server)
    with forwarding(store):
        until(lambda: set(server.numbers()) == set(range(1, 21)), "all entries")
        until(lambda: look(store).position == 20, "the position")
        assert look(store).state is ForwardState.SENDING
    facility, severity, at, _host, app, pid, message_id, data, said = server.lines("parts")[0].split("|")
    assert (facility, severity, app, pid, message_id) == ("13", "4", "greenwall", "4711", "TSKC")
    assert at.startswith("2026-03-01T12:00:00.123456")
    assert data.startswith('[greenwall@32473 sequence_number="1" ')
    assert 'text="Grüße \\]\\"\\\\\\\\n"' in data
    assert "Connect rejected: ALICE /usr/bin/curl 127.0.0.1:40000 -> 127.0.0.2:443" in said


@each(*STREAMS)
def test_nothing_is_lost_while_the_server_is_killed_under_load_and_started_again(store, server):
    random.seed(5424)
    target(store, server)
    last = 0
    with forwarding(store) as lines:
        for _ in range(4):
            last = add(store, 2000)
            goal = max(server.numbers(), default=0) + random.randrange(1, 1500)
            until(lambda goal=goal: max(server.numbers(), default=0) >= goal, f"{goal} entries")
            server.kill()
            last = add(store, 500)
            until(lambda: look(store).state is ForwardState.FAILING, "the failure to be noticed")
            server.start()
            lines.look()
        until(lambda: set(range(1, last + 1)) <= set(server.numbers()), "every entry")
        until(lambda: look(store).position == last, "the position")
    assert set(server.numbers()) == set(range(1, last + 1))
    assert {"GWL0660", "GWL0661"} == set(told(store))


@each(*STREAMS)
def test_operator_hears_of_an_outage_once_and_of_its_end(store, server):
    target(store, server)
    add(store, 3)
    with forwarding(store):
        until(lambda: len(server.numbers()) == 3, "the entries")
        server.kill()
        add(store, 3)
        until(lambda: told(store) == ["GWL0660"], "the message")
        assert look(store).last_error
        server.start()
        until(lambda: told(store) == ["GWL0661", "GWL0660"], "the message")
        until(lambda: set(server.numbers()) == set(range(1, 7)), "the entries")
    with reading(store) as session:
        counts = [each.count for each in list_messages(session)]
    assert counts == [1, 1]


@each(*STREAMS)
def test_ending_in_order_leaves_nothing_to_be_sent_again(store, server):
    target(store, server)
    add(store, 700)
    with forwarding(store, Pace(poll_s=0.02, store_s=0.05, settle_s=3600)):
        until(lambda: len(server.numbers()) == 700, "the entries")
        assert look(store).position == 0
    assert look(store).position == 700
    with forwarding(store):
        add(store, 1)
        until(lambda: 701 in server.numbers(), "the entry")
    assert len(server.numbers()) == 701


@each("*TCP")
@pytest.mark.parametrize("form", ["*SYSLOG", "*JSON", "*CEF", "*LEEF"])
def test_every_format_has_the_number_where_a_server_finds_it(store, server, form):
    target(store, server, format=form)
    add(store, 2, text="x" * 20_000)
    with forwarding(store):
        until(lambda: server.numbers() == [1, 2], "the entries")
    for line in server.lines():
        assert 500 < len(line) <= 8192
    mark = {"*SYSLOG": "Connect", "*JSON": '{"sequence_number": 1', "*CEF": "CEF:0|", "*LEEF": "LEEF:2.0|"}[form]
    assert mark in server.lines()[0]


@each("*TLS")
def test_server_whose_certificate_nobody_signed_gets_nothing(store, server, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    make_certificates(other, "127.0.0.1")
    for ca_file in ("", str(other / "ca.pem"), "/nowhere/ca.pem"):
        with contextlib.suppress(Exception), transaction(store) as session:
            change_target(session, "SIEM", {"ca_file": ca_file, "last_error": ""})
        if not ca_file:
            target(store, server, ca_file="")
            add(store, 3)
        with forwarding(store):
            until(lambda: look(store).last_error, "the failure")
    assert server.numbers() == []
    assert "/nowhere/ca.pem" in look(store).last_error


@each("*TLS")
def test_server_with_a_certificate_for_another_name_gets_nothing(store, server):
    target(store, server, host="localhost")
    add(store, 3)
    with forwarding(store):
        until(lambda: look(store).last_error, "the failure")
    assert "certificate" in look(store).last_error
    assert server.numbers() == []


@each("*TCP")
def test_tls_to_a_server_without_it_fails_and_says_so(store, server):
    target(store, server, protocol="*TLS")
    add(store, 3)
    with forwarding(store):
        until(lambda: look(store).last_error, "the failure")
    assert server.numbers() == []


@each("*TCP")
def test_position_that_an_operator_gives_is_the_one_that_counts(store, server):
    target(store, server)
    add(store, 10)
    with forwarding(store) as lines:
        until(lambda: look(store).position == 10, "the position")
        with transaction(store) as session:
            change_target(session, "SIEM", {"position": 5})
        until(lambda: lines.look() or len(server.numbers()) == 15, "the entries again")
        until(lambda: look(store).position == 10, "the position")
    assert server.numbers()[10:] == [6, 7, 8, 9, 10]


@each("*TCP")
def test_held_target_is_sent_nothing_and_goes_on_where_it_was(store, server):
    target(store, server)
    add(store, 5)
    with forwarding(store) as lines:
        until(lambda: look(store).position == 5, "the position")
        with transaction(store) as session:
            change_target(session, "SIEM", {"active": "*NO"})
        until(lambda: lines.look() or look(store).state is ForwardState.HELD, "the target to be held")
        add(store, 5)
        lines.look()
        assert max(server.numbers()) == 5
        with transaction(store) as session:
            change_target(session, "SIEM", {"active": "*YES"})
        lines.look()
        until(lambda: set(server.numbers()) == set(range(1, 11)), "the rest")


@each("*TCP")
def test_operator_hears_of_entries_that_were_deleted_before_they_were_forwarded(store, server):
    target(store, server)
    add(store, 10)
    with transaction(store) as session:
        session.execute(delete(JournalEntry).where(col(JournalEntry.sequence_number) <= 4))
    with forwarding(store):
        until(lambda: look(store).position == 10, "the position")
    assert server.numbers() == [5, 6, 7, 8, 9, 10]
    with reading(store) as session:
        (said,) = list_messages(session)
    assert said.text == "Journal entries 1 to 4 were deleted before they were forwarded to SIEM."


@each("*TCP")
def test_entry_that_comes_while_nothing_else_does_is_sent_soon(store, server):
    target(store, server)
    with forwarding(store):
        until(lambda: look(store).state is ForwardState.SENDING, "the connection")
        for number in (1, 2, 3):
            add(store, 1)
            until(lambda number=number: server.numbers() == [*range(1, number + 1)], "the entry")


def test_server_that_talks_or_hangs_up_at_once_is_one_that_fails(store):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        values = {
            "name": "SIEM",
            "protocol": "*RELP",
            "host": "127.0.0.1",
            "port": port,
            "format": "*JSON",
            "position": 0,
        }
        with transaction(store) as session:
            add_target(session, values, system_clock())
        add(store, 3)
        with forwarding(store):
            for said in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"1 rsp 9 500 never\n", b"2 rsp 6 200 OK\n"):
                listener.settimeout(30)
                with listener.accept()[0] as client:
                    client.recv(4096)
                    client.sendall(said)
                until(lambda: look(store).last_error, "the failure")
                with transaction(store) as session:
                    change_target(session, "SIEM", {"last_error": ""})
    assert look(store).position == 0
    assert told(store) == ["GWL0660"]


def test_server_that_talks_without_end_is_sent_entries_and_left_in_time(store):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        values = {"name": "SIEM", "protocol": "*TCP", "host": "127.0.0.1", "port": listener.getsockname()[1],
                  "format": "*JSON", "position": 0}  # fmt: skip
        with transaction(store) as session:
            add_target(session, values, system_clock())
        add(store, 3)
        listener.settimeout(30)
        with forwarding(store):
            client = listener.accept()[0]
            talking = threading.Thread(target=talk_for_ever, args=(client,), daemon=True)
            talking.start()
            until(lambda: look(store).state is ForwardState.SENDING, "the entries")
        talking.join(30)
        assert not talking.is_alive()


def talk_for_ever(client):
    """Talk until the other end has gone."""
    with client, contextlib.suppress(OSError):
        while True:
            client.sendall(b"x" * 65536)
