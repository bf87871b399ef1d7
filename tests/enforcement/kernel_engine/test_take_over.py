"""From one worker to the next: nothing is left out, nothing decided or written twice."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import uuid
from pathlib import Path

import pytest

from console.clock import system_clock
from console.enforcement.kernel import keeper as keeper_module
from console.enforcement.kernel.attachment import LISTENS, Found
from console.enforcement.kernel.engine import KernelEngine
from console.enforcement.kernel.keeper import KernelKeeper, Place
from console.enforcement.kernel.loading import Wanted
from console.enforcement.kernel.pins import Pins
from console.enforcement.kernel.relay_house import RelayHouse
from console.enforcement.kernel_place import BPF_MOUNT
from console.enforcement.ledger import Ledger
from console.enforcement.scribe import Scribe
from console.errors import PolicyError
from console.model.words import Udp
from console.policy.checks import make_policy, make_rule
from console.store.journal import page_after
from console.store.session import reading

REFUSED = make_rule(exit_point="*CONNECT", sequence=10, remote_address="127.0.0.2", action="*REJECT")
CONNECTS = """
for _ in range(int(sys.argv[1])):
    try:
        socket.socket().connect(("127.0.0.2", 9))
    except PermissionError:
        continue
    except ConnectionRefusedError:
        print("let through")
"""


class Workers:
    """Workers of one store, one after another, as far as the kernel is concerned."""

    def __init__(self, house, store, directory):
        self._house = house
        self._ledger = Ledger(store, system_clock)
        self._store = store
        self.pins = Pins(directory)
        self.keeper = self.engine = None

    def begin(self, *, enforced=True, rules=(REFUSED,), **settings):
        """Begin another worker; the one before is as good as killed."""
        if self.engine is not None:
            self.engine.close()
        found = self.pins.find(self._house.cgroup)
        engine = KernelEngine(found)
        directory = found or self.pins.make(self._house.cgroup)
        policy = make_policy({}, rules, {}, **settings)
        self.scribe = Scribe(self._ledger)
        self.keeper = KernelKeeper(
            self.scribe, engine, RelayHouse(engine, directory), Place(str(self._house.cgroup), directory.name),
            Wanted(1, policy, enforced),
        )  # fmt: skip
        engine.attachment.attach(self._house.cgroup)
        if found is None:
            engine.pin(directory)
        self.keeper.take_over(self.pins.leave_all(directory))
        self.engine = engine
        return directory

    def write(self, *, killed=False):
        """Write down what was told; a worker that is killed comes as far as its commit."""
        if killed:
            self.engine.ring.give_back = lambda end: None
        keeper = self.keeper

        async def once():
            for leftover in keeper._leftovers:
                await keeper._write_leftover(leftover)
                leftover.remove()
            await keeper._write_own()

        asyncio.run(once())

    def written(self):
        with reading(self._store) as session:
            return [(entry.outcome, entry.remote_address) for entry in page_after(session, 0, limit=1000)
                    if entry.entry_type == "SK"]  # fmt: skip

    def connect(self, count=1):
        return self._house.run(CONNECTS, count)[0]


@pytest.fixture
def workers(house, store):
    if not os.path.ismount(BPF_MOUNT):
        pytest.skip("no BPF file system")
    house.engine.close()
    directory = BPF_MOUNT / f"greenwall-test-{uuid.uuid4().hex[:12]}"
    made = Workers(house, store, directory)
    house.told = list
    yield made
    shutil.rmtree(directory, ignore_errors=True)


def test_next_worker_goes_on_with_what_is_attached(workers):
    first = workers.begin()
    assert workers.connect() == []
    second = workers.begin()
    assert second == first
    assert (first / LISTENS).exists() == workers.engine.attachment.sees_listens
    assert workers.connect(2) == []
    workers.write()
    assert workers.written() == [("*REJECTED", "127.0.0.2")] * 3


def test_worker_that_was_killed_after_its_commit_has_written_once(workers):
    workers.begin()
    workers.connect(5)
    workers.write(killed=True)
    workers.begin()
    workers.connect()
    workers.write()
    assert len(workers.written()) == 6


def test_worker_that_was_killed_before_its_commit_loses_nothing(workers):
    workers.begin()
    workers.connect(5)
    assert len(workers.engine.ring.read(100).records) == 5
    workers.begin()
    workers.write()
    assert len(workers.written()) == 5


def test_events_gather_while_many_come_unless_the_ring_fills_or_a_peer_waits_for_its_reset(workers):
    refused = make_rule(
        exit_point="*ACCEPT", sequence=10, remote_address="127.0.0.1", action="*REJECT", fail="*REFUSED"
    )
    workers.begin(rules=[REFUSED, refused])
    keeper, ring = workers.keeper, workers.engine.ring
    workers.connect(3)
    assert asyncio.run(keeper._write_own()) == keeper_module._PAUSE_S
    assert not workers.scribe.is_pressed
    workers.connect(keeper_module._MANY)
    assert asyncio.run(keeper._write_own()) == keeper_module._LONG_PAUSE_S
    assert workers.scribe.is_pressed
    workers._house.run("""
        made = socket.create_server(("127.0.0.1", 0))
        for _ in range(2):
            tried("peer", lambda: connect(*made.getsockname(), limit=0.1))
        for _ in range(600):
            socket.socket().connect_ex(("127.0.0.2", 9))
    """)
    assert asyncio.run(keeper._write_own()) == keeper_module._PAUSE_S
    assert asyncio.run(keeper._write_own()) == 0
    assert ring.waiting == 0
    workers.connect(keeper_module._FULL_ENOUGH // 144 + 1)

    async def rest():
        async with asyncio.timeout(30):
            await keeper._rest(3600)

    asyncio.run(rest())
    assert len(workers.written()) >= keeper_module._MANY


def lost_said(workers):
    """Return how many decisions the journal says it lacks, entry by entry."""
    with reading(workers._store) as session:
        texts = [entry.text for entry in page_after(session, 0, limit=1000)]
    return [int(text.split()[0]) for text in texts if "are not in the journal" in text]


@pytest.mark.parametrize("dies", [False, True])
def test_lost_decisions_are_said_once_whenever_the_worker_is_killed(workers, monkeypatch, dies):
    workers.begin()
    real = KernelEngine.counters
    monkeypatch.setattr(KernelEngine, "counters", lambda engine: real(engine)._replace(lost=7))
    workers.connect()
    workers.write(killed=dies)
    workers.begin()
    workers.connect()
    workers.write()
    monkeypatch.setattr(KernelEngine, "counters", lambda engine: real(engine)._replace(lost=9))
    workers.write(killed=dies)
    workers.begin()
    workers.write()
    assert lost_said(workers) == [7, 2]


def test_engine_of_another_version_is_followed_by_ours_and_what_it_has_told_is_written(workers, monkeypatch):
    first = workers.begin()
    workers.connect(3)
    monkeypatch.setattr("console.enforcement.kernel.pins.version", lambda: "0" * 16)
    second = workers.begin()
    assert second != first
    assert {path.name for path in first.iterdir()} <= {"events", "counters"}
    assert workers.connect(2) == []
    workers.write()
    assert len(workers.written()) == 5
    assert not first.exists()


def test_half_of_an_engine_is_not_gone_on_with(workers):
    first = workers.begin()
    (first / "connect4").unlink()
    second = workers.begin()
    assert second != first
    assert workers.connect() == []


def test_next_worker_goes_on_refusing_listens_and_writes_them_as_a_guard_s(workers):
    rule = make_rule(exit_point="*LISTEN", sequence=10, local_port="1024-65535", action="*REJECT")
    for _ in range(2):
        directory = workers.begin(rules=[rule])
    if not workers.engine.attachment.sees_listens:
        pytest.skip("this system lets no BPF program refuse a listen")
    (line,) = workers._house.run("""
        made = socket.socket()
        made.bind(("127.0.0.1", 0))
        tried(made.getsockname()[1], made.listen)
    """)[0]
    workers.write()
    with reading(workers._store) as session:
        found = [(entry.entry_type, entry.sk_type, entry.outcome, entry.rule_sequence, entry.local_port)
                 for entry in page_after(session, 0, limit=1000) if entry.local_port]  # fmt: skip
    port = int(line.removesuffix(" EPERM"))
    assert found == [("SK", "L", "*REJECTED", 10, port), ("AF", "", "*REJECTED", 10, port)]
    assert (directory / LISTENS).exists()


def test_watching_engine_refuses_nothing_and_says_what_it_would(workers):
    workers.begin(enforced=False)
    assert workers.connect() == ["let through"]
    workers.write()
    assert workers.written() == [("*MONITOR", "127.0.0.2")]


def test_packets_are_looked_at_only_where_datagrams_are_decided(workers):
    first = workers.begin()
    assert not (first / "datagrams").exists()
    workers.begin(udp=Udp.DECIDE)
    assert (first / "datagrams").exists()
    workers.begin()
    assert not (first / "datagrams").exists()


def test_guard_that_comes_back_before_its_end_was_noticed_stays_a_guard(workers):
    workers.begin()
    keeper, pid = workers.keeper, os.getpid()
    keeper.guard_came(pid)
    keeper.guard_came(pid)
    keeper.guard_went(pid)
    (workers._house.cgroup / "cgroup.procs").write_text(str(pid))
    try:
        assert _connected() == 111
        keeper.guard_went(pid)
        assert _connected() == 1
    finally:
        (Path(*workers._house.cgroup.parts[:-1]) / "cgroup.procs").write_text(str(pid))


def _connected():
    with socket.socket() as made:
        return made.connect_ex(("127.0.0.2", 9))


def texts(workers):
    with reading(workers._store) as session:
        return [entry.text for entry in page_after(session, 0, limit=1000) if entry.entry_type == "GR"]


@pytest.mark.parametrize("begun", [1, 2], ids=["first worker", "goes on with pins"])
def test_cgroup_that_is_made_anew_is_decided_for(workers, monkeypatch, begun):
    """As systemd makes a slice anew; a program for datagrams is attached there with the others."""
    for _ in range(begun):
        directory = workers.begin(udp=Udp.DECIDE)
    keeper, cgroup = workers.keeper, workers._house.cgroup
    monkeypatch.setattr(workers._ledger.kernel, "is_enforced", lambda cgroup: True)
    asyncio.run(keeper._look(is_changed=False))
    assert texts(workers) == []
    cgroup.rmdir()
    asyncio.run(keeper._look(is_changed=False))
    asyncio.run(keeper._look(is_changed=False))
    assert [text.split(":")[0] for text in texts(workers)] == [f"The cgroup {cgroup} is gone"]
    cgroup.mkdir()
    assert workers.connect() == ["let through"]
    asyncio.run(keeper._look(is_changed=False))
    assert texts(workers)[1:] == [f"The cgroup {cgroup} was made anew; the kernel engine is attached to it."]
    assert workers.connect() == []
    assert (directory / "datagrams").exists()
    cgroup.rmdir()
    cgroup.mkdir()
    assert [workers.engine.attachment.follow(), workers.engine.attachment.follow()] == [Found.ANOTHER, Found.SAME]
    assert workers.connect() == []


def test_engine_that_was_moved_outlives_its_worker(workers):
    workers.begin()
    workers._house.cgroup.rmdir()
    workers._house.cgroup.mkdir()
    workers.engine.attachment.follow()
    workers.engine.close()
    assert workers.connect() == []


def test_revision_in_force_is_looked_after_while_another_is_refused(workers, monkeypatch):
    """A refused one is tried once; engine monitor and the time of the day reach the one before."""
    workers.begin()
    keeper, loads = workers.keeper, []
    load = keeper_module.load

    def noted(engine, relay, wanted):
        loads.append((wanted.revision, wanted.is_enforced))
        if wanted.revision == 2:
            raise PolicyError("GWL0472", exit_point="*CONNECT", count=2, most=1)
        return load(engine, relay, wanted)

    monkeypatch.setattr(keeper_module, "load", noted)
    enforced = [True]
    monkeypatch.setattr(workers._ledger.kernel, "is_enforced", lambda cgroup: enforced[0])
    keeper.policy_changed(2, keeper._loaded.wanted.policy)
    for _ in range(2):
        asyncio.run(keeper._look(is_changed=True))
    assert loads == [(2, True)]
    keeper._loaded.accounts, keeper._loaded.accounts_until = {}, 0.0  # somebody else is in its groups by now
    asyncio.run(keeper._look(is_changed=True))
    assert loads[1:] == [(1, True)]
    enforced[0] = False
    for _ in range(2):
        asyncio.run(keeper._look(is_changed=True))
    assert loads[-1] == (1, False)
    assert workers.connect() == ["let through"]
