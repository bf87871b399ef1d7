"""Latency of connect on loopback, native and guarded, in one run: ``python -m tests.bench.connect``.

Three copies of one C client are alive through the whole run: one native, one guarded with 10 rules, one guarded with
10,000. They take turns at connecting to the same server, in an order that changes each round, so that whatever else the
machine does falls on all of them alike. The guarded ones journal each connection; before the next has its turn the
worker gets time to finish writing, so that nobody pays for another's entries.

Aims: guarded p50 at most 2.0 times native; p50 at 10,000 rules within 10 % of that at 10 rules.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.bench.policies import policy_document
from tests.end_to_end.command import Greenwall, started
from tests.programs.build import Programs

_SIZES = (10, 10_000)
_HOST = "127.0.0.1"
_AIM_RATIO, _AIM_GROWTH = 2.0, 1.10
_IDLE_S = 0.05
_LONGEST_WAIT_S = 20.0


class Contender:
    """One client, and the worker of its store if it has one."""

    def __init__(self, name: str, client: subprocess.Popen[str], worker: psutil.Process | None) -> None:
        self.name = name
        self._client = client
        self._worker = worker
        self.taken_ns: list[int] = []

    def take_turn(self, count: int, *, keep: bool) -> None:
        """Connect a number of times, and keep how long each took."""
        print(count, file=self._client.stdin, flush=True)
        words = self._client.stdout.readline().split()
        if len(words) != count:
            raise SystemExit(f"{self.name}: {' '.join(words) or 'the client has ended'}")
        if keep:
            self.taken_ns += map(int, words)
        self._settle()

    def _settle(self) -> None:
        """Wait until the worker has nothing left to write."""
        end = time.monotonic() + _LONGEST_WAIT_S
        used = None
        while self._worker and used != (used := self._worker.cpu_times()[:2]) and time.monotonic() < end:
            time.sleep(_IDLE_S)

    def percentile_us(self, percent: float) -> float:
        """Return a percentile in microseconds."""
        ordered = sorted(self.taken_ns)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] / 1000


def _guarded(rules: int, client: Sequence[str], directory: Path, stack: contextlib.ExitStack) -> Contender:
    directory.mkdir()
    greenwall = Greenwall(directory)
    stack.callback(greenwall.end_workers)
    greenwall.done("policy", "import", "-", stdin=policy_document(rules))
    greenwall.cl("ACTSOCPCY")
    job = stack.enter_context(greenwall.running(*client, stderr=None))
    job.stdin.write("1\n")
    job.stdin.flush()
    job.stdout.readline()  # the job runs, so its worker does too
    (pid,) = greenwall.workers()
    return Contender(f"guarded, {rules:,} rules", job, psutil.Process(pid))


def _contenders(directory: Path, stack: contextlib.ExitStack) -> list[Contender]:
    programs = Programs(directory)
    server = stack.enter_context(started([programs.get("server"), _HOST, "0"], stdout=subprocess.PIPE))
    client = [programs.get("latency"), _HOST, server.stdout.readline().strip()]
    native = stack.enter_context(started(client, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    guarded = [_guarded(rules, client, directory / f"store-{rules}", stack) for rules in _SIZES]
    return [Contender("native", native, None), *guarded]


def _measure(contenders: list[Contender], rounds: int, count: int) -> None:
    chance = random.Random(5250)
    for number in range(rounds + 1):
        for contender in chance.sample(contenders, len(contenders)):
            contender.take_turn(count, keep=number > 0)  # the first round only warms up


def _report(contenders: list[Contender]) -> dict[str, dict[str, float]]:
    native = contenders[0]
    found = {}
    print(f"{'':22} {'p50':>10} {'p99':>10} {'p50 ratio':>10} {'p99 ratio':>10}")
    for one in contenders:
        p50, p99 = one.percentile_us(50), one.percentile_us(99)
        ratios = p50 / native.percentile_us(50), p99 / native.percentile_us(99)
        print(f"{one.name:22} {p50:>7.2f} us {p99:>7.2f} us {ratios[0]:>10.2f} {ratios[1]:>10.2f}")
        found[one.name] = {"p50_us": p50, "p99_us": p99, "p50_ratio": ratios[0], "p99_ratio": ratios[1]}
    few, many = (one.percentile_us(50) for one in contenders[1:])
    worst = max(few, many) / native.percentile_us(50)
    print(f"aim: p50 at most {_AIM_RATIO} times native: {'met' if worst <= _AIM_RATIO else 'NOT met'} ({worst:.2f})")
    met = 2 - _AIM_GROWTH <= many / few <= _AIM_GROWTH
    print(f"aim: p50 at 10,000 rules within 10 % of 10 rules: {'met' if met else 'NOT met'} ({many / few:.3f})")
    return found


def main() -> None:
    """Run the bench and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.connect", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="how many turns each client has")
    parser.add_argument("--count", type=int, default=1000, help="how many connects a turn")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="greenwall-bench-") as directory, contextlib.ExitStack() as stack:
        contenders = _contenders(Path(directory), stack)
        _measure(contenders, options.rounds, options.count)
        print(f"{options.rounds} turns of {options.count} connects each, C client, blocking, loopback")
        found = _report(contenders)
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
