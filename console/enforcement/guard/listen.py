"""QIBM_QSO_LISTEN: decides and performs listen(2) for a job.

A socket that was never bound is bound by listen itself, to a port the kernel chooses; and another thread may bind it
between our look and our listen. So the address is looked at again afterwards, and a listener that turns out to be where
the rules forbid one is taken out of LISTEN before its caller hears of it. Connections that came in between are reset.
"""

from __future__ import annotations

from console.enforcement import syscalls
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
            supervisor.backend.go_on(attempt.call)
            return
        policy = supervisor.policy
        supervisor.identify(attempt)
        decision = supervisor.decide(policy, attempt, local, NO_ENDPOINT)
        result = decision.errno
        if not result:
            result = syscalls.listen(taken.number, attempt.call.arguments[1] & 0xFFFF_FFFF)
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
