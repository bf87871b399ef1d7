"""Pending policy to active revision: whole, or not at all."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from console.errors import StoreError
from console.messages import describe
from console.model.revision import Revision
from console.model.words import Action, ExitPoint, Mode, RawSockets, Udp
from console.policy.checks import make_policy
from console.policy.exit_programs import make_exit_program
from console.store import revisions
from console.store.exit_points import get_modes, set_modes
from console.store.exit_programs import add_exit_program
from console.store.revisions import (
    activate,
    active_number,
    active_policy,
    count_changes,
    pending_policy,
    revision_policy,
    set_pending,
)
from console.store.rules import add_rule, change_rule
from console.store.session import reading, transaction
from console.store.settings import Settings, set_settings
from tests.factories import rule

PROGRAM = make_exit_program(exit_point="*ACCEPT", number=2, program="site:ask")


def test_activation_makes_the_pending_policy_the_next_revision(store, now):
    with transaction(store) as session:
        add_rule(session, rule(remote_port="https", action=Action.REJECT))
        set_modes(session, {ExitPoint.LISTEN: Mode.OFF})
        assert count_changes(session) == 2
        pending = pending_policy(session)
        assert activate(session, services={"https": 443}, user="OPER", at=now, text="why") == 2
    with reading(store) as session:
        number, policy = active_policy(session)
        assert (number, policy.modes, policy.rules) == (2, pending.modes, pending.rules)
        assert policy.services == {"https": 443}
        assert policy.modes[ExitPoint.LISTEN] is Mode.OFF
        assert count_changes(session) == 0
        newest = session.get_one(Revision, 2)
        assert (newest.made_by, newest.text, newest.made_at) == ("OPER", "why", now)
        assert len(revision_policy(session, 1).rules) == 3


def test_activation_that_fails_later_in_its_transaction_changes_nothing(store, now):
    with pytest.raises(StoreError), transaction(store) as session:  # noqa: PT012 - the transaction is the point
        add_rule(session, rule())
        activate(session, services={}, user="OPER", at=now)
        add_rule(session, rule())
    with reading(store) as session:
        assert (active_number(session), count_changes(session)) == (1, 0)
        assert session.get(Revision, 2) is None


def test_reader_sees_one_revision_from_beginning_to_end(store, now):
    with reading(store) as session:
        assert active_number(session) == 1
        with transaction(store) as other:
            activate(other, services={}, user="OPER", at=now)
        assert active_number(session) == 1
    with reading(store) as session:
        assert active_number(session) == 2


def test_pending_policy_can_be_replaced_whole(store):
    policy = make_policy(
        {ExitPoint.ACCEPT: Mode.MONITOR},
        [rule(sequence=7), rule(sequence=8)],
        udp=Udp.DECIDE,
        raw_sockets=RawSockets.ALLOW,
        exit_programs=[PROGRAM],
    )
    with transaction(store) as session:
        set_pending(session, policy)
        assert pending_policy(session) == policy
        set_pending(session, policy)
        assert pending_policy(session) == policy
        assert get_modes(session)[ExitPoint.ACCEPT] is Mode.MONITOR


def test_activation_takes_exit_programs_and_settings_with_it(store, now):
    with transaction(store) as session:
        add_exit_program(session, PROGRAM)
        set_settings(session, Settings(Udp.DECIDE, RawSockets.ALLOW))
        assert count_changes(session) == 3
        activate(session, services={}, user="OPER", at=now)
    with reading(store) as session:
        _, policy = active_policy(session)
        assert (policy.udp, policy.raw_sockets, policy.exit_programs) == (Udp.DECIDE, RawSockets.ALLOW, (PROGRAM,))
        assert count_changes(session) == 0


def test_revision_of_an_older_greenwall_says_what_it_did_then(store):
    with transaction(store) as session:
        row = session.get_one(Revision, active_number(session))
        document = msgspec.json.decode(row.document)
        for name in ("udp", "raw_sockets", "exit_programs"):
            del document[name]
        row.document = msgspec.json.encode(document).decode()
    with reading(store) as session:
        _, policy = active_policy(session)
        assert policy == make_policy({}, [])
        assert count_changes(session) == 0


def test_missing_revision_is_said(store):
    with reading(store) as session, pytest.raises(StoreError) as raised:
        revision_policy(session, 9)
    assert describe(raised.value).text == "Revision 9 does not exist."


@pytest.mark.parametrize("document", ["{", "[]", '{"rules": [{"exit_point": "*SEND"}]}'])
def test_damaged_revision_is_said(store, document):
    with transaction(store) as session:
        session.get_one(Revision, active_number(session)).document = document
    with reading(store) as session, pytest.raises(StoreError) as raised:
        active_policy(session)
    assert describe(raised.value).message_id == "GWL0326"


def test_changes_are_counted_anew_only_when_something_is_another(store, now):
    with transaction(store) as session:
        assert count_changes(session) == 0
        add_rule(session, rule(sequence=40))
        assert [count_changes(session), count_changes(session)] == [1, 1]
        change_rule(session, rule(sequence=40, text="Another"))
        set_modes(session, {ExitPoint.LISTEN: Mode.OFF})
        assert count_changes(session) == 2
        activate(session, services={}, user="ALICE", at=now)
        assert count_changes(session) == 0


def test_another_session_does_not_count_again(store, monkeypatch):
    with reading(store) as session:
        before = count_changes(session)

    def compared(*policies):
        raise AssertionError("counted again")

    monkeypatch.setattr(revisions, "compare", compared)
    with reading(store) as session:
        assert count_changes(session) == before


def test_a_number_that_an_activation_had_which_was_rolled_back_is_not_taken_for_that_activation(store, now):
    with transaction(store) as session:
        add_rule(session, rule(sequence=40))
        activate(session, services={}, user="ALICE", at=now)
        assert count_changes(session) == 0
        session.rollback()
    with transaction(store) as session:
        activate(session, services={}, user="ALICE", at=now + timedelta(seconds=1))
        add_rule(session, rule(sequence=40))
        assert count_changes(session) == 1
