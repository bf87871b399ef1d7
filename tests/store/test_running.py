"""Jobs, workers, the outbox, and what happens between two processes."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest

from console.errors import StoreError
from console.store import sqlite
from console.store.engine import open_store
from console.store.guards import add_guard, end_guard, find_guard, list_guards, reopen_guard
from console.store.locks import is_locked, locked, open_lock_file
from console.store.outbox import add_audit, forget, waiting
from console.store.session import reading, transaction
from console.store.unix_path import bind
from console.store.wakeup import notify
from console.store.workers import add_worker, beat, end_worker, is_running, latest_worker, list_workers


def arrive(session, now, letter):
    return add_guard(
        session, guard_id=letter * 32, user="ALICE", job_name="CURL", command="curl", pid=1, started=now
    ).job_number


def test_jobs_are_numbered_in_order_and_listed_newest_first(store, now):
    with transaction(store) as session:
        assert [arrive(session, now, letter) for letter in "abc"] == [1, 2, 3]
        end_guard(session, "b" * 32, at=now, exit_status=0)
        assert [row.job_number for row in list_guards(session)] == [3, 1]
        assert [row.job_number for row in list_guards(session, running=False)] == [3, 2, 1]


def test_job_numbers_begin_again_after_the_last_and_pass_over_running_jobs(store, now):
    with transaction(store) as session:
        arrive(session, now, "a")
        arrive(session, now, "b")
        find_guard(session, "b" * 32).job_number = 999_999
        end_guard(session, "b" * 32, at=now, exit_status=0)
        assert arrive(session, now, "c") == 2
        assert [(row.guard_id, row.job_number) for row in list_guards(session)] == [("c" * 32, 2), ("a" * 32, 1)]


def test_end_once_recorded_stays_and_a_later_status_is_added(store, now):
    with transaction(store) as session:
        arrive(session, now, "a")
        end_guard(session, "a" * 32, at=now, exit_status=None)
        end_guard(session, "a" * 32, at=now + timedelta(1), exit_status=3)
        end_guard(session, "f" * 32, at=now, exit_status=3)
        row = find_guard(session, "a" * 32)
        assert (row.ended, row.exit_status) == (now, 3)
        reopen_guard(session, row, 5)
        assert [each.pid for each in list_guards(session)] == [5]


def test_worker_runs_while_it_holds_its_lock_and_beats(store, now):
    assert not is_running(store, now)
    with transaction(store) as session:
        worker = add_worker(session, pid=1, host="h", at=now, revision=1)
    assert not is_running(store, now)
    with locked(store.location.worker_lock):
        assert is_running(store, now + timedelta(seconds=10))
        assert not is_running(store, now + timedelta(seconds=11))
        with transaction(store) as session:
            beat(session, worker, at=now + timedelta(seconds=5), revision=2)
        assert is_running(store, now + timedelta(seconds=15))
        with transaction(store) as session:
            assert [each.revision for each in list_workers(session)] == [2]
            end_worker(session, worker, now)
            assert latest_worker(session).ended == now
        assert not is_running(store, now)
    assert not is_locked(store.location.worker_lock)


def test_lock_on_a_symbolic_link_is_refused(tmp_path):
    (tmp_path / "lock").symlink_to(tmp_path / "other")
    with pytest.raises(StoreError, match="GWL0304"):
        open_lock_file(tmp_path / "lock")
    with pytest.raises(StoreError, match="GWL0304"):
        is_locked(tmp_path / "lock")


def test_audit_entries_wait_in_order_until_forgotten(store, now):
    with transaction(store) as session:
        for text in "abc":
            add_audit(session, "CD", at=now, user="OPER", job="000000/OPER/CL", text=text)
        assert [row.text for row in waiting(session)] == ["a", "b", "c"]
        forget(session, waiting(session)[1].id)
        assert [row.text for row in waiting(session)] == ["c"]


def test_audit_entry_is_kept_whatever_its_texts_hold(store, now):
    with transaction(store) as session:
        add_audit(session, "CD", at=now, user="U" * 99, job="J" * 99, text="a\0\udcff", detail="\udcff")
    with reading(store) as session:
        (row,) = waiting(session)
    assert (row.text, row.detail, len(row.user_name), len(row.qualified_job_name)) == (
        "a\\x00\\udcff",
        "\\udcff",
        64,
        96,
    )


def test_audit_entry_goes_with_the_change_it_tells_of(store, now):
    with pytest.raises(StoreError), transaction(store) as session:  # noqa: PT012 - the transaction is the point
        add_audit(session, "CD", at=now, user="OPER", job="", text="x")
        raise StoreError("GWL0325", number=1)
    with reading(store) as session:
        assert waiting(session) == []


def test_store_that_stays_locked_is_said_to_be_in_use(store, store_url, monkeypatch):
    monkeypatch.setitem(sqlite.PRAGMAS, "busy_timeout", 10)
    other = open_store(store_url)
    with transaction(store), pytest.raises(StoreError, match="GWL0311"), transaction(other):
        pass
    other.close()


def test_wake_up_reaches_the_worker_and_needs_none(store):
    notify(store)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wake:
        bind(wake, store.location.wake_socket)
        wake.settimeout(5)
        notify(store)
        assert wake.recv(10) == b"!"
