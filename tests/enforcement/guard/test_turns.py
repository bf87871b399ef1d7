"""Threads that take calls in turns."""

from __future__ import annotations

import errno
import queue
import signal
import socket
import threading

import pytest

from console.enforcement import syscalls
from console.enforcement.backend import CROWDED, RELIEVED
from console.enforcement.fake import FakeBackend
from console.enforcement.guard import turns as turns_module
from console.enforcement.guard.turns import ABORT_SIGNAL, Turns, install_abort_handler
from tests.end_to_end.command import until
from tests.enforcement.guard.setting import PATIENCE_S, sockaddr


@pytest.fixture
def kernel():
    return FakeBackend()


@pytest.fixture
def start(kernel):
    """Return a function that starts turns; they are ended with the test."""

    def start(serve):
        turns = Turns(kernel, serve)
        turns.start()
        return turns

    yield start
    kernel.feed(None)
    kernel.feed(None)


class Beside:
    """Lanes that receive what a test gives to those who lead, and to those who help; None ends the first."""

    def __init__(self):
        self.for_leaders, self.for_helpers = queue.SimpleQueue(), queue.SimpleQueue()
        self.helping = set()
        self.leading = {}
        self.lanes = 0
        self.next_call = lambda: None
        self.looks = 0
        self.stuck = {}
        self.calls_begun = 0

    def open_lane(self):
        self.lanes += 1
        return self.lanes - 1

    def close_lane(self, lane):
        del self.leading[lane]

    def lead(self, lane, leads):
        self.leading[lane] = leads

    def receive(self, lane, *, helps):
        if not helps:
            return self.for_leaders.get()
        self.helping.add(lane)
        received = self.for_helpers.get()
        self.helping.discard(lane)
        return received

    def leave(self, lane): ...
    def call_of(self, lane):
        self.looks += lane in self.helping
        return self.next_call() if lane in self.helping else self.stuck.get(lane)

    def watch(self, looks): ...
    def be_careful(self, seconds): ...
    def begun(self):
        self.calls_begun += len(self.helping)
        return self.calls_begun


@pytest.fixture
def beside(kernel, monkeypatch):
    """Return lanes beside turns that have begun, on a machine with two processors."""
    monkeypatch.setattr(turns_module, "_MOST_HELPERS", 1)
    lanes = Beside()
    lanes.turns = Turns(kernel, lambda call: kernel.answer(call, 0), lanes)
    lanes.turns.start()
    yield lanes
    lanes.for_helpers.put(RELIEVED)
    for _ in range(8):
        lanes.for_leaders.put(None)


def served(kernel, lane):
    call = kernel.call(42)
    lane.put(call)
    return kernel.wait_for(call, PATIENCE_S)


def feed(kernel, count):
    calls = [kernel.call(42) for _ in range(count)]
    for call in calls:
        kernel.feed(call)
    return calls


def test_calls_are_served_one_after_the_other(kernel, start):
    start(lambda call: kernel.answer(call, 0))
    for call in feed(kernel, 200):
        assert kernel.wait_for(call, PATIENCE_S)
    assert len(kernel.answers) == 200


def test_wait_ends_when_no_call_can_come(kernel, start):
    turns = start(lambda call: kernel.answer(call, 0))
    ended = threading.Thread(target=turns.wait, daemon=True)
    ended.start()
    (call,) = feed(kernel, 1)
    assert kernel.wait_for(call, PATIENCE_S)
    assert ended.is_alive()
    kernel.feed(None)
    ended.join(PATIENCE_S)
    assert not ended.is_alive()


@pytest.mark.parametrize("says_so", [True, False])
def test_call_that_blocks_holds_up_no_other(kernel, start, says_so):
    released = threading.Event()
    blocked = set()

    def serve(call):
        if call.cookie in blocked:
            if says_so:
                turns.may_block()
            released.wait(PATIENCE_S)
        kernel.answer(call, 0)

    turns = start(serve)
    slow = [kernel.call(42) for _ in range(10)]
    blocked |= {call.cookie for call in slow}
    for call in slow:
        kernel.feed(call)
    for call in feed(kernel, 50):
        assert kernel.wait_for(call, PATIENCE_S)
    assert all(map(kernel.is_waiting, slow))
    assert turns.is_careful != says_so
    released.set()
    for call in slow:
        assert kernel.wait_for(call, PATIENCE_S)
    # Those who blocked take turns again, or end: nothing is lost either way.
    for call in feed(kernel, 50):
        assert kernel.wait_for(call, PATIENCE_S)


def test_thread_is_taken_out_of_a_call_whose_caller_has_gone(kernel, start):
    before = signal.getsignal(ABORT_SIGNAL)
    install_abort_handler()
    results = queue.SimpleQueue()
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as full,
        socket.create_connection(full.getsockname()),
        socket.socket() as client,
    ):
        address = sockaddr(*full.getsockname())

        def serve(call):
            turns.may_block()
            results.put(None)
            results.put(syscalls.connect(client.fileno(), address))

        turns = start(serve)
        try:
            (call,) = feed(kernel, 1)
            assert results.get(timeout=PATIENCE_S) is None
            kernel.leave(call)
            assert results.get(timeout=PATIENCE_S) == errno.EINTR
        finally:
            signal.signal(ABORT_SIGNAL, before)


def test_leader_that_blocks_while_no_thread_is_to_be_had_is_relieved_when_one_is(kernel, start, monkeypatch):
    released, refused = threading.Event(), threading.Event()
    begin = threading.Thread.start

    def start_none(_thread):
        refused.set()
        raise RuntimeError("can't start new thread")

    def serve(call):
        if call.cookie in blocked:
            turns.may_block()
            released.wait(PATIENCE_S)
        kernel.answer(call, 0)

    turns = start(serve)
    slow = [kernel.call(42) for _ in range(3)]
    blocked = {call.cookie for call in slow}
    monkeypatch.setattr(threading.Thread, "start", start_none)
    for call in slow:
        kernel.feed(call)
    assert refused.wait(PATIENCE_S)
    assert all(map(kernel.is_waiting, slow))
    monkeypatch.setattr(threading.Thread, "start", begin)
    (call,) = feed(kernel, 1)
    assert kernel.wait_for(call, PATIENCE_S)
    released.set()
    for call in slow:
        assert kernel.wait_for(call, PATIENCE_S)


def test_wait_lasts_until_a_call_is_over_whose_caller_ended_with_its_job(kernel, start):
    before = signal.getsignal(ABORT_SIGNAL)
    install_abort_handler()
    began = threading.Event()
    results = []
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as full,
        socket.create_connection(full.getsockname()),
        socket.socket() as client,
    ):
        address = sockaddr(*full.getsockname())

        def serve(call):
            turns.may_block()
            began.set()
            results.append(syscalls.connect(client.fileno(), address))

        turns = start(serve)
        try:
            (call,) = feed(kernel, 1)
            assert began.wait(PATIENCE_S)
            kernel.leave(call)
            kernel.feed(None)
            turns.wait()
            assert results == [errno.EINTR]
        finally:
            signal.signal(ABORT_SIGNAL, before)


def test_every_thread_counts_once_though_all_block_and_come_back(kernel, start):
    turns = None
    together = threading.Barrier(20)

    def serve(call):
        turns.may_block()
        together.wait(PATIENCE_S)
        kernel.answer(call, 0)

    turns = start(serve)
    for _ in range(3):
        for call in feed(kernel, 20):
            assert kernel.wait_for(call, PATIENCE_S)
    assert 0 <= turns._followers <= 20


def test_leader_goes_on_as_a_helper_where_calls_wait_for_each_other(kernel, beside):
    beside.for_leaders.put(CROWDED)
    until(lambda: beside.helping, "a thread to help")
    (helper,) = beside.helping
    assert not beside.leading[helper]
    for _ in range(3):
        assert served(kernel, beside.for_leaders)
        assert served(kernel, beside.for_helpers)
    assert sum(beside.leading.values()) == 1


def test_helper_that_finds_nothing_to_do_takes_turns_again(kernel, beside):
    for _ in range(3):
        beside.for_leaders.put(CROWDED)
        until(lambda: beside.helping, "a thread to help")
        beside.for_helpers.put(RELIEVED)
        until(lambda: not beside.helping, "the thread to stop helping")
    assert served(kernel, beside.for_leaders)
    assert beside.lanes <= 4


def test_there_is_one_helper_at_most(kernel, beside):
    beside.for_leaders.put(CROWDED)
    until(lambda: beside.helping, "a thread to help")
    beside.for_leaders.put(CROWDED)
    assert served(kernel, beside.for_leaders)
    assert len(beside.helping) == 1
    assert sum(beside.leading.values()) == 1


def test_leader_goes_on_leading_where_no_thread_is_to_be_had(kernel, beside, monkeypatch):
    beside.for_leaders.put(CROWDED)
    until(lambda: beside.helping, "a thread to help")
    monkeypatch.setattr(turns_module, "_MOST_HELPERS", 2)
    refused = threading.Event()

    def start_none(_thread):
        refused.set()
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start_none)
    beside.for_leaders.put(CROWDED)
    assert refused.wait(PATIENCE_S)
    assert served(kernel, beside.for_leaders)
    assert len(beside.helping) == 1


def test_helper_is_taken_out_of_the_call_that_was_left_and_of_none_that_it_has_served_meanwhile(
    kernel, beside, monkeypatch
):
    monkeypatch.setattr(turns_module, "_GONE_LOOK_S", 0.0)
    taken_out = queue.SimpleQueue()
    monkeypatch.setattr(signal, "pthread_kill", lambda *_: taken_out.put(None))

    def left():
        call = kernel.call(42)
        kernel.leave(call)
        return call

    beside.next_call = left
    beside.for_leaders.put(CROWDED)
    until(lambda: beside.looks > 5, "the watchdog to look")
    assert taken_out.empty()
    stuck = left()
    beside.next_call = lambda: stuck
    assert taken_out.get(timeout=PATIENCE_S) is None


def test_leader_that_is_stuck_is_relieved_though_a_helper_goes_on_serving(kernel, beside):
    beside.for_leaders.put(CROWDED)
    until(lambda: beside.helping, "a thread to help")
    (stuck,) = [lane for lane, leads in beside.leading.items() if leads]
    beside.stuck[stuck] = kernel.call(42)
    assert served(kernel, beside.for_helpers)  # which wakes the watchdog
    until(lambda: not beside.leading[stuck], "the stuck leader to be relieved")
    assert served(kernel, beside.for_leaders)


def test_wait_lasts_until_a_helper_is_done_with_a_call_whose_caller_ended_with_its_job(kernel, beside, monkeypatch):
    taken_out = queue.SimpleQueue()
    monkeypatch.setattr(signal, "pthread_kill", lambda *_: taken_out.put(None))
    beside.for_leaders.put(CROWDED)
    until(lambda: beside.helping, "a thread to help")
    left = kernel.call(42)
    kernel.leave(left)
    beside.next_call = lambda: left
    beside.for_leaders.put(None)
    ended = threading.Thread(target=beside.turns.wait, daemon=True)
    ended.start()
    assert taken_out.get(timeout=PATIENCE_S) is None
    assert ended.is_alive()
    beside.next_call = lambda: None
    ended.join(PATIENCE_S)
    assert not ended.is_alive()
