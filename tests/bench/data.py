"""Bytes per second over one connection, native and guarded at both ends, in one run: ``python -m tests.bench.data``.

Once a connection is made nothing of the guard's stands between its ends, and a send is as fast as without it.

Aim: 1.00 times native; met within 5 %, which is what the machine itself moves.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from pathlib import Path

from tests.bench.contest import HOST, Contender, compete, guarded, judge, native
from tests.programs.build import Programs

_AIM, _LEAST = 1.00, 0.95


def main() -> None:
    """Run the bench and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.data", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="how many turns each pair has")
    parser.add_argument("--megabytes", type=int, default=512, help="how much is sent a turn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="greenwall-bench-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        stream = [Programs(directory).get("stream")]
        senders = [native(stream, stack), guarded("guarded", stream, directory / "store", stack)]
        readers = [native(stream, stack), guarded("guarded", stream, directory / "store-2", stack)]
        for sender in senders:
            sender.program.stdout.readline()  # its own port, which nobody connects to
        ports = {reader.name: reader.program.stdout.readline().strip() for reader in readers}

        def turn(sender: Contender) -> float:
            taken_ns = int(sender.say(f"{HOST} {ports[sender.name]} {options.megabytes}"))
            return options.megabytes / (taken_ns / 1e9)

        compete(senders, options.rounds, turn)
        plain, covered = senders
        for one in senders:
            print(f"{one.name:10} {one.median:>8,.0f} MB/s {one.median / plain.median:>6.2f}")
        ratio = covered.median / plain.median
        judge(f"{_AIM:.2f} times native, within 5 %", ratio, is_met=ratio >= _LEAST)


if __name__ == "__main__":
    main()
