"""listen and accept of sockets that are bound through a SOCKS server: its one connection, once, to one accept.

Both exit points are asked under the addresses that the program sees: local is where the server listens, remote who has
come. After the one connection, or its failure, which is told once as ECONNABORTED, accept fails with EINVAL at once:
there is nothing more to come, and a program that waited would wait for ever.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable

from console.enforcement import layouts as k
from console.enforcement import streams, syscalls
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.awaited import Awaited
from console.enforcement.guard.inbound import Inbound, Stage
from console.enforcement.guard.peer_names import PeerNames, write_name
from console.enforcement.guard.rbind_addresses import sockaddr_of
from console.enforcement.guard.routing import Router
from console.enforcement.guard.supervisor import Attempt, Supervisor
from console.enforcement.layouts import NO_ENDPOINT, Endpoint
from console.errors import CallerGone
from console.messages import describe, line
from console.policy.decide import CompiledPolicy
from console.policy.request import Decision

Handler = Callable[[Supervisor, Attempt], None]
"""Answers a call of any other socket."""

_KNOWN_FLAGS = socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
_LOOK_S = 0.1


class RbindAccepts:
    """The two handlers.

    Args:
        router: Has the names of peers.
        awaited: The sockets that are bound so.
        own_names: Told where the server listened, for each connection that is handed over.

    Threads: any.
    """

    def __init__(self, router: Router, awaited: Awaited, own_names: PeerNames) -> None:
        self._router = router
        self._awaited = awaited
        self._own_names = own_names

    def listen(self, handle: Handler, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one listen."""
        found = self._awaited.find(supervisor, attempt)
        if found is None:
            handle(supervisor, attempt)
            return
        taken, inbound = found
        with taken:
            if inbound.doorbell is not None:  # Linux would change the length of the queue, which takes one
                supervisor.backend.answer(attempt.call, 0)
                return
            policy, local = supervisor.policy, Endpoint(inbound.bound.address, inbound.bound.port)
            supervisor.identify(attempt)
            decision = supervisor.decide(policy, attempt, local, NO_ENDPOINT)
            failure = 0
            if not decision.errno:
                try:
                    inbound.listen(taken.number)
                except OSError as error:
                    failure = error.errno or errno.EINVAL
        name = inbound.pair.label
        supervisor.record(policy, attempt, decision, local, NO_ENDPOINT, failure, socks_server=name)
        supervisor.backend.answer(attempt.call, decision.errno or failure)

    def accept(self, handle: Handler, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one accept."""
        found = self._awaited.find(supervisor, attempt)
        if found is None:
            handle(supervisor, attempt)
            return
        taken, inbound = found
        with taken:
            call = attempt.call
            flags = call.arguments[3] & 0xFFFF_FFFF if call.number == k.SYS_ACCEPT4 else 0
            if flags & ~_KNOWN_FLAGS or inbound.doorbell is None:
                supervisor.backend.answer(call, errno.EINVAL)
                return
            if self._router.turns is not None:
                self._router.turns.may_block()
            match self._claim(supervisor, attempt, taken, inbound):
                case Stage.CLAIMED:
                    self._admit(supervisor, attempt, taken, inbound, flags)
                case Stage.TOLD:
                    self._tell_failure(supervisor, attempt, taken, inbound)
                case Stage.SPENT:
                    supervisor.backend.answer(call, errno.EINVAL)
                case _:
                    supervisor.backend.answer(call, errno.EAGAIN)

    def _claim(self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, inbound: Inbound) -> Stage:
        """Wait as the program's socket would have its accept wait.

        Raises:
            CallerGone: The call no longer waits.
        """
        if syscalls.is_non_blocking(taken.number):
            return inbound.claim(0)
        limit_s = syscalls.receive_timeout_s(taken.number)
        deadline = time.monotonic() + limit_s if limit_s else float("inf")
        while True:
            stage = inbound.claim(max(0, min(_LOOK_S, deadline - time.monotonic())))
            if stage is not Stage.AWAITED or time.monotonic() >= deadline:
                return stage
            if not supervisor.backend.is_waiting(attempt.call):
                raise CallerGone("GWL0402")

    def _admit(self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, inbound: Inbound, flags: int) -> None:
        """Decide about a connection that was claimed, and hand it over."""
        policy = supervisor.policy
        local, remote = Endpoint(*inbound.bound[:2]), Endpoint(*inbound.peer[:2])
        attempt.started_ns = time.perf_counter_ns()
        keeps = False
        try:
            supervisor.identify(attempt)
            decision = supervisor.decide(policy, attempt, local, remote)
            if decision.errno:
                self._drop(inbound, taken)
                supervisor.record(policy, attempt, decision, local, remote, socks_server=inbound.pair.label)
                supervisor.backend.answer(attempt.call, errno.ECONNABORTED)
                return
            keeps = not self._hand_over(supervisor, attempt, taken, inbound, flags, policy, decision)
        except CallerGone:
            keeps = True
            raise
        finally:
            if keeps:
                inbound.give_back()
            elif inbound.stage is not Stage.SPENT:
                self._drop(inbound, taken)

    def _drop(self, inbound: Inbound, taken: OwnedFd) -> None:
        """Reset a connection that no program will have."""
        streams.dissolve(inbound.wire.fileno())
        inbound.spend(taken.number)

    def _hand_over(
        self,
        supervisor: Supervisor,
        attempt: Attempt,
        taken: OwnedFd,
        inbound: Inbound,
        flags: int,
        policy: CompiledPolicy,
        decision: Decision,
    ) -> bool:
        """Deliver a connection; say whether the program has it. It is recorded before, as any.

        Raises:
            CallerGone: It has not.
        """
        call, number = attempt.call, inbound.wire.fileno()
        peer = sockaddr_of(taken.number, inbound.peer)
        failure = write_name(supervisor, call, peer) if call.arguments[1] else 0
        if not inbound.recorded:
            inbound.recorded = True
            local, remote = Endpoint(*inbound.bound[:2]), Endpoint(*inbound.peer[:2])
            name = inbound.pair.label
            supervisor.record(policy, attempt, decision, local, remote, failure, socks_server=name)
        if failure:  # Linux has lost the connection too
            self._drop(inbound, taken)
            supervisor.backend.answer(call, failure)
            return True
        os.set_blocking(number, not flags & socket.SOCK_NONBLOCK)
        self._router.peer_names.remember(number, peer)
        self._own_names.remember(number, sockaddr_of(taken.number, inbound.bound))
        inbound.hand(taken.number)
        try:
            supervisor.backend.deliver(call, number, close_on_exec=bool(flags & socket.SOCK_CLOEXEC))
        except OSError as error:
            supervisor.backend.answer(call, error.errno or errno.EMFILE)
            return False
        inbound.spend(taken.number)
        return True

    def _tell_failure(self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, inbound: Inbound) -> None:
        """Tell a program, once, that nobody will come; who is interrupted was not told."""
        error = inbound.error
        policy = supervisor.policy
        local, remote = Endpoint(*inbound.bound[:2]), Endpoint(inbound.pair.destination.address, 0)
        try:
            supervisor.identify(attempt)
            decision = supervisor.decide(policy, attempt, local, remote)
            text = line(describe(error)) if error is not None else ""
            name, failure = inbound.pair.label, errno.ECONNABORTED
            if not inbound.recorded:
                inbound.recorded = True
                supervisor.record(policy, attempt, decision, local, remote, failure, text=text, socks_server=name)
            inbound.hand(taken.number)
            supervisor.backend.answer(attempt.call, failure)
        except CallerGone:
            inbound.give_back()
            raise
        except BaseException:
            inbound.spend(taken.number)
            raise
        inbound.spend(taken.number)
