"""Who has which number, also where the system does not tell everybody."""

from __future__ import annotations

import grp
import pwd

import pytest

from console.enforcement.kernel.accounts import known_accounts
from console.enforcement.kernel.loading import Loaded, Wanted
from console.policy.checks import make_policy, make_rule
from console.policy.compiler import compile_policy
from console.policy.image import Account, who_is_named


@pytest.fixture
def silent(monkeypatch):
    """Make this system one that knows everybody and tells nobody, as sssd does unless it is told otherwise."""
    monkeypatch.setattr(pwd, "getpwall", list)
    monkeypatch.setattr(grp, "getgrall", list)


def test_everybody_who_is_told_is_known():
    assert known_accounts()[0] == Account("ROOT", frozenset({"ROOT"}))


def test_who_is_named_is_known_where_nobody_is_told(silent):
    assert known_accounts() == {}
    assert known_accounts(["ROOT", "NO-SUCH-USER"], ["NO-SUCH-GROUP"])[0].user == "ROOT"


def test_members_of_a_named_group_are_known_where_nobody_is_told(silent, monkeypatch):
    members = grp.struct_group(("staff", "x", 50, ["root"]))
    monkeypatch.setattr(grp, "getgrnam", {"staff": members}.__getitem__)
    assert known_accounts((), ["STAFF"])[0].user == "ROOT"


def test_named_group_that_nobody_is_told_of_is_among_the_groups_of_who_is_told(monkeypatch):
    members = grp.struct_group(("staff", "x", 50, ["root"]))
    monkeypatch.setattr(grp, "getgrnam", {"staff": members}.__getitem__)
    monkeypatch.setattr(grp, "getgrall", list)
    assert "STAFF" in known_accounts((), ["STAFF"])[0].groups


def test_rules_say_who_is_named():
    rules = [
        make_rule(exit_point="*CONNECT", sequence=at, user=user, action="*REJECT")
        for at, user in enumerate(("ALICE", "%STAFF", "B*", "*ALL"), 1)
    ]
    assert who_is_named(compile_policy(make_policy({}, rules, {}))) == ({"ALICE"}, {"STAFF"})


def test_policy_is_for_other_users_until_it_is_put_in_force_for_them():
    compiled = compile_policy(make_policy({}, {}, {}), 1)
    nobody = (frozenset[str](), frozenset[str]())
    wanted = Wanted(1, make_policy({}, {}, {}), is_enforced=True)
    assert Loaded(wanted, compiled, nobody, known_accounts(), accounts_until=0).is_still(wanted)
    before = Loaded(wanted, compiled, nobody, {}, accounts_until=0)
    assert [before.is_still(wanted) for _ in range(2)] == [False, False]
