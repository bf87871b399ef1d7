"""The plain calls, served without Python: what joins `_plain_calls.c` with the code that it repeats.

Most calls of most jobs are alike: a connect by a thread that has called before, to an address about which the rules
were asked a moment ago. Their decisions are remembered here, and such a call is then received, found, performed,
journalled and answered in C, in one go, by a thread that does not hold Python's interpreter lock. Every other call is
handed over untouched, and one that turns out not to be plain when it was made already is handed over as it is
(`Begun`). The module is optional: without it Python serves all calls, and it is the reference for what a call does.

What is remembered: a decision of connect for a user and a remote address and port, where nothing else goes into it: the
policy in force has no rules about groups, programs or the local side, no exit programs and no SOCKS entries. It is
forgotten when another policy comes into force, and with the name of its user (`console.enforcement.guard.identity`).
Who calls, as which user and from which program is found out at every call anew.

Threads: any.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, cast

from console.enforcement import layouts as k
from console.enforcement.backend import RELIEVED, Begun, Call, Caller, Relieved
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.destination import asks_local
from console.enforcement.guard.notify import SeccompBackend
from console.enforcement.layouts import Endpoint
from console.enforcement.records import EXIT_POINT_CODES, OUTCOME_CODES, OUTCOMES, Who
from console.policy.decide import CompiledPolicy
from console.policy.request import Decision

if TYPE_CHECKING:
    from console.enforcement.guard.supervisor import Attempt

try:
    from console.enforcement.guard import _plain_calls
except ImportError:  # there was no compiler
    native = None
else:
    native = _plain_calls
"""The module in C; None where there is none."""

_LONGEST_USER = 64
"""Octets of a name that has room there."""
_BILLION = 1_000_000_000


def is_possible(backend: SeccompBackend) -> bool:
    """Say whether there is such a module, callers can be remembered, and Python spells paths as the module does."""
    return native is not None and backend.remembers and sys.getfilesystemencoding() == "utf-8"


class PlainCalls:
    """The calls of one job that are served without Python; one object a process."""

    def __init__(self, backend: SeccompBackend, bell: int) -> None:
        """Begin; nothing is served before a policy and a segment are there.

        Args:
            backend: Whose calls.
            bell: Eventfd of the reporter.
        """
        if native is None:
            raise RuntimeError("there is no module for plain calls")
        self.native = native
        self._mutex = threading.Lock()
        self._has_socks = False
        """Whether a policy had SOCKS entries: sockets may be underway through one since."""
        self._policy: CompiledPolicy | None = None
        """The policy in force, if its decisions can be remembered."""
        self._has_ended = backend.has_ended
        self.open_lane, self.close_lane = native.open_lane, native.close_lane
        self.lead, self.leave = native.lead, native.leave
        self.begun, self.watch = native.begun, native.watch
        native.open(backend.number, bell)

    def enforce(self, policy: CompiledPolicy) -> None:
        """Forget all decisions; those of this policy are remembered from now on."""
        is_plain = not (policy.uses_groups or policy.uses_programs or policy.has_exit_programs or asks_local(policy))
        with self._mutex:
            self._has_socks = self._has_socks or policy.has_socks
            is_plain = is_plain and not self._has_socks
            self._policy = policy if is_plain else None
            self.native.forget(is_plain)

    def remember(
        self, policy: CompiledPolicy, attempt: Attempt, decision: Decision, remote: Endpoint, until_s: float
    ) -> None:
        """Remember what was decided about a connect, if nothing else went into it, and who made it.

        Args:
            policy: By which it was decided.
            attempt: The call, its caller identified.
            decision: The answer.
            remote: Where it leads.
            until_s: When the name of its user is to be looked up again, in seconds of the monotonic clock.
        """
        if policy is not self._policy:
            return
        name = attempt.who.user.encode("utf-8", "surrogateescape")
        if len(name) > _LONGEST_USER:
            return
        caller, call = attempt.caller, attempt.call
        keeper = (caller, caller.pidfd, caller.directory, caller.program)
        with self._mutex:
            if policy is not self._policy:  # another came into force meanwhile, and all was forgotten
                return
            self.native.remember(
                int(until_s * _BILLION), EXIT_POINT_CODES[attempt.exit_point], attempt.user_number,
                remote.address.to_bytes(16, "big"), remote.port, decision.sequence, policy.revision,
                OUTCOME_CODES[decision.outcome], decision.errno, decision.journal, name,
            )  # fmt: skip
        _, pidfd, directory, program = keeper
        self.native.know(call.thread, caller.process, pidfd.number, directory.number, program.number, keeper)

    def stay_apart(self, seconds: float) -> None:
        """Serve no connect here for a while: one may be made again whose result was kept."""
        self.native.stay_apart(time.monotonic_ns() + int(seconds * _BILLION))

    def be_careful(self, seconds: float) -> None:
        """Serve nothing here for a while that might wait."""
        self.native.be_careful(time.monotonic_ns() + int(seconds * _BILLION))

    def receive(self, lane: int) -> Call | Relieved | None:
        """Serve plain calls until one comes that is not, and return it; see `turns.Beside`."""
        while isinstance(found := self.native.serve(lane), int):
            if self._has_ended(OSError(found, os.strerror(found))):
                return None
        if found is None:
            return RELIEVED
        notification, begun = bytearray(found[0]), found[1]
        parts = k.NOTIFICATION.unpack(notification)
        return Call(parts[0], parts[1], parts[3], parts[6:], notification, None if begun is None else _begun(begun))

    def call_of(self, lane: int) -> Call | None:
        """Return the call that a lane serves, without its arguments."""
        found = self.native.busy(lane)
        if found is None:
            return None
        return Call(found[0], found[1], k.SYS_CONNECT, (), bytearray(k.COOKIE.pack(found[0])))


def _begun(values: tuple[Any, ...]) -> Begun:
    """Return what `hand_over` of the C code has written down."""
    (
        keeper, taken, result, sockaddr, local, local_port, remote, remote_port, sequence, revision, outcome, failure,
        journalled, decision_us, user, program,
    ) = values  # fmt: skip
    caller = cast("tuple[Caller, object]", keeper)[0]
    return Begun(
        caller,
        None if taken < 0 else OwnedFd(taken),
        result,
        sockaddr,
        Endpoint(int.from_bytes(local, "big"), local_port),
        Endpoint(int.from_bytes(remote, "big"), remote_port),
        Decision(OUTCOMES[outcome], sequence, failure, bool(journalled), alert=False),
        revision,
        Who(user.decode("utf-8", "surrogateescape"), program.decode("utf-8", "surrogateescape"), caller.process),
        decision_us,
    )
