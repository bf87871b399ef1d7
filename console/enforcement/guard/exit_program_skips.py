"""Which exit programs are not asked about which process any more, because they answered '9'.

IBM i's promise is "for the life of the process". A process here is the one that a pidfd names: its number may come
back, it does not. A child is another process. The promise was made about a program and a user; where a process has
executed another program since, or become another user, it is not the one that was spoken of, and is asked about again.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from console.enforcement.fds import OwnedFd
from console.enforcement.guard.supervisor import Attempt
from console.policy.rule import ExitProgram

_MOST_PROCESSES = 1024
"""One descriptor each. Who finds no room is asked about again, which is slower and as safe."""
_NOBODY: frozenset[ExitProgram] = frozenset()


@dataclass(slots=True)
class _Exempt:
    """What a process is not asked about."""

    pidfd: OwnedFd
    who: tuple[str, str, int]
    """User, program and process."""
    programs: set[ExitProgram] = field(default_factory=set)

    @property
    def has_ended(self) -> bool:
        poll = select.poll()
        poll.register(self.pidfd.number, select.POLLIN)
        return bool(poll.poll(0))


class Skips:
    """The '9's of one guard under one revision.

    Threads: any.
    """

    def __init__(self) -> None:
        self._exempt: dict[int, _Exempt] = {}
        self._revision = -1
        self._mutex = threading.Lock()

    def of(self, attempt: Attempt, revision: int) -> frozenset[ExitProgram]:
        """Return the exit programs that are not asked about a caller, which is known to wait for its answer."""
        if not self._exempt:
            return _NOBODY
        who = attempt.who
        with self._mutex:
            known = self._exempt.get(who.process)
            if known is None or revision != self._revision:
                return _NOBODY
            if known.who != who or known.has_ended:
                del self._exempt[who.process]
                return _NOBODY
            return frozenset(known.programs)

    def add(self, attempt: Attempt, revision: int, program: ExitProgram, is_waiting: Callable[[], bool]) -> None:
        """Note a '9' about a caller, if it still waits for its answer; under another revision the others are void."""
        who = attempt.who
        with self._mutex:
            if revision != self._revision:
                self._exempt.clear()
                self._revision = revision
            known = self._exempt.get(who.process)
            if known is None or known.who != who or known.has_ended:
                if len(self._exempt) >= _MOST_PROCESSES and not self._make_room():
                    return
                try:
                    known = _Exempt(OwnedFd(os.pidfd_open(who.process)), who)
                except OSError:  # it has just been killed, or we have no descriptor left
                    return
                if not is_waiting():  # the number may have been another process's when it was looked up
                    return
                self._exempt[who.process] = known
            known.programs.add(program)

    def _make_room(self) -> bool:
        for process in [process for process, known in self._exempt.items() if known.has_ended]:
            del self._exempt[process]
        return len(self._exempt) < _MOST_PROCESSES
