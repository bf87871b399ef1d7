"""The plain calls, served without Python: what joins `_plain_calls.c` with the code that it repeats.

Most calls of most jobs are alike: a connect by a thread that has called before, to an address about which the rules
were asked a moment ago, or an accept of a connection like the last. Their decisions are remembered here, and such a
call is then received, found, performed, journalled and answered in C, in one go, by a thread that does not hold
Python's interpreter lock. Every other call is handed over untouched, and one that turns out not to be plain when it was
made already is handed over as it is (`Begun`, `Accepted`). The module is optional: without it Python serves all calls,
and it is the reference for what a call does.

What is remembered: a decision of connect for a user and a remote address and port, where nothing else goes into it: the
policy in force has no rules about groups, programs or the local side, no exit programs and no SOCKS entries. Of accept,
what allows: for a user, a local address and port, and all remote addresses and ports that the rules do not tell apart
from those decided about (`Ranges.classes`), since a client's port is new each time; where the policy has no rules about
groups or programs, and no exit programs. All of it is forgotten when another policy comes into force, and with the name
of its user (`console.enforcement.guard.identity`). Who calls, as which user and from which program is found out at
every call anew. Where rules hold at certain times, what is remembered is believed within the period that the policy is
for (`CompiledPolicy.at`), and no longer: the clock is looked at before each use, and the first call of the next period
is Python's, which takes the policy for that one.

Threads: any.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, cast

from console.enforcement import layouts as k
from console.enforcement.backend import CROWDED, RELIEVED, Accepted, Begun, Call, Caller, Standing
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.destination import asks_local
from console.enforcement.guard.notify import SeccompBackend
from console.enforcement.layouts import NO_ENDPOINT, Endpoint
from console.enforcement.records import EXIT_POINT_CODES, OUTCOME_CODES, OUTCOMES, Who
from console.model.words import ExitPoint
from console.policy.decide import CompiledPolicy
from console.policy.request import Decision
from console.policy.vectors import Ranges

if TYPE_CHECKING:
    from console.enforcement.guard.identity import Names
    from console.enforcement.guard.kept import Connection
    from console.enforcement.guard.looking_first import Place
    from console.enforcement.guard.supervisor import Attempt

_INTERFACE = 4

try:
    from console.enforcement.guard import _plain_calls
except ImportError:  # there was no compiler
    native = None
else:
    native = _plain_calls if getattr(_plain_calls, "INTERFACE", 1) == _INTERFACE else None
"""The module in C; None where there is none, or only one of other sources, in a checkout that has moved on."""

_LONGEST_USER = 64
"""Octets of a name that has room there."""
_BILLION = 1_000_000_000
_KEPT, _FULL, _BINDS = 1, 2, 4
"""Why accepts are Python's: connections are kept, a process has no descriptor left, a listener may be an Rbind's."""
_PORTS = 65_536
_ADDRESS_END = 1 << 128
_TAKEN_LENGTH = 5
"""Values that come with a connection that was taken; more come with a connect."""


class _Taking:
    """The lock of `AcceptPoint`, from the look at a listener to the accept, which is the other side's too."""

    def __enter__(self) -> None:
        _plain_calls.enter_taking()

    def __exit__(self, *_: object) -> None:
        _plain_calls.leave_taking()


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
        """The policy in force, if its decisions of connect can be remembered."""
        self._accept_policy: CompiledPolicy | None = None
        """The same of accept."""
        self.taking = _Taking()
        self._has_ended = backend.has_ended
        self.open_lane, self.close_lane = native.open_lane, native.close_lane
        self.lead, self.leave = native.lead, native.leave
        self.begun, self.watch = native.begun, native.watch
        native.open(backend.number, bell, os.geteuid() == 0)

    def enforce(self, policy: CompiledPolicy) -> None:
        """Forget all decisions; those of this policy are remembered from now on."""
        accepts = not (policy.uses_groups or policy.uses_programs or policy.has_exit_programs)
        classes = _classes(policy) if accepts else (b"", bytes(4), b"")
        period = (policy.begins_ns, policy.ends_ns) if policy.is_timed else (0, 0)
        with self._mutex:
            self._has_socks = self._has_socks or policy.has_socks
            connects = accepts and not asks_local(policy) and not self._has_socks
            self._policy = policy if connects else None
            self._accept_policy = policy if accepts else None
            self.native.forget(connects, accepts, *classes, *period)

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
        if policy is self._policy:
            self._remember(policy, attempt, decision, (NO_ENDPOINT, remote), until_s)

    def remember_accept(self, names: Names, attempt: Attempt, connection: Connection) -> None:
        """Remember what was decided about a connection that was handed over, and who accepted it."""
        policy = connection.policy
        if policy is self._accept_policy and connection.remote is not NO_ENDPOINT:
            ends = connection.local, connection.remote
            self._remember(policy, attempt, connection.decision, ends, names.user_until(attempt.user_number))

    def _remember(
        self,
        policy: CompiledPolicy,
        attempt: Attempt,
        decision: Decision,
        ends: tuple[Endpoint, Endpoint],
        until_s: float,
    ) -> None:
        name = attempt.who.user.encode("utf-8", "surrogateescape")
        if len(name) > _LONGEST_USER:
            return
        caller, call = attempt.caller, attempt.call
        keeper = (caller, caller.pidfd, caller.directory, caller.program)
        local, remote = ends
        with self._mutex:
            if policy not in (self._policy, self._accept_policy):  # another came meanwhile, and all was forgotten
                return
            self.native.remember(
                int(until_s * _BILLION), EXIT_POINT_CODES[attempt.exit_point], attempt.user_number,
                local.address.to_bytes(16, "big"), local.port, remote.address.to_bytes(16, "big"), remote.port,
                decision.sequence, policy.revision, OUTCOME_CODES[decision.outcome], decision.errno, decision.journal,
                name,
            )  # fmt: skip
        _, pidfd, directory, program = keeper
        self.native.know(call.thread, caller.process, pidfd.number, directory.number, program.number, keeper)

    def keep_connections(self, any_is_kept: bool) -> None:
        """Serve no accept here while connections are kept that another may stand for."""
        self.native.accept_apart(_KEPT, any_is_kept)

    def find_tables_full(self, any_is_full: bool) -> None:
        """Serve no accept here while a process is known to have no descriptor left."""
        self.native.accept_apart(_FULL, any_is_full)

    def leave_accepts(self) -> None:
        """Serve no accept here: listeners may be those of Rbinds."""
        self.native.accept_apart(_BINDS, True)

    def note(self, place: Place, had_to_wait: bool) -> None:
        """Remember how an accept began; see `LookingFirst`."""
        self.native.note_place(*place, had_to_wait)

    def looks_first(self, place: Place) -> bool | None:
        """Say whether a program looks before it accepts; see `LookingFirst`."""
        known: bool | None = self.native.looks_first(*place)
        return known

    def stay_apart(self, seconds: float) -> None:
        """Serve no connect here for a while: one may be made again whose result was kept."""
        self.native.stay_apart(time.monotonic_ns() + int(seconds * _BILLION))

    def be_careful(self, seconds: float) -> None:
        """Serve nothing here for a while that might wait."""
        self.native.be_careful(time.monotonic_ns() + int(seconds * _BILLION))

    def receive(self, lane: int, *, helps: bool) -> Call | Standing | None:
        """Serve plain calls until one comes that is not, and return it; see `turns.Beside`."""
        while isinstance(found := self.native.serve(lane, helps), int):
            if found == 0:
                return CROWDED
            if self._has_ended(OSError(found, os.strerror(found))):
                self.native.dismiss()  # nothing of ours is to keep a port busy
                return None
        if found is None:
            return RELIEVED
        notification, values = bytearray(found[0]), found[1]
        parts = k.NOTIFICATION.unpack(notification)
        begun, accepted = None, None
        if values is not None and len(values) == _TAKEN_LENGTH:
            accepted = _accepted(values)
        elif values is not None:
            begun = _begun(values)
        return Call(parts[0], parts[1], parts[3], parts[6:], notification, begun, accepted)

    def call_of(self, lane: int) -> Call | None:
        """Return the call that a lane serves, without its arguments."""
        found = self.native.busy(lane)
        if found is None:
            return None
        return Call(found[0], found[1], k.SYS_CONNECT, (), bytearray(k.COOKIE.pack(found[0])))


def _classes(policy: CompiledPolicy) -> tuple[bytes, bytes, bytes]:
    """Return which remote addresses and ports the rules of accept do not tell apart, as `_plain_calls.h` has it.

    Layout: Where each piece of the addresses but the first begins, two words of 8 octets each, the high one first; the
    number of each piece, 4 octets each; the number of each port, 2 octets each, or nothing.
    """
    table = policy.tables[ExitPoint.ACCEPT]
    addresses = None if table is None else table.remote_addresses
    ports = None if table is None else table.remote_ports
    starts, numbers = _pieces(addresses)
    packed = b"".join(struct.pack("=QQ", start >> 64, start & 0xFFFF_FFFF_FFFF_FFFF) for start in starts)
    return packed, struct.pack(f"={len(numbers)}I", *numbers), b"" if ports is None else _ports(ports)


def _pieces(addresses: Ranges | None) -> tuple[list[int], list[int]]:
    if addresses is None:
        return [], [0]
    starts, numbers = addresses.classes()
    count = sum(start < _ADDRESS_END for start in starts)
    return starts[:count], numbers[: count + 1]


def _ports(ports: Ranges) -> bytes:
    starts, numbers = ports.classes()
    bounds = [0, *(min(start, _PORTS) for start in starts), _PORTS]
    pieces = zip(numbers, bounds, bounds[1:], strict=False)
    return b"".join(struct.pack("=H", number) * (end - begin) for number, begin, end in pieces)


def _accepted(values: tuple[Any, ...]) -> Accepted:
    keeper, listener, connection, peer, recorded = values
    caller = cast("tuple[Caller, object]", keeper)[0]
    return Accepted(caller, OwnedFd(listener), OwnedFd(connection), peer, recorded)


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
