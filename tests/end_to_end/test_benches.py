"""The benches of the README run and report; what they measure is for people to judge, not for a test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs.build import has_compiler

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.end_to_end


def needs_compiler(test):
    return pytest.mark.kernel(pytest.mark.skipif(not has_compiler(), reason="gcc is not installed")(test))


def bench(name, *options):
    command = [sys.executable, "-m", f"tests.bench.{name}", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True).stdout


def aims(rows):
    return [row for row in rows if row.startswith("aim: ")]


@needs_compiler
def test_connect_is_measured_native_and_guarded_in_one_run():
    rows = bench("connect", "--rounds", "1", "--count", "50", "--rules", "100").splitlines()
    named = [row.split("  ")[0] for row in rows[2:6]]
    assert named == ["native", "stopped and let go", "guarded, 10 rules", "guarded, 100 rules"]
    assert [row.split("  ")[0] for row in rows[9:11]] == ["native, 64 threads", "guarded, 64 threads"]
    assert len(aims(rows)) == 4


@needs_compiler
def test_accept_is_measured_native_stopped_handed_over_and_guarded_in_one_run():
    rows = bench("accept", "--rounds", "1", "--count", "50", "--clients", "8").splitlines()
    named = [row.split("  ")[0].removeprefix("accept and close, 8 clients, ") for row in rows[1:6]]
    assert named == ["native", "stopped and let go", "bare hand-over", "hand-over with looks", "guarded"]
    assert len(aims(rows)) == (1 if "nginx is not installed" in rows else 2)


@needs_compiler
def test_data_is_measured_native_and_guarded_in_one_run():
    rows = bench("data", "--rounds", "1", "--megabytes", "8").splitlines()
    assert [row.split()[0] for row in rows] == ["native", "guarded", "aim:"]


@needs_compiler
def test_many_jobs_at_once_all_end_and_all_is_journalled():
    rows = bench("jobs", "--jobs", "3", "--count", "5").splitlines()
    assert rows[-1] == "aim: all start, connect and end, and all of it is journalled: met"


def test_decide_is_measured_at_three_sizes():
    rows = bench("decide").splitlines()
    assert [row.split()[0] for row in rows] == ["rules", "10", "1,000", "10,000", "aim:"]
    assert len(rows) == 5


def test_idle_worker_is_measured_with_the_kernel_engine_and_without():
    rows = bench("idle", "--seconds", "5").splitlines()
    assert rows[0].startswith("idle worker: ")
    assert len(rows) == 2 * len(aims(rows)) == (4 if os.geteuid() == 0 else 2)


def test_large_journal_is_made_written_read_verified_and_deleted(tmp_path):
    path = str(tmp_path / "journal.db")
    bench("journal", "make", path, "20000")
    names = [row.split("  ")[0] for row in bench("journal", "write", "2000").splitlines()[:3]]
    assert names == ["bare sqlite3 executemany", "journal, chain and seal", "journal with its index"]
    assert bench("journal", "read", path).splitlines()[-1].startswith("any of 20000 entries ")
    assert "bad_entry=None" in bench("journal", "verify", path)
    rows = bench("journal", "delete", path).splitlines()
    assert rows[0].endswith(" has 20001 entries")
    assert [row.split(":")[0] for row in rows[1:]] == ["entries", "index"]


def test_the_console_is_measured_from_command_to_panel_and_from_key_to_painted(tmp_path):
    path = str(tmp_path / "store.db")
    bench("console", "make", path, "2000", "50")
    rows = bench("console", "start", path, "--rounds", "1").splitlines()
    assert rows[0].startswith("first panel ")
    assert len(aims(rows)) == 1
    rows = bench("console", "keys", path, "--rounds", "1", "--quiet", "0.05").splitlines()
    places = ["main menu", "socket rules", "journal entries", "system values"]
    assert [row for row in rows if row in places] == places * 2
    assert len(aims(rows)) == 1
    assert "console" in bench("console", "imports")
