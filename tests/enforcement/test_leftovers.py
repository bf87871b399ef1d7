"""What dead guards have left is taken in by the worker, each record once, damaged or not."""

from __future__ import annotations

import os

import pytest

from console.enforcement.records import pack
from console.enforcement.segment import Segment
from console.enforcement.spool import Spool
from console.store.guards import find_guard
from console.store.journal import page_after
from console.store.session import reading
from tests.enforcement.fake_guard import guard, worker_process
from tests.enforcement.working import eventually, sk_numbers, worker_here
from tests.factories import GUARD_ID, decided, hello

OTHER_ID = "f" * 32


def spool_with(store, guard_id, *spans):
    """Return the spool of a living guard with a segment for each span of numbers."""
    spool = Spool(store.location.spool, hello(guard_id))
    for index, (first, last) in enumerate(spans, 1):
        segment = Segment(index, guard_id, spool.segment(index))
        for number in range(first, last + 1):
            assert segment.append(number, pack(number, (number, 1, 7 * number), decided()))
        segment.release()
    return spool


def files(store):
    return sorted(path.name.removeprefix(f"{GUARD_ID}.") for path in store.location.spool.iterdir())


def entries_of(store, *kinds):
    with reading(store) as session:
        found = page_after(session, 0, limit=10_000)
    return [(entry.entry_type, entry.text) for entry in found if entry.entry_type in kinds]


async def test_spool_of_a_dead_guard_is_taken_in_exactly_once(store):
    spool_with(store, GUARD_ID, (1, 3), (3, 5)).close()
    async with worker_here(store):
        await eventually(lambda: files(store) == [])
    assert sk_numbers(store) == [1, 2, 3, 4, 5]
    with reading(store) as session:
        row = find_guard(session, GUARD_ID)
    assert (row.last_number, row.ended is None, row.exit_status) == (5, False, None)
    assert (row.decided, row.refused, row.decision_us) == (5, 1, 35)


async def test_end_of_a_job_is_taken_from_its_spool(store):
    spool_with(store, GUARD_ID, (1, 1)).close(130)
    async with worker_here(store):
        await eventually(lambda: files(store) == [])
    with reading(store) as session:
        assert find_guard(session, GUARD_ID).exit_status == 130
    assert entries_of(store, "JS") == [
        ("JS", "Job started: curl https://example.com"),
        ("JS", "Job ended: status 130"),
    ]


async def test_end_of_a_killed_guard_is_journalled_after_all_that_it_has_left(store):
    spool_with(store, GUARD_ID, (1, 2), (3, 4)).close()
    async with worker_here(store):
        await eventually(lambda: files(store) == [])
    with reading(store) as session:
        kinds = [entry.entry_type for entry in page_after(session, 0, limit=10)]
    assert kinds == ["JS", "SK", "SK", "SK", "SK", "JS"]
    assert entries_of(store, "JS")[1][1] == "Job lost its guard, which was killed."


async def test_spool_that_was_taken_in_but_not_deleted_is_not_taken_again(store):
    for _ in range(2):
        spool_with(store, GUARD_ID, (1, 3)).close()
        async with worker_here(store):
            await eventually(lambda: files(store) == [])
    assert sk_numbers(store) == [1, 2, 3]
    assert len(entries_of(store, "JS")) == 2


async def test_spool_of_a_living_guard_is_left_alone(store):
    living = spool_with(store, GUARD_ID, (1, 3))
    dead = spool_with(store, OTHER_ID, (1, 2))
    dead.close()
    async with worker_here(store):
        await eventually(lambda: not dead.path.exists())
        assert files(store) == ["00000001.segment", "spool"]
    living.close()
    assert sk_numbers(store) == []
    assert sk_numbers(store, OTHER_ID) == [1, 2]


async def test_damaged_segment_is_taken_in_as_far_as_it_goes_and_kept(store):
    spool = spool_with(store, GUARD_ID, (1, 3), (4, 5))
    damaged = spool.segment(1)
    octets = bytearray(damaged.read_bytes())
    octets[octets.rindex(b"curl")] ^= 1
    damaged.write_bytes(octets)
    spool.close()
    async with worker_here(store):
        await eventually(lambda: files(store) == ["00000001.segment.damaged"])
    assert sk_numbers(store) == [1, 2, 4, 5]
    assert [text[:7] for _, text in entries_of(store, "GR")] == ["GWL0507", "GWL0521"]
    assert "checksum" in entries_of(store, "GR")[0][1]
    assert "1 entries" in entries_of(store, "GR")[1][1]


async def test_segment_that_is_missing_is_told_of_in_the_journal(store):
    spool = spool_with(store, GUARD_ID, (1, 2), (3, 6), (7, 8))
    spool.segment(2).unlink()
    spool.close()
    async with worker_here(store):
        await eventually(lambda: files(store) == [])
    assert sk_numbers(store) == [1, 2, 7, 8]
    assert "4 entries of a guard are missing" in entries_of(store, "GR")[0][1]


async def test_spool_whose_guard_cannot_be_read_is_told_of_in_the_journal_and_kept(store):
    spool = spool_with(store, GUARD_ID, (1, 2))
    spool.close()
    spool.path.write_bytes(b"?" + spool.path.read_bytes()[1:])
    async with worker_here(store):
        await eventually(lambda: files(store) == ["00000001.segment.damaged", "spool.damaged"])
    assert [text[:7] for _, text in entries_of(store, "GR")] == ["GWL0507", "GWL0515"]
    assert sk_numbers(store) == []


async def test_guard_whose_spool_cannot_be_read_is_known_by_the_name_of_the_file(store):
    async with worker_here(store), guard(store.location) as peer:
        await peer.ask()
        await peer.deliver(1, 2)
    spool = spool_with(store, GUARD_ID, (1, 4))
    spool.close()
    spool.path.write_bytes(b"")
    async with worker_here(store):
        await eventually(lambda: files(store) == ["spool.damaged"])
    assert sk_numbers(store) == [1, 2, 3, 4]


async def test_spool_of_another_release_is_said_to_be_one_and_kept(store):
    Spool(store.location.spool, hello(GUARD_ID, protocol=1)).close()
    async with worker_here(store):
        await eventually(lambda: files(store) == ["spool.damaged"])
    ((_, text),) = entries_of(store, "GR")
    assert "protocol 1, of another release" in text


async def test_worker_killed_while_it_takes_a_spool_takes_it_in_exactly_once(store, store_url):
    spans = [(first, first + 999) for first in range(1, 5000, 1000)]
    spool_with(store, GUARD_ID, *spans).close()
    for left in (4, 3, 2):
        with worker_process(store_url) as process:
            await eventually(lambda left=left: len(files(store)) <= left + 1)
            process.kill()
    with worker_process(store_url):
        await eventually(lambda: files(store) == [])
    assert sk_numbers(store) == list(range(1, 5001))
    assert len(entries_of(store, "JS")) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
async def test_segment_of_a_stranger_is_refused_and_stays(store, caplog):
    spool = spool_with(store, GUARD_ID, (1, 2))
    spool.close()
    os.chown(spool.segment(1), 65534, 65534)
    async with worker_here(store):
        await eventually(lambda: "GWL0511" in caplog.text)
    assert files(store) == ["00000001.segment", "spool"]
    assert sk_numbers(store) == []
