"""Calls served without Python: the same records, the same decisions, nothing remembered that may change.

The guard is this process: its threads, its journal in a directory of the test, and a job of one program.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import shutil
import socket
import subprocess
import sysconfig
import threading
import time

import pytest

from console.enforcement import records
from console.enforcement.guard import plain_calls, turns
from console.enforcement.layouts import Endpoint
from console.enforcement.records import Decided, Who, pack, sealed
from console.model.words import ExitPoint, Mode, Outcome
from console.policy.request import MAPPED, Decision
from tests.end_to_end.command import until
from tests.enforcement.guard.setting import policy, reject
from tests.enforcement.kernel.jobs import is_root
from tests.enforcement.kernel.plain_house import ROOT
from tests.loopback import hang_up, serving

LOOPBACK = Endpoint(MAPPED + 0x7F00_0001, 0)

pytestmark = pytest.mark.skipif(plain_calls.native is None, reason="the module for plain calls is not compiled")


@pytest.fixture(scope="module")
def port():
    with serving(hang_up) as number:
        yield number


def warm(house, port, **more):
    """Connect until Python is not asked any more: what it has decided is remembered, and its watchdog is awake."""
    until(lambda: not house.seen(port, **more)[1], "a call about which Python is not asked")


def events(house):
    return list(records.read(house.backlog.unsent()))


def test_call_like_an_earlier_one_is_served_without_python(house_of, port):
    house = house_of(policy())
    warm(house, port)
    assert house.seen(port, count=100) == ({0: 100}, [])


def test_records_are_octet_for_octet_what_python_writes(house_of, port):
    house = house_of(policy(reject(ExitPoint.CONNECT, remote_address="127.0.0.2"), revision=7))
    for host in ("127.0.0.1", "127.0.0.2"):
        warm(house, port, host=host)
        house.connect(port, host=host, count=5)
    octets = house.backlog.unsent()
    begin, found = 0, []
    for event, end in records.read(octets):
        rejected = event.outcome == Outcome.REJECTED
        decision = Decision(Outcome(event.outcome), event.rule_sequence, rejected, journal=True, alert=False)
        ends = (
            Endpoint(MAPPED + int.from_bytes(socket.inet_aton(address)) if address else 0, port)
            for address, port in (
                (event.local_address, event.local_port),
                (event.remote_address, event.remote_port),
            )
        )
        who = Who(event.user, event.program, event.pid)
        decided = Decided(
            event.at_ns, ExitPoint.CONNECT, decision, event.revision, who, *ends, event.decision_us, event.text
        )
        assert octets[begin:end] == sealed(pack(event.number, event.totals, decided))
        begin = end
        found.append(event)
    by_python = [call.cookie for call in house.by_python]
    assert len(found) > len(by_python) + 9, "most of them were written without Python"
    assert [event.number for event in found] == list(range(1, len(found) + 1))
    alike = {event._replace(number=0, at_ns=0, local_port=0, decision_us=0, totals=records.Totals()) for event in found}
    assert {(event.remote_address, event.outcome) for event in alike} == {
        ("127.0.0.1", "*ALLOWED"),
        ("127.0.0.2", "*REJECTED"),
    }
    assert len(alike) == 2, "both sides write the same about the same call"


def test_totals_go_on_across_both(house_of, port):
    house = house_of(policy(reject(ExitPoint.CONNECT, remote_address="127.0.0.2")))
    house.connect(port, count=20)
    house.connect(port, host="127.0.0.2", count=30)
    assert house.backlog.totals[:2] == (50, 30)
    assert events(house)[-1][0].totals[:2] == (50, 30)


def test_failed_connect_is_told_and_journalled_as_python_does(house_of, port):
    house = house_of(policy())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    assert house.connect(closed, count=5) == {errno.ECONNREFUSED: 5}
    assert {event.text for event, _ in events(house)} == {"ECONNREFUSED"}
    assert any(call.begun is not None for call in house.by_python), "some were begun without Python"


def test_connect_that_does_not_wait_is_served_without_python(house_of, port):
    house = house_of(policy())
    warm(house, port, blocking=False)
    assert house.seen(port, blocking=False, count=20) == ({errno.EINPROGRESS: 20}, [])


def test_segments_follow_each_other_without_a_gap(house_of, port):
    house = house_of(policy())
    numbers = []
    for _ in range(6):
        assert house.connect(port, count=500, threads=2) == {0: 1000}
        house.backlog.tend()
        numbers += [event.number for event, _ in records.read(house.backlog.unsent())]
        numbers += [event.number for event, _ in records.read(house.backlog.unsent())]
    assert numbers == list(range(1, 6001))
    assert len(house.by_python) < 6000


def test_policy_in_force_is_never_answered_from_an_earlier_one(house_of, port):
    allows, rejects = policy(revision=1), policy(reject(ExitPoint.CONNECT), revision=2)
    house = house_of(allows)
    stop = threading.Event()

    def swap_back_and_forth():
        while not stop.wait(0.0002):  # without a pause it would keep the interpreter to itself
            house.supervisor.enforce(rejects)
            house.supervisor.enforce(allows)

    swapper = threading.Thread(target=swap_back_and_forth)
    swapper.start()
    try:
        house.connect(port, count=1000, threads=4)
    finally:
        stop.set()
        swapper.join()
    answers = {(event.revision, event.outcome) for event, _ in events(house)}
    assert answers <= {(1, "*ALLOWED"), (2, "*REJECTED")}
    for _ in range(100):
        house.supervisor.enforce(rejects)
        assert house.connect(port) == {errno.EPERM: 1}
        house.supervisor.enforce(allows)
        assert house.connect(port, count=3) == {0: 3}


def test_policy_that_was_replaced_meanwhile_is_not_remembered(house_of, port):
    allows, rejects = policy(revision=1), policy(reject(ExitPoint.CONNECT), revision=2)
    house = house_of(allows)
    decide = house.supervisor.decide

    def decide_slowly(*arguments):
        decision = decide(*arguments)
        house.supervisor.enforce(rejects)
        return decision

    house.supervisor.decide = decide_slowly
    assert house.connect(port) == {0: 1}
    assert house.connect(port, count=5) == {errno.EPERM: 5}


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "%NOGROUP"},
        {"program": "/usr/bin/nothing"},
        {"local_address": "127.0.0.9"},
        {"local_port": "1-9"},
    ],
)
def test_decision_that_asks_for_more_is_never_remembered(house_of, port, fields):
    house = house_of(policy(reject(ExitPoint.CONNECT, **fields)))
    results, by_python = house.seen(port, count=20)
    assert (results, len(by_python)) == ({0: 20}, 20)


def test_decision_is_forgotten_with_the_name_of_its_user(house_of, port):
    house = house_of(policy())
    house.supervisor.names.user_until = lambda _number: time.monotonic()
    results, by_python = house.seen(port, count=20)
    assert (results, len(by_python)) == ({0: 20}, 20)


def test_sources_compile_without_a_warning():
    sources = sorted((ROOT / "console/enforcement/guard").glob("_plain_*.c"))
    options = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Wvla", "-Werror", "-fsyntax-only"]
    headers = sysconfig.get_path("include")
    assert sources
    subprocess.run([shutil.which("gcc") or "cc", *options, f"-I{headers}", *sources], check=True)


@pytest.mark.skipif(not is_root(), reason="needs two users")
def test_decision_about_one_user_is_not_anothers(house_of, port):
    house = house_of(policy(reject(ExitPoint.CONNECT, user="NOBODY")))
    warm(house, port)
    assert house.connect(port, count=5, user=65534) == {errno.EPERM: 5}
    assert house.connect(port, count=5) == {0: 5}
    assert {(event.user, event.outcome) for event, _ in events(house)} == {
        ("ROOT", "*ALLOWED"),
        ("NOBODY", "*REJECTED"),
    }


def test_decision_about_one_port_or_address_is_not_anothers(house_of, port):
    house = house_of(
        policy(
            reject(ExitPoint.CONNECT, 10, remote_port="9"),
            reject(ExitPoint.CONNECT, 20, remote_address="::ffff:0:0/96"),
        )
    )
    assert house.connect(port, host="::1", count=3).keys() == {errno.ECONNREFUSED}
    assert house.connect(9, host="::1", count=3) == {errno.EPERM: 3}
    assert house.connect(port, count=3) == {errno.EPERM: 3}


def test_exit_point_that_is_off_is_served_and_counted_but_not_journalled(house_of, port):
    house = house_of(policy(modes={ExitPoint.CONNECT: Mode.OFF}))
    warm(house, port)
    before = house.backlog.totals.decided
    assert house.seen(port, count=20) == ({0: 20}, [])
    assert house.backlog.totals.decided == before + 20
    assert not events(house)


def test_call_that_waits_lets_others_be_served(house_of, port):
    house = house_of(policy())
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server, contextlib.ExitStack() as clients:
        full = server.getsockname()[1]
        warm(house, full)
        while server.accept()[0].close() is None and select.select([server], [], [], 0)[0]:
            pass
        server.listen(0)
        for _ in range(3):
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        house.connect(full, apart=True)
        native = house.supervisor.plain_calls.native
        until(lambda: any(native.busy(lane) for lane in house.lanes) or house.turns.is_careful, "the call to wait")
        assert house.connect(port, count=5) == {0: 5}
        until(lambda: house.turns.is_careful, "the watchdog to see it")
        taken = [server.accept()[0] for _ in range(2)]
        assert house.connect(0, join=True) == {0: 1}
        for one in taken:
            one.close()
    until(lambda: not any(native.busy(lane) for lane in house.lanes), "the call to end")
    assert house.connect(port, count=5) == {0: 5}


@pytest.fixture
def helping(monkeypatch):
    """Return what each thread of ours that received said: whether it helped. One may, on any machine."""
    monkeypatch.setattr(turns, "_MOST_HELPERS", 1)
    said = []
    receive = plain_calls.PlainCalls.receive

    def noting(self, lane, *, helps):
        said.append(helps)
        return receive(self, lane, helps=helps)

    monkeypatch.setattr(plain_calls.PlainCalls, "receive", noting)
    return said


def test_calls_of_many_threads_are_served_by_two_of_ours_at_once(house_of, port, helping):
    house = house_of(policy())
    warm(house, port)
    before, python, rounds = house.backlog.totals.decided, len(house.by_python), 0
    while True not in helping and rounds < 30:
        assert house.connect(port, count=50, threads=16) == {0: 800}
        rounds += 1
    assert True in helping
    assert house.backlog.totals.decided == before + 800 * rounds
    numbers = [event.number for event, _ in events(house)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(house.by_python) - python < 400 * rounds


def test_calls_of_one_thread_are_served_by_one_of_ours_though_its_next_often_waits(house_of, port, helping):
    house = house_of(policy())
    warm(house, port)
    ours = [thread.native_id for thread in threading.enumerate() if thread.name.startswith("turn-")]
    for one in [house.job.pid, *ours]:  # on one processor each answer lets the job run, up to its next call
        os.sched_setaffinity(one, {min(os.sched_getaffinity(0))})
    assert house.connect(port, count=5000) == {0: 5000}
    assert True not in helping
