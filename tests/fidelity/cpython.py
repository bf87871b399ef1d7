"""CPython's own tests, run bare and under a guard that refuses nothing, and compared test by test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_RUNNER = Path(__file__).parent / "programs" / "unittest_results.py"
_MODULE_PATIENCE_S = 1200.0
_TEST_PATIENCE_S = 120.0
"""Of one module and of one test; reached only by what hangs."""

Results = Mapping[str, str]
"""Id of a test -> how it ended; "started" for one that hung or ended its program."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module of tests, and which of them are not compared."""

    name: str
    left_out: Mapping[str, str]
    """Class or CLASS.METHOD -> why."""


@cache
def interpreter() -> str | None:
    """Return an interpreter with its tests: Debian has them in libpython3.11-testsuite."""
    for python in ("/usr/bin/python3", getattr(sys, "_base_executable", sys.executable), sys.executable):
        if Path(python).exists() and _has(python, "test.test_socket"):
            return python
    return None


@cache
def _has(python: str, module: str) -> bool:
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([python, "-I", "-c", look], check=False, capture_output=True).returncode == 0


def has(module: Module) -> bool:
    """Say whether the interpreter has a module of tests."""
    python = interpreter()
    return python is not None and _has(python, f"test.{module.name}")


def run(module: Module, directory: Path, prefix: Sequence[str] = (), only: Sequence[str] = ()) -> Results:
    """Run a module's tests.

    Args:
        module: What to run.
        directory: An empty one of its own, which gets the results, all output, and whatever the tests write.
        prefix: Words before the command: those that put it under a guard.
        only: Ids of the tests to run; all if there are none.
    """
    directory.mkdir()
    work = directory / "work"
    work.mkdir()
    python = interpreter()
    assert python is not None
    ours = [f"--unset={name}" for name in os.environ if name.startswith("PYTHON")]
    words = ["env", *ours, python, str(_RUNNER), f"test.{module.name}", str(directory / "results")]
    words += [str(_TEST_PATIENCE_S), ",".join(module.left_out), ",".join(only)]
    with open(directory / "output", "wb") as output:
        subprocess.run(
            [*prefix, *words],
            cwd=work, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False,
            timeout=_MODULE_PATIENCE_S,
        )  # fmt: skip
    results = directory / "results"
    lines = results.read_text().splitlines() if results.exists() else []
    return {name: outcome for name, outcome, _seconds, _text in map(json.loads, lines)}


def differences(bare: Results, guarded: Results) -> list[str]:
    """Return a line for each test that did not end the same."""
    nothing = "not run"
    return [
        f"{name}: bare {bare.get(name, nothing)}, guarded {guarded.get(name, nothing)}"
        for name in sorted({*bare, *guarded})
        if bare.get(name) != guarded.get(name)
    ]


def named(lines: Sequence[str]) -> list[str]:
    """Return the ids in lines of `differences`."""
    return [line.partition(": ")[0] for line in lines]
