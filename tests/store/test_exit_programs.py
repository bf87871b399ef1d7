"""Editing the pending exit programs and settings."""

from __future__ import annotations

import pytest

from console.errors import StoreError
from console.messages import describe
from console.model.words import ExitPoint, RawSockets, Udp
from console.policy.exit_programs import LAST_NUMBER, make_exit_program
from console.store.exit_programs import (
    add_exit_program,
    change_exit_program,
    get_exit_program,
    highest_number,
    list_exit_programs,
    lowest_number,
    remove_exit_program,
)
from console.store.session import reading, transaction
from console.store.settings import Settings, get_settings, set_settings

ACCEPT = ExitPoint.ACCEPT


def program(number=2, **fields):
    return make_exit_program(**{"exit_point": ACCEPT, "number": number, "program": "site:ask", **fields})


def add(store, *programs):
    with transaction(store) as session:
        for each in programs:
            add_exit_program(session, each)


def numbers(store, exit_point=ACCEPT):
    with reading(store) as session:
        return [each.number for each in list_exit_programs(session, exit_point)]


def refused(message_id, store, work, *args):
    before = numbers(store)
    with pytest.raises(StoreError) as raised, transaction(store) as session:
        work(session, *args)
    describe(raised.value)
    assert raised.value.message_id == message_id
    assert numbers(store) == before


def test_a_fresh_store_asks_no_program_and_leaves_datagrams_alone(store):
    with reading(store) as session:
        assert list_exit_programs(session) == []
        assert get_settings(session) == Settings(Udp.IGNORE, RawSockets.REFUSE)


def test_a_program_comes_back_as_it_was_added(store):
    full = program(7, program="a.b:c", time_limit_ms=60_000, text="a 'b' %_")
    add(store, full)
    with reading(store) as session:
        assert get_exit_program(session, ACCEPT, 7) == full
        assert list_exit_programs(session) == [full]
        assert type(list_exit_programs(session)[0].exit_point) is ExitPoint


def test_programs_are_listed_in_the_order_in_which_they_are_asked(store):
    add(store, program(10), program(9), program(2, exit_point="listen"), program(LAST_NUMBER))
    assert numbers(store) == [9, 10, LAST_NUMBER]
    assert numbers(store, ExitPoint.LISTEN) == [2]


def test_program_that_is_there_already_is_not_replaced(store):
    add(store, program())
    refused("GWL0327", store, add_exit_program, program(program="other:ask"))


def test_program_that_is_not_there_cannot_be_shown_changed_or_removed(store):
    refused("GWL0328", store, get_exit_program, ACCEPT, 2)
    refused("GWL0328", store, change_exit_program, program())
    refused("GWL0328", store, remove_exit_program, ACCEPT, 2)


def test_changed_program_replaces_the_one_of_its_number(store):
    add(store, program(), program(3))
    with transaction(store) as session:
        change_exit_program(session, program(program="other:ask"))
        remove_exit_program(session, ACCEPT, 3)
    with reading(store) as session:
        assert list_exit_programs(session) == [program(program="other:ask")]


@pytest.mark.parametrize(
    ("there", "lowest", "highest"), [((), 2, LAST_NUMBER), ((2, 3, 5, LAST_NUMBER), 4, LAST_NUMBER - 1)]
)
def test_the_lowest_and_the_highest_number_are_those_that_are_free(store, there, lowest, highest):
    add(store, *map(program, there))
    with reading(store) as session:
        assert (lowest_number(session, ACCEPT), highest_number(session, ACCEPT)) == (lowest, highest)


def test_settings_are_kept(store):
    with transaction(store) as session:
        set_settings(session, Settings(Udp.DECIDE, RawSockets.ALLOW))
    with reading(store) as session:
        assert get_settings(session) == Settings(Udp.DECIDE, RawSockets.ALLOW)
