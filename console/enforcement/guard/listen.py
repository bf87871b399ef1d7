"""QIBM_QSO_LISTEN: decides and performs listen(2) for a job.

A socket that was never bound is bound by listen itself, to a port the kernel chooses; and another thread may bind it
between our look and our listen. So the address is looked at again afterwards, and a listener that turns out to be where
the rules forbid one is taken out of LISTEN before its caller hears of it. Connections that came in between are reset.

Every listen is made here, that of a Unix socket too, which no rule speaks of: were the kernel told to carry one out,
another thread of the caller could meanwhile put an internet socket in the descriptor's place. A Unix socket remembers
who made it listen and tells whoever connects (unix(7), SO_PEERCRED, SO_PEERGROUPS). So that listen is made with the
caller's effective user, group and groups (see `console.enforcement.credentials`); the process id that is told is the
guard's.
"""

from __future__ import annotations

import socket

from console.enforcement import syscalls
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.acting import as_caller
from console.enforcement.guard.supervisor import Attempt, Supervisor, local_endpoint
from console.enforcement.layouts import NO_ENDPOINT


def handle_listen(supervisor: Supervisor, attempt: Attempt) -> None:
    """Answer one listen.

    Raises:
        CallerGone: The call no longer waits.
        Undecidable: It must be rejected.
    """
    taken = supervisor.take_socket(attempt)
    if taken is None:
        return
    with taken:
        local = local_endpoint(taken.number)
        if local is None:
            result = _perform_uncovered(supervisor, attempt, taken)
            taken.close()
            supervisor.backend.answer(attempt.call, result)
            return
        policy = supervisor.policy
        supervisor.identify(attempt)
        decision = supervisor.decide(policy, attempt, local, NO_ENDPOINT)
        result = decision.errno
        if not result:
            result = _perform(attempt, taken)
            after = local_endpoint(taken.number) or local
            if after != local:
                local = after
                decision = supervisor.decide(policy, attempt, local, NO_ENDPOINT)
                if decision.errno:
                    syscalls.stop_listening(taken.number)
                    result = decision.errno
        taken.close()
        supervisor.record(policy, attempt, decision, local, NO_ENDPOINT, 0 if result == decision.errno else result)
        supervisor.backend.answer(attempt.call, result)


def _perform_uncovered(supervisor: Supervisor, attempt: Attempt, taken: OwnedFd) -> int:
    """Perform a listen that no rule speaks of; that of a Unix socket as its caller."""
    try:
        is_unix = syscalls.socket_option(taken.number, socket.SO_DOMAIN) == socket.AF_UNIX
    except OSError:
        is_unix = False
    if not is_unix:
        return _perform(attempt, taken)
    with as_caller(supervisor, attempt):
        return _perform(attempt, taken)


def _perform(attempt: Attempt, taken: OwnedFd) -> int:
    return syscalls.listen(taken.number, attempt.call.arguments[1] & 0xFFFF_FFFF)
