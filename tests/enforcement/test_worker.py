"""The worker over its real socket, in this process and as a process that is killed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import stat
import time

import pytest

from console.enforcement.frames import Counted, End, EndJob, InForce, NewRevision, Records, Taken, encode
from console.enforcement.guard_server import _check_owner
from console.errors import WorkerError
from console.journal.verify import verify
from console.messages import line, message
from console.model.revision import Revision
from console.model.words import EndOption, ExitPoint, Mode
from console.policy.checks import make_policy
from console.policy.secret import Secret
from console.policy.socks_entries import make_socks_entry
from console.store import sqlite
from console.store.engine import open_store
from console.store.exit_points import set_modes
from console.store.guards import find_guard, list_guards, request_end
from console.store.journal import page_after
from console.store.outbox import add_audit, waiting
from console.store.revisions import activate, set_pending
from console.store.secrets import seal_policy
from console.store.session import reading, transaction
from console.store.unix_path import connect
from console.store.wakeup import notify
from console.store.workers import is_running, latest_worker
from tests.conftest import NOW
from tests.enforcement.fake_guard import PATIENCE_S, guard, worker_process
from tests.enforcement.working import eventually, sk_numbers, worker_here
from tests.factories import GUARD_ID, hello, record, records

OTHER_ID = "f" * 32


async def test_entries_are_in_the_journal_when_they_are_acknowledged(store):
    async with worker_here(store), guard(store.location) as peer:
        welcome = await peer.ask()
        assert (welcome.job_number, welcome.last_number, welcome.revision) == (1, 0, 1)
        assert await peer.deliver(1, 3) == 3
        with reading(store) as session:
            start, first, *_ = page_after(session, 0, limit=10)
        assert sk_numbers(store) == [1, 2, 3]
        assert (first.qualified_job_name, first.remote_port, first.sequence_number) == ("000001/ALICE/CURL", 443, 2)
        assert first.entry_timestamp == start.entry_timestamp == NOW
        assert (start.entry_type, start.text) == ("JS", "Job started: curl https://example.com")


async def test_entries_sent_again_are_taken_once(store):
    async with worker_here(store), guard(store.location) as peer:
        await peer.ask()
        await peer.deliver(1, 3)
        assert await peer.deliver(2, 5) == 5
        assert sk_numbers(store) == [1, 2, 3, 4, 5]


async def test_guard_that_comes_back_keeps_its_number_and_hears_what_it_need_not_send(store):
    async with worker_here(store):
        async with guard(store.location) as peer:
            await peer.ask()
            await peer.deliver(1, 4)
        async with guard(store.location) as other:
            assert (await other.ask(OTHER_ID)).job_number == 2
        async with guard(store.location) as peer:
            welcome = await peer.ask()
            assert (welcome.job_number, welcome.last_number) == (1, 4)


async def test_guard_that_outlives_its_store_is_journalled_by_the_next_one_which_says_what_is_missing(store):
    async with worker_here(store):
        async with guard(store.location) as peer:
            assert (await peer.ask(forgotten=40)).last_number == 40
            assert await peer.deliver(41, 43) == 43
        async with guard(store.location) as peer:
            assert (await peer.ask(forgotten=41)).last_number == 43
        assert sk_numbers(store) == [41, 42, 43]
        with reading(store) as session:
            said = [entry for entry in page_after(session, 0, limit=10) if entry.entry_type == "GR"]
        assert [entry.text for entry in said] == [line(message("GWL0522", missing=40))]
        assert said[0].qualified_job_name == "000001/ALICE/CURL"


async def test_missing_entry_ends_the_conversation_and_no_other(store, caplog):
    async with worker_here(store), guard(store.location) as bad, guard(store.location) as good:
        await bad.ask()
        await good.ask(OTHER_ID)
        bad.send(records(2, 2))
        assert await bad.is_cut_off()
        assert await good.deliver(1, 2) == 2
    assert "GWL0505" in caplog.text
    assert sk_numbers(store) == []


@pytest.mark.parametrize(
    "octets",
    [
        b"\xff\xff\xff\xff",
        b"\0\0\0\0",
        b"\0\0\0\1\xc1",
        b"\0\0\0\3\x91\xa1\xff",
        b"\0\1\0\0" + b"\x91" * 65536,
        encode(hello())[:-1] + b"\x95" + b"\0\1\0\0\x92\xa7records" + b"\x91" * 65527,
        encode(Taken(1)),
        encode(hello(guard_id="../x")),
        encode(hello(protocol=99)),
        encode(hello()) + encode(hello()),
        encode(hello()) + encode(Records(record(1)[:-8])),
    ],
)
async def test_senseless_frame_ends_the_conversation_and_no_other(store, octets, caplog):
    async with worker_here(store), guard(store.location) as bad, guard(store.location) as good:
        await good.ask(OTHER_ID)
        bad.writer.write(octets)
        assert await bad.is_cut_off()
        assert await good.deliver(1, 1) == 1
    assert "GWL0513" not in caplog.text


async def test_guard_that_dies_in_a_frame_disturbs_nobody(store, caplog):
    async with worker_here(store), guard(store.location) as good:
        await good.ask(OTHER_ID)
        async with guard(store.location) as bad:
            bad.writer.write(encode(hello())[:20])
        assert await good.deliver(1, 1) == 1
    assert "GWL0513" not in caplog.text


async def test_end_of_a_job_is_recorded(store):
    async with worker_here(store), guard(store.location) as peer:
        await peer.ask()
        peer.send(InForce(1), records(1, 2), Counted(5, 3, 99), End(7))
        assert [await peer.read_until(Taken) for _ in range(2)] == [Taken(2), Taken(2, ended=True)]
        with reading(store) as session:
            row = find_guard(session, GUARD_ID)
        assert (row.exit_status, row.revision, row.last_number, row.ended is None) == (7, 1, 2, False)
        assert (row.decided, row.refused, row.decision_us) == (5, 3, 99)
        with reading(store) as session:
            entries = page_after(session, 0, limit=10)
        assert [entry.entry_type for entry in entries] == ["JS", "SK", "SK", "JS"]
        assert entries[-1].text == "Job ended: status 7"


async def test_killed_guard_is_recorded_as_ended(store):
    async with worker_here(store):
        async with guard(store.location) as peer:
            await peer.ask()
            with transaction(store) as session:
                find_guard(session, GUARD_ID).pid = 999_999_999
                with reading(store) as other:
                    assert len(list_guards(other)) == 1

        def none_runs():
            with reading(store) as session:
                return not list_guards(session)

        await eventually(none_runs)
        with reading(store) as session:
            (*_, last) = page_after(session, 0, limit=10)
        assert (last.entry_type, last.text) == ("JS", "Job lost its guard, which was killed.")


async def test_new_revision_reaches_guards_within_a_second(store):
    async with worker_here(store), guard(store.location) as peer, guard(store.location) as other:
        await peer.ask()
        await other.ask(OTHER_ID)
        for number, waking in ((2, True), (3, False)):
            began = time.monotonic()
            with transaction(store) as session:
                set_modes(session, {ExitPoint.CONNECT: Mode.MONITOR})
                activate(session, services={"https": 443}, user="OPER", at=NOW)
            if waking:
                notify(store)
            for each in (peer, other):
                pushed = await each.read_until(NewRevision)
                assert (pushed.revision, pushed.policy.modes[ExitPoint.CONNECT]) == (number, Mode.MONITOR)
                assert pushed.policy.services == {"https": 443}
            assert time.monotonic() - began < (0.4 if waking else 1)


async def test_guard_that_comes_after_an_activation_begins_with_it(store):
    async with worker_here(store), guard(store.location) as peer:
        await peer.ask()
        for number in (2, 3, 4):
            with transaction(store) as session:
                set_modes(session, {ExitPoint.CONNECT: Mode.MONITOR})
                activate(session, services={}, user="OPER", at=NOW)
            async with guard(store.location) as fresh:
                assert (await fresh.ask(f"{number:032}")).revision == number


async def test_guard_is_told_once_by_each_worker_that_its_job_is_to_end(store):
    async with worker_here(store), guard(store.location) as wanted, guard(store.location) as other:
        await wanted.ask()
        await other.ask(OTHER_ID)
        with transaction(store) as session:
            request_end(session, find_guard(session, GUARD_ID), EndOption.CONTROLLED, 30)
        assert await wanted.read_until(EndJob) == EndJob("*CNTRLD", 30)
        with transaction(store) as session:
            request_end(session, find_guard(session, GUARD_ID), EndOption.IMMEDIATE, 0)
        assert await wanted.read() == EndJob("*IMMED", 0)
        other.send(records(1, 1))
        assert await other.read() == Taken(1)  # and nothing before it
    async with worker_here(store), guard(store.location) as wanted:
        await wanted.ask()
        assert await wanted.read_until(EndJob) == EndJob("*IMMED", 0)
        wanted.send(End(137))
        assert (await wanted.read_until(Taken)).ended


async def test_audit_entries_of_administration_move_into_the_journal(store):
    async with worker_here(store):
        with transaction(store) as session:
            for number in range(3):
                add_audit(
                    session, "CD", at=NOW, user="OPER", job="000000/OPER/CL", text=f"{number}", detail="ADDSOCRUL"
                )
        notify(store)

        def moved():
            with reading(store) as session:
                return not waiting(session)

        await eventually(moved)
        with reading(store) as session:
            entries = page_after(session, 0, limit=10)
            assert verify(session).entries == 3
        assert [(entry.text, entry.entry_type, entry.detail) for entry in entries] == [
            (str(number), "CD", "ADDSOCRUL") for number in range(3)
        ]


async def test_locked_store_delays_entries_and_loses_none(store):
    async with worker_here(store), guard(store.location) as peer:
        await peer.ask()
        with transaction(store):
            peer.send(records(1, 2))
            await asyncio.sleep(0.3)
        assert (await peer.read_until(Taken)).number == 2
        assert sk_numbers(store) == [1, 2]


async def test_store_that_refuses_is_asked_until_it_takes_the_entries(store, store_url, monkeypatch, caplog):
    monkeypatch.setitem(sqlite.PRAGMAS, "busy_timeout", 10)
    impatient = open_store(store_url)
    async with worker_here(impatient), guard(store.location) as peer:
        await peer.ask()
        with transaction(store):
            peer.send(records(1, 2))
            await eventually(lambda: "GWL0311" in caplog.text)
        assert (await peer.read_until(Taken)).number == 2
    impatient.close()
    assert sk_numbers(store) == [1, 2]


def test_only_the_owner_of_the_store_and_root_may_speak():
    _check_owner(4711, 0)
    _check_owner(4711, os.geteuid())
    with pytest.raises(WorkerError, match="GWL0509"):
        _check_owner(4711, os.geteuid() + 1)


async def test_worker_ends_when_its_store_has_gone(store, tmp_path, caplog):
    async with worker_here(store) as running, guard(store.location) as peer:
        await peer.ask()
        (tmp_path / "test.db").rename(tmp_path / "elsewhere.db")
        peer.send(records(1, 1))
        assert await peer.is_cut_off()
        assert await asyncio.wait_for(running, PATIENCE_S) == 1
    assert "GWL0502" in caplog.text


async def test_sockets_are_private_and_reached_by_very_long_paths(tmp_path):
    directory = tmp_path / ("d" * 120) / ("e" * 120)
    directory.mkdir(parents=True)
    store = open_store(f"sqlite:///{directory}/{'n' * 100}.db")
    async with worker_here(store), guard(store.location) as peer:
        await peer.ask()
        assert len(str(store.location.worker_socket)) > 300
        for path in (store.location.worker_socket, store.location.wake_socket):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        notify(store)
    store.close()


@pytest.mark.parametrize("document", ["{", "{}", None])
async def test_revision_that_makes_no_sense_reaches_no_guard_and_holds_up_no_audit_entry(store, document):
    async with worker_here(store), guard(store.location) as peer:
        await peer.ask()
        with transaction(store) as session:
            number = activate(session, services={}, user="OPER", at=NOW)
            revision = session.get_one(Revision, number)
            nonsense = revision.document.replace('"local_address":"*ANY"', '"local_address":"nowhere"')
            assert nonsense != revision.document
            revision.document = nonsense if document is None else document
            add_audit(session, "CD", at=NOW, user="OPER", job="000000/OPER/CL", text="x", detail="x")
        notify(store)

        def moved():
            with reading(store) as session:
                return not waiting(session)

        await eventually(moved)
        await eventually(lambda: f"GWL0516 Revision {number} cannot be used" in generic(store))
        with transaction(store) as session:
            good = activate(session, services={}, user="OPER", at=NOW)
        assert (await peer.read_until(NewRevision)).revision == good
    assert generic(store).count("GWL0516") == 1


def activate_socks(store, password, *, loses_key=False):
    """Make a policy with one SOCKS entry the active one; return its revision."""
    entry = make_socks_entry(sequence=10, servers="proxy.example", user_id="anna", password=password)
    with transaction(store) as session:
        set_pending(session, seal_policy(store.location, make_policy({}, [], socks=[entry])))
        if loses_key:
            store.location.key.unlink()
        return activate(session, services={}, user="OPER", at=NOW)


async def test_guards_get_passwords_that_the_store_has_sealed(store, tmp_path):
    async with worker_here(store), guard(store.location) as peer, guard(store.location) as late:
        await peer.ask()
        activate_socks(store, "hunter2")
        assert (await peer.read_until(NewRevision)).policy.socks[0].password == Secret("hunter2")
        assert (await late.ask(OTHER_ID)).policy.socks[0].password == Secret("hunter2")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()] == []


async def test_revision_whose_passwords_cannot_be_read_reaches_no_guard_and_is_said(store):
    async with worker_here(store), guard(store.location) as peer:
        await peer.ask()
        number = activate_socks(store, "hunter2", loses_key=True)
        await eventually(lambda: f"GWL0516 Revision {number} cannot be used: GWL0333" in generic(store))
        good = activate_socks(store, "hunter3")
        assert (await peer.read_until(NewRevision)).revision == good
    assert "hunter" not in generic(store)


def generic(store):
    with reading(store) as session:
        return "\n".join(entry.text for entry in page_after(session, 0, limit=100) if entry.entry_type == "GR")


async def test_second_worker_says_so_and_ends(store, store_url):
    with worker_process(store_url) as first:
        async with guard(store.location):
            with worker_process(store_url) as second:
                assert await asyncio.to_thread(second.wait, PATIENCE_S) == 0
                assert message("GWL0501", url=store_url).text in second.stderr.read()
        assert first.poll() is None


async def test_worker_ends_in_order_on_a_signal(store, store_url, now):
    assert not is_running(store, now)
    for number in (signal.SIGTERM, signal.SIGINT):
        with worker_process(store_url) as process:
            async with guard(store.location) as peer:
                await peer.ask()
                with reading(store) as session:
                    worker = latest_worker(session)
                assert worker.pid == process.pid
                assert is_running(store, worker.heartbeat)
                process.send_signal(number)
                assert await asyncio.to_thread(process.wait, PATIENCE_S) == 0
        assert not store.location.worker_socket.exists()
        with reading(store) as session:
            assert latest_worker(session).ended is not None
        assert not is_running(store, worker.heartbeat)


async def test_worker_tells_systemd_that_it_is_ready(store, store_url, tmp_path):
    for path, name in ((str(tmp_path / "notify"),) * 2, (f"\0greenwall-{os.getpid()}", f"@greenwall-{os.getpid()}")):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(PATIENCE_S)
            with worker_process(store_url, env={**os.environ, "NOTIFY_SOCKET": name}) as process:
                assert await asyncio.to_thread(manager.recv, 100) == b"READY=1"
                process.terminate()
                assert await asyncio.to_thread(manager.recv, 100) == b"STOPPING=1"


async def test_worker_killed_again_and_again_has_every_entry_exactly_once(store, store_url):
    total, size, dice = 6000, 50, random.Random(1)
    for _ in range(4):
        with worker_process(store_url) as process:
            async with guard(store.location) as peer:
                taken = (await peer.ask()).last_number
                frames = [records(first, min(first + size - 1, total)) for first in range(taken + 1, total + 1, size)]
                peer.send(*frames)
                for _ in range(min(len(frames), dice.randrange(1, 30))):
                    taken = (await peer.read_until(Taken)).number
                process.kill()
        # What was acknowledged is there; what was not may be there as well, but never twice.
        numbers = sk_numbers(store)
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= taken
    with worker_process(store_url):
        async with guard(store.location) as peer:
            await peer.ask()
            assert await peer.deliver(1, total) == total
    assert sk_numbers(store) == list(range(1, total + 1))


async def test_stranger_cannot_be_told_by_a_socket_that_nobody_serves(store):
    notify(store)
    with socket.socket(socket.AF_UNIX) as endpoint, pytest.raises(FileNotFoundError):
        connect(endpoint, store.location.worker_socket)
