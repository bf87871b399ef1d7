"""Work with Registration Information: the exit points and their modes."""

from __future__ import annotations

import pytest


@pytest.fixture
def points(operator):
    return operator.command("WRKREGINF")


def test_the_list_looks_as_drawn(points):
    assert points.matches("work_with_registration_information")


def test_option_2_changes_the_mode_and_says_that_it_waits(points):
    points.option("*CONNECT", "2").press("ENTER")
    points.enter(MODE="*MONITOR")
    assert points.message == "Mode of *CONNECT changed from *ENFORCE to *MONITOR."
    assert "*MONITOR  In force: *ENFORCE" in points.row(12)


def test_parameters_change_all_modes_at_once(points):
    points.option("*ACCEPT", "2").option("*LISTEN", "2").type(CMD="MODE(*OFF)").press("ENTER")
    assert points.message_ids == ["GWL0146", "GWL0146"]


def test_option_5_shows_it_in_words(points):
    assert points.option("*LISTEN", "5").press("ENTER").matches("display_exit_point")


def test_option_8_goes_to_its_exit_programs(points):
    points.option("*ACCEPT", "8").press("ENTER")
    assert points.title == "Work with Exit Programs"
    assert "QIBM_QSO_ACCEPT" in points.row(3)
    points.press("F12")
    assert points.title == "Work with Registration Information"


def test_f14_changes_the_settings_as_they_are(points, run):
    run("CHGSOCPCY UDP(*DECIDE)")
    points.press("F14")
    assert points.title == "Change Socket Policy (CHGSOCPCY)"
    assert points.buffer.values == {"UDP": "*DECIDE", "RAWSKT": "*REFUSE"}
    points.enter(RAWSKT="*ALLOW")
    assert points.title == "Work with Registration Information"
    assert points.message == "Datagrams are *DECIDE and raw sockets *ALLOW, once activated."
    assert "2   F10 activates" in points.row(3)


def test_the_exit_point_of_datagrams_says_whether_they_are_decided(points, run):
    run("CHGSOCPCY UDP(*DECIDE)", "ADDEXITPGM *CONNECT *LOW site:ask")
    points.option("*CONNECT", "5").press("F5").option("*CONNECT", "5").press("ENTER")
    assert points.row(12).split(":")[1].strip() == "1"
    assert points.row(13).split(":")[1].strip() == "*DECIDE   datagrams are decided, too"


def test_option_12_goes_to_its_rules(points):
    points.option("*ACCEPT", "12").press("ENTER")
    assert points.title == "Work with Socket Rules"
    assert points.buffer.values["EXITPNT"] == "*ACCEPT"
    points.press("F12")
    assert points.title == "Work with Registration Information"


def test_f10_shows_that_a_mode_waits(points):
    points.option("*ACCEPT", "2").type(CMD="MODE(*MONITOR)").press("ENTER").press("F10")
    assert points.row(5).split(":", 1)[1].strip() == "*ENFORCE"
    assert points.row(6).strip() == "-> *MONITOR"
    points.press("ENTER")
    assert points.message == "Revision 2 is active: 1 mode changed."


def test_an_option_that_only_shows_takes_no_parameters(points):
    points.option("*LISTEN", "5").type(CMD="MODE(*OFF)").press("ENTER")
    assert points.message_ids == ["GWL0715"]
    assert points.options == {"*LISTEN": "5"}
    assert points.buffer.values["CMD"] == "MODE(*OFF)"


def test_f13_repeats_an_option_on_the_exit_points_below(points):
    points.option("*CONNECT", "2").press("F13")
    assert points.options == {"*CONNECT": "2", "*LISTEN": "2"}


def test_the_command_can_show_one_exit_point(operator):
    operator.command("WRKREGINF *LISTEN")
    assert [name for name in operator.buffer.contents if name.startswith("OPT.")] == ["OPT.*LISTEN"]
