"""QIBM_QSO_LISTEN: decides and performs listen(2) for a job.

A socket that was never bound is bound by listen itself, to a port the kernel chooses; and another thread may bind it
between our look and our listen. So the address is looked at again afterwards, and a listener that turns out to be where
the rules forbid one is taken out of LISTEN before its caller hears of it. Connections that came in between are reset.

A listen on a Unix socket must be the caller's own, because whoever connects to it is told who listens (unix(7),
SO_PEERCRED). Between our look at the descriptor and the kernel's, another thread can put an internet socket in its
place, which then listens without having been asked about. What connects to it is still decided at the accept.
"""

from __future__ import annotations

import socket

from console.enforcement import syscalls
from console.enforcement.backend import Call
from console.enforcement.fds import OwnedFd
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
            _uncovered(supervisor, attempt.call, taken)
            return
        policy = supervisor.policy
        supervisor.identify(attempt)
        decision = supervisor.decide(policy, attempt, local, NO_ENDPOINT)
        result = decision.errno
        if not result:
            result = _perform(attempt.call, taken)
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


def _uncovered(supervisor: Supervisor, call: Call, taken: OwnedFd) -> None:
    """Answer a listen that no rule speaks of: only one on a Unix socket is left to the kernel."""
    try:
        is_unix = syscalls.socket_option(taken.number, socket.SO_DOMAIN) == socket.AF_UNIX
    except OSError:
        is_unix = False
    if is_unix:
        supervisor.backend.go_on(call)
    else:
        supervisor.backend.answer(call, _perform(call, taken))


def _perform(call: Call, taken: OwnedFd) -> int:
    return syscalls.listen(taken.number, call.arguments[1] & 0xFFFF_FFFF)
