"""Panels whose rows change by themselves: they say when they were read, and F5 keeps what is typed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.journal.writer import append
from console.model.ssh_sessions import SshSession
from console.store.guards import add_guard
from console.store.session import transaction
from console.store.ssh_sessions import add_ssh_session
from console.store.workers import add_worker
from screens.console import OPENERS, console_services
from screens.panels.work_with import WorkWithList
from tests.factories import entry, signed_on
from tests.screens.panels.operator import Operator

LIVE = {
    "DisplayCoverage": {"ENGINE": "*ALL"},
    "DisplayJournal": {},
    "WorkWithAlertDestinations": {},
    "WorkWithAlerts": {},
    "WorkWithForwarding": {},
    "WorkWithJobs": {},
    "WorkWithSshSessions": {},
    "WorkWithTcpStatus": {},
    "WorkWithWorkers": {},
}
"""Panel -> what it is opened with."""


class Clock:
    """A clock that the test moves on."""

    def __init__(self, now) -> None:
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def clock(now):
    return Clock(now)


@pytest.fixture
def services(store, clock):
    services = console_services(store, signed_on(), system="NJORD01", clock=clock)
    job = {"guard_id": f"{1:032}", "user": "ALICE", "job_name": "CURL", "command": "curl", "pid": 1}
    with transaction(store) as session:
        add_guard(session, **job, started=clock())
        add_worker(session, pid=4711, host="njord", at=clock(), revision=1)
        append(session, [entry()])
        row = {
            "job": "000002/ALICE/SSH",
            "user": "ALICE",
            "pid": 2,
            "remote_address": "192.0.2.1",
            "remote_port": 50000,
        }
        more = {"method": "password", "host": "njord", "server_pid": 1, "started": clock(), "last_input": clock()}
        add_ssh_session(session, SshSession.model_validate({**row, **more}))
    return services


@pytest.fixture
def _rows_everywhere(run):
    run("ADDALRDST OPS *EMAIL TARGET('ops@example.com') SERVER('mail.example.com')", "ADDJRNFWD SIEM 'log.example'")


def test_every_live_list_is_tried_here():
    found = {name for name, opener in OPENERS.items() if isinstance(opener, type) and getattr(opener, "is_live", False)}
    assert found == LIVE.keys()


@pytest.mark.usefixtures("_rows_everywhere")
@pytest.mark.parametrize("name", LIVE)
def test_f5_reads_anew_and_keeps_what_is_typed(services, clock, name):
    operator = Operator(services.open(name, LIVE[name]))
    assert "Read at 2026-03-01 12:00:00" in operator.shown
    option = next(field for field in operator.buffer.values if field.startswith("OPT."))
    operator.type_into(option, "5")
    if "CMD" in operator.buffer.values:
        operator.type(CMD="WRKSOCRUL")
    clock.now += timedelta(minutes=2)
    operator.go_to(option).press("F5")
    assert "Read at 2026-03-01 12:02:00" in operator.shown
    assert operator.options == {option.removeprefix("OPT."): "5"}
    assert operator.buffer.values.get("CMD", "WRKSOCRUL") == "WRKSOCRUL"
    assert (operator.buffer.row, operator.buffer.column) == operator.buffer.start_of(option)


def test_f5_drops_the_option_of_a_row_that_is_gone(services, run):
    run("ADDJRNFWD SIEM 'log.example'", "ADDJRNFWD OTHER 'log2.example'")
    operator = Operator(services.open("WorkWithForwarding", {}))
    operator.option("SIEM", "4").option("OTHER", "4")
    run("RMVJRNFWD SIEM")
    operator.press("F5")
    assert operator.options == {"OTHER": "4"}


def test_messages_say_when_they_were_read(services, clock):
    operator = Operator(services.open("DisplayMessages", {"MSGQ": "QSYSOPR", "SEV": "0"}))
    clock.now += timedelta(seconds=7)
    assert "Read at 2026-03-01 12:00:00" in operator.shown
    assert "Read at 2026-03-01 12:00:07" in operator.press("F5").shown


def test_a_list_that_does_not_change_by_itself_says_nothing_of_when_it_was_read(services):
    panel = services.open("WorkWithRules", {"EXITPNT": "*CONNECT"})
    assert isinstance(panel, WorkWithList)
    assert "Read at" not in Operator(panel).shown
