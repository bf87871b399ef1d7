"""Answers the calls of one job: takes each apart, decides, performs it, answers, and hands the decision on.

Connect, accept and listen have a file each; what they share is here, and so is the one place that says what happens
when no decision can be reached: the call is rejected, and the journal says why.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.enforcement.backend import Backend, Call, Caller
from console.enforcement.fds import OwnedFd
from console.enforcement.guard import identity
from console.enforcement.layouts import NO_ENDPOINT, Endpoint
from console.enforcement.records import SK_TYPE_OF, Decided, Seen, Who
from console.errors import CallerGone
from console.model.words import DEFAULT_SEQUENCE, ExitPoint, Outcome, SkType
from console.policy.audit_levels import Auditing, Levels
from console.policy.decide import CompiledPolicy
from console.policy.request import Decision, Request, unwritten

if TYPE_CHECKING:
    from console.enforcement.guard.plain_calls import PlainCalls

_NO_FAILURE = frozenset({0, errno.EINPROGRESS})
"""Results of a performed call that say nothing went wrong; any other is named in its entry."""
_NO_GROUPS: frozenset[str] = frozenset()
_LONGEST_US = 2**31 - 1
"""What the journal has room for, half an hour: a call may stand in line for an exit program that is slow."""

_NOBODY = Who("", "", 0)

UNDECIDED = Decision(Outcome.REJECTED, DEFAULT_SEQUENCE, errno.EPERM, journal=True, alert=True)
"""The answer where no decision can be reached. It fails closed whatever the mode: a call that cannot be seen cannot be
said to be one that *MONITOR would let pass."""


TOLD = Decision(Outcome.ALLOWED, sequence=0, errno=0, journal=True, alert=False)
"""Stands in the record of what was seen and not decided."""


class Recorder(Protocol):
    """Takes decisions for the journal."""

    @property
    def full(self) -> bool:
        """Whether nothing more can be kept, and a call is to be refused whose decision belongs into the journal."""

    def record(self, decided: Decided) -> None:
        """Count one, and keep it if its rule wants it in the journal; returns at once."""

    def tell(self, seen: Decided) -> None:
        """Keep what is no decision, as long as there is room; returns at once."""

    def turn_away(self) -> None:
        """Count a call that was refused because nothing can be kept."""

    def note(self, text: str) -> None:
        """Keep something else that belongs into the journal."""


class Decider(Protocol):
    """What decided."""

    @property
    def revision(self) -> int:
        """Number of the policy."""


class Asker(Protocol):
    """Asks exit programs; see `console.enforcement.guard.exit_programs`."""

    def decide(
        self,
        policy: CompiledPolicy,
        attempt: Attempt,
        decision: Decision,
        local: Endpoint,
        remote: Endpoint,
        is_waiting: Callable[[], bool],
    ) -> Decision:
        """Return what becomes of a call that the rules have decided.

        Raises:
            CallerGone: The call no longer waits.
        """


class Undecidable(Exception):  # noqa: N818 -- a state of a call, named as the design names it
    """No decision can be reached about a call; the text says why."""


class Attempt:
    """One call on its way through an exit point, with the time it takes to decide it."""

    __slots__ = ("call", "caller", "decision_us", "exit_point", "seen", "started_ns", "user_number", "who")

    def __init__(self, call: Call, caller: Caller, exit_point: ExitPoint) -> None:
        self.call = call
        self.caller = caller
        self.exit_point = exit_point
        self.seen: Seen | None = None
        """What the journal shows it as, where that is no call of its exit point."""
        self.started_ns = time.perf_counter_ns()
        self.decision_us = 0
        self.who = _NOBODY
        self.user_number = -1
        """The effective user id by which `who` was named."""


class Supervisor:
    """What the handlers of all three exit points work with.

    Threads: any; `policy` is swapped whole, and each call uses the one it finds.
    """

    def __init__(
        self, backend: Backend, policy: CompiledPolicy, recorder: Recorder, clock_ns: Callable[[], int] = time.time_ns
    ) -> None:
        """Begin to supervise.

        Args:
            backend: How calls are received, performed and answered.
            policy: To decide by.
            recorder: Takes decisions.
            clock_ns: Nanoseconds since the epoch; what rules with a time group go by.
        """
        self.backend = backend
        self._clock_ns = clock_ns
        self._swapping = threading.RLock()
        self._policy = policy
        self.recorder = recorder
        self.levels = Levels(Auditing())
        """Which entries are to be written."""
        self.plain_calls: PlainCalls | None = None
        """Serves the plain calls without us, where that is possible."""
        self.exit_programs: Asker | None = None
        """Asked where the policy has exit programs; there before any such policy is."""
        self.names = identity.Names()
        self.handlers: Mapping[int, tuple[ExitPoint, Callable[[Supervisor, Attempt], None]]] = {}
        """System call number -> its exit point and what handles it."""

    @property
    def policy(self) -> CompiledPolicy:
        """The policy to decide by now: where rules hold at certain times, the one for this moment."""
        policy = self._policy
        if policy.is_timed and not policy.is_for(self._clock_ns()):
            with self._swapping:  # another revision may have come meanwhile, or another thread have done this
                if not self._policy.is_for(self._clock_ns()):
                    self.enforce(self._policy)
                return self._policy
        return policy

    def enforce(self, policy: CompiledPolicy) -> None:
        """Decide by another policy from now on."""
        with self._swapping:
            self._policy = policy.at(self._clock_ns())
            if self.plain_calls is not None:
                self.plain_calls.enforce(self._policy)

    def audit(self, levels: Levels) -> None:
        """Write what other audit levels say from now on. Decisions that are remembered are forgotten."""
        self.levels = levels
        with self._swapping:
            self.enforce(replace(self._policy))  # another object: what is just being decided is not remembered either

    def serve(self, call: Call) -> None:
        """Answer one call.

        Raises nothing that is not a bug; a bug ends the guard, and with it every later socket call of the job.
        """
        exit_point, handle = self.handlers[call.number]
        try:
            try:
                begun = call.begun or call.accepted
                caller = self.backend.caller(call) if begun is None else begun.caller
                attempt = Attempt(call, caller, exit_point)
            except OSError as error:
                self._fail_closed(call, exit_point, Who("", "", call.thread), f"caller unknown: {error.strerror}")
                return
            try:
                handle(self, attempt)
            except Undecidable as error:
                self.reject(attempt, str(error))
        except CallerGone:
            return

    def reject(self, attempt: Attempt, text: str) -> None:
        """Reject a call about which no decision can be reached.

        Raises:
            CallerGone: The call no longer waits.
        """
        who = attempt.who._replace(process=attempt.caller.process)
        self._fail_closed(attempt.call, attempt.exit_point, who, text)

    def _fail_closed(self, call: Call, exit_point: ExitPoint, who: Who, text: str) -> None:
        if self.recorder.full:
            self.recorder.turn_away()
        else:
            decided = (time.time_ns(), exit_point, UNDECIDED, self.policy.revision, who, NO_ENDPOINT, NO_ENDPOINT)
            self.recorder.record(Decided(*decided, 0, text))
        self.backend.answer(call, UNDECIDED.errno)

    def take_socket(self, attempt: Attempt) -> OwnedFd | None:
        """Duplicate the socket that a call names in its first argument.

        Returns:
            None when the call has been answered: there is no such descriptor.

        Raises:
            CallerGone: The call no longer waits.
            Undecidable: The descriptor cannot be looked at.
        """
        number = attempt.call.arguments[0] & 0xFFFF_FFFF
        try:
            return self.backend.take_descriptor(attempt.call, attempt.caller, number)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise Undecidable(f"descriptor not readable: {error.strerror}") from error
        self.backend.answer(attempt.call, errno.EBADF)
        return None

    def identify(self, attempt: Attempt, *, program_decides: bool = False) -> None:
        """Find out who calls.

        Args:
            attempt: The call.
            program_decides: Make certain that the path of the program leads to it for others too.

        Raises:
            CallerGone: The caller has ended.
            Undecidable: It cannot be found out.
        """
        try:
            attempt.user_number = identity.user_number(attempt.caller)
            user = self.names.user(attempt.user_number)
            path_of = identity.certain_program_path if program_decides else identity.program_path
            program = path_of(attempt.caller)
        except (FileNotFoundError, ProcessLookupError) as error:
            if self.backend.is_waiting(attempt.call):
                raise Undecidable("program not readable") from error
            raise CallerGone("GWL0402") from error
        except OSError as error:
            raise Undecidable(f"caller not readable: {error.strerror}") from error
        attempt.who = Who(user, program, attempt.caller.process)

    def decide(self, policy: CompiledPolicy, attempt: Attempt, local: Endpoint, remote: Endpoint) -> Decision:
        """Ask the policy about a call whose caller was identified.

        Raises:
            CallerGone: The caller has ended, or was taken out of the call while an exit program was asked.
            Undecidable: Its groups or its program cannot be found out, or the decision cannot be journalled.
        """
        if policy.uses_programs or policy.has_exit_programs:
            self.identify(attempt, program_decides=True)
        groups = self.groups(attempt) if policy.uses_groups else _NO_GROUPS
        who = attempt.who
        decision = policy.decide(Request(attempt.exit_point, who.user, groups, who.program, *local, *remote))
        if policy.has_exit_programs:
            decision = self._ask_exit_programs(policy, attempt, decision, local, remote)
        if decision.by_level and not self.wants(attempt.seen or attempt.exit_point, attempt, local):
            decision = unwritten(decision)
        if self.recorder.full and decision.journal:
            raise Undecidable("the journal takes nothing more")
        spent_us = (time.perf_counter_ns() - attempt.started_ns) // 1000
        attempt.decision_us = spent_us if spent_us < _LONGEST_US else _LONGEST_US
        return decision

    def wants(self, seen: ExitPoint | Seen, attempt: Attempt, local: Endpoint) -> bool:
        """Say whether the audit levels want an SK entry about an identified caller.

        What was decided about a datagram is wanted with the connects, and with the datagrams too.
        """
        user = attempt.who.user
        if seen is Seen.DATAGRAM and self.levels.wants("SK", SkType.CONNECT, user=user):
            return True
        return self.levels.wants("SK", SK_TYPE_OF[seen], user=user, local_port=local.port)

    def rules_reject(self, policy: CompiledPolicy, attempt: Attempt, local: Endpoint, remote: Endpoint) -> bool:
        """Say whether the rules alone reject a call where it has come to since it was decided.

        Raises:
            CallerGone, Undecidable: Its groups cannot be found out.
        """
        groups = self.groups(attempt) if policy.uses_groups else _NO_GROUPS
        who = attempt.who
        return bool(policy.decide(Request(attempt.exit_point, who.user, groups, who.program, *local, *remote)).errno)

    def asks_exit_programs(self, exit_point: ExitPoint) -> bool:
        """Say whether a decision at an exit point may take long, because others than the rules are asked."""
        policy = self.policy
        return policy.has_exit_programs and bool(policy.exit_programs[exit_point])

    def _ask_exit_programs(
        self, policy: CompiledPolicy, attempt: Attempt, decision: Decision, local: Endpoint, remote: Endpoint
    ) -> Decision:
        if self.exit_programs is None:
            raise Undecidable("no exit program can be asked here")
        is_waiting = partial(self.backend.is_waiting, attempt.call)
        return self.exit_programs.decide(policy, attempt, decision, local, remote, is_waiting)

    def groups(self, attempt: Attempt) -> frozenset[str]:
        """Return the groups of a caller, in upper case.

        Raises:
            CallerGone: The caller has ended.
            Undecidable: They cannot be read.
        """
        try:
            return frozenset(self.names.group(number) for number in identity.group_numbers(attempt.caller))
        except (FileNotFoundError, ProcessLookupError) as error:
            raise CallerGone("GWL0402") from error
        except OSError as error:
            raise Undecidable(f"groups not readable: {error.strerror}") from error

    def record(
        self,
        policy: Decider,
        attempt: Attempt,
        decision: Decision,
        local: Endpoint,
        remote: Endpoint,
        error_number: int = 0,
        *,
        text: str = "",
        socks_server: str = "",
    ) -> None:
        """Hand a decision on to the journal, which keeps it if its rule wants it there."""
        if error_number not in _NO_FAILURE:
            name = errno.errorcode.get(error_number, str(error_number))
            text = f"{name}; {text}" if text else name
        if decision.text:
            text = f"{decision.text}; {text}" if text else decision.text
        self.recorder.record(
            Decided(
                time.time_ns(),
                attempt.seen or attempt.exit_point,
                decision,
                policy.revision,
                attempt.who,
                local,
                remote,
                attempt.decision_us,
                text,
                socks_server,
            )
        )

    def tell(
        self, seen: Seen, attempt: Attempt, local: Endpoint, remote: Endpoint = NO_ENDPOINT, *, text: str = ""
    ) -> None:
        """Hand on what was seen of an identified caller, and not decided, if the audit levels want it."""
        if self.wants(seen, attempt, local):
            told = Decided(time.time_ns(), seen, TOLD, self.policy.revision, attempt.who, local, remote, 0, text)
            self.recorder.tell(told)

    def tell_refused_listen(self, attempt: Attempt, decision: Decision, local: Endpoint) -> None:
        """Hand on that a caller has no authority to a port, if the audit levels want that beside the decision."""
        if decision.journal and self.levels.wants("AF", user=attempt.who.user):
            words = (time.time_ns(), Seen.REFUSED_LISTEN, decision, self.policy.revision, attempt.who)
            self.recorder.tell(Decided(*words, local, NO_ENDPOINT, attempt.decision_us, decision.text))


def local_endpoint(socket_fd: int) -> Endpoint | None:
    """Return the local side of an internet socket; None for a socket of another family, or no socket at all."""
    try:
        return k.parse_sockaddr(syscalls.local_sockaddr(socket_fd))
    except OSError:
        return None
