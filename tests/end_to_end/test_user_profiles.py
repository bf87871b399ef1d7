"""User profiles through the public door: who may run what in the shell, and the sign-on panel in a terminal."""

from __future__ import annotations

import getpass

import pytest

from console.model.user_profiles import UserProfile
from console.store.engine import open_store
from console.store.session import transaction
from console.store.user_profiles import find_profile, save_profile
from tests.end_to_end.command import until
from tests.people.profiles import officer

pytestmark = pytest.mark.end_to_end

ME = getpass.getuser().upper()
PASSWORD = "correct horse battery"
POLICY = "greenwall: 1\n"


def become(greenwall, **fields):
    """Make the profile of who runs the tests another one; BOSS stays as the security officer."""
    greenwall.cl("DSPUSRPRF")
    store = open_store(greenwall.url)
    with transaction(store) as session:
        if find_profile(session, "BOSS") is None:
            session.add(officer("BOSS"))
        profile = find_profile(session, ME)
        save_profile(session, UserProfile.model_validate({**profile.model_dump(), **fields}))
    store.close()


def test_who_starts_a_store_first_is_its_security_officer(greenwall):
    assert "*ALLOBJ *AUDIT *IOSYSCFG *JOBCTL *SECADM" in greenwall.cl("DSPUSRPRF")


def test_officer_that_nobody_can_sign_on_with_is_not_left_alone(greenwall):
    greenwall.cl("CRTUSRPRF SPARE SPCAUT(*SECADM *ALLOBJ)")
    for command in (f"CHGUSRPRF {ME} STATUS(*DISABLED)", f"CHGUSRPRF {ME} SPCAUT(*ALLOBJ)"):
        done = greenwall("cl", command)
        assert (done.returncode, done.stderr.split()[0]) == (1, "GWL1014")
    greenwall.cl("DSPUSRPRF SPARE")


def test_user_of_the_system_without_profile_is_refused_with_a_way_out(greenwall):
    become(greenwall)
    store = open_store(greenwall.url)
    with transaction(store) as session:
        session.delete(find_profile(session, ME))
    store.close()
    for verb in (("show", "rules"), ("cl", "DSPMSG"), ("policy", "export"), ("journal", "export")):
        done = greenwall(*verb)
        assert done.returncode == 1
        assert f"CRTUSRPRF USRPRF({ME})" in done.stderr


HOSTILE = [
    ("cl", "ADDSOCRUL *CONNECT ACTION(*REJECT)"),
    ("cl", "ACTSOCPCY"),
    ("cl", "CHGSYSVAL QMAXSIGN *NOMAX"),
    ("cl", "CHGSYSVAL QAUDCTL *NONE"),
    ("cl", f"CHGUSRPRF {ME} SPCAUT(*ALLOBJ *SECADM)"),
    ("cl", "CRTUSRPRF EVE USRCLS(*SECOFR)"),
    ("cl", "DLTUSRPRF BOSS"),
    ("cl", "DSPJRN"),
    ("cl", "CPYAUDJRNE SK OUTFILE(x)"),
    ("cl", "IMPSOCPCY policy.yaml"),
    ("cl", "ADDADRGRP X FROMFILE('/etc/passwd')"),
    ("policy", "import", "-"),
    ("policy", "export", "--with-secrets", "-"),
    ("show", "journal"),
    ("show", "alerts"),
    ("journal", "export"),
    ("journal", "verify"),
    ("journal", "key"),
    ("engine", "detach"),
]
"""What somebody with *JOBCTL only tries."""


def entries(greenwall, kind):
    return [each for each in greenwall.show("journal") if each["entry_type"] == kind]


def test_operator_with_jobctl_only_gets_nowhere_and_everything_tried_is_in_the_journal(greenwall):
    become(greenwall, special_authorities="*JOBCTL")
    before = greenwall.done("policy", "export")
    for verb in HOSTILE:
        done = greenwall(*verb, stdin=POLICY)
        assert done.returncode == 1, verb
        assert "GWL1006" in done.stderr or "GWL1013" in done.stderr, (verb, done.stderr)
        assert done.stdout == ""
    assert greenwall.done("policy", "export") == before
    become(greenwall, special_authorities="*AUDIT")
    with greenwall.running("sleep", "60"):
        refusals = until(lambda: found if len(found := entries(greenwall, "AF")) >= len(HOSTILE) else None, "entries")
    assert {each["user_name"] for each in refusals} == {ME}
    assert {each["sk_type"] for each in refusals} == {"K"}
    assert all("CHGUSRPRF" not in each["text"] or "*SECADM" in each["text"] for each in refusals)


def test_limited_user_runs_in_the_shell_only_what_is_for_limited_users(greenwall):
    become(greenwall, limited="*YES")
    for verb in (*HOSTILE, ("show", "rules"), ("cl", "WRKSOCRUL *CONNECT"), ("policy", "export"), ("cl", "CHGPRF")):
        done = greenwall(*verb, stdin=POLICY)
        assert done.returncode == 1, verb
        assert "GWL1007" in done.stderr, (verb, done.stderr)
    greenwall.cl("SNDMSG 'Let me in'")
    assert [each["text"] for each in greenwall.show("messages")] == ["Let me in"]


def test_commands_of_the_shell_go_on_as_before_for_the_officer(greenwall):
    greenwall.done("policy", "import", "-", stdin=POLICY)
    greenwall.cl("ADDSOCRUL *CONNECT ACTION(*REJECT)", "ACTSOCPCY")
    assert greenwall.done("policy", "export", "--with-secrets", "-").startswith("greenwall: 1")


def sign_on(screen, user, password):
    screen.fill("User", user)
    screen.type(password)
    screen.press("Enter")


def key_anew(screen, text):
    """Key a command over one that was refused."""
    screen.press("C-r", "Home")
    screen.type(text)
    screen.press("C-k", "Enter")


@pytest.fixture
def seat(greenwall, terminal):
    """Return a terminal with the sign-on panel, of a store with ANNA."""
    greenwall.cl(f"CRTUSRPRF ANNA PASSWORD('{PASSWORD}') SPCAUT(*AUDIT) LMTCPB(*YES)")
    screen = terminal(greenwall.arguments("--sign-on"))
    screen.wait_for("Sign On")
    return screen


def test_sign_on_opens_the_console_and_sign_off_comes_back_to_it(greenwall, seat):
    sign_on(seat, "anna", "wrong password")
    seat.wait_for("Sign-on information is not correct.")
    assert PASSWORD not in seat.screen()
    sign_on(seat, "anna", PASSWORD)
    shown = seat.wait_for("Greenwall Main Menu")
    assert "(needs *IOSYSCFG)" in shown
    seat.enter("wrksocrul")
    seat.wait_for("Command WRKSOCRUL is not for limited users to key.")
    key_anew(seat, "signoff")
    shown = seat.wait_for("Sign On")
    assert "ANNA" not in shown
    seat.press("F3")
    assert seat.wait_for_end() == 0


def test_menus_lead_a_limited_user_where_its_authorities_go(greenwall, seat):
    sign_on(seat, "anna", PASSWORD)
    seat.wait_for("Greenwall Main Menu")
    seat.enter("10")
    seat.wait_for("special authority *IOSYSCFG is needed")
    key_anew(seat, "5")
    seat.wait_for("Display Journal Entries")


def test_too_many_failures_end_the_session_and_disable_the_profile(greenwall, seat):
    for _ in range(2):
        sign_on(seat, "anna", "wrong password")
        seat.wait_for("Sign-on information is not correct.")
        seat.press("Tab")
    sign_on(seat, "anna", "wrong password")
    assert seat.wait_for_end() == 1
    assert "a security officer has to enable it" in seat.screen().replace("\n", "")
    assert "*DISABLED" in greenwall.cl("DSPUSRPRF ANNA")


def test_expired_password_is_changed_before_the_console_opens(greenwall, seat):
    greenwall.cl("CHGUSRPRF ANNA PWDEXP(*YES)")
    sign_on(seat, "anna", PASSWORD)
    seat.wait_for("Password has expired")
    seat.fill("Current password", PASSWORD)
    seat.fill("New password . .", "another good one")
    seat.type("another good one")
    seat.press("Enter")
    shown = seat.wait_for("Greenwall Main Menu")
    assert "another" not in shown
    seat.enter("90")
    seat.wait_for("Sign On")
    sign_on(seat, "anna", "another good one")
    seat.wait_for("Greenwall Main Menu")


def test_commands_of_a_deleted_profile_are_not_found_by_who_gets_its_name(greenwall, seat, terminal):
    sign_on(seat, "anna", PASSWORD)
    seat.wait_for("Greenwall Main Menu")
    seat.enter("sndmsg 'from the old one'")
    seat.wait_for("Message sent")
    made = f"CRTUSRPRF ANNA PASSWORD('{PASSWORD}')"
    greenwall.cl("DLTUSRPRF ANNA", made)
    seat.enter("sndmsg 'still there'")
    seat.wait_for("Message sent")
    new = terminal(greenwall.arguments("--sign-on"))
    new.wait_for("Sign On")
    sign_on(new, "anna", PASSWORD)
    new.wait_for("Greenwall Main Menu")
    new.press("F9")
    assert "sndmsg" not in new.wait_for("There is no earlier command.")


def test_passwords_are_in_no_file_of_commands_however_they_were_keyed(greenwall, terminal):
    screen = terminal(greenwall.arguments())
    screen.wait_for("Greenwall Main Menu")
    screen.enter("dspsecaud")
    screen.wait_for("Current Security Auditing Values")
    screen.press("F12")
    screen.wait_for("Greenwall Main Menu")
    screen.enter("crtusrprf bob geheimnis")
    screen.wait_for("needs a keyword")
    key_anew(screen, "crtusrprf bob password(geheimnis) text(bob)")
    screen.wait_for("User profile BOB created.")
    (file,) = (greenwall.directory / "store.db.history").iterdir()
    assert file.read_text().splitlines() == ["dspsecaud", "crtusrprf bob", "crtusrprf bob text(bob)"]
    assert "geheimnis" not in screen.screen()


def test_password_on_the_command_line_is_warned_of_and_one_on_standard_input_is_not(greenwall):
    told = greenwall("cl", f"CRTUSRPRF ANNA PASSWORD('{PASSWORD}')", "CRTUSRPRF BEN PASSWORD(*NONE)")
    assert (told.returncode, told.stderr.splitlines()[0]) == (
        0,
        "GWL000F Every user of this system could read PASSWORD.",
    )
    assert PASSWORD not in told.stderr
    for mistyped in (f"CRTUSRPRF DORA {PASSWORD}", f"CHGUSRPRF BEN PASWORD({PASSWORD})"):
        told = greenwall("cl", mistyped)
        assert "GWL000F Every user of this system could read PASSWORD." in told.stderr, "it will be typed again"
        assert PASSWORD not in told.stderr
    for words, stdin in ((("cl", "-f", "-"), f"CRTUSRPRF CARL PASSWORD('{PASSWORD}')"), (("cl", "CHGUSRPRF BEN"), "")):
        quiet = greenwall(*words, stdin=stdin)
        assert (quiet.returncode, quiet.stderr) == (0, "")
