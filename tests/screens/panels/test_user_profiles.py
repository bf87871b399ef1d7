"""The panels of user profiles, the sign-on panel, and the change of one's password."""

from __future__ import annotations

import pytest

from console.commands.execute import run_command
from console.errors import CommandError, SignOnError
from console.people import passwords
from console.people.public_keys import read_key
from console.people.sign_on import SignedOn, profile_of_host_user
from screens.panels.change_password import ChangePassword
from screens.panels.sign_on import SignOn, SignOnSeat
from screens.terminal.page import WIDE
from tests.people.profiles import KEY, PASSWORD, get
from tests.screens.panels.operator import Operator


@pytest.fixture(autouse=True)
def _people(services):
    context = services.context
    profile_of_host_user(context.store, "OPER", context.clock)
    for command in (
        "CRTUSRPRF NETADM SPCAUT(*IOSYSCFG) TEXT('Network administrators')",
        f"CRTUSRPRF ANNA PASSWORD('{PASSWORD}') USRCLS(*SYSOPR) GRPPRF(NETADM) LMTCPB(*YES) TEXT('Anna A.')",
        "CRTUSRPRF BEN STATUS(*DISABLED) SPCAUT(*AUDIT)",
        f"ADDUSRKEY ANNA '{KEY}'",
    ):
        run_command(command, context)


def test_profiles_are_listed_with_what_their_groups_give(operator, services):
    assert operator.command("WRKUSRPRF").matches("work_with_user_profiles")
    wide = Operator(services.open("MainMenu", {}), WIDE).command("WRKUSRPRF")
    assert wide.matches("work_with_user_profiles_wide")


def test_options_enable_disable_and_delete(operator, services):
    operator.command("WRKUSRPRF").option("BEN", "14").option("ANNA", "15").press("ENTER")
    store = services.context.store
    assert (get(store, "BEN").status.value, get(store).status.value) == ("*ENABLED", "*DISABLED")
    operator.option("BEN", "4").press("ENTER").press("ENTER")
    assert "BEN" not in operator.shown


def test_change_prompts_with_what_is_there_and_an_empty_password(operator):
    operator.command("WRKUSRPRF").option("ANNA", "2").press("ENTER")
    assert "CHGUSRPRF" in operator.title
    assert "*SYSOPR" in operator.shown
    assert operator.buffer.contents["PASSWORD"].value == ""


def test_profile_is_displayed_without_its_secrets(operator):
    operator.command("DSPUSRPRF ANNA")
    assert operator.matches("display_user_profile")
    operator.press("F10")
    assert operator.title == "Work with User Keys"


def test_keys_are_listed_added_and_removed(operator):
    assert operator.command("WRKUSRKEY ANNA").matches("work_with_user_keys")
    operator.press("F6")
    assert "ANNA" in operator.shown
    operator.press("F12").option(read_key(KEY).fingerprint, "4").press("ENTER").press("ENTER")
    assert "(No public keys" in operator.shown


def test_own_password_is_changed_without_being_shown(operator, services):
    mine = Operator(services.open("MainMenu", {}))
    mine.command("CHGPWD")
    assert mine.matches("change_password")
    mine.enter(CURRENT="wrong", NEW="a new one to keep", AGAIN="a new one to keep")
    assert mine.message_ids == ["GWL1027"]
    assert "keep" not in mine.shown


def test_new_passwords_that_differ_are_refused_and_fields_emptied(services):
    changed = []
    panel = ChangePassword("NJORD01", "ANNA", lambda *typed: changed.append(typed))
    operator = Operator(panel).enter(CURRENT="x" * 40, NEW="y" * 100, AGAIN="y" * 100)
    assert changed == [("x" * 40, "y" * 100, "y" * 100)]
    assert operator.outcome.messages or panel.is_done


class Seat:
    """Somebody to ask who may sign on."""

    def __init__(self, most=3, codes=(), **who):
        self.asked = []
        self.who = SignedOn("ANNA", frozenset({"*AUDIT"}), **{"limited": False, "may_choose_menu": True, **who})
        self.seat = SignOnSeat(
            "NJORD01", "PTS/3", self.sign_on, lambda user: user in codes, self.check_menu, most
        )  # fmt: skip

    def sign_on(self, user, password, code):
        self.asked.append((user, password, code))
        if password != PASSWORD:
            raise SignOnError("GWL1001")
        return self.who

    def check_menu(self, name):
        if name != "JOBS":
            raise CommandError("GWL0730", menu=name, menus="MAIN")


def test_sign_on_panel_is_the_one_of_ibm_i():
    operator = Operator(SignOn(Seat().seat))
    assert operator.matches("sign_on")
    assert operator.row(6)[16:52] == "User  . . . . . . . . . . . . . .   "
    assert operator.row(2)[47:77] == "System  . . . . . :   NJORD01 "


def test_right_password_lets_in():
    seat = Seat()
    panel = SignOn(seat.seat)
    outcome = Operator(panel).enter(USER="ANNA", PASSWORD=PASSWORD).outcome
    assert outcome.finished
    assert panel.found == seat.who


def test_wrong_password_is_told_and_not_shown_and_the_user_stays():
    panel = SignOn(Seat().seat)
    operator = Operator(panel).enter(USER="ANNA", PASSWORD="wrong one")
    assert operator.message_ids == ["GWL1001"]
    assert "wrong" not in operator.shown
    assert "ANNA" in operator.row(6)
    assert operator.buffer.contents["PASSWORD"].value == ""


def test_as_many_failures_as_are_allowed_end_the_session():
    panel = SignOn(Seat(most=2).seat)
    operator = Operator(panel).enter(USER="ANNA", PASSWORD="wrong")
    assert not operator.outcome.finished
    assert operator.enter(PASSWORD="wrong").outcome.finished
    assert panel.is_refused
    assert panel.found is None


def test_code_is_asked_for_before_the_password_is_looked_at():
    seat = Seat(codes=("ANNA",))
    panel = SignOn(seat.seat)
    operator = Operator(panel).enter(USER="ANNA", PASSWORD="wrong")
    assert seat.asked == []
    assert "authenticator" in operator.shown
    operator.enter(CODE="123456")
    assert seat.asked == [("ANNA", "wrong", "123456")]
    assert operator.message_ids == ["GWL1001"]


def test_menu_of_the_panel_is_taken_from_who_may_choose_one():
    panel = SignOn(Seat().seat)
    operator = Operator(panel).enter(USER="ANNA", PASSWORD=PASSWORD, MENU="NOWHERE")
    assert operator.message_ids == ["GWL0730"]
    assert panel.found is None
    operator.enter(PASSWORD=PASSWORD, MENU="JOBS")
    assert panel.found is not None
    assert panel.found.initial_menu == "JOBS"


@pytest.mark.parametrize("who", [{"limited": True}, {"may_choose_menu": False}])
def test_limited_user_chooses_no_menu(who):
    panel = SignOn(Seat(**who).seat)
    operator = Operator(panel).enter(USER="ANNA", PASSWORD=PASSWORD, MENU="JOBS")
    assert operator.message_ids == ["GWL1009"]
    assert panel.found is None


def test_password_of_the_longest_kind_fits_its_field():
    seat = Seat()
    longest = "x" * passwords.MOST_CHARACTERS
    Operator(SignOn(seat.seat)).enter(USER="ANNA", PASSWORD=longest)
    assert seat.asked[0][1] == longest


def test_secret_of_codes_is_on_a_panel_that_is_not_printed(operator):
    operator.command("GENUSRCOD ANNA")
    assert "Secret" in operator.shown
    assert operator.session.panel.is_secret
