"""Ending a job: which processes are its own, and what they are sent, on real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from console.enforcement.guard.ending import job_processes, signal_descendant

FILTERED = """
import ctypes, os, signal, struct, sys, time
libc = ctypes.CDLL(None)
allow = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000))  # BPF_RET, SECCOMP_RET_ALLOW
program = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", 1, ctypes.addressof(allow)))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0
exec(sys.argv[1])
print(os.getpid(), flush=True)
time.sleep(600)
"""
"""A process under a filter that allows everything, one more than ours: what a guard's job is to its guard."""


@pytest.fixture
def start():
    """Return a function that starts a child; all are killed in the end."""
    children = []

    def started(*words):
        child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        children.append(child)
        return child, int(child.stdout.readline())

    yield started
    for child in children:
        child.kill()
        child.wait()
        child.stdout.close()


def job(start, preparation="pass"):
    return start(sys.executable, "-c", FILTERED, preparation)


def test_the_job_is_what_stands_under_one_filter_more(start):
    _, own = job(start)
    start("sh", "-c", "echo $$; exec sleep 600")  # as an exit program
    assert job_processes(os.getpid()) == [own]


def test_what_the_job_has_started_belongs_to_it(start):
    _, child = job(start, "os.fork() or (libc.prctl(1, 9, 0, 0, 0), time.sleep(600))")
    until_two = time.monotonic() + 10
    while len(found := job_processes(os.getpid())) < 2:
        assert time.monotonic() < until_two
    assert child in found


def test_a_dead_process_is_none_of_the_job(start):
    child, _ = job(start)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert job_processes(os.getpid()) == []


def test_a_process_that_is_no_descendant_gets_no_signal(start):
    child, number = job(start)
    signal_descendant(number, child.pid + 1_000_000, signal.SIGKILL)
    signal_descendant(os.getppid(), os.getpid(), signal.SIGKILL)
    assert child.poll() is None
    signal_descendant(number, os.getpid(), signal.SIGKILL)
    assert child.wait(10) == -signal.SIGKILL


GUARD = """
import subprocess, sys, time
from console.enforcement.frames import EndJob
from console.enforcement.guard.ending import JobEnding
child = subprocess.Popen([sys.executable, "-c", *sys.argv[1:3]], stdout=subprocess.PIPE)
child.stdout.readline()
ending, began = JobEnding(), time.monotonic()
for wanted in sys.argv[3:]:
    option, delay_s = wanted.split()
    ending.request(EndJob(option, int(delay_s)))
print(child.wait(), time.monotonic() - began)
"""
"""A process of its own that ends its job: what it waits for must not be left waiting among the tests."""


def ended(preparation, *wanted):
    """Return how a job has ended that was asked to, and after how many seconds."""
    words = [sys.executable, "-c", GUARD, FILTERED, preparation, *wanted]
    status, seconds = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True).stdout.split()
    return int(status), float(seconds)


DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


def test_a_controlled_end_asks():
    assert ended("pass", "*CNTRLD 600")[0] == -signal.SIGTERM


def test_an_immediate_end_hastens_a_controlled_one_which_may_be_said_twice():
    assert ended(DEAF, "*CNTRLD 600", "*CNTRLD 600", "*IMMED 0")[0] == -signal.SIGKILL


def test_the_delay_is_waited_for_and_not_begun_anew_by_the_same_request():
    status, seconds = ended(DEAF, "*CNTRLD 1", "*CNTRLD 1")
    assert status == -signal.SIGKILL
    assert seconds >= 1
