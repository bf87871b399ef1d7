"""The commands on user profiles: what they do, what they must never do, and what the journal is told."""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import replace

import pytest

from console.commands.execute import run_command
from console.errors import AuthorityError, CommandError, ConsoleError, SignOnError
from console.model.user_profiles import Limited, Status, UserClass
from console.people import passwords
from console.people.own_password import change_own_password
from console.people.sign_on import profile_of_host_user, sign_on
from console.people.ways_in import name_of_user
from console.store.outbox import waiting
from console.store.session import reading, transaction
from console.store.user_profiles import find_profile, list_keys
from tests.people.profiles import KEY, OTHER_KEY, get

ALL = frozenset({"*ALLOBJ", "*AUDIT", "*IOSYSCFG", "*JOBCTL", "*SECADM"})
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _officer(context):
    """OPER is the security officer, as who started the store first."""
    profile_of_host_user(context.store, "OPER", context.clock)
    with transaction(context.store) as session:
        find_profile(session, "OPER").password_hash = passwords.NOT_KNOWN_HASH


def run(context, *commands):
    return [run_command(command, context) for command in commands]


def entries(context, kind="CP"):
    with reading(context.store) as session:
        return [row for row in waiting(session) if row.entry_type == kind]


def administrator(context, name="ADM", *authorities):
    return replace(context, user=name, authorities=frozenset(authorities or ("*SECADM",)))


def test_profile_is_made_with_all_its_values(context):
    run(
        context,
        "CRTUSRPRF NETADM SPCAUT(*IOSYSCFG)",
        "CRTUSRPRF AUDITORS SPCAUT(*AUDIT)",
        f"CRTUSRPRF anna PASSWORD('{PASSWORD}') PWDEXP(*YES) USRCLS(*SYSOPR) TEXT('Anna A.') LMTCPB(*PARTIAL)"
        " GRPPRF(NETADM) SUPGRPPRF(AUDITORS) INLMNU(JOBS) THEME(AMBER) KEYMAP(TN5250)",
    )
    anna = get(context.store)
    assert (anna.user_class, anna.special_authorities, anna.text) == (UserClass.SYSOPR, "*JOBCTL", "Anna A.")
    assert (anna.limited, anna.group, anna.supplementary_groups) == (Limited.PARTIAL, "NETADM", "AUDITORS")
    assert (anna.initial_menu, anna.theme, anna.keymap, anna.password_expired) == ("JOBS", "AMBER", "TN5250", True)
    assert passwords.matches(anna.password_hash, PASSWORD)
    (row,) = [each for each in entries(context) if "ANNA" in each.text]
    detail = json.loads(row.detail)
    assert (detail["type"], detail["profile"], detail["command"]) == ("A", "ANNA", "CRT")
    assert (detail["password_changed"], detail["after"]["password"]) == ("Y", "*SET")


def test_no_password_hash_or_key_is_in_any_entry(context):
    run(context, f"CRTUSRPRF ANNA PASSWORD('{PASSWORD}')", f"CHGUSRPRF ANNA PASSWORD('{PASSWORD} 2')")
    (shown,) = run(context, "GENUSRCOD ANNA")
    secret = shown.lines[1].split(":")[1].replace(" ", "")
    assert shown.is_secret
    with reading(context.store) as session:
        told = " ".join(row.model_dump_json() for row in waiting(session))
    assert PASSWORD not in told
    assert "argon2" not in told
    assert secret not in told
    assert get(context.store).sealed_code_key not in told


def test_secret_of_codes_is_kept_sealed(context):
    run(context, "CRTUSRPRF ANNA")
    (shown,) = run(context, "GENUSRCOD ANNA")
    secret = shown.lines[1].split(":")[1].replace(" ", "")
    sealed = get(context.store).sealed_code_key
    assert sealed
    assert secret not in sealed
    run(context, "RMVUSRCOD ANNA")
    assert get(context.store).sealed_code_key == ""
    with pytest.raises(CommandError, match="GWL103F"):
        run(context, "RMVUSRCOD ANNA")


def test_change_leaves_what_is_not_given_and_says_when_nothing_changed(context):
    run(context, f"CRTUSRPRF ANNA PASSWORD('{PASSWORD}') SPCAUT(*AUDIT *JOBCTL) TEXT('Anna')")
    before = len(entries(context))
    (same,) = run(context, "CHGUSRPRF ANNA TEXT('Anna')")
    assert not same.changed
    assert len(entries(context)) == before
    run(context, "CHGUSRPRF ANNA LMTCPB(*YES)")
    anna = get(context.store)
    assert (anna.limited, anna.special_authorities, anna.text) == (Limited.YES, "*AUDIT *JOBCTL", "Anna")
    assert passwords.matches(anna.password_hash, PASSWORD)


def test_password_none_takes_the_password_away(context):
    run(context, f"CRTUSRPRF ANNA PASSWORD('{PASSWORD}')", "CHGUSRPRF ANNA PASSWORD(*NONE)")
    assert get(context.store).password_hash == ""


def test_enabling_begins_to_count_failures_anew(context):
    run(context, f"CRTUSRPRF ANNA PASSWORD('{PASSWORD}')")
    for _ in range(3):
        with pytest.raises(SignOnError):
            sign_on(context.store, "ANNA", "wrong", place="here", clock=context.clock)
    assert get(context.store).status is Status.DISABLED
    run(context, "CHGUSRPRF ANNA STATUS(*ENABLED)")
    assert get(context.store).failures == 0
    sign_on(context.store, "ANNA", PASSWORD, place="here", clock=context.clock)


@pytest.mark.parametrize(
    "command",
    [
        "CRTUSRPRF EVE SPCAUT(*AUDIT)",
        "CRTUSRPRF EVE USRCLS(*SECOFR)",
        "CRTUSRPRF EVE SPCAUT(*SECADM)",
        "CRTUSRPRF EVE GRPPRF(AUDITORS)",
        "CHGUSRPRF ADM SPCAUT(*SECADM *AUDIT)",
        "CHGUSRPRF ADM USRCLS(*SECOFR) SPCAUT(*USRCLS)",
        "CHGUSRPRF ADM GRPPRF(OPER)",
        "CHGUSRPRF ADM GRPPRF(AUDITORS)",
        "CHGUSRPRF PLAIN SPCAUT(*SECADM)",
        "CHGUSRPRF PLAIN GRPPRF(AUDITORS)",
        "CPYUSRPRF OPER EVE PASSWORD('correct horse battery')",
        "CPYUSRPRF ADM EVE PASSWORD('correct horse battery')",
        "CHGUSRPRF OPER PASSWORD('correct horse battery')",
        "CHGUSRPRF OPER STATUS(*DISABLED)",
        "CHGUSRPRF OPER SPCAUT(*NONE)",
        "CHGUSRPRF AUDITORS SPCAUT(*NONE)",
        "DLTUSRPRF AUDITORS",
        f"ADDUSRKEY OPER '{KEY}'",
        "RMVUSRKEY OPER SHA256:",
        "GENUSRCOD OPER",
        "RMVUSRCOD OPER",
    ],
)
def test_security_administrator_takes_no_more_than_was_given(context, command):
    run(context, "CRTUSRPRF ADM SPCAUT(*SECADM)", "CRTUSRPRF AUDITORS SPCAUT(*AUDIT)", "CRTUSRPRF PLAIN")
    before = {name: get(context.store, name) for name in ("OPER", "ADM", "AUDITORS", "PLAIN")}
    with pytest.raises(AuthorityError):
        run(administrator(context), command)
    assert {name: get(context.store, name) for name in before} == before
    with reading(context.store) as session:
        assert find_profile(session, "EVE") is None
        assert list_keys(session, "OPER") == []
    assert [row.user_name for row in entries(context, "AF")] == ["ADM"]


def test_security_administrator_manages_those_who_may_no_more(context):
    run(context, "CRTUSRPRF ADM SPCAUT(*SECADM)", "CRTUSRPRF ADM2 SPCAUT(*SECADM)")
    run(
        administrator(context),
        f"CRTUSRPRF ANNA PASSWORD('{PASSWORD}')",
        "CHGUSRPRF ADM2 TEXT('Second')",
        f"ADDUSRKEY ANNA '{KEY}'",
        "DLTUSRPRF ANNA",
    )
    assert get(context.store, "ADM2").text == "Second"
    with reading(context.store) as session:
        assert find_profile(session, "ANNA") is None


def test_secadm_is_given_by_who_has_secadm_and_allobj(context):
    run(administrator(context, "ADM", "*SECADM", "*ALLOBJ"), "CRTUSRPRF ADM2 SPCAUT(*SECADM)")
    assert get(context.store, "ADM2").special_authorities == "*SECADM"


@pytest.mark.parametrize(
    "command",
    [
        "CHGUSRPRF OPER STATUS(*DISABLED)",
        "CHGUSRPRF OPER SPCAUT(*SECADM)",
        "CHGUSRPRF OPER SPCAUT(*ALLOBJ)",
        "CHGUSRPRF OPER USRCLS(*USER) SPCAUT(*USRCLS)",
        "DLTUSRPRF OPER",
    ],
)
def test_last_officer_stays(context, command):
    other = replace(context, user="GONE")
    with pytest.raises(CommandError, match="GWL1014"):
        run(other, command)
    assert get(context.store, "OPER").special_authorities == " ".join(sorted(ALL))


def test_officer_by_a_group_is_the_last_too(context):
    run(
        context,
        "CRTUSRPRF OFFICERS SPCAUT(*SECADM *ALLOBJ) STATUS(*DISABLED)",
        f"CRTUSRPRF ANNA GRPPRF(OFFICERS) PASSWORD('{PASSWORD}')",
        "CHGUSRPRF OPER SPCAUT(*NONE)",
    )
    for command in ("CHGUSRPRF OFFICERS SPCAUT(*SECADM)", "CHGUSRPRF ANNA GRPPRF(*NONE)", "DLTUSRPRF ANNA"):
        with pytest.raises(CommandError, match="GWL1014"):
            run(context, command)


@pytest.mark.parametrize("of", ["", "PASSWORD(*NONE) ", "STATUS(*DISABLED) "])
def test_officer_that_nobody_can_sign_on_with_is_not_left_as_the_last(context, of):
    run(context, f"CRTUSRPRF SPARE SPCAUT(*SECADM *ALLOBJ) {of}", f"ADDUSRKEY OPER '{KEY}'", "CRTUSRPRF OTHER")
    run(context, "CHGUSRPRF OPER PASSWORD(*NONE)", "CHGUSRPRF OTHER TEXT('x')")
    key = list_of_keys(context, "OPER")[0]
    for command in (
        "CHGUSRPRF OPER STATUS(*DISABLED)",
        "CHGUSRPRF OPER SPCAUT(*NONE)",
        f"RMVUSRKEY OPER '{key}'",
    ):
        with pytest.raises(CommandError, match="GWL1014"):
            run(context, command)
    with pytest.raises(CommandError, match="GWL1014"):
        run(replace(context, user="GONE"), "DLTUSRPRF OPER")
    assert list_of_keys(context, "OPER") == [key]
    run(context, f"CHGUSRPRF SPARE STATUS(*ENABLED) PASSWORD('{PASSWORD}')", f"RMVUSRKEY OPER '{key}'")


def test_last_officer_keeps_the_last_way_in(context):
    with pytest.raises(CommandError, match="GWL1014"):
        run(context, "CHGUSRPRF OPER PASSWORD(*NONE)")
    me = name_of_user(os.getuid())
    run(context, f"CRTUSRPRF {me} SPCAUT(*SECADM *ALLOBJ)", "CHGUSRPRF OPER PASSWORD(*NONE)")
    with pytest.raises(CommandError, match="GWL1014"):
        run(context, f"DLTUSRPRF {me}")


def list_of_keys(context, name):
    with reading(context.store) as session:
        return [each.fingerprint for each in list_keys(session, name)]


def test_group_that_nobody_signs_on_with_is_not_left_as_the_last_officer(context):
    run(context, "CRTUSRPRF OFFICERS SPCAUT(*SECADM *ALLOBJ)", "CRTUSRPRF USER GRPPRF(OFFICERS) STATUS(*DISABLED)")
    run(context, f"CRTUSRPRF ANNA GRPPRF(OFFICERS) PASSWORD('{PASSWORD}')", "CHGUSRPRF OPER SPCAUT(*NONE)")
    for command in ("CHGUSRPRF ANNA STATUS(*DISABLED)", "CHGUSRPRF ANNA GRPPRF(*NONE)", "DLTUSRPRF ANNA"):
        with pytest.raises(CommandError, match="GWL1014"):
            run(context, command)


def test_who_runs_it_counts_also_when_others_have_it_for_a_group(context):
    run(context, "CRTUSRPRF ANNA GRPPRF(OPER)", "CHGUSRPRF ANNA STATUS(*DISABLED)")
    assert get(context.store).status is Status.DISABLED


def test_profile_cannot_delete_itself(context):
    run(context, f"CRTUSRPRF SECOND USRCLS(*SECOFR) PASSWORD('{PASSWORD}')")
    with pytest.raises(CommandError, match="GWL1015"):
        run(context, "DLTUSRPRF OPER")
    run(replace(context, user="SECOND"), "DLTUSRPRF OPER")
    with reading(context.store) as session:
        assert find_profile(session, "OPER") is None


@pytest.mark.parametrize(
    ("command", "message_id"),
    [
        ("CRTUSRPRF ANNA GRPPRF(NONESUCH)", "GWL1017"),
        ("CRTUSRPRF ANNA GRPPRF(ANNA)", "GWL1017"),
        ("CRTUSRPRF ANNA GRPPRF(MEMBER)", "GWL1017"),
        ("CHGUSRPRF GROUP GRPPRF(OPER)", "GWL1016"),
        ("CRTUSRPRF ANNA SUPGRPPRF(GROUP)", "GWL1018"),
        ("DLTUSRPRF GROUP", "GWL1016"),
        ("CRTUSRPRF OPER", "GWL1012"),
        ("CHGUSRPRF NONESUCH", "GWL1010"),
        ("CRTUSRPRF 'AN NA'", "GWL1011"),
        ("CRTUSRPRF -ANNA", "GWL1011"),
        ("CRTUSRPRF ANNA SPCAUT(*EVERYTHING)", "GWL1019"),
        ("CRTUSRPRF ANNA KEYMAP('../../etc')", "GWL1019"),
        ("CRTUSRPRF ANNA PASSWORD(short)", "GWL1021"),
        ("CRTUSRPRF ANNABELLA PASSWORD(annabella)", "GWL1024"),
    ],
)
def test_what_cannot_be_is_refused(context, command, message_id):
    run(context, "CRTUSRPRF GROUP", "CRTUSRPRF MEMBER GRPPRF(GROUP)")
    with pytest.raises(ConsoleError, match=message_id):
        run(context, command)


def test_sixteen_supplementary_groups_are_too_many(context):
    names = [f"GROUP{number}" for number in range(16)]
    run(context, *(f"CRTUSRPRF {name}" for name in names))
    run(context, f"CRTUSRPRF ANNA GRPPRF({names[0]}) SUPGRPPRF({' '.join(names[1:])})")
    with pytest.raises(CommandError, match="GWL1018"):
        run(context, f"CRTUSRPRF BEN GRPPRF(GROUP0) SUPGRPPRF({' '.join(names)})")


def test_keys_are_added_listed_and_removed(context):
    run(context, "CRTUSRPRF ANNA")
    (added,) = run(context, f"ADDUSRKEY ANNA '{KEY}'")
    fingerprint = added.messages[0].text.split()[1]
    (listed,) = run(context, "WRKUSRKEY ANNA")
    assert fingerprint in listed.lines[1]
    assert "anna@laptop" in listed.lines[1]
    with pytest.raises(CommandError, match="GWL1032"):
        run(context, f"ADDUSRKEY ANNA '{KEY} another comment'")
    run(context, f"ADDUSRKEY ANNA '{OTHER_KEY}'")
    with pytest.raises(CommandError, match="GWL1034"):
        run(context, "RMVUSRKEY ANNA SHA256:")
    run(context, f"RMVUSRKEY ANNA '{fingerprint[:20]}'")
    with pytest.raises(CommandError, match="GWL1033"):
        run(context, f"RMVUSRKEY ANNA '{fingerprint}'")
    assert [json.loads(row.detail)["command"] for row in entries(context)][-3:] == ["CHG", "CHG", "CHG"]


def test_deleted_profile_takes_its_keys_along(context):
    run(context, "CRTUSRPRF ANNA", f"ADDUSRKEY ANNA '{KEY}'", "DLTUSRPRF ANNA", "CRTUSRPRF ANNA")
    with reading(context.store) as session:
        assert list_keys(session, "ANNA") == []


def test_copy_has_what_the_other_may_and_none_of_its_secrets(context):
    run(
        context,
        f"CRTUSRPRF ANNA PASSWORD('{PASSWORD}') SPCAUT(*AUDIT) LMTCPB(*YES) TEXT('A')",
        f"ADDUSRKEY ANNA '{KEY}'",
        "GENUSRCOD ANNA",
        "CPYUSRPRF ANNA BEN",
    )
    ben = get(context.store, "BEN")
    assert (ben.special_authorities, ben.limited) == ("*AUDIT", Limited.YES)
    assert (ben.password_hash, ben.sealed_code_key) == ("", "")
    with reading(context.store) as session:
        assert list_keys(session, "BEN") == []


def test_display_shows_own_profile_to_everybody_and_never_a_secret(context):
    run(context, f"CRTUSRPRF ANNA PASSWORD('{PASSWORD}')", "GENUSRCOD ANNA", "CHGUSRAUD ANNA *CMD")
    own = replace(context, user="ANNA", authorities=frozenset())
    (shown,) = run(own, "DSPUSRPRF")
    text = "\n".join(shown.lines)
    assert "*CMD" in text
    assert "argon2" not in text
    assert get(context.store).sealed_code_key not in text


def test_own_profile_is_changed_but_for_what_a_limited_user_is_kept_to(context):
    run(context, "CRTUSRPRF ANNA LMTCPB(*PARTIAL)")
    own = replace(context, user="ANNA", authorities=frozenset())
    run(own, "CHGPRF THEME(PAPER) KEYMAP(PLAIN)")
    assert (get(context.store).theme, get(context.store).keymap) == ("PAPER", "PLAIN")
    with pytest.raises(AuthorityError):
        run(own, "CHGPRF INLMNU(JOBS)")


def test_list_shows_what_groups_give(context):
    run(context, "CRTUSRPRF NETADM SPCAUT(*IOSYSCFG)", "CRTUSRPRF ANNA GRPPRF(NETADM) SPCAUT(*JOBCTL)")
    (listed,) = run(context, "WRKUSRPRF A*")
    assert len(listed.lines) == 2
    assert "*IOSYSCFG *JOBCTL" in listed.lines[1]
    (users,) = run(context, "DSPAUTUSR")
    assert any(line.startswith("NETADM  ANNA") for line in users.lines)


class TestOwnPassword:
    """Changing one's own."""

    @pytest.fixture(autouse=True)
    def _anna(self, context):
        run(context, f"CRTUSRPRF ANNA PASSWORD('{PASSWORD}') PWDEXP(*YES)")

    def change(self, context, current, new, again=None):
        change_own_password(
            context.store, "ANNA", current, new, new if again is None else again,
            place="pts/3", job="000001/ANNA/CONSOLE", clock=context.clock,
        )  # fmt: skip

    def test_it_is_changed_and_no_longer_expired_and_journalled(self, context):
        self.change(context, PASSWORD, "another good one")
        anna = get(context.store)
        assert passwords.matches(anna.password_hash, "another good one")
        assert not anna.password_expired
        assert json.loads(entries(context)[-1].detail)["password_changed"] == "Y"
        assert entries(context)[-1].user_name == "ANNA"

    def test_wrong_current_password_counts_as_a_failed_sign_on(self, context):
        for _ in range(3):
            with pytest.raises(SignOnError, match="GWL1020"):
                self.change(context, "wrong", "another good one")
        assert get(context.store).status is Status.DISABLED
        assert [row.sk_type for row in entries(context, "PW")] == ["P", "P", "P"]

    @pytest.mark.parametrize(
        ("new", "again", "message_id"),
        [
            ("another good one", "another good two", "GWL1026"),
            ("short", "short", "GWL1021"),
            (PASSWORD, PASSWORD, "GWL1025"),
        ],
    )
    def test_new_password_that_cannot_be_is_refused(self, context, new, again, message_id):
        with pytest.raises(CommandError, match=message_id):
            self.change(context, PASSWORD, new, again)

    def test_passwords_before_are_remembered_as_far_as_is_asked_for(self, context):
        run(context, "CHGSYSVAL QPWDRQDDIF 8")
        used = [PASSWORD, *(f"another good one {number}" for number in range(4))]
        for current, new in itertools.pairwise(used):
            self.change(context, current, new)
        with pytest.raises(CommandError, match="GWL1025"):
            self.change(context, used[-1], used[1])
        self.change(context, used[-1], used[0])

    def test_profile_without_password_cannot_set_its_first(self, context):
        run(context, "CHGUSRPRF ANNA PASSWORD(*NONE)")
        with pytest.raises(CommandError, match="GWL1027"):
            self.change(context, "", "another good one")
