from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from console.enforcement.frames import Counted, End, Records
from console.enforcement.ledger import Parcel
from console.enforcement.scribe import Scribe
from console.errors import StoreError
from tests.conftest import NOW
from tests.factories import GUARD_ID

PATIENCE_S = 20
FOR_EVER_S = 1000.0


class Writings:
    """A ledger that only notes what it was to write down in one transaction."""

    def __init__(self):
        self.taken = []

    def take(self, parcels):
        self.taken.append([parcel.frame for parcel in parcels])
        return [0] * len(parcels)


class Sender:
    def __init__(self):
        self.heard = asyncio.Semaphore(0)

    def taken(self, _parcel, _number):
        self.heard.release()

    def abort(self):
        pass


@asynccontextmanager
async def scribe(pause_s):
    at_work = Scribe(Writings(), pause_s=pause_s)
    try:
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            committing = group.create_task(at_work.commit_for_ever())
            yield at_work
            committing.cancel()
    finally:
        at_work.close()


async def send(at_work, sender, *frames):
    for frame in frames:
        await at_work.put(Parcel(GUARD_ID, frame), sender)


async def test_first_parcel_is_written_at_once_and_what_follows_in_one_transaction_up_to_the_end_of_a_job():
    sender = Sender()
    counted = [Counted(number, 0, 0) for number in range(5)]
    async with scribe(pause_s=FOR_EVER_S) as at_work:
        await send(at_work, sender, counted[0])
        await sender.heard.acquire()
        for frame in counted[1:]:
            await send(at_work, sender, frame)
            await asyncio.sleep(0)
        await send(at_work, sender, End(0))
        for _ in range(5):
            await sender.heard.acquire()
    assert at_work.ledger.taken == [[counted[0]], [*counted[1:], End(0)]]


async def test_guards_that_send_more_than_the_queue_holds_are_not_held_up():
    sender = Sender()
    async with scribe(pause_s=FOR_EVER_S) as at_work:
        await send(at_work, sender, *(Counted(number, 0, 0) for number in range(2000)))
    assert len(at_work.ledger.taken) > 1


async def test_end_of_a_job_behind_more_than_a_transaction_takes_does_not_wait():
    sender = Sender()
    large = Records(bytes(2 * 1024 * 1024))
    at_work = Scribe(Writings(), pause_s=FOR_EVER_S)
    try:
        await send(at_work, sender, large, End(0))
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            committing = group.create_task(at_work.commit_for_ever())
            await sender.heard.acquire()
            await sender.heard.acquire()
            committing.cancel()
    finally:
        at_work.close()
    assert at_work.ledger.taken == [[large], [End(0)]]


@pytest.mark.parametrize("count", [1, 3])
async def test_what_nobody_waits_for_is_written_after_the_pause(count):
    sender = Sender()
    async with scribe(pause_s=0.001) as at_work:
        for number in range(count):
            await send(at_work, sender, Counted(number, 0, 0))
            await sender.heard.acquire()
    assert len(at_work.ledger.taken) == count


@pytest.mark.parametrize(("octets", "pressed"), [(64 * 1024, True), (1024, False)])
async def test_transaction_of_many_records_says_that_more_are_coming(octets, pressed):
    sender = Sender()
    async with scribe(pause_s=0.001) as at_work:
        await send(at_work, sender, Records(bytes(octets)))
        await sender.heard.acquire()
        await send(at_work, sender, Counted(1, 0, 0))
        await sender.heard.acquire()
        assert at_work.is_pressed is pressed


class Failing(Writings):
    """A ledger on a disk that is full for so many writes, and can be read all the time."""

    def __init__(self, failures, seconds):
        super().__init__()
        self.failures = failures
        self.seconds = seconds
        self.told = []

    def now(self):
        return NOW + timedelta(seconds=self.seconds * len(self.taken))

    def take(self, parcels):
        if self.failures:
            self.failures -= 1
            raise StoreError("GWL0310", url="here", reason="disk is full")
        return super().take(parcels)

    def beat(self):
        pass

    def look(self):
        return "read"

    def tell_of_outage(self, since, reason):
        self.told.append((since, reason))


@pytest.mark.parametrize(("seconds", "told"), [(60, 1), (1, 0)])
async def test_operators_are_told_that_nothing_could_be_written_for_a_while_once_it_can_be(seconds, told):
    ledger = Failing(1, seconds)
    at_work = Scribe(ledger)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(at_work.insist(ledger.take, []), at_work.insist(ledger.look))
            await at_work.insist(ledger.beat)
    finally:
        at_work.close()
    assert len(ledger.told) == told
    assert all(since == NOW and "disk is full" in reason for since, reason in ledger.told)
