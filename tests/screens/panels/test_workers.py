"""Work with Socket Workers: what they do, and ending the one that runs."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

import pytest

from console.store.locks import open_lock_file, try_lock
from console.store.outbox import add_audit
from console.store.session import transaction
from console.store.workers import add_worker, end_worker, list_workers
from screens.banner import Banner
from screens.terminal.page import WIDE
from tests.screens.panels.operator import Operator


@pytest.fixture
def workers(store, now, monkeypatch):
    """Record one that has ended, one that was killed, and one that runs."""
    monkeypatch.setattr(socket, "gethostname", lambda: "njord")
    with transaction(store) as session:
        for hours, pid in ((30, 811), (20, 4711), (3, 2**22 + 5)):
            at = now - timedelta(hours=hours)
            worker_id = add_worker(session, pid=pid, host="elsewhere", at=at, revision=1, cgroup="/sys/fs/cgroup")
            if pid == 811:
                end_worker(session, worker_id, at + timedelta(hours=2))
        latest = list_workers(session)[0]
        latest.heartbeat = now
        latest.kernel = "It decides for the whole system."
    descriptor = open_lock_file(store.location.worker_lock)
    assert try_lock(descriptor)
    yield
    os.close(descriptor)


@pytest.mark.usefixtures("workers")
def test_the_list_looks_as_drawn(operator, services):
    assert operator.command("WRKSOCWRK").matches("work_with_workers")
    assert Operator(services.open("WorkWithWorkers", {}), WIDE).matches("work_with_workers_wide")


@pytest.mark.usefixtures("workers")
def test_option_5_shows_all_of_it(operator):
    operator.command("WRKSOCWRK").option("3", "5").press("ENTER")
    assert operator.title == "Display Socket Worker"
    assert "It decides for the whole system." in operator.shown
    assert "A worker serves this store." in operator.shown


@pytest.mark.usefixtures("workers")
def test_only_the_one_that_runs_can_be_ended(operator):
    operator.command("WRKSOCWRK").option("2", "4").press("ENTER")
    assert operator.message_ids == ["GWL076A"]
    operator.option("2", " ").option("3", "4").press("ENTER")
    assert operator.title == "Confirm End of Socket Workers"
    assert "4194309  *ACTIVE" in operator.shown
    operator.press("ENTER")
    assert operator.message_ids == ["GWL0763"]  # it is on another system


def test_f6_prompts_a_start(operator):
    assert operator.command("WRKSOCWRK").press("F6").title == "Start Socket Worker (STRSOCWRK)"


def test_no_worker_is_said(operator):
    shown = operator.command("WRKSOCWRK")
    assert "No worker serves this store" in shown.row(4)
    assert shown.row(4).rstrip().endswith("guards get no new")
    assert shown.row(5).startswith(" revision.")


@pytest.mark.usefixtures("workers")
def test_the_banner_says_what_the_worker_does(store, now):
    def told(seconds):
        return Banner(store, lambda: now + timedelta(seconds=seconds)).text()

    assert told(0) == ""
    assert told(11) == "The worker is silent since 12:00:00."
    with transaction(store) as session:
        add_audit(session, "GR", at=now - timedelta(minutes=1), user="OPER", job="1/OPER/X", text="x")
        add_audit(session, "GR", at=now, user="OPER", job="1/OPER/X", text="x")
    assert told(0) == "Journal behind: 2 entries wait."
    with transaction(store) as session:
        end_worker(session, 3, now)
    assert told(0) == "The worker is starting."
