"""QIBM_QSO_LISTEN: decides and performs listen(2) for a job.

A socket that was never bound is bound by listen itself, to a port the kernel chooses. Here it is bound before, so that
the decision is about that port, and a socket that stays where it is never listens where it must not. Another thread may
still bind it elsewhere between our look and our listen: a connect that is dissolved lets go of a port that was chosen.
So the address is looked at again afterwards, and a listener that is not where it was decided about is taken out of
LISTEN at once, wherever it is: to decide about that place may take long, or come to no end because the caller is
interrupted, and it would be listening there meanwhile. What connected in between is reset, or decided about by an
accept that was waiting there already.

A listener on :: that is not for IPv6 only is one on 0.0.0.0 too, and is asked about as both.

Every listen is made here, that of a Unix socket too, which no rule speaks of: were the kernel told to carry one out,
another thread of the caller could meanwhile put an internet socket in the descriptor's place. A Unix socket remembers
who made it listen and tells whoever connects (unix(7), SO_PEERCRED, SO_PEERGROUPS). So that listen is made with the
caller's effective user, group and groups (see `console.enforcement.credentials`); the process id that is told is the
guard's.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket

from console.enforcement import syscalls
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.acting import as_caller
from console.enforcement.guard.binding import bind_as_it_is, choose_port
from console.enforcement.guard.supervisor import Attempt, Supervisor, Undecidable, local_endpoint
from console.enforcement.layouts import NO_ENDPOINT, Endpoint
from console.enforcement.records import Seen
from console.model.words import Outcome
from console.policy.decide import CompiledPolicy
from console.policy.request import MAPPED, Decision

NO_PORT = frozenset({errno.EADDRINUSE, errno.EACCES})
"""How a bind or listen fails that cannot have its port."""
_ANY_V6 = 0
_ANY_V4 = MAPPED


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
        if not local.port and syscalls.socket_option(taken.number, socket.SO_TYPE) == socket.SOCK_STREAM:
            choose_port(taken)
            bind_as_it_is(taken)
            local = local_endpoint(taken.number) or local
        policy = supervisor.policy
        supervisor.identify(attempt)
        decision, about = _decide(supervisor, policy, attempt, taken, local)
        result = decision.errno
        if not result:
            result = _perform(attempt, taken)
            if not result and local_endpoint(taken.number) != local:
                syscalls.stop_listening(taken.number)
                raise Undecidable("bound elsewhere during the listen")
        taken.close()
        supervisor.record(policy, attempt, decision, about, NO_ENDPOINT, 0 if result == decision.errno else result)
        if decision.errno:
            supervisor.tell_refused_listen(attempt, decision, about)
        elif result in NO_PORT:
            supervisor.tell(Seen.PORT, attempt, local, text=f"listen: {errno.errorcode[result]}")
        supervisor.backend.answer(attempt.call, result)


def _decide(
    supervisor: Supervisor, policy: CompiledPolicy, attempt: Attempt, taken: OwnedFd, local: Endpoint
) -> tuple[Decision, Endpoint]:
    """Return the decision about a listener, and the address that it is about."""
    decision = supervisor.decide(policy, attempt, local, NO_ENDPOINT)
    if decision.errno or local.address != _ANY_V6 or _is_v6_only(taken):
        return decision, local
    also = Endpoint(_ANY_V4, local.port)
    other = supervisor.decide(policy, attempt, also, NO_ENDPOINT)
    return (decision, local) if other.outcome is Outcome.ALLOWED else (other, also)


def _is_v6_only(taken: OwnedFd) -> bool:
    """Say whether a socket bound to :: leaves IPv4 alone; False where it cannot be told."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(taken.number)) as copy:
        return bool(copy.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))
    return False


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
