"""Asks the exit programs of a guard, after the rules have allowed a call.

They are asked in ascending number, and the first that rejects ends it. '0' allows, '1' rejects, '9' allows and exempts
the caller's process from this exit program (`exit_program_skips`). Anything else that happens rejects: another answer,
an exception, no answer in time, a process that ended or cannot be started. So does *MONITOR see it, which journals what
would have been rejected and lets it pass.

A rejection by an exit program is always journalled, also where the AUD of the rule that allowed the call says *NONE:
AUD speaks of what its rule decides, and this the rule has not decided. An exit program has no AUD of its own, and what
fails for a reason that no operator can read in the policy is what the journal is for. What exit programs allow is
journalled as the rule says, because then it was the rule that decided.

Each revision brings its exit programs. One that is in the next revision too, with nothing about it changed, goes on in
its process; the others end when the last question that was put to them is answered.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from console.enforcement.guard.exit_program_keeper import ExitProgramKeeper
from console.enforcement.guard.exit_program_process import ExitProgramProcess, NoAnswer
from console.enforcement.guard.exit_program_skips import Skips
from console.enforcement.guard.exit_program_wire import Reply
from console.enforcement.guard.supervisor import Attempt
from console.enforcement.layouts import NO_ENDPOINT, Endpoint, address_text, is_mapped
from console.exit_request import ALLOW, ALLOW_AND_SKIP, ExitRequest
from console.model.words import EXIT_POINT_NAMES, AddressFamily, Mode, Outcome
from console.policy.decide import CompiledPolicy
from console.policy.request import Decision
from console.policy.rule import ExitProgram
from console.store.location import Location


class ExitPrograms:
    """The exit programs of one guard.

    Threads: any may ask; a policy is taken over by one at a time.

    Args:
        location: The store, beside which exit programs and their log lie.
        job: Qualified name of the job.
        may_block: Called before a question, which may take long.
    """

    def __init__(self, location: Location, job: str, may_block: Callable[[], None] = lambda: None) -> None:
        self._job = job
        self._may_block = may_block
        self._keepers: Mapping[ExitProgram, ExitProgramKeeper] = {}
        self._mutex = threading.Lock()
        self._skips = Skips()
        # The kernel kills an exit program with the thread that started it, so that none outlives the guard: one thread
        # starts them all, and lives as long as we do.
        starter = ThreadPoolExecutor(1, thread_name_prefix="exit-programs")
        self._start = lambda entry_point: starter.submit(ExitProgramProcess, entry_point, location).result()

    def prepare(self, policy: CompiledPolicy) -> None:
        """Start the exit programs that a revision brings, just before it decides."""
        with self._mutex:
            fresh = [
                ExitProgramKeeper(program, self._start)
                for program in _all_programs(policy)
                if program not in self._keepers
            ]
            self._keepers = {**self._keepers, **{keeper.program: keeper for keeper in fresh}}
        for keeper in fresh:
            keeper.launch()

    def settle(self, policy: CompiledPolicy) -> None:
        """Let go of the exit programs that are not in the revision that decides now."""
        wanted = _all_programs(policy)
        with self._mutex:
            unused = [keeper for program, keeper in self._keepers.items() if program not in wanted]
            self._keepers = {program: keeper for program, keeper in self._keepers.items() if program in wanted}
            unused = [keeper for keeper in unused if not keeper.users]
        _end(unused)

    def end(self) -> None:
        """End all of them, also one that is being asked: nobody is left who could hear an answer."""
        with self._mutex:
            keepers, self._keepers = list(self._keepers.values()), {}
        for thread in _end(keepers):
            thread.join()

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
            CallerGone: The call no longer waits; nothing was decided.
        """
        programs = policy.exit_programs[attempt.exit_point]
        if decision.outcome is not Outcome.ALLOWED or not programs:
            return decision
        skipped = self._skips.of(attempt, policy.revision)
        asked = [program for program in programs if program not in skipped]
        if not asked:
            return decision
        request = self._request(attempt, local, remote)
        self._may_block()
        text = ""
        for program in asked:
            said = self._ask(program, attempt.call.thread, request, is_waiting)
            if said.answer == ALLOW_AND_SKIP:
                self._skips.add(attempt, policy.revision, program, is_waiting)
                text = _text(program, said)
            elif said.answer != ALLOW:
                return _rejection(decision, policy.modes[attempt.exit_point], _text(program, said))
        return replace(decision, text=text) if text else decision

    def _ask(self, program: ExitProgram, thread: int, request: ExitRequest, is_waiting: Callable[[], bool]) -> Reply:
        """Put a question to one exit program; returns its answer, or what it did instead.

        Raises:
            CallerGone: The call no longer waits.
        """
        with self._mutex:
            keeper = self._keepers.get(program)
            if keeper is None:  # the call found its policy just before the next revision, and is owed what that says
                keeper = ExitProgramKeeper(program, self._start)
            keeper.users += 1
        try:
            return keeper.ask(thread, request, is_waiting)
        except NoAnswer as failure:
            return Reply(0, "", str(failure))
        finally:
            with self._mutex:
                keeper.users -= 1
                unused = [] if keeper.users or self._keepers.get(program) is keeper else [keeper]
            _end(unused)

    def _request(self, attempt: Attempt, local: Endpoint, remote: Endpoint) -> ExitRequest:
        name, _format, _text = EXIT_POINT_NAMES[attempt.exit_point]
        address = local.address if remote == NO_ENDPOINT else remote.address
        return ExitRequest(
            exit_point=attempt.exit_point.value,
            exit_point_name=name,
            user=attempt.who.user,
            program=attempt.who.program.encode(errors="surrogateescape").decode(errors="backslashreplace"),
            job=self._job,
            pid=attempt.who.process,
            local_address=_address(local),
            local_port=local.port,
            remote_address=_address(remote),
            remote_port=remote.port,
            address_family=(AddressFamily.IPV4 if is_mapped(address) else AddressFamily.IPV6).value,
        )


def _all_programs(policy: CompiledPolicy) -> frozenset[ExitProgram]:
    return frozenset(program for programs in policy.exit_programs.values() for program in programs)


def _end(keepers: Iterable[ExitProgramKeeper]) -> list[threading.Thread]:
    """End exit programs beside the caller, who does not wait for them; returns the threads that do."""
    threads = [threading.Thread(target=keeper.end, name="exit-program-end", daemon=True) for keeper in keepers]
    for thread in threads:
        thread.start()
    return threads


def _rejection(decision: Decision, mode: Mode, text: str) -> Decision:
    is_enforced = mode is not Mode.MONITOR
    return Decision(
        Outcome.REJECTED if is_enforced else Outcome.MONITOR,
        decision.sequence,
        errno.EPERM if is_enforced else 0,
        journal=True,
        alert=decision.alert,
        text=text,
    )


def _text(program: ExitProgram, said: Reply) -> str:
    did = said.problem or f"answered '{said.answer}'"
    return f"exit program {program.number}: {program.program} {did}"


def _address(endpoint: Endpoint) -> str:
    return "" if endpoint == NO_ENDPOINT else address_text(endpoint.address)
