"""Ends a job that an operator wants ended: asks its processes, waits, kills what is left.

It knows the processes of the job, and nothing of sockets. The job's exit status is what its command makes of it: 143
after SIGTERM, 137 after SIGKILL, as a shell says it, or a status of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

from console.enforcement.frames import EndJob
from console.model.words import EndOption

_AGAIN_S = 0.05
"""Pause between two rounds of SIGKILL: a job that goes on forking needs several."""
_PROC = Path("/proc")
_STATE, _PARENT, _THREADS = 0, 1, 17
"""Fields of /proc/PID/stat counted from behind the name: state, ppid, num_threads (proc_pid_stat(5))."""
_DEAD = (b"Z", b"X")


class JobEnding:
    """What has been asked of one job so far.

    Threads: `request` may be called by any; the signals are sent by a thread of its own.
    """

    def __init__(self) -> None:
        """Wait for a request."""
        self._changed = threading.Condition()
        self._kill_at: float | None = None

    def request(self, wanted: EndJob) -> None:
        """End the job; of several requests the one that ends it soonest counts.

        A worker says again what its predecessor may have said already, so the same request twice is one.
        """
        delay_s = wanted.delay_s if wanted.option == EndOption.CONTROLLED else 0
        kill_at = time.monotonic() + delay_s
        with self._changed:
            is_first = self._kill_at is None
            self._kill_at = kill_at if self._kill_at is None else min(kill_at, self._kill_at)
            self._changed.notify()
        if is_first:
            threading.Thread(target=self._end, name="ending", daemon=True).start()

    def _end(self) -> None:
        if self._seconds_left() > 0:
            self._signal_all(signal.SIGTERM)
            self._signal_all(signal.SIGCONT)  # one that is stopped would get it only when it goes on
        with self._changed:
            while (left_s := self._seconds_left()) > 0:
                self._changed.wait(left_s)
        while self._signal_all(signal.SIGKILL):
            time.sleep(_AGAIN_S)

    def _seconds_left(self) -> float:
        return (self._kill_at or 0.0) - time.monotonic()

    def _signal_all(self, number: signal.Signals) -> int:
        """Send a signal to every process of the job; returns how many there were."""
        found = job_processes(os.getpid())
        for process in found:
            signal_descendant(process, os.getpid(), number)
        return len(found)


def job_processes(guard: int) -> list[int]:
    """Return the processes of a guard's job, parents before their children, dead ones left out.

    What the guard has started for itself, its exit programs, is not under its filter: it has no more filters than the
    guard, and each process of the job has at least one more.
    """
    own = _filters(guard)
    return [process for process in _descendants(guard) if _filters(process) > own]


def _filters(process: int) -> int:
    """Return how many seccomp filters a process is under (proc_pid_status(5)), 0 for one that is not there."""
    try:
        text = (_PROC / str(process) / "status").read_bytes()
    except OSError:
        return 0
    return int(text.partition(b"\nSeccomp_filters:")[2].split()[0])


def _descendants(ancestor: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir(_PROC):
        if name.isdecimal() and (parent := _parent(int(name))):
            children.setdefault(parent, []).append(int(name))
    found = [ancestor]
    for process in found:
        found += children.get(process, ())
    return found[1:]


def signal_descendant(process: int, ancestor: int, number: signal.Signals) -> None:
    """Send a signal to a process if it is below another; one that has ended is fine.

    The number may have been given to another process since it was read. The descriptor names the process that has it
    now; if the look afterwards finds it below the ancestor, that one is meant, and if it has ended in between, the
    descriptor reaches nobody.
    """
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(process)
        try:
            if _is_below(process, ancestor):
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)


def _is_below(process: int, ancestor: int) -> bool:
    seen = set()
    while process and process not in seen:
        if process == ancestor:
            return True
        seen.add(process)
        process = _parent(process)
    return False


def _parent(process: int) -> int:
    """Return the parent of a process, 0 for one that is not there or is dead."""
    try:
        text = (_PROC / str(process) / "stat").read_bytes()
    except OSError:
        return 0
    fields = text.rpartition(b")")[2].split()
    if fields[_STATE] in _DEAD and int(fields[_THREADS]) <= 1:  # the first thread may end before the others
        return 0
    return int(fields[_PARENT])
