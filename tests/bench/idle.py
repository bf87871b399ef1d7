"""Processor time of a worker that has nothing to do: ``python -m tests.bench.idle``. With the kernel engine as root.

A worker of a fresh store is left alone; what it takes is read from the kernel before and after. Seconds of processor
time hardly depend on what else the machine does.

Aim: at most 5 ms of processor time a second, with the kernel engine and without.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench.contest import judge
from tests.bench.kernel import in_a_cgroup
from tests.end_to_end.command import Greenwall, started

_AIM_MS = 5.0
_SETTLE_S, _MOST_SETTLES, _SETTLED_MS = 3.0, 20, 60.0
"""A worker that is beginning takes more than this in such a while, on a busy machine for some time."""
_NS_PER_MS = 1e6


def _used_ms(pid: int) -> float:
    """Return the processor time that the threads of a process have had (schedstat in /proc, its first field)."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / _NS_PER_MS


def _settle(pid: int) -> None:
    """Wait until a worker has begun, and looked at everything for the first time."""
    for _ in range(_MOST_SETTLES):
        before_ms = _used_ms(pid)
        time.sleep(_SETTLE_S)
        if before_ms > 0 and _used_ms(pid) - before_ms < _SETTLED_MS:
            return


def _measure(directory: Path, options: list[str], seconds: float) -> float:
    directory.mkdir(mode=0o700)
    greenwall = Greenwall(directory)
    with started(greenwall.arguments("worker", *options), stderr=subprocess.DEVNULL) as worker:
        _settle(worker.pid)
        before_ms = _used_ms(worker.pid)
        time.sleep(seconds)
        used_ms = _used_ms(worker.pid) - before_ms
    if options:
        greenwall("engine", "detach")
    return used_ms / seconds


def main() -> None:
    """Run the bench and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.idle", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long each is looked at")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="greenwall-bench-") as name, contextlib.ExitStack() as stack:
        ways: dict[str, list[str]] = {"idle worker": []}
        if os.geteuid() == 0:
            cgroup = stack.enter_context(in_a_cgroup())
            ways["idle worker with the kernel engine"] = ["--engine", "kernel", "--cgroup", str(cgroup)]
        for number, (title, arguments) in enumerate(ways.items()):
            used_ms = _measure(Path(name) / str(number), arguments, options.seconds)
            print(f"{title}: {used_ms:.1f} ms of processor time a second")
            judge(f"at most {_AIM_MS:g} ms a second", used_ms, is_met=used_ms <= _AIM_MS)


if __name__ == "__main__":
    main()
