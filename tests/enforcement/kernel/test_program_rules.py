"""Rules about programs, and programs that hide what they are, under a real filter."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from console.model.words import ExitPoint
from console.policy.checks import make_rule
from console.store.journal import page_after
from console.store.session import reading
from tests.enforcement.kernel.jobs import make_house
from tests.programs.build import Programs

OWN_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")
_CAN_MOUNT = shutil.which("unshare") and not subprocess.run([*OWN_MOUNTS, "true"], check=False).returncode

needs_mounts = pytest.mark.skipif(not _CAN_MOUNT, reason="users cannot have mounts of their own here")


@pytest.fixture
def favoured(tmp_path, programs):
    """Return a program that a rule favours; a copy stands beside it under a name that no rule knows."""
    client = Programs(tmp_path).get("client")
    for name in ("favoured", "other"):
        shutil.copy(client, tmp_path / name)
    return tmp_path / "favoured"


@pytest.fixture
def other(favoured):
    return favoured.with_name("other")


@pytest.fixture
def house(tmp_path, programs, favoured):
    rules = (
        make_rule(exit_point=ExitPoint.CONNECT, sequence=10, program=str(favoured)),
        make_rule(exit_point=ExitPoint.CONNECT, sequence=20, remote_address="127.0.0.1", action="*REJECT"),
    )
    with make_house(tmp_path / "store", programs, rules) as made:
        yield made


def last_program(house):
    """Return the program that the last socket entry names."""
    with reading(house.store) as session:
        return [entry.program for entry in page_after(session, 0, limit=1000) if entry.entry_type == "SK"][-1]


def connect(house, port, *command):
    """Return what a client under a guard says of its connect."""
    return house.greenwall.run(*map(str, command), "127.0.0.1", str(port)).stdout.strip()


def test_a_rule_favours_the_program_at_its_path(house, favoured, port):
    assert connect(house, port, favoured) == "OK"
    assert last_program(house) == str(favoured)


def test_a_rule_favours_no_copy_elsewhere(house, other, port):
    assert connect(house, port, other) == "EPERM"


@needs_mounts
def test_a_rule_favours_its_program_among_mounts_of_the_jobs_own(house, favoured, port):
    assert connect(house, port, *OWN_MOUNTS, favoured) == "OK"


@needs_mounts
def test_a_rule_favours_no_other_file_that_a_job_mounts_at_the_path(house, favoured, other, port):
    hide = f'mount --bind {other} {favoured} && exec {favoured} "$@"'
    assert connect(house, port, *OWN_MOUNTS, "sh", "-c", hide, "sh") == "EPERM"
    assert last_program(house) == f"(unreachable){favoured}"


HIDE_AND_REMOVE = """
exec 9< {other} && mount -t tmpfs none {place} && cat <&9 > {favoured} && chmod +x {favoured} && exec 9<&- || exit
mkfifo {place}/line
{favoured} "$@" - < {place}/line &
exec 8> {place}/line; rm {favoured}; echo >&8; exec 8>&-; wait
"""


@needs_mounts
def test_a_rule_favours_no_file_that_a_job_mounts_at_the_path_and_removes(house, favoured, other, port):
    script = HIDE_AND_REMOVE.format(place=favoured.parent, favoured=favoured, other=other)
    assert connect(house, port, *OWN_MOUNTS, "sh", "-c", script, "sh") == "EPERM"
    assert last_program(house) == f"(unreachable){favoured}"


def test_a_rule_goes_on_favouring_a_program_whose_file_is_replaced_while_it_runs(house, favoured, other, port):
    with house.running(str(favoured), "127.0.0.1", port, "-") as running:
        running.say()
        assert running.line() == "OK"
        other.rename(favoured)
        running.say()
        assert running.line() == "OK"
