"""Runs one module of unittest tests and writes a JSON line a test: its id, its outcome, its seconds, and a last line.

Run by the interpreter whose tests they are, so this file imports nothing of ours:

    python unittest_results.py MODULE RESULTS PATIENCE_S LEFT-OUT ONLY

A test that takes longer than the patience ends the program with the stacks of its threads on standard error; RESULTS
then ends with that test's outcome "started". LEFT-OUT are names of classes or of CLASS.METHOD, separated by commas,
that are not run; ONLY are ids of tests, separated by commas, besides which none is run (all, if empty).
"""

from __future__ import annotations

import faulthandler
import json
import sys
import time
import unittest

from test import support

_LOOPBACK_ONLY = frozenset({"test.test_socketserver"})


class Results(unittest.TestResult):
    """Writes down each test as it starts and as it ends."""

    def __init__(self, path, patience_s):
        super().__init__()
        self._file = open(path, "w", buffering=1)  # noqa: SIM115 -- lives as long as the program
        self._patience_s = patience_s
        self._started = 0.0
        self._found = ("ok", "")

    def startTest(self, test):  # noqa: N802 -- unittest's names
        super().startTest(test)
        faulthandler.dump_traceback_later(self._patience_s, exit=True)
        self._started = time.monotonic()
        self._found = ("ok", "")
        self._write(test, "started", "")

    def stopTest(self, test):  # noqa: N802
        super().stopTest(test)
        faulthandler.cancel_dump_traceback_later()
        self._write(test, *self._found)

    def _found_outside(self, test, outcome, text):
        """Keep what was found; of a class's or module's set-up, which no test stands around, write it at once."""
        if isinstance(test, unittest.TestCase):
            self._found = (outcome, text)
        else:
            self._write(test, outcome, text)

    def addError(self, test, err):  # noqa: N802
        self._found_outside(test, "error", self._last_line(err, test))

    def addFailure(self, test, err):  # noqa: N802
        self._found_outside(test, "failure", self._last_line(err, test))

    def addSubTest(self, test, subtest, err):  # noqa: N802
        if err is not None:
            self._found = ("failure in a subtest", self._last_line(err, subtest))

    def addSkip(self, test, reason):  # noqa: N802
        self._found_outside(test, "skipped", reason)

    def addExpectedFailure(self, test, err):  # noqa: N802
        self._found = ("expected failure", "")

    def addUnexpectedSuccess(self, test):  # noqa: N802
        self._found = ("unexpected success", "")

    def _last_line(self, err, test):
        told = self._exc_info_to_string(err, test)
        print(f"== {test.id()}\n{told}", file=sys.stderr)
        return told.strip().splitlines()[-1]

    def _write(self, test, outcome, text):
        seconds = round(time.monotonic() - self._started, 3)
        self._file.write(json.dumps([test.id(), outcome, seconds, text]) + "\n")


def each(suite):
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from each(part)
        else:
            yield part


def main(module, results, patience_s, left_out, only):
    # "network" also stands for hosts on the internet, except where it is asked of a whole module for loopback.
    support.use_resources = ["subprocess", "walltime", *(["network"] if module in _LOOPBACK_ONLY else [])]
    left_out, only = frozenset(left_out.split(",")), frozenset(filter(None, only.split(",")))

    def is_wanted(test):
        *_, kind, method = test.id().split(".")
        return not {kind, f"{kind}.{method}"} & left_out and (not only or test.id() in only)

    suite = unittest.TestSuite(filter(is_wanted, each(unittest.defaultTestLoader.loadTestsFromName(module))))
    suite.run(Results(results, float(patience_s)))


if __name__ == "__main__":
    main(*sys.argv[1:])
