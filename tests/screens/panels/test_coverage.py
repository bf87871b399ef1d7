"""Display Socket Coverage: what shows of sockets that are, and are not, under an engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.commands.coverage import Coverage, CoveredSocket, Engine, Holder
from console.commands.host_sockets import LISTEN, OPEN, HostProcess, HostSocket
from screens.panels.display_coverage import DisplayCoverage
from screens.terminal.page import WIDE
from tests.screens.panels.operator import Operator

JOB = "000012/NOBODY/HTTPD"
SSHD = HostProcess(812, 1, 0.0, "sshd", "/usr/sbin/sshd", 0, frozenset({1}))
HTTPD = HostProcess(4712, 4711, 0.0, "httpd", "/usr/sbin/httpd", 1, frozenset({2, 3}))
OUTSIDE = HostProcess(5000, 1, 0.0, "mkfifo", "/opt/tools/\x1b[2Jtool", 0, frozenset({3}))


def covered(inode, local_port, engine, *holders, reason="", job="", user="ROOT", **fields):
    shown = replace(HostSocket(inode, "TCP", LISTEN, "0.0.0.0", local_port, "", 0, 0), **fields)
    return CoveredSocket(shown, engine, job, reason, user, holders)


SOCKETS = (
    covered(1, 22, Engine.NONE, Holder(SSHD), reason="Under no guard of this store"),
    covered(2, 80, Engine.GUARD, Holder(HTTPD, JOB), job=JOB, user="NOBODY"),
    covered(
        3, 443, Engine.SHARED, Holder(HTTPD, JOB), Holder(OUTSIDE), job=JOB, local_address="2001:db8::80",
        reason="Held also by mkfifo (5000), which is not guarded",
    ),
    covered(4, 3306, Engine.NONE, reason="Process of another user: not visible without root", user="MYSQL"),
    covered(
        5, 22, Engine.NONE, Holder(SSHD), state="ESTABLISHED", local_address="192.0.2.10",
        remote_address="198.51.100.77", remote_port=51234, reason="Under no guard of this store",
    ),
    covered(
        6, 53, Engine.NONE, Holder(HTTPD, JOB), job=JOB, protocol="UDP", state=OPEN,
        reason=f"The policy says UDP(*IGNORE); held by job {JOB}",
    ),
)  # fmt: skip


@pytest.fixture
def seen():
    """Return what the panel sees of the system, to be changed by tests."""
    return [Coverage(SOCKETS, 3)]


@pytest.fixture
def open_panel(services, seen):
    return lambda **arguments: DisplayCoverage(services, arguments, look=lambda context: seen[0])


@pytest.fixture
def coverage(open_panel):
    return Operator(open_panel(ENGINE="*NONE", TYPE="*ALL"))


def inodes(operator):
    return [name[4:] for name in operator.buffer.contents if name.startswith("OPT.")]


def test_the_list_looks_as_drawn(coverage):
    assert coverage.matches("display_coverage")
    assert coverage.press("F11").matches("display_coverage_ends")
    assert coverage.press("F11").matches("display_coverage_reason")
    assert "F11=Display ends and job" in coverage.press("F11").shown


def test_a_wide_screen_shows_more(open_panel):
    wide = Operator(open_panel(ENGINE="*ALL"), WIDE)
    assert wide.matches("display_coverage_wide")
    assert wide.press("F11").matches("display_coverage_reason_wide")


def test_f10_shows_the_covered_sockets_too_and_again_only_the_others(coverage):
    assert inodes(coverage) == ["1", "3", "4", "5", "6"]
    coverage.press("F10")
    assert inodes(coverage) == ["1", "2", "3", "4", "5", "6"]
    assert "F10=Display unguarded" in coverage.shown
    coverage.press("F10")
    assert inodes(coverage) == ["1", "3", "4", "5", "6"]


def test_f18_shows_a_subset(coverage):
    coverage.press("F18").enter(ENGINE="*ALL", TYPE="*CNN")
    assert inodes(coverage) == ["5"]
    assert "*CNN" in coverage.row(6)


def test_f5_looks_anew(coverage, seen):
    seen[0] = Coverage(SOCKETS[:1], 0)
    coverage.press("F5")
    assert inodes(coverage) == ["1"]
    assert coverage.row(3).strip() == "1 of 1 listening sockets are not under any engine,"


def test_option_5_shows_every_holder_and_nothing_draws_on_the_screen(coverage):
    coverage.option("3", "5").press("ENTER")
    assert coverage.matches("display_socket")
    assert "·[2J" in coverage.shown


def test_position_to_goes_to_a_port(coverage):
    coverage.enter(POSTO="3306")
    assert inodes(coverage) == ["4", "5", "6"]
    coverage.enter(POSTO="9")
    assert coverage.message_ids == ["GWL0718"]


def test_f14_shows_the_threat_model(coverage):
    assert coverage.press("F14").title == "Display Threat Model"


def test_the_menu_leads_to_it_on_the_real_system(operator):
    operator.command("DSPSOCCOV")
    assert operator.title == "Display Socket Coverage"
    assert "listening sockets are not under any engine" in operator.row(3)


def test_the_threat_model_is_on_the_menu_and_reads_as_text(operator):
    operator.command("70")
    assert operator.title == "Display Threat Model"
    pages = [operator.shown]
    while "More..." in operator.shown:
        pages.append(operator.press("ROLLUP").shown)
    for mark in ("**", "|", "`", "##"):
        assert [page for page in pages if mark in page] == []
    whole = " ".join(" ".join(pages).split())
    assert "Sound. Seccomp, user notification and Landlock" in whole
    assert "Shown by tests/enforcement/guard/test_link.py" in whole
    assert "who what is assumed of it" not in whole
