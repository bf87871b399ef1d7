"""What the benches share: native and guarded programs that live through one run and take turns.

They take turns in an order that changes each round, so that whatever else the machine does falls on all of them alike;
a figure is a median over rounds, and a ratio is one of two figures of the same run. A guarded program has a store of
its own; before the next has its turn its worker gets time to finish writing, so that nobody pays for another's entries.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from tests.bench.policies import policy_document
from tests.end_to_end.command import Greenwall, started

HOST = "127.0.0.1"
_IDLE_S = 0.7
"""Longer than a worker lets entries gather before it writes them: it would do so in the next one's turn."""
_LONGEST_WAIT_S = 20.0


class Contender:
    """One program, native or guarded, that does something for each line that it is given."""

    def __init__(self, name: str, program: subprocess.Popen[str], worker: psutil.Process | None = None) -> None:
        self.name = name
        self.program = program
        self.figures: list[float] = []
        """One a round."""
        self._worker = worker

    def say(self, line: str) -> str:
        """Give the program a line and return what it says to it."""
        with contextlib.suppress(BrokenPipeError):  # its last words say why
            print(line, file=self.program.stdin, flush=True)
        said = self.program.stdout.readline()
        if not said[:1].isdigit():
            raise SystemExit(f"{self.name}: {said.strip() or 'the program has ended'}")
        return said

    def settle(self) -> None:
        """Wait until the worker has nothing left to write."""
        end = time.monotonic() + _LONGEST_WAIT_S
        used = None
        while self._worker and used != (used := self._worker.cpu_times()[:2]) and time.monotonic() < end:
            time.sleep(_IDLE_S)

    @property
    def median(self) -> float:
        """The figure of the round in the middle."""
        return statistics.median(self.figures)


def native(
    command: Sequence[str], stack: contextlib.ExitStack, *, name: str = "native", worker: psutil.Process | None = None
) -> Contender:
    """Start a program as it is; where it is the client of a guarded server, `worker` is the server's."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return Contender(name, stack.enter_context(started(list(command), **pipes)), worker)


def guarded(
    name: str,
    command: Sequence[str],
    directory: Path,
    stack: contextlib.ExitStack,
    *,
    rules: int = 10,
    exit_point: str = "*CONNECT",
) -> Contender:
    """Start a program under rules of which none is about loopback.

    Args:
        name: How the table calls it.
        command: The program and its arguments.
        directory: Does not exist yet; the store lies in it.
        stack: Ends everything.
        rules: How many.
        exit_point: Whose.
    """
    greenwall = guarded_store(directory, stack, rules=rules, exit_point=exit_point)
    job = stack.enter_context(greenwall.running(*command, stderr=None))
    return Contender(name, job, worker_of(greenwall))


def worker_of(greenwall: Greenwall) -> psutil.Process:
    """Return the worker of a store that has one."""
    return psutil.Process(greenwall.workers()[0])


def guarded_store(
    directory: Path, stack: contextlib.ExitStack, *, rules: int = 10, exit_point: str = "*CONNECT"
) -> Greenwall:
    """Make a store with a policy in force and a worker; see `guarded`."""
    directory.mkdir()
    greenwall = Greenwall(directory)
    stack.callback(greenwall.end_workers)
    greenwall.done("policy", "import", "-", stdin=policy_document(rules, exit_point))
    greenwall.cl("ACTSOCPCY")
    greenwall.done("run", "--", "true")  # starts the worker
    return greenwall


def compete(
    contenders: Sequence[Contender], rounds: int, turn: Callable[[Contender], float], *, warm_up: bool = True
) -> None:
    """Let each have a turn a round, and keep its figures; the first round only warms up."""
    chance = random.Random(5250)
    for number in range(rounds + warm_up):
        for contender in chance.sample(list(contenders), len(contenders)):
            figure = turn(contender)
            if number or not warm_up:
                contender.figures.append(figure)
            contender.settle()


def time_calls(contenders: Sequence[Contender], rounds: int, count: int, heading: str) -> dict[str, dict[str, float]]:
    """Let each make and time so many calls a turn, and print p50 and p99, also as multiples of the first one's.

    Args:
        contenders: Each answers a number with the nanoseconds of as many calls.
        rounds: How many turns each has; one more only warms up.
        count: How many calls a turn has.
        heading: What the table says of the calls.

    Returns:
        Name -> ``p50_us``, ``p99_us``, ``p50_ratio`` and ``p99_ratio``.
    """
    taken: dict[str, list[int]] = {one.name: [] for one in contenders}
    seen: set[str] = set()

    def turn(contender: Contender) -> float:
        words = contender.say(str(count)).split()
        if len(words) != count:
            raise SystemExit(f"{contender.name}: {' '.join(words)}")
        if contender.name in seen:  # the first turn only warms up
            taken[contender.name] += map(int, words)
        seen.add(contender.name)
        return 0.0

    compete(contenders, rounds, turn)
    print(f"{rounds} turns of {count} {heading}")
    print(f"{'':22} {'p50':>10} {'p99':>10} {'p50 ratio':>10} {'p99 ratio':>10}")
    base = {percent: _percentile_us(taken[contenders[0].name], percent) for percent in (50, 99)}
    found = {}
    for name, times in taken.items():
        p50, p99 = _percentile_us(times, 50), _percentile_us(times, 99)
        ratios = p50 / base[50], p99 / base[99]
        print(f"{name:22} {p50:>7.2f} us {p99:>7.2f} us {ratios[0]:>10.2f} {ratios[1]:>10.2f}")
        found[name] = {"p50_us": p50, "p99_us": p99, "p50_ratio": ratios[0], "p99_ratio": ratios[1]}
    return found


def _percentile_us(taken_ns: Sequence[int], percent: float) -> float:
    ordered = sorted(taken_ns)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] / 1000


def judge(aim: str, value: float, *, is_met: bool) -> None:
    """Print whether an aim is met."""
    print(f"aim: {aim}: {'met' if is_met else 'NOT met'} ({value:.2f})")
