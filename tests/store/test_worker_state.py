"""What a worker is doing, by its row, its lock and its process."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from datetime import timedelta

import pytest

from console.store.locks import open_lock_file, try_lock
from console.store.outbox import add_audit
from console.store.session import reading, transaction
from console.store.worker_state import WorkerState, health, serving_worker, states
from console.store.workers import add_worker, end_worker, list_workers

GONE = 2**22 + 1
"""No process has this number: it is above pid_max."""


@contextmanager
def held(store):
    """Hold the worker's lock, as a worker does."""
    descriptor = open_lock_file(store.location.worker_lock)
    assert try_lock(descriptor)
    try:
        yield
    finally:
        os.close(descriptor)


def record(store, at, *, pid=None, host=None):
    with transaction(store) as session:
        return add_worker(session, pid=pid or os.getpid(), host=host or socket.gethostname(), at=at, revision=1)


def state(store, now):
    return health(store, now).state


def test_without_a_lock_nobody_serves(store, now):
    assert state(store, now) is None
    record(store, now)
    assert state(store, now) is None


def test_who_holds_the_lock_and_has_told_of_itself_is_active(store, now):
    record(store, now)
    with held(store):
        assert state(store, now) is WorkerState.ACTIVE


def test_who_holds_the_lock_and_has_not_told_of_itself_is_starting(store, now):
    with held(store):
        assert state(store, now) is WorkerState.STARTING
    worker_id = record(store, now)
    with transaction(store) as session:
        end_worker(session, worker_id, now)
    with held(store):
        assert state(store, now) is WorkerState.STARTING


def test_after_a_worker_that_was_killed_the_next_one_is_starting(store, now):
    record(store, now, pid=GONE)
    with held(store):
        assert state(store, now) is WorkerState.STARTING


@pytest.mark.parametrize("host", [None, "elsewhere"])
def test_who_has_missed_its_beats_is_silent_and_it_is_said_since_when(store, now, host):
    record(store, now, host=host)
    with held(store):
        found = health(store, now + timedelta(seconds=11))
    assert (found.state, found.heard) == (WorkerState.SILENT, now)


def test_entries_are_behind_once_they_have_waited_ten_seconds(store, now):
    record(store, now)
    with transaction(store) as session:
        add_audit(session, "GR", at=now, user="OPER", job="1/OPER/X", text="x")
    early, late = (health(store, now + timedelta(seconds=seconds)) for seconds in (10, 11))
    assert (early.waiting, early.is_behind, late.is_behind) == (1, False, True)


def test_each_worker_of_a_list_has_its_state(store, now):
    ended = record(store, now)
    with transaction(store) as session:
        end_worker(session, ended, now)
    record(store, now)
    record(store, now)
    with held(store), reading(store) as session:
        found = states(list_workers(session), store.location, now)
    assert found == [WorkerState.ACTIVE, WorkerState.LOST, WorkerState.ENDED]


def test_only_one_that_holds_the_lock_can_be_ended(store, now):
    record(store, now)
    with reading(store) as session:
        assert serving_worker(session, store.location, now) is None
        with held(store):
            assert serving_worker(session, store.location, now) is not None
