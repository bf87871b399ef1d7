"""The worker as a process: started, found, told apart from others, ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from console.clock import system_clock
from console.commands.execute import run_command
from console.commands.workers import check_is_here, worker_rows
from console.errors import CommandError
from console.model.running import Worker
from console.store.outbox import waiting
from console.store.session import reading
from console.store.worker_state import WorkerState
from console.store.workers import is_running


@pytest.fixture
def live(context):
    """Return the context by the real clock; whatever worker a test leaves is ended."""
    found = replace(context, clock=system_clock)
    yield found
    if is_running(found.store, system_clock()):
        run_command("ENDSOCWRK *IMMED", found)


def refusal(text, context):
    with pytest.raises(CommandError) as caught:
        run_command(text, context)
    return caught.value.message_id


def ids(result):
    return [message.message_id for message in result.messages]


def test_worker_of_a_unit_that_may_end_is_said_to_belong_to_it(live, monkeypatch):
    monkeypatch.setattr("console.commands.workers.unit_over_us", lambda: "session-4.scope")
    assert ids(run_command("STRSOCWRK", live)) == ["GWL1092", "GWL0761"]


def test_a_worker_is_started_found_and_ended_in_order(live):
    assert ids(run_command("STRSOCWRK", live)) == ["GWL0761"]
    (row,) = worker_rows(live)
    assert (row.state, row.engine, row.revision) == (WorkerState.ACTIVE, "*GUARD", 1)
    assert refusal("STRSOCWRK", live) == "GWL0760"
    assert ids(run_command("ENDSOCWRK", live)) == ["GWL0766"]
    (row,) = worker_rows(live)
    assert row.state is WorkerState.ENDED


def test_one_that_is_ended_at_once_is_lost_and_the_next_goes_on(live):
    run_command("STRSOCWRK", live)
    run_command("ENDSOCWRK *IMMED", live)
    assert [row.state for row in worker_rows(live)] == [WorkerState.LOST]
    run_command("STRSOCWRK", live)
    assert [row.state for row in worker_rows(live)] == [WorkerState.ACTIVE, WorkerState.LOST]


def test_ending_is_audited_and_starting_too(live):
    run_command("STRSOCWRK", live)
    run_command("ENDSOCWRK", live)
    with reading(live.store) as session:
        assert [entry.detail for entry in waiting(session)][-1] == "ENDSOCWRK"


def test_without_a_worker_there_is_nothing_to_end(context):
    assert refusal("ENDSOCWRK", context) == "GWL0762"
    assert "No worker serves this store" in "\n".join(run_command("WRKSOCWRK", context).lines)


def test_a_kernel_engine_that_cannot_be_had_is_said(live):
    with pytest.raises(Exception, match="GWL0412"):
        run_command("STRSOCWRK *KERNEL CGROUP('/nowhere')", live)


@pytest.fixture
def stranger():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.stdin.close()


def recorded(pid, started, host=None):
    row = {"pid": pid, "host": host or socket.gethostname(), "started": started, "heartbeat": started, "revision": 1}
    return Worker.model_validate(row)


def test_a_process_that_has_only_got_the_number_is_not_ended(stranger):
    for worker in (
        recorded(stranger.pid, system_clock()),
        recorded(stranger.pid, system_clock() - timedelta(hours=1)),
        recorded(os.getpid(), system_clock(), host="elsewhere"),
        recorded(2**22 + 1, system_clock()),
    ):
        with pytest.raises(CommandError) as caught:
            check_is_here(worker)
        assert caught.value.message_id == "GWL0763"
