"""Latency and throughput of connect on loopback, native and guarded, in one run: ``python -m tests.bench.connect``.

Copies of one C client are alive through the whole run: one native, one whose calls are only stopped and let go on
(``tests/programs/bare.c``), which no guard of this kind can be faster than, one guarded with 10 rules, one with 10,000.
They take turns at connecting to the same server, and each call is timed. Two more then connect from 64 threads at once,
each until the server has closed, so that its queue does not run over.

Aims: guarded p50 at most 1.8 times native, p99 at most 3 times; p50 at 10,000 rules within 10 % of that at 10 rules;
with 64 threads at least half of native's connections per second.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.contest import HOST, Contender, compete, guarded, judge, native, time_calls
from tests.end_to_end.command import started
from tests.programs.build import Programs

_FEW, _MANY = 10, 10_000
_THREADS = 64
_AIM_P50, _AIM_P99, _AIM_GROWTH, _AIM_THREADS = 1.8, 3.0, 1.10, 0.5
_CONNECTIONS_PER_TURN = 5
"""With threads, as multiples of the calls of one turn."""


def _latency(contenders: Sequence[Contender], rounds: int, count: int, rules: int) -> dict[str, dict[str, float]]:
    found = time_calls(contenders, rounds, count, "connects each, C client, blocking, loopback")
    _, _, few, many = found.values()
    worst = max(few["p50_ratio"], many["p50_ratio"])
    judge(f"p50 at most {_AIM_P50} times native", worst, is_met=worst <= _AIM_P50)
    worst = max(few["p99_ratio"], many["p99_ratio"])
    judge(f"p99 at most {_AIM_P99:g} times native", worst, is_met=worst <= _AIM_P99)
    growth = many["p50_us"] / few["p50_us"]
    judge(f"p50 at {rules:,} rules within 10 % of {_FEW} rules", growth, is_met=growth <= _AIM_GROWTH)
    return found


def _throughput(contenders: Sequence[Contender], rounds: int, count: int) -> None:
    compete(contenders, rounds, lambda one: count / (int(one.say(f"{count} {_THREADS} 1")) / 1e9))
    plain, covered = contenders
    for one in contenders:
        print(f"{one.name + f', {_THREADS} threads':30} {one.median:>10,.0f}/s {one.median / plain.median:>8.2f}")
    ratio = covered.median / plain.median
    judge(f"{_THREADS} threads connect at least {_AIM_THREADS:g} times as fast", ratio, is_met=ratio >= _AIM_THREADS)


def main() -> None:
    """Run the bench and print its tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.connect", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="how many turns each client has")
    parser.add_argument("--count", type=int, default=1000, help="how many connects a turn")
    parser.add_argument("--rules", type=int, default=_MANY, help=f"how many the one has that has not {_FEW}")
    parser.add_argument("--json", action="store_true", help="print the latencies as JSON too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="greenwall-bench-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        programs = Programs(directory)
        server = stack.enter_context(started([programs.get("server"), HOST, "0"], stdout=subprocess.PIPE))
        port = server.stdout.readline().strip()
        client = [programs.get("latency"), HOST, port]
        with contextlib.ExitStack() as first:
            contenders = [
                native(client, first),
                native([programs.get("bare"), "lets", *client], first, name="stopped and let go"),
            ]
            for size in (_FEW, options.rules):
                place = directory / f"store-{size}"
                contenders.append(guarded(f"guarded, {size:,} rules", client, place, first, rules=size))
            found = _latency(contenders, options.rounds, options.count, options.rules)
        load = [programs.get("load"), HOST, port]
        pair = [native(load, stack), guarded("guarded", load, directory / "store-threads", stack)]
        _throughput(pair, max(1, options.rounds // 4), options.count * _CONNECTIONS_PER_TURN)
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
