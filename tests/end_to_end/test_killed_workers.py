"""Workers killed again and again under load: every decided call is in the journal once, without a gap, the chain whole.

A few in the default run; a thousand with GREENWALL_CAMPAIGN=1, in some ten minutes.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.end_to_end.command import end, until
from tests.loopback import hang_up, serving

pytestmark = [pytest.mark.end_to_end, pytest.mark.kernel]

IS_CAMPAIGN = os.environ.get("GREENWALL_CAMPAIGN") == "1"
KILLS = int(os.environ.get("GREENWALL_KILLS", "1000" if IS_CAMPAIGN else "12"))
ROOT = Path(__file__).parent.parent.parent
NURSERY = Path(__file__).parent / "worker_nursery.py"
SEED = 20260301
_LONGEST_LIFE_S = (3.0, 0.9, 0.9, 0.9)
"""Of one worker after the other: some must have time to write much, on a busy machine too."""
_CALLS = 400
"""Connects of a turn of the job."""
_BACKLOG = 4000
_STUCK_S = 60.0


class Nursery:
    """Workers of a store, born quickly."""

    def __init__(self, process):
        self._process = process

    def bear(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@pytest.fixture
def nursery(greenwall):
    with (greenwall.directory.parent / "workers.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(NURSERY), greenwall.url],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        yield Nursery(process)
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def last_number(greenwall):
    with contextlib.closing(sqlite3.connect(greenwall.directory / "store.db")) as store:
        return store.execute("SELECT max(last_sequence) FROM receiver").fetchone()[0]


def until_still(greenwall, expected):
    """Wait until so many entries are there, as long as more and more are."""
    last, since = 0, time.monotonic()
    while (there := last_number(greenwall)) < expected:
        if there > last:
            last, since = there, time.monotonic()
        assert time.monotonic() - since < _STUCK_S, f"no entry after {there}; {expected} are expected"
        time.sleep(0.1)


def connects(greenwall, port):
    """Return the guard's numbers of the connects in the journal, in its order."""
    with contextlib.closing(sqlite3.connect(greenwall.directory / "store.db")) as store:
        found = store.execute(
            "SELECT guard_number FROM journal_entry WHERE entry_type = 'SK' AND remote_port = ?"
            " ORDER BY sequence_number",
            (port,),
        ).fetchall()
    return [number for (number,) in found]


def succeeded_of(line):
    """Return how many connects a line of the job tells of; all of them succeed, whatever becomes of workers."""
    succeeded, failed, name = line.split()
    assert (int(failed), name) == (0, "OK")
    return int(succeeded)


def test_workers_killed_under_load_lose_nothing_and_count_nothing_twice(greenwall, programs, nursery):
    chance = random.Random(SEED)
    # Small receivers: workers die while they change them, too.
    greenwall.cl("CHGJRN THRESHOLD(400)")
    wrote = 0
    with serving(hang_up) as port, greenwall.running(programs.get("tally"), "127.0.0.1", str(port)) as job:
        for worker in greenwall.workers():
            end(worker, signal.SIGKILL)
        turns = 0
        for kill in range(KILLS):
            before = last_number(greenwall)
            worker = nursery.bear()
            if turns * _CALLS - before < _BACKLOG:  # as much load as workers that live so shortly can write down
                job.stdin.write(f"{_CALLS}\n")
                job.stdin.flush()
                turns += 1
            longest_s = _LONGEST_LIFE_S[kill % len(_LONGEST_LIFE_S)]
            time.sleep(chance.random() ** 2 * longest_s)  # the moment of the kill is what is varied
            end(worker, signal.SIGKILL)
            wrote += last_number(greenwall) > before
        job.stdin.close()
        expected = sum(succeeded_of(line) for line in job.stdout)
        nursery.bear()
        assert job.wait(120) == 0
    assert expected == turns * _CALLS
    until_still(greenwall, expected)
    until(lambda: len(connects(greenwall, port)) >= expected, "the last entries")
    numbers = connects(greenwall, port)
    assert len(numbers) == len(set(numbers)) == expected
    assert numbers == sorted(numbers)
    verified = subprocess.run(greenwall.arguments("journal", "verify"), capture_output=True, text=True, check=False)
    said = verified.stdout + verified.stderr
    assert "GWL0601" in said
    assert wrote >= KILLS // 20, "workers that had time to write anything"
    print(
        f"{KILLS} workers killed, {wrote} of them had written; {expected} connects, each journalled once;"
        f" {said.strip()}"
    )
