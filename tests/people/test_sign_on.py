"""Signing on: what lets in, what does not, and what the journal and the operators are told."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from console.errors import SignOnError
from console.messages import describe
from console.model.user_profiles import Limited, Status
from console.people import codes, passwords
from console.people.sign_on import key_is_of, needs_code, profile_of_host_user, sign_on, sign_on_by_key
from console.policy.secret import Secret
from console.store.messages import list_messages
from console.store.outbox import waiting
from console.store.secrets import seal
from console.store.session import reading, transaction
from console.store.system_values import set_value
from tests.people.profiles import KEY, OTHER_KEY, PASSWORD, get, give_key, officer, profile, put


@pytest.fixture
def enter(store, now):
    def attempt(password=PASSWORD, name="ANNA", *, code="", at=now):
        return sign_on(store, name, password, code=code, place="pts/3", clock=lambda: at)

    return attempt


def fails(attempt, *arguments, **keywords):
    with pytest.raises(SignOnError) as refused:
        attempt(*arguments, **keywords)
    return describe(refused.value)


def entries(store):
    with reading(store) as session:
        return [(row.entry_type, row.sk_type, row.user_name, row.text) for row in waiting(session)]


def set_system_value(store, name, value):
    with transaction(store) as session:
        set_value(session, name, value)


def test_right_password_lets_in_with_what_the_profile_and_its_groups_may(store, enter):
    group = profile("NETADM", special_authorities="*IOSYSCFG")
    more = profile("AUDITORS", special_authorities="*AUDIT")
    anna = profile(
        special_authorities="*JOBCTL",
        group="NETADM",
        supplementary_groups="AUDITORS GONE",
        limited="*YES",
        theme="AMBER",
    )
    put(store, officer(), group, more, anna)
    who = enter(name=" anna ")
    assert who.name == "ANNA"
    assert who.authorities == {"*JOBCTL", "*IOSYSCFG", "*AUDIT"}
    assert (who.limited, who.theme, who.initial_menu, who.password_expired) == (True, "amber", "MAIN", False)


def test_sign_on_is_journalled_and_remembered(store, enter, now):
    put(store, officer(), profile(failures=2))
    enter()
    assert entries(store) == [("JS", "S", "ANNA", "User profile ANNA signed on by password, at pts/3")]
    assert (get(store).failures, get(store).previous_sign_on) == (0, now)


def test_every_failure_says_the_same(store, enter):
    code_key = seal(store.location, Secret(codes.new_key())).text
    put(
        store,
        officer(),
        profile(),
        profile("OFF", status=Status.DISABLED),
        profile("KEYS", password_hash=""),
        profile("CODES", sealed_code_key=code_key),
    )
    said = [
        fails(enter, "wrong"),
        fails(enter, name="NOBODY"),
        fails(enter, name="OFF"),
        fails(enter, "", name="KEYS"),
        fails(enter, name="CODES"),
        fails(enter, name=""),
        fails(enter, name="\x1b[2J" * 40),
    ]
    assert len({(each.text, each.cause, each.recovery) for each in said}) == 1
    assert [kind for _, kind, _, _ in entries(store)] == ["P", "U", "Q", "P", "T", "U", "U"]


def test_failures_are_told_in_the_journal_without_the_password(store, enter):
    put(store, officer(), profile())
    fails(enter, "my secret attempt")
    with reading(store) as session:
        (row,) = waiting(session)
    assert (row.entry_type, row.user_name) == ("PW", "ANNA")
    assert json.loads(row.detail) == {"type": "P", "user_name": "ANNA", "device": "pts/3"}
    assert "secret" not in row.model_dump_json()


def test_control_characters_of_a_name_reach_no_entry(store, enter):
    put(store, officer())
    fails(enter, name="\x1b[31mRED\x07")
    assert "\x1b" not in entries(store)[0][3]


def test_profile_is_disabled_when_as_many_sign_ons_in_a_row_failed_as_are_allowed(store, enter):
    put(store, officer(), profile())
    for _ in range(2):
        fails(enter, "wrong")
    assert get(store).status is Status.ENABLED
    fails(enter, "wrong")
    assert get(store).status is Status.DISABLED
    fails(enter)
    with reading(store) as session:
        (told,) = list_messages(session, "QSYSOPR", severity=0, limit=9)
    assert (told.message_id, told.severity) == ("GWL1004", 70)


def test_sign_on_that_is_right_begins_to_count_anew(store, enter):
    put(store, officer(), profile())
    for _ in range(3):
        fails(enter, "wrong")
        fails(enter, "wrong")
        enter()
    assert get(store).status is Status.ENABLED


@pytest.mark.parametrize(("value", "name"), [("*NOMAX", "QMAXSIGN"), ("1", "QMAXSGNACN")])
def test_profile_stays_enabled_where_system_values_say_so(store, enter, value, name):
    put(store, officer(), profile())
    set_system_value(store, name, value)
    for _ in range(4):
        fails(enter, "wrong")
    assert get(store).status is Status.ENABLED


def test_last_officer_is_not_locked_out_by_strangers_and_operators_are_told(store, enter):
    put(store, officer(), profile())
    for _ in range(5):
        fails(enter, "wrong", name="OPER")
    assert get(store, "OPER").status is Status.ENABLED
    with reading(store) as session:
        assert [each.message_id for each in list_messages(session, "QSYSOPR", severity=0, limit=9)] == ["GWL1005"]
    enter(name="OPER")


def test_officer_who_is_not_the_last_is_disabled_as_anybody(store, enter):
    put(store, officer(), officer("SECOND"))
    for _ in range(3):
        fails(enter, "wrong", name="OPER")
    assert get(store, "OPER").status is Status.DISABLED
    for _ in range(3):
        fails(enter, "wrong", name="SECOND")
    assert get(store, "SECOND").status is Status.ENABLED


def test_group_without_a_password_is_no_officer_that_could_let_the_others_in_again(store, enter):
    put(store, officer("ADMINS", password_hash=""), profile("OPER", group="ADMINS"), profile("SECOND", group="ADMINS"))
    for _ in range(3):
        fails(enter, "wrong", name="OPER")
        fails(enter, "wrong", name="SECOND")
    assert {get(store, "OPER").status, get(store, "SECOND").status} == {Status.ENABLED, Status.DISABLED}


def test_officer_whom_nothing_lets_in_does_not_keep_the_last_one_from_staying_enabled(store, enter):
    put(store, officer(), officer("SPARE", password_hash=""))
    for _ in range(3):
        fails(enter, "wrong", name="OPER")
    assert get(store, "OPER").status is Status.ENABLED
    give_key(store, "SPARE")
    fails(enter, "wrong", name="OPER")
    assert get(store, "OPER").status is Status.DISABLED


def test_passwords_disable_nobody_who_has_none(store, enter):
    put(store, officer(), officer("ROOT", password_hash=""))
    for _ in range(5):
        fails(enter, "wrong", name="ROOT")
    assert get(store, "ROOT").status is Status.ENABLED
    assert [kind for _, kind, _, _ in entries(store)] == ["P"] * 5


def test_right_password_that_was_checked_while_another_attempt_disabled_the_profile_comes_too_late(
    store, enter, monkeypatch
):
    put(store, officer(), profile(failures=2))
    checked = passwords.matches

    def overtaken(kept, password):
        found = checked(kept, password)
        if password == PASSWORD:
            fails(enter, "wrong")
        return found

    monkeypatch.setattr(passwords, "matches", overtaken)
    fails(enter)


def test_expired_password_lets_in_to_be_changed(store, enter, now):
    put(store, officer(), profile(password_expired=True), profile("OLD", password_changed_at=now - timedelta(days=30)))
    assert enter().password_expired
    assert not enter(name="OLD").password_expired
    set_system_value(store, "QPWDEXPITV", "30")
    assert enter(name="OLD").password_expired


def test_hash_with_older_parameters_is_made_anew_at_sign_on(store, enter):
    from argon2 import PasswordHasher

    older = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    put(store, officer(), profile(password_hash=older))
    enter()
    assert not passwords.is_outdated(get(store).password_hash)
    enter()


def test_code_is_asked_for_and_taken_once(store, enter, now):
    key = codes.new_key()
    put(store, officer(), profile(sealed_code_key=seal(store.location, Secret(key)).text))
    code = codes.code_at(key, int(now.timestamp()) // 30)
    assert needs_code(store, "anna")
    assert not needs_code(store, "NOBODY")
    fails(enter)
    fails(enter, "wrong", code=code)
    enter(code=code)
    fails(enter, code=code)
    enter(code=codes.code_at(key, int(now.timestamp()) // 30 + 1), at=now + timedelta(seconds=30))


def test_code_whose_key_cannot_be_read_any_more_lets_nobody_in(store, enter, now):
    key = codes.new_key()
    put(store, officer(), profile(sealed_code_key=seal(store.location, Secret(key)).text))
    store.location.key.unlink()
    seal(store.location, Secret("another key is made"))
    fails(enter, code=codes.code_at(key, int(now.timestamp()) // 30))


def test_key_lets_in_and_its_fingerprint_is_told(store, now):
    put(store, officer(), profile(password_expired=True))
    give_key(store, "ANNA")
    who = sign_on_by_key(store, "anna", f"{KEY} and a comment", place="192.0.2.7:5000", clock=lambda: now)
    assert (who.name, who.password_expired) == ("ANNA", False)
    assert "signed on by public key SHA256:" in entries(store)[0][3]


def test_key_of_somebody_else_does_not_let_in(store, now):
    put(store, officer(), profile(), profile("BEN"), profile("OFF", status=Status.DISABLED))
    give_key(store, "ANNA")
    give_key(store, "OFF")

    def by_key(name, key):
        return sign_on_by_key(store, name, key, place="here", clock=lambda: now)

    for name, key in [("BEN", KEY), ("ANNA", OTHER_KEY), ("OFF", KEY), ("NOBODY", KEY), ("ANNA", "rubbish")]:
        assert not key_is_of(store, name, key)
        fails(by_key, name, key)
    assert key_is_of(store, "anna", KEY)


def test_key_does_not_replace_the_code(store, now):
    key = codes.new_key()
    put(store, officer(), profile(sealed_code_key=seal(store.location, Secret(key)).text))
    give_key(store, "ANNA")
    with pytest.raises(SignOnError):
        sign_on_by_key(store, "ANNA", KEY, place="here", clock=lambda: now)
    code = codes.code_at(key, int(now.timestamp()) // 30)
    sign_on_by_key(store, "ANNA", KEY, code=code, place="here", clock=lambda: now)


def test_first_start_of_a_store_makes_who_invoked_it_the_security_officer(store, now):
    who = profile_of_host_user(store, "ROOT", lambda: now)
    assert who.authorities == {"*ALLOBJ", "*AUDIT", "*IOSYSCFG", "*JOBCTL", "*SECADM"}
    assert not who.limited
    assert [(kind, name) for kind, _, name, _ in entries(store)] == [("CP", "ROOT")]
    assert profile_of_host_user(store, "ROOT", lambda: now) == who
    assert len(entries(store)) == 1


def test_nobody_else_comes_in_by_the_operating_system_alone(store, now):
    profile_of_host_user(store, "ROOT", lambda: now)
    with pytest.raises(SignOnError, match="GWL1002") as refused:
        profile_of_host_user(store, "MALLORY", lambda: now)
    assert "CRTUSRPRF USRPRF(MALLORY)" in describe(refused.value).recovery


def test_sign_on_with_a_password_makes_no_officer_of_a_fresh_store(store, enter):
    fails(enter, name="ROOT")
    with reading(store) as session:
        assert [row.entry_type for row in waiting(session)] == ["PW"]


def test_disabled_profile_does_not_come_in_by_the_operating_system(store, now):
    put(store, officer(), profile(status=Status.DISABLED))
    with pytest.raises(SignOnError, match="GWL1003"):
        profile_of_host_user(store, "ANNA", lambda: now)


def test_no_secret_is_in_what_a_profile_shows_of_itself(store, enter):
    anna = profile(limited=Limited.PARTIAL, sealed_code_key="sealed", old_hashes="older")
    put(store, officer(), anna)
    shown = repr(get(store)) + str(get(store))
    assert "argon2" not in shown
    assert "sealed" not in shown.replace("sealed_code_key", "")
