"""Many guarded jobs at once: ``python -m tests.bench.jobs``.

All are started one after the other without waiting, each under a guard of its own; when all of them run, all are told
at once to connect, and then to end. Shown are the time that takes, and the memory that stands beside each job: what
only its guard and its front have (USS), and their share of what they have in common with others (PSS).

Aim: every job starts, connects as often as it should, and ends with its own status, and every connect is journalled.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.bench.contest import HOST, guarded_store
from tests.end_to_end.command import Greenwall, started, until
from tests.programs.build import Programs

_PATIENCE_S = 60.0


def _memory_mb(jobs: Sequence[subprocess.Popen[str]]) -> tuple[float, float]:
    """Return USS and PSS of all fronts and guards, without the commands they run."""
    unique = shared = 0
    for job in jobs:
        front = psutil.Process(job.pid)
        for process in (front, *front.children()):
            memory = process.memory_full_info()
            unique += memory.uss
            shared += memory.pss
    return unique / 1e6, shared / 1e6


def _entries(greenwall: Greenwall) -> int:
    (last,) = greenwall.show("journal", "--last", "1")
    return int(last["sequence_number"])


def main() -> None:
    """Run the bench and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.jobs", description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=200, help="how many at once")
    parser.add_argument("--count", type=int, default=100, help="how many connects each makes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="greenwall-bench-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        programs = Programs(directory)
        server = stack.enter_context(started([programs.get("server"), HOST, "0"], stdout=subprocess.PIPE))
        client = [programs.get("latency"), HOST, server.stdout.readline().strip()]
        greenwall = guarded_store(directory / "store", stack)
        before = _entries(greenwall)

        moment = time.monotonic()
        jobs = [stack.enter_context(greenwall.running(*client, stderr=None)) for _ in range(options.jobs)]
        for job in jobs:
            print(0, file=job.stdin, flush=True)
        lines = [job.stdout.readline() for job in jobs]
        print(f"{options.jobs} jobs run after {time.monotonic() - moment:.1f} s")
        unique, shared = _memory_mb(jobs)
        print(
            f"memory beside a job: {unique / len(jobs):.1f} MB of its own, {shared / len(jobs):.1f} MB with its share"
        )

        moment = time.monotonic()
        for job in jobs:
            print(options.count, file=job.stdin, flush=True)
        lines = [job.stdout.readline() for job in jobs]
        taken_s = time.monotonic() - moment
        connected = sum(len(line.split()) for line in lines)
        print(f"{connected:,} connects in {taken_s:.1f} s, {connected / taken_s:,.0f}/s")

        moment = time.monotonic()
        for job in jobs:
            job.stdin.close()
        ended = sum(job.wait(_PATIENCE_S) == 0 for job in jobs)
        print(f"{ended} jobs ended in order after {time.monotonic() - moment:.1f} s")
        wanted = options.jobs * options.count
        until(lambda: _entries(greenwall) - before >= wanted, "the worker to write", _PATIENCE_S)
        journalled = sum(entry["sk_type"] == "C" for entry in greenwall.show("journal") if entry["entry_type"] == "SK")
        is_met = connected == journalled == wanted and ended == options.jobs
        print(f"aim: all start, connect and end, and all of it is journalled: {'met' if is_met else 'NOT met'}")


if __name__ == "__main__":
    main()
