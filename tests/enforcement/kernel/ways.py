"""The two ways in which a guard serves plain calls: in C, and, where that is not compiled, in Python."""

from __future__ import annotations

import stat
import sys

import pytest

from console.enforcement.guard import plain_calls
from tests.end_to_end import command

_IN_C, _IN_PYTHON = "C", "Python"
BOTH_WAYS = [
    pytest.mark.usefixtures("served_in"),
    pytest.mark.parametrize("served_in", [_IN_C, _IN_PYTHON], indirect=True),
]
"""Marks of tests that run with each."""
_WITHOUT = f"""\
#!{sys.executable} -PE
import sys

from console.enforcement.guard import plain_calls

plain_calls.native = None
from console.__main__ import main

sys.exit(main())
"""


@pytest.fixture
def served_in(request, tmp_path_factory, monkeypatch):
    """Let the jobs of a test have guards that serve plain calls one way or the other."""
    if request.param == _IN_C:
        if plain_calls.native is None:
            pytest.skip("the module for plain calls is not compiled")
        return
    script = tmp_path_factory.mktemp("without-plain-calls") / "greenwall"
    script.write_text(_WITHOUT)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(command, "COMMAND", str(script))
