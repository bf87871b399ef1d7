"""The worker forwards the journal: through the commands, to a real rsyslog, over restarts of both."""

from __future__ import annotations

import subprocess

import pytest

from console.journal.writer import append
from console.store.engine import open_store
from console.store.session import transaction
from tests.end_to_end.command import Greenwall, started, until
from tests.factories import entry
from tests.fidelity.peers import needs
from tests.journal.forwarding.syslog_server import Rsyslog

pytestmark = [pytest.mark.end_to_end, pytest.mark.kernel, needs("rsyslogd")]


@pytest.fixture
def here(tmp_path):
    command = Greenwall(tmp_path)
    yield command
    command.end_workers()


@pytest.fixture
def server(public):
    (public / "syslog").mkdir()
    running = Rsyslog(public / "syslog", "*TCP")
    running.start()
    yield running
    running.stop()


def state(command):
    return command.cl("WRKJRNFWD").splitlines()[1]


def test_decisions_reach_the_server_over_restarts_of_worker_and_server(here, server):
    said = here.cl(f"ADDJRNFWD SIEM '127.0.0.1' PROTOCOL(*TCP) PORT({server.port}) STRSEQ(*FIRST)")
    assert "GWL0666" in said
    here.run("true")
    until(lambda: any(" TJS " in line for line in server.lines()), "the job's entries")
    until(lambda: "*SENDING" in state(here), "the state")
    server.kill()
    here.run("true")
    until(lambda: "*FAILING" in state(here), "the state")
    here.end_workers()
    here.run("true")
    server.start()
    last = here.show("journal")[-1]["sequence_number"]
    until(lambda: set(range(1, last + 1)) <= set(server.numbers()), "every entry")
    until(lambda: "*SENDING" in state(here), "the state")
    here.end_workers()
    assert here.cl("WRKJRNFWD").splitlines()[1].split()[8] == str(here.show("journal")[-1]["sequence_number"])


def test_nothing_is_lost_when_the_worker_is_killed_under_load(here, server):
    here.cl(f"ADDJRNFWD SIEM '127.0.0.1' PROTOCOL(*TCP) PORT({server.port}) STRSEQ(*FIRST)")
    store = open_store(here.url)
    last = 0
    for round_number in range(3):
        with transaction(store) as session:
            last = append(session, [entry()] * 3000)
        with started(here.arguments("worker"), stderr=subprocess.DEVNULL) as worker:
            goal = round_number * 3000 + 700
            until(lambda goal=goal: max(server.numbers(), default=0) >= goal, "some of the entries")
            worker.kill()
            worker.wait()
    store.close()
    with started(here.arguments("worker"), stderr=subprocess.DEVNULL):
        until(lambda: set(range(1, last + 1)) <= set(server.numbers()), "every entry")


def test_worker_ends_at_once_though_a_server_takes_nothing(here):
    to = "'127.0.0.1' PORT(9) STRSEQ(*FIRST)"
    here.cl(f"ADDJRNFWD GONE {to} PROTOCOL(*TCP)", f"ADDJRNFWD UDP {to} PROTOCOL(*UDP)")
    here.run("true")
    until(lambda: "*FAILING" in state(here), "the state")
    here.end_workers()
    assert here.workers() == []
