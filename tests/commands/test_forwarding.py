"""The commands on forwarding targets: what they take, and what they leave as it is."""

from __future__ import annotations

import pytest

from console.commands.definition import Context
from console.commands.execute import run_command
from console.errors import ConsoleError
from console.journal.writer import append
from console.model.forwarding import ForwardFormat, ForwardState, Protocol
from console.model.words import SPECIAL_AUTHORITIES, YesNo
from console.store.forwarding import get_target, set_state
from console.store.outbox import waiting
from console.store.session import reading, transaction
from tests.factories import entry


@pytest.fixture
def context(store, now):
    return Context(
        store, "OPER", "000001/OPER/SHELL", clock=lambda: now, authorities=frozenset(SPECIAL_AUTHORITIES), limited=False
    )


@pytest.fixture
def run(context):
    return lambda text: run_command(text, context)


def target(store, name="SIEM"):
    with reading(store) as session:
        return get_target(session, name)


def test_defaults_are_tls_on_its_port_from_the_next_entry_on(run, store):
    with transaction(store) as session:
        append(session, [entry()] * 3)
    run("ADDJRNFWD siem log.example")
    row = target(store)
    assert (row.protocol, row.host, row.port, row.format) == (Protocol.TLS, "log.example", 6514, ForwardFormat.SYSLOG)
    assert (row.position, row.active, row.ca_file, row.state) == (3, YesNo.YES, "", ForwardState.NEW)


@pytest.mark.parametrize(("protocol", "port"), [("*UDP", 514), ("*TCP", 514), ("*TLS", 6514), ("*RELP", 2514)])
def test_each_protocol_has_its_port(run, store, protocol, port):
    run(f"ADDJRNFWD SIEM '2001:DB8::1' PROTOCOL({protocol})")
    assert (target(store).port, target(store).host) == (port, "2001:db8::1")


def test_change_keeps_what_is_not_said(run, store):
    with transaction(store) as session:
        append(session, [entry()] * 6)
    run("ADDJRNFWD SIEM log.example PROTOCOL(*TCP) PORT(10514) FORMAT(*CEF) STRSEQ(7) TEXT('x')")
    run("CHGJRNFWD SIEM FORMAT(*LEEF)")
    row = target(store)
    assert (row.protocol, row.port, row.format, row.position, row.text) == ("*TCP", 10514, "*LEEF", 6, "x")
    run("CHGJRNFWD SIEM STRSEQ(*FIRST)")
    assert target(store).position == 0


def test_released_target_is_new_until_the_worker_looks(run, store, now):
    run("ADDJRNFWD SIEM log.example ACTIVE(*NO)")
    with transaction(store) as session:
        set_state(session, "SIEM", ForwardState.HELD, now)
    run("CHGJRNFWD SIEM ACTIVE(*YES)")
    assert (target(store).active, target(store).state) == (YesNo.YES, ForwardState.NEW)


def test_removed_target_is_gone_and_the_journal_says_who_did_it(run, store):
    run("ADDJRNFWD SIEM log.example")
    run("RMVJRNFWD SIEM")
    assert "(The journal is not forwarded)" in run("WRKJRNFWD").lines
    with reading(store) as session:
        assert [(row.entry_type, row.text) for row in waiting(session)] == [
            ("CD", "ADDJRNFWD FWD(SIEM) RMTHOST('log.example')"),
            ("CD", "RMVJRNFWD FWD(SIEM)"),
        ]


@pytest.mark.parametrize(
    ("command", "message_id"),
    [
        ("ADDJRNFWD SIEM 'a b'", "GWL0113"),
        ("ADDJRNFWD SIEM '-x'", "GWL0113"),
        ("ADDJRNFWD SIEM host PORT(0)", "GWL0113"),
        ("ADDJRNFWD SIEM host CAFILE('x.pem')", "GWL0113"),
        ("ADDJRNFWD 'no name' host", "GWL0113"),
        ("ADDJRNFWD SIEM host STRSEQ(0)", "GWL0113"),
        ("ADDJRNFWD THERE host", "GWL0664"),
        ("CHGJRNFWD SIEM PORT(1)", "GWL0663"),
        ("RMVJRNFWD SIEM", "GWL0663"),
    ],
)
def test_what_cannot_be_is_refused(run, command, message_id):
    run("ADDJRNFWD THERE host")
    with pytest.raises(ConsoleError) as caught:
        run(command)
    assert caught.value.message_id == message_id
