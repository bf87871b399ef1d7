"""Display Test of Socket Rules: the answer, and why no rule before it decides."""

from __future__ import annotations

import pytest


@pytest.fixture
def tested(operator, run):
    """Return an operator at the test of a call that the third rule decides."""
    run(
        "ADDSOCRUL *CONNECT 10 USRPRF(ALICE) RMTADR('10.0.0.0/8') ACTION(*REJECT)",
        "ADDSOCRUL *CONNECT 20 RMTPORT(443) ACTION(*ALLOW) ACTIVE(*NO)",
        "ADDSOCRUL *CONNECT 30 RMTADR('10.0.0.0/8') ACTION(*REJECT)",
    )
    operator.command("?TSTSOCRUL")
    return operator.enter(EXITPNT="*CONNECT", USRPRF="BOB", RMTADR="10.1.1.1", RMTPORT="443")


def test_it_looks_as_drawn(tested):
    assert tested.message_ids == ["GWL014A"]
    assert tested.matches("display_test")


def test_f12_goes_back_to_the_prompt_with_everything_typed(tested):
    tested.press("F12")
    assert tested.title == "Test Socket Rules (TSTSOCRUL)"
    assert tested.buffer.values["RMTADR"] == "10.1.1.1"
    tested.enter(USRPRF="ALICE")
    assert "10  *REJECT  matches, and decides" in tested.shown


def test_enter_leaves_the_prompt_too(tested):
    tested.press("ENTER")
    assert "Greenwall Main Menu" in tested.title


def test_the_active_policy_can_be_asked_instead(tested):
    tested.press("F12").enter(POLICY="*ACTIVE")
    assert "*DFT  *ALLOW   matches, and decides" in tested.shown


def test_an_exit_point_that_is_off_asks_no_rule(tested, run):
    run("CHGSOCEXT *CONNECT *OFF")
    tested.press("F12").press("ENTER")
    assert "Not asked: the exit point is *OFF" in tested.shown
    assert "matches, and decides" not in tested.shown
