"""Programs that connect, under a real filter."""

from __future__ import annotations

import os

import pytest

from tests.enforcement.kernel.jobs import outcomes
from tests.enforcement.kernel.ways import BOTH_WAYS
from tests.programs.build import Programs

pytestmark = BOTH_WAYS

RACE_ROUNDS = os.environ.get("GREENWALL_RACE_ROUNDS", "2000")


@pytest.mark.parametrize("program", ["clients", "clients-static"])
def test_each_address_gets_what_its_rule_says(house, port, program):
    if not (house.programs / program).exists():
        pytest.skip("libc cannot be linked statically here")
    lines, entries = house.run(program, "plain", port, "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
    assert lines == [
        "127.0.0.1 0",
        "127.0.0.2 EPERM",
        "127.0.0.3 ECONNREFUSED",
        "127.0.0.4 ETIMEDOUT",
        "127.0.0.5 0",
    ]
    assert outcomes(entries) == [
        ("*CONNECT", "*ALLOWED", "127.0.0.1"),
        ("*CONNECT", "*REJECTED", "127.0.0.2"),
        ("*CONNECT", "*REJECTED", "127.0.0.3"),
        ("*CONNECT", "*REJECTED", "127.0.0.4"),
        ("*CONNECT", "*ALLOWED", "127.0.0.5"),
    ]


def test_each_address_gets_the_same_each_time(house, port):
    hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.5"] * 5
    lines, entries = house.run("clients", "plain", port, *hosts)
    results = {"127.0.0.1": "0", "127.0.0.2": "EPERM", "127.0.0.3": "ECONNREFUSED", "127.0.0.5": "0"}
    assert lines == [f"{host} {results[host]}" for host in hosts]
    assert [remote for _, _, remote in outcomes(entries)] == hosts
    assert {text for *_, text in entries} == {""}


def test_connects_at_the_edges_end_as_without_a_guard(house, port):
    lines, _ = house.run("clients", "edges", port)
    assert lines == house.native("clients", "edges", port)


def test_other_ways_to_a_connection_are_closed(house, port):
    lines, entries = house.run("clients", "ways-around", port)
    assert lines == [
        "mapped EPERM",
        "longer EPERM",
        "sendto EOPNOTSUPP",
        "sendmsg EOPNOTSUPP",
        "sendmmsg EOPNOTSUPP",
        "io_uring_setup ENOSYS",
        "x32 connect ENOSYS",
        "deferred EPERM",
        "i386 socketcall EPERM",
        "i386 socket EPERM",
        "i386 getpid 0",
        "own filter 0",
        "after own filter EPERM",
        "second listener EBUSY",
        "after tracing filter EPERM",
    ]
    assert {(outcome, remote) for _, outcome, remote in outcomes(entries)} == {("*REJECTED", "127.0.0.2")}


def test_address_rewritten_during_connect_never_leads_to_a_refused_one(house, port):
    lines, _ = house.run("clients", "race", port, RACE_ROUNDS)
    # "both": the other thread did rewrite it in time, now and then, or the test would show nothing.
    assert lines == ["wrong 0", "both 1"]


def test_descriptor_swapped_during_connect_never_leads_to_a_refused_address(house, port):
    lines, _ = house.run("clients", "swap", port, RACE_ROUNDS)
    assert lines == ["wrong 0"]


def test_job_cannot_get_into_its_guard(house):
    lines, _ = house.run("/bin/sh", "-c", f"exec {house.programs}/clients attack $PPID")
    assert lines == ["descriptors 0", "memory EACCES", "trace EPERM"]


def test_job_cannot_get_into_the_worker_of_its_store(house):
    house.run("clients", "plain", 9, "127.0.0.5")
    (worker,) = house.workers()
    lines, _ = house.run("clients", "attack", worker)
    assert lines == ["descriptors 0", "memory EACCES", "trace EPERM"]


def test_64_threads_connect_at_once(house, port, tmp_path):
    threads = Programs(tmp_path).get("threads")
    lines, entries = house.run(threads, "127.0.0.1", port, 64, 4)
    assert lines == ["made 256 refused 0"]
    assert outcomes(entries) == [("*CONNECT", "*ALLOWED", "127.0.0.1")] * 256
    lines, entries = house.run(threads, "127.0.0.2", port, 64, 4)
    assert lines == ["made 0 refused 256"]
    assert outcomes(entries) == [("*CONNECT", "*REJECTED", "127.0.0.2")] * 256


def test_chain_of_forks_and_execs_stays_under_the_guard(house, port):
    client = f"{house.programs}/clients plain {port} 127.0.0.1 127.0.0.2"
    nested = f"{client}; sh -c '({client}; env -i sh -c \"exec {client}\")'; wait"
    lines, entries = house.run("/bin/sh", "-c", nested)
    assert lines == ["127.0.0.1 0", "127.0.0.2 EPERM"] * 3
    assert len(entries) == 6


def test_caller_that_cannot_be_looked_at_is_decided_or_rejected_but_not_let_pass(house, port):
    lines, entries = house.run("clients", "undumpable", port)
    assert lines in (["connect 0"], ["connect EPERM"])
    assert len(entries) == 1
