"""What is kept of a line that was typed: everything that is no password, and nothing that may be one."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.commands.registry import COMMANDS
from console.commands.without_secrets import without_secrets

SECRET = "geheim"


@pytest.mark.parametrize(
    "typed",
    [
        "DSPSECAUD",
        "CHGSECAUD  QAUDLVL(*SECURITY)",
        "WRKUSRPRF SECRETARY",
        "CHGUSRPRF SECURITY TEXT('No passwords')",
        "SNDMSG 'The secret is out: PASSWORD (x)'",
        "CRTUSRPRF BOB",
        "?crtusrprf bob text('Bob')",
        "ADDSOCKSE 10 '10.0.0.0/8' ??SERVER() PORT(1080)",
        "ADDALRDST DEST(SECOPS) CHANNEL(*MAIL)",
        "CHGUSRAUD BOB *CMD  /* for a week */",
    ],
)
def test_a_line_without_a_password_is_kept_as_it_is(typed):
    assert without_secrets(typed, COMMANDS) == typed


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("CRTUSRPRF BOB PASSWORD(geheim) TEXT('x')", "CRTUSRPRF BOB TEXT('x')"),
        ("crtusrprf bob text('x')  password( 'ge''heim' )", "crtusrprf bob text('x')"),
        ("?CRTUSRPRF PASSWORD(geheim)", "?CRTUSRPRF"),
        ("CRTUSRPRF BOB ??PASSWORD(geheim)", "CRTUSRPRF BOB"),
        ("CRTUSRPRF BOB geheim", "CRTUSRPRF BOB"),
        ("CRTUSRPRF BOB geheim TEXT(x)", "CRTUSRPRF BOB TEXT(x)"),
        ("CRTUSRPRF USRPRF(BOB) geheim", "CRTUSRPRF USRPRF(BOB)"),
        ("CRTUSRPRF BOB 'geheim heimlich'", "CRTUSRPRF BOB"),
        ("CRTUSRPRF BOB PASSWORD geheim", "CRTUSRPRF BOB"),
        ("CRTUSRPRF BOB PASSWORD (geheim)", "CRTUSRPRF BOB"),
        ("CRTUSRPRF BOB PASSWORD=geheim", "CRTUSRPRF BOB"),
        ("CRTUSRPRF BOB PASSWD('geheim')", "CRTUSRPRF BOB"),
        ("CRTUSRPRF BOB PW(geheim) TEXT(x)", "CRTUSRPRF BOB TEXT(x)"),
        ("CRTUSRPRF BOB PASSWORD(geheim", "CRTUSRPRF BOB"),
        ("CRTUSRPRF BOB PASSWORD('geheim", "CRTUSRPRF BOB"),
        ("CRTUSRPRF BOB PASSWORD((ge) heim) STATUS(*DISABLED)", "CRTUSRPRF BOB STATUS(*DISABLED)"),
        ("CRTUSRPRF BOB PASSWORD(geheim PASSWORD(geheim) TEXT(x)", "CRTUSRPRF BOB"),
        ("CRTUSRPRF BOB TEXT(Bob geheim)", "CRTUSRPRF BOB"),
        ("CRTUSRPRF BOB TEXT('Bob) PASSWORD(geheim)", "CRTUSRPRF BOB"),
        ("CRTUSRPRF BOB TEXT('Bob'') PASSWORD(geheim')", "CRTUSRPRF BOB"),
        ("CRTUSRPRF BOB,geheim", "CRTUSRPRF"),
        ("CRTUSRPF BOB PASSWORD(geheim)", "CRTUSRPF BOB"),
        ("CRTUSRPF BOB geheim", "CRTUSRPF BOB"),
        ("ADDSOCKSE 10 PASSWORD geheim", "ADDSOCKSE 10"),
        ("ADDSOCKSE 10 PASS=geheim", "ADDSOCKSE 10"),
        ("CHGALRDST OPS SECRET=geheim", "CHGALRDST OPS"),
        ("DSPUSRPRF BOB PASSWORD(geheim)", "DSPUSRPRF BOB"),
        ("DSPUSRPRF BOB geheim", "DSPUSRPRF BOB"),
        ("CHGPWD geheim geheim2", "CHGPWD"),
        ("CHGPWD CURPWD(geheim) NEWPWD('geheim2')", "CHGPWD"),
        ("CHGPRF PWD(geheim)", "CHGPRF"),
        ("ADDJRNFWD SIEM PASSPHRASE(geheim)", "ADDJRNFWD SIEM"),
        ("MYSTERY geheim", ""),
        ("Sommer2026", ""),
        ("geheim!", ""),
        ("'geheim'", ""),
        ("", ""),
    ],
)
def test_what_may_be_a_password_is_not_kept(typed, kept):
    assert without_secrets(typed, COMMANDS) == kept


def test_what_a_command_without_passwords_cannot_take_is_all_that_is_left_out():
    typed = "ADDSOCRUL *CONNECT 40 x RMTADRS('10.0.0.0/8') ACTION(*REJECT)"
    assert without_secrets(typed, COMMANDS) == "ADDSOCRUL *CONNECT 40 ACTION(*REJECT)"


@given(st.text(alphabet="abSECRTPASWOD()' /*?=", max_size=40))
@example("/*")
@example("?")
def test_no_text_is_too_odd(text):
    without_secrets(text, COMMANDS)
    without_secrets(f"CRTUSRPRF {text}", COMMANDS)


@given(st.text(alphabet="aB()' /*?=", max_size=12), st.text(alphabet="aB()' /*?=", max_size=12))
def test_no_slip_around_it_gives_a_password_away(before, after):
    for written in ("PASSWORD(geheim)", "PASSWORD('geheim')", "PASSWORD geheim", "PASSWD(geheim)"):
        kept = without_secrets(f"CRTUSRPRF BOB {before}{written}{after} LMTCPB(*YES)", COMMANDS)
        assert SECRET not in kept
