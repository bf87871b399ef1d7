"""The benches of the README run and report; what they measure is for people to judge, not for a test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs.build import has_compiler

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.end_to_end


def bench(name, *options):
    command = [sys.executable, "-m", f"tests.bench.{name}", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.kernel
@pytest.mark.skipif(not has_compiler(), reason="gcc is not installed")
def test_connect_is_measured_native_and_guarded_in_one_run():
    rows = bench("connect", "--rounds", "1", "--count", "50").splitlines()
    named = [row.split("  ")[0] for row in rows[2:5]]
    assert named == ["native", "guarded, 10 rules", "guarded, 10,000 rules"]
    assert [row.split(":")[0] for row in rows[5:]] == ["aim", "aim"]


def test_decide_is_measured_at_three_sizes():
    rows = bench("decide").splitlines()
    assert [row.split()[0] for row in rows] == ["rules", "10", "1,000", "10,000", "aim:"]
    assert len(rows) == 5
