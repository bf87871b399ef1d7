"""Editing the pending rules."""

from __future__ import annotations

import sqlite3

import pytest

from console.errors import StoreError
from console.messages import describe
from console.model.words import Action, ExitPoint
from console.store.rules import (
    add_rule,
    change_rule,
    get_rule,
    list_rules,
    next_sequence,
    remove_rule,
    renumber_rules,
    rule_rows,
)
from console.store.session import reading, transaction
from tests.factories import rule

CONNECT = ExitPoint.CONNECT


def sequences(store, exit_point=CONNECT):
    with reading(store) as session:
        return [each.sequence for each in list_rules(session, exit_point)]


def add(store, *rules):
    with transaction(store) as session:
        for each in rules:
            add_rule(session, each)


def refused(message_id, store, work, *args, **named):
    before = sequences(store)
    with pytest.raises(StoreError) as raised, transaction(store) as session:
        work(session, *args, **named)
    describe(raised.value)
    assert raised.value.message_id == message_id
    assert sequences(store) == before


def test_rule_comes_back_as_it_was_added(store):
    full = rule(user="%WHEEL", remote_address="10.0.0.0/8", remote_port="https", action=Action.REJECT, text="a 'b' %_")
    add(store, full)
    with reading(store) as session:
        assert get_rule(session, CONNECT, 10) == full
        assert list_rules(session, CONNECT)[0] == full
        assert type(list_rules(session, CONNECT)[0].action) is Action
    refused("GWL0321", store, get_rule, ExitPoint.LISTEN, 10)


def test_rules_are_listed_in_order_with_the_default_rule_last(store):
    add(store, rule(sequence=30), rule(sequence=5), rule(sequence=20, exit_point=ExitPoint.LISTEN))
    assert sequences(store) == [5, 30, 99999]
    with reading(store) as session:
        assert [(each.exit_point, each.sequence) for each in list_rules(session)] == [
            (ExitPoint.ACCEPT, 99999),
            (CONNECT, 5),
            (CONNECT, 30),
            (CONNECT, 99999),
            (ExitPoint.LISTEN, 20),
            (ExitPoint.LISTEN, 99999),
        ]


def test_rule_that_is_there_already_is_not_replaced(store):
    add(store, rule())
    refused("GWL0320", store, add_rule, rule(action=Action.REJECT))


def test_rule_that_is_not_there_cannot_be_shown_changed_or_removed(store):
    refused("GWL0321", store, get_rule, CONNECT, 10)
    refused("GWL0321", store, change_rule, rule())
    refused("GWL0321", store, remove_rule, CONNECT, 10)


def test_changed_rule_replaces_the_one_of_its_number(store):
    add(store, rule(text="old"))
    with transaction(store) as session:
        change_rule(session, rule(text="new"))
        assert get_rule(session, CONNECT, 10).text == "new"
    with reading(store) as session:
        assert get_rule(session, CONNECT, 10) == rule(text="new")


def test_default_rule_can_be_changed_and_not_removed(store):
    with transaction(store) as session:
        change_rule(session, rule(sequence=99999, action=Action.REJECT))
    refused("GWL0322", store, remove_rule, CONNECT, 99999)


def test_removed_rule_is_gone(store):
    add(store, rule())
    with transaction(store) as session:
        remove_rule(session, CONNECT, 10)
    assert sequences(store) == [99999]


@pytest.mark.parametrize(("there", "following"), [((), 10), ((10,), 20), ((7, 23), 30), ((99980,), 99990)])
def test_next_sequence_is_the_next_ten(store, there, following):
    add(store, *(rule(sequence=each) for each in there))
    with reading(store) as session:
        assert next_sequence(session, CONNECT) == following


def test_no_sequence_is_left_before_the_default_rule(store):
    add(store, rule(sequence=99995))
    refused("GWL0323", store, next_sequence, CONNECT)


def test_renumbering_keeps_order_and_the_default_rule(store):
    add(store, rule(sequence=1, text="a"), rule(sequence=10, text="b"), rule(sequence=20, text="c"))
    with transaction(store) as session:
        assert renumber_rules(session, CONNECT) == 3
    with reading(store) as session:
        assert [(each.sequence, each.text) for each in list_rules(session, CONNECT)] == [
            (10, "a"),
            (20, "b"),
            (30, "c"),
            (99999, ""),
        ]
    with transaction(store) as session:
        assert renumber_rules(session, CONNECT) == 0
        assert renumber_rules(session, ExitPoint.ACCEPT) == 0


def test_renumbering_past_the_default_rule_is_refused(store):
    add(store, rule(sequence=1), rule(sequence=2))
    refused("GWL0324", store, renumber_rules, CONNECT, start=99998, step=1)


def test_rules_that_nobody_has_changed_are_not_read_again(store):
    if store.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL says nothing of who has written")
    with reading(store) as session:
        before = rule_rows(session)
    with reading(store) as session:
        assert rule_rows(session) is before


def test_rules_are_read_again_after_a_change_of_ours_or_of_another_process(store):
    with reading(store) as session:
        before = len(rule_rows(session))
    add(store, rule(sequence=40))
    with reading(store) as session:
        assert len(rule_rows(session)) == before + 1
    if store.engine.dialect.name == "sqlite":
        with sqlite3.connect(store.file) as other:
            other.execute("DELETE FROM pending_rule WHERE sequence = 40")
        other.close()
        with reading(store) as session:
            assert len(rule_rows(session)) == before


def test_rules_of_a_transaction_that_was_rolled_back_are_not_kept(store):
    with reading(store) as session:
        before = len(rule_rows(session))
    with transaction(store) as session:
        add_rule(session, rule(sequence=40))
        assert len(rule_rows(session)) == before + 1
        session.rollback()
    with reading(store) as session:
        assert len(rule_rows(session)) == before
