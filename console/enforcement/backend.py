"""The seam to the kernel: what a guard asks of Linux about a supervised call.

The life of a call: RECEIVED -> (read, taken, decided, performed) -> ANSWERED, or GONE at any moment, when its thread
was killed or a signal took it out of the call. GONE shows as `CallerGone` from any of the methods; there is then nobody
to answer, and a thread that restarts the call arrives as a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple, Protocol

from console.enforcement.fds import OwnedFd
from console.enforcement.layouts import Endpoint
from console.enforcement.records import Who
from console.policy.request import Decision


class Call(NamedTuple):
    """One supervised system call that waits for an answer."""

    cookie: int
    """The kernel's number for this waiting call; never used twice."""
    thread: int
    """Thread id of the caller, in the guard's pid namespace."""
    number: int
    """System call number, see `layouts`."""
    arguments: tuple[int, ...]
    """Six, as unsigned 64-bit registers."""
    notification: bytearray = bytearray()
    """As the kernel wrote it, the cookie first; nobody changes it."""
    begun: Begun | None = None
    """How far it is, where it was begun without Python (`console.enforcement.guard.plain_calls`)."""
    accepted: Accepted | None = None
    """What was accepted for it without Python."""


@dataclass(slots=True)
class Caller:
    """A thread that makes calls, as long as it lives."""

    thread: int
    process: int
    """Process id, for the journal."""
    pidfd: OwnedFd
    """Readable once the thread has ended (or its process, before Linux 6.9)."""
    directory: OwnedFd
    """/proc/THREAD, held open: it goes on meaning this thread when the number is used again."""
    program: OwnedFd
    """/proc/THREAD/exe itself, not what it leads to, held open for the same reason."""


class Standing(Enum):
    """What a thread receives instead of a call, about receiving itself."""

    RELIEVED = 0
    """It shall receive none, because another one does."""
    CROWDED = 1
    """Calls come faster than it serves them: another may receive beside it."""


RELIEVED: Final = Standing.RELIEVED
CROWDED: Final = Standing.CROWDED


class Begun(NamedTuple):
    """A connect that was decided and made, and has not come to its end."""

    caller: Caller
    taken: OwnedFd | None
    """The job's socket; None when all was done but for the answer."""
    result: int
    """Errno, 0 for none."""
    sockaddr: bytes
    """As it was copied out of the caller's memory."""
    local: Endpoint
    """Where it was made from, if `taken` is None."""
    remote: Endpoint
    decision: Decision
    revision: int
    """Of the policy that decided."""
    who: Who
    decision_us: int


class Accepted(NamedTuple):
    """A connection that was taken for an accept, and has not been handed over."""

    caller: Caller
    listener: OwnedFd
    connection: OwnedFd
    peer: bytes
    """Socket address of its other end."""
    recorded: bool
    """Whether the journal has it as allowed."""


class Backend(Protocol):
    """What a guard needs of the kernel.

    Threads: all methods may be called from any, several at once.
    """

    def receive(self) -> Call | None:
        """Wait for the next call; None once no process of the job is left."""

    def caller(self, call: Call) -> Caller:
        """Return who calls.

        Raises:
            CallerGone: The call no longer waits.
            OSError: Why it cannot be told.
        """

    def renew(self, call: Call, caller: Caller) -> None:
        """Make certain that a caller is the thread that makes this call, where none of its descriptors is taken.

        `caller` may return a thread that has ended, whose number the one that calls has now; `take_descriptor` finds
        that by itself.

        Raises:
            CallerGone: The call no longer waits.
            OSError: Why it cannot be told.
        """

    def is_waiting(self, call: Call) -> bool:
        """Say whether the call still waits for its answer."""

    def take_descriptor(self, call: Call, caller: Caller, number: int) -> OwnedFd:
        """Duplicate a descriptor of the caller.

        Raises:
            CallerGone: The call no longer waits.
            OSError: EBADF: it has no such descriptor; EPERM: we may not.
        """

    def read_memory(self, call: Call, address: int, size: int) -> bytes:
        """Copy at most 128 bytes of the caller's memory; the call is known to have waited after they were read.

        Raises:
            CallerGone: The call no longer waits; what was read, if anything, was thrown away.
            OSError: EFAULT: part of it is not there; EPERM: we may not.
        """

    def peek_memory(self, call: Call, address: int, size: int) -> bytes:
        """Copy memory as `read_memory` does, of a caller that may not wait any more: it may have been changed.

        Raises:
            CallerGone: It has ended.
            OSError: As `read_memory`.
        """

    def gather(self, call: Call, parts: Sequence[tuple[int, int]]) -> bytes:
        """Copy memory of the caller that lies in several places, address and size each, at most 1,024 of them.

        Raises:
            CallerGone, OSError: As `read_memory`.
        """

    def write_memory(self, call: Call, address: int, octets: bytes) -> None:
        """Write at most 128 bytes into the caller's memory.

        Raises:
            CallerGone, OSError: As `read_memory`.
        """

    def write_two(self, call: Call, address: int, octets: bytes, second_address: int, second: bytes) -> None:
        """Write at two places of the caller's memory in this order, at most 128 bytes in all.

        Raises:
            CallerGone, OSError: As `read_memory`.
        """

    def answer(self, call: Call, errno: int) -> None:
        """Let the call return 0, or fail with an errno.

        Raises:
            CallerGone: The call no longer waits.
        """

    def answer_count(self, call: Call, count: int) -> None:
        """Let the call return a number, as those do that send.

        Raises:
            CallerGone: The call no longer waits.
        """

    def go_on(self, call: Call) -> None:
        """Let the kernel carry the call out as if nobody had asked.

        Never for a call whose address or socket was looked at: both can be changed behind our back before the kernel
        looks again (seccomp_unotify(2), "time-of-check to time-of-use").

        Raises:
            CallerGone: The call no longer waits.
        """

    def deliver(self, call: Call, descriptor: int, *, close_on_exec: bool) -> None:
        """Let the call return a copy of a descriptor of ours.

        Raises:
            CallerGone: The call no longer waits; the caller has no copy.
            OSError: EMFILE: its table is full; it still waits.
        """
