"""A worker that has nothing to do leaves the store alone, and sees soon what nobody tells it of."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import select

from console.clock import system_clock
from console.enforcement import pulse, worker
from console.enforcement.frames import EndJob
from console.enforcement.ledger import Ledger
from console.enforcement.policy_watch import PolicyWatch
from console.enforcement.pulse import Pulse, Wake
from console.journal.entries import draft
from console.model.revision import PolicyConfirmation
from console.model.running import Worker
from console.model.words import EndOption
from console.store.confirmation import ask_confirmation
from console.store.guards import find_guard, request_end
from console.store.journal import page_before
from console.store.kernel import Told
from console.store.outbox import add_audit, waiting
from console.store.session import reading, transaction
from tests.enforcement.fake_guard import guard
from tests.enforcement.working import worker_here
from tests.factories import GUARD_ID, entry

_SOON_S = 5
"""Well before the time at which is looked in any case."""


class Statements:
    """What is asked of a store."""

    def __init__(self, store):
        self.count = 0
        event.listen(store.engine, "before_cursor_execute", self._on_statement)

    def _on_statement(self, *_):
        self.count += 1

    async def rest(self):
        """Wait until nothing has been asked for a second, in which it would have been many times."""
        async with asyncio.timeout(20):
            while True:
                before = self.count
                await asyncio.sleep(1)
                if self.count == before:
                    return


async def soon(claim):
    async with asyncio.timeout(_SOON_S):
        while not claim():  # noqa: ASYNC110 - the claim is about the store
            await asyncio.sleep(0.02)


async def test_worker_without_anything_to_do_asks_nothing_of_the_store_and_lives(store, monkeypatch):
    monkeypatch.setattr(pulse, "LOOK_S", 0.02)
    monkeypatch.setattr(worker, "_HEARTBEAT_S", 0.1)
    monkeypatch.setattr(worker, "_SPOOLS_S", 0.05)
    asked = Statements(store)

    def lives():
        with reading(store) as session:
            return session.exec(select(Worker.heartbeat)).one()

    async with worker_here(store):
        await asked.rest()
        before = lives()
        await soon(lambda: lives() > before)


async def test_what_is_written_without_a_word_is_seen_long_before_it_would_be_looked(store):
    asked = Statements(store)
    async with worker_here(store):
        await asked.rest()
        with transaction(store) as session:
            add_audit(session, "CD", at=system_clock(), user="ALICE", job="000000/ALICE/CL", text="by hand")

        def is_moved():
            with reading(store) as session:
                return not waiting(session) and "by hand" in {each.text for each in page_before(session, None, limit=9)}

        await soon(is_moved)


async def test_unconfirmed_revision_is_taken_back_when_its_time_is_up_though_nobody_writes(store):
    asked = Statements(store)
    async with worker_here(store):
        await asked.rest()
        with transaction(store) as session:
            until = system_clock() + timedelta(seconds=2)
            ask_confirmation(session, number=1, return_to=1, until=until, user="ALICE")

        def is_over():
            with reading(store) as session:
                return session.get(PolicyConfirmation, 1) is None

        await soon(is_over)


def test_policy_is_looked_at_often_only_while_a_revision_waits_to_be_confirmed(store, now):
    watch = PolicyWatch(store, lambda: now, lambda: None)
    watch.newer(1)
    assert not watch.awaits_confirmation
    with transaction(store) as session:
        ask_confirmation(session, number=1, return_to=1, until=now + timedelta(minutes=1), user="ALICE")
    watch.newer(1)
    assert watch.awaits_confirmation


async def test_job_that_was_to_end_while_its_guard_was_away_is_ended_when_it_is_back(store, monkeypatch):
    asked = Statements(store)
    async with worker_here(store):
        async with guard(store.location) as there:
            await there.ask()
            with transaction(store) as session:
                request_end(session, find_guard(session, GUARD_ID), EndOption.IMMEDIATE, 0)
            assert await there.read_until(EndJob) == EndJob("*IMMED", 0)
        await asked.rest()
        async with guard(store.location) as back, asyncio.timeout(_SOON_S):
            await back.ask()
            assert await back.read_until(EndJob) == EndJob("*IMMED", 0)


async def test_wake_up_is_heard_once_and_by_all(store):
    ledger = Ledger(store, system_clock)
    beating = Pulse(ledger.changes, ledger.check_there)
    wakes = [beating.wake() for _ in range(3)]
    task = asyncio.ensure_future(beating.watch())
    try:
        async with asyncio.timeout(_SOON_S):
            assert [await each.rest() for each in wakes] == [True] * 3
        assert [each.take() for each in wakes] == [False] * 3
        with transaction(store) as session:
            add_audit(session, "CD", at=system_clock(), user="ALICE", job="000000/ALICE/CL", text="x")
        async with asyncio.timeout(_SOON_S):
            assert [await each.rest() for each in wakes] == [True] * 3
    finally:
        task.cancel()
        ledger.changes.close()


async def test_entries_of_this_process_wake_those_only_who_follow_the_journal(store, monkeypatch):
    monkeypatch.setattr(pulse, "LOOK_S", 0.01)
    ledger = Ledger(store, system_clock)
    ledger.kernel.write_told([draft(entry())], [], "ring", Told(8))  # which makes the journal's key
    beating = Pulse(ledger.changes, ledger.check_there)
    follower, other = beating.wake(follows_journal=True), beating.wake()
    task = asyncio.ensure_future(beating.watch())
    try:
        async with asyncio.timeout(_SOON_S):
            assert [await follower.rest(), await other.rest()] == [True] * 2
            for _ in range(3):
                ledger.kernel.write_told([draft(entry())], [], "ring", Told(8))
                assert await follower.rest()
                assert not other.take()
            ledger.beat(1)
            await asyncio.sleep(0.1)
            assert not follower.take()
            ledger.say_of_kernel("x", is_wrong=True)
            assert [await follower.rest(), await other.rest()] == [True] * 2
    finally:
        task.cancel()
        ledger.changes.close()


async def test_change_is_not_missed_while_entries_are_written(store, monkeypatch):
    monkeypatch.setattr(pulse, "LOOK_S", 0.01)
    ledger = Ledger(store, system_clock)
    beating = Pulse(ledger.changes, ledger.check_there)
    wake = beating.wake()
    task = asyncio.ensure_future(beating.watch())
    try:
        async with asyncio.timeout(_SOON_S):
            assert await wake.rest()
            ledger.say_of_kernel("x", is_wrong=True)
            with ledger.changes.writing():
                await asyncio.sleep(0.1)
                assert not wake.take()
            assert await wake.rest()
            with ledger.changes.writing():
                assert await wake.rest()  # somebody writes for so long that it is looked all the same
    finally:
        task.cancel()
        ledger.changes.close()


async def test_who_took_a_wake_up_and_did_nothing_with_it_is_woken_again(store, monkeypatch):
    monkeypatch.setattr(pulse, "LOOK_S", 0.01)
    monkeypatch.setattr(pulse, "_REST_S", 0.05)
    ledger = Ledger(store, system_clock)
    beating = Pulse(ledger.changes, ledger.check_there)
    wake = beating.wake()
    task = asyncio.ensure_future(beating.watch())
    try:
        async with asyncio.timeout(_SOON_S):
            for _ in range(3):
                while not await wake.rest():
                    pass
    finally:
        task.cancel()
        ledger.changes.close()


async def test_growth_while_it_is_looked_is_seen_by_the_next_look(store, monkeypatch):
    class Growing:
        """Changes whose journal has grown once it was asked whether it has."""

        reads = 0

        @property
        def grown(self):
            self.reads += 1
            return int(self.reads > 1)

        def state(self):
            return 0

    monkeypatch.setattr(pulse, "LOOK_S", 0.01)
    wake = (beating := Pulse(Growing(), lambda: None)).wake(follows_journal=True)
    task = asyncio.ensure_future(beating.watch())
    try:
        async with asyncio.timeout(_SOON_S):
            assert [await wake.rest(), await wake.rest()] == [True] * 2
    finally:
        task.cancel()


@pytest.mark.parametrize("briefly", [True, False])
async def test_who_is_not_woken_looks_all_the_same(monkeypatch, briefly):
    monkeypatch.setattr(pulse, "LOOK_S" if briefly else "_REST_S", 0.01)
    async with asyncio.timeout(_SOON_S):
        assert not await Wake().rest(briefly=briefly)
