"""A `Backend` without a kernel: the supervised process is this one, and the test writes down its calls and its memory.

Sockets are real ones of this process, so that what a handler does to them is what it does to a job's. All else is
plain data: memory is a table of addresses, answers are a list. Whatever the kernel may do to a supervisor between two
of its steps can be asked for: a caller that goes at any step (`leave`), a step that fails (`fail`).

It knows nothing of policies, journals or exit points.
"""

from __future__ import annotations

import errno
import os
import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from console.enforcement.backend import Call, Caller
from console.enforcement.fds import OwnedFd
from console.errors import CallerGone

_FIRST_COOKIE = 1
_REGISTERS = 6


class Step(StrEnum):
    """What a supervisor asks of a backend about one call."""

    CALLER = "caller"
    TAKE = "take_descriptor"
    READ = "read_memory"
    WRITE = "write_memory"
    ANSWER = "answer"
    GO_ON = "go_on"
    DELIVER = "deliver"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ended that returned a number."""

    call: Call
    errno: int
    count: int = 0
    """What it returned, where it did not fail."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a call ended that returned a descriptor."""

    call: Call
    descriptor: OwnedFd
    """The caller's copy."""
    close_on_exec: bool


class FakeBackend:
    """Calls of this process, made by a test.

    Threads: as `Backend`; a test may look at the records at any time.
    """

    def __init__(self) -> None:
        self.memory: dict[int, bytes] = {}
        """Address -> what lies there; a read or write reaches no further than one entry."""
        self.descriptors: dict[int, int] = {}
        """Number that a call names -> descriptor of this process; the test goes on owning it."""
        self.answers: list[Answer] = []
        self.went_on: list[Call] = []
        self.deliveries: list[Delivery] = []
        self.reads: list[tuple[int, int]] = []
        """Address and size of each read that was tried, in order."""
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._next_cookie = _FIRST_COOKIE
        self._leaving: dict[tuple[int, Step], bool] = {}
        self._failing: dict[tuple[int, Step], int] = {}
        self._waiting: set[int] = set()
        self._changed = threading.Condition()

    # What the test does.

    def call(self, number: int, *arguments: int, thread: int = 0) -> Call:
        """Return a new call that waits for its answer; nobody has received it.

        Args:
            number: System call number.
            arguments: Registers from the first on; those not given are zero.
            thread: Id of the calling process; this one if not given.
        """
        registers = tuple(argument & 0xFFFF_FFFF_FFFF_FFFF for argument in arguments)
        with self._changed:
            cookie, self._next_cookie = self._next_cookie, self._next_cookie + 1
            self._waiting.add(cookie)
        return Call(cookie, thread or os.getpid(), number, registers + (0,) * (_REGISTERS - len(registers)))

    def feed(self, call: Call | None) -> None:
        """Let `receive` return a call, or None to say that no process is left."""
        self._calls.put(call)

    def leave(self, call: Call, *, at: Step | None = None) -> None:
        """Take the caller out of its call: now, or when the supervisor comes to a step."""
        with self._changed:
            if at is None:
                self._waiting.discard(call.cookie)
            else:
                self._leaving[call.cookie, at] = True
            self._changed.notify_all()

    def fail(self, call: Call, step: Step, number: int) -> None:
        """Let a step of a call fail with an errno; the call goes on waiting."""
        self._failing[call.cookie, step] = number

    def wait_for(self, call: Call, timeout_s: float) -> bool:
        """Wait until a call waits no longer; say whether it came to that in time."""
        with self._changed:
            return self._changed.wait_for(lambda: call.cookie not in self._waiting, timeout_s)

    def result(self, call: Call) -> int | None:
        """Return the errno a call was answered with; None for one that was not answered with any."""
        return next((answer.errno for answer in self.answers if answer.call == call), None)

    def count(self, call: Call) -> int | None:
        """Return the number a call returned; None for one that failed, or was not answered."""
        return next((answer.count for answer in self.answers if answer.call == call and not answer.errno), None)

    # What the supervisor does; see `Backend`.

    def receive(self) -> Call | None:
        """Wait for the next call that is fed; see `Backend`."""
        return self._calls.get()

    def caller(self, call: Call) -> Caller:
        """Return this process, or the one the call names; see `Backend`."""
        self._come_to(call, Step.CALLER)
        directory = os.open(f"/proc/{call.thread}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        program = os.open("exe", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        pidfd = os.pidfd_open(call.thread)
        return Caller(call.thread, call.thread, OwnedFd(pidfd), OwnedFd(directory), OwnedFd(program))

    def renew(self, call: Call, caller: Caller) -> None:
        """Do nothing: each call is looked up anew; see `Backend`."""

    def is_waiting(self, call: Call) -> bool:
        """Say whether the call still waits; see `Backend`."""
        with self._changed:
            return call.cookie in self._waiting

    def take_descriptor(self, call: Call, caller: Caller, number: int) -> OwnedFd:
        """Duplicate a descriptor that the test lists; see `Backend`.

        As with a real one, a caller that was interrupted, and lives, still has its descriptors.
        """
        if self._leaving.get((call.cookie, Step.TAKE)) or (call.cookie, Step.TAKE) in self._failing:
            self._come_to(call, Step.TAKE)
        if number not in self.descriptors:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return OwnedFd(os.dup(self.descriptors[number]))

    def read_memory(self, call: Call, address: int, size: int) -> bytes:
        """Copy from the table; see `Backend`."""
        self.reads.append((address, size))
        self._come_to(call, Step.READ)
        return _at(self.memory, address, size)[:size]

    def peek_memory(self, call: Call, address: int, size: int) -> bytes:
        """Copy from the table, whether the call waits or not; see `Backend`."""
        return _at(self.memory, address, size)[:size]

    def gather(self, call: Call, parts: Sequence[tuple[int, int]]) -> bytes:
        """Copy from several places of the table; see `Backend`."""
        self.reads.extend(parts)
        self._come_to(call, Step.READ)
        return b"".join(_at(self.memory, address, size)[:size] for address, size in parts)

    def write_memory(self, call: Call, address: int, octets: bytes) -> None:
        """Write into the table; see `Backend`."""
        self._come_to(call, Step.WRITE)
        self.memory[address] = octets + _at(self.memory, address, len(octets))[len(octets) :]

    def write_two(self, call: Call, address: int, octets: bytes, second_address: int, second: bytes) -> None:
        """Write into the table, one after the other; see `Backend`."""
        self.write_memory(call, address, octets)
        self.write_memory(call, second_address, second)

    def answer(self, call: Call, errno: int) -> None:
        """Note the answer; see `Backend`."""
        self._come_to(call, Step.ANSWER)
        self.answers.append(Answer(call, errno))
        self._end(call)

    def answer_count(self, call: Call, count: int) -> None:
        """Note the answer; see `Backend`."""
        self._come_to(call, Step.ANSWER)
        self.answers.append(Answer(call, 0, count))
        self._end(call)

    def go_on(self, call: Call) -> None:
        """Note that the kernel was let carry the call out; see `Backend`."""
        self._come_to(call, Step.GO_ON)
        self.went_on.append(call)
        self._end(call)

    def deliver(self, call: Call, descriptor: int, *, close_on_exec: bool) -> None:
        """Keep a copy of the descriptor, as the caller would; see `Backend`."""
        self._come_to(call, Step.DELIVER)
        self.deliveries.append(Delivery(call, OwnedFd(os.dup(descriptor)), close_on_exec))
        self._end(call)

    def _come_to(self, call: Call, step: Step) -> None:
        """Do what the test wants to happen at a step.

        Raises:
            CallerGone, OSError: It wants that.
        """
        with self._changed:
            if self._leaving.get((call.cookie, step)):
                self._waiting.discard(call.cookie)
                self._changed.notify_all()
            if call.cookie not in self._waiting:
                raise CallerGone("GWL0402")
        number = self._failing.get((call.cookie, step))
        if number is not None:
            raise OSError(number, os.strerror(number))

    def _end(self, call: Call) -> None:
        with self._changed:
            self._waiting.discard(call.cookie)
            self._changed.notify_all()


def _at(memory: Mapping[int, bytes], address: int, size: int) -> bytes:
    """Return what lies at an address, at least so long."""
    octets = memory.get(address, b"")
    if len(octets) < size:
        raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
    return octets
