"""Editing the pending SOCKS entries."""

from __future__ import annotations

import pytest

from console.errors import StoreError
from console.messages import describe
from console.model.words import SocksType, SocksVersion
from console.policy.checks import make_policy
from console.policy.secret import Secret
from console.policy.socks_entries import make_socks_entry
from console.store.revisions import activate, active_policy, count_changes, pending_policy, set_pending
from console.store.session import reading, transaction
from console.store.socks_entries import (
    add_socks_entry,
    change_socks_entry,
    get_socks_entry,
    list_socks_entries,
    next_socks_sequence,
    remove_socks_entry,
)
from tests.conftest import NOW

SEALED = Secret("gAAAAtoken", is_sealed=True)


def entry(sequence=10, **fields):
    return make_socks_entry(**{"sequence": sequence, "servers": "proxy.example", **fields})


def add(store, *entries):
    with transaction(store) as session:
        for each in entries:
            add_socks_entry(session, each)


def listed(store):
    with reading(store) as session:
        return list_socks_entries(session)


def refused(message_id, store, work, *args):
    before = listed(store)
    with pytest.raises(StoreError) as raised, transaction(store) as session:
        work(session, *args)
    describe(raised.value)
    assert raised.value.message_id == message_id
    assert listed(store) == before


def test_a_fresh_store_has_no_entry(store):
    assert listed(store) == []


def test_an_entry_comes_back_as_it_was_added(store):
    full = entry(
        7,
        remote_address="2001:db8::/32",
        remote_port="1-9",
        user="%WHEEL",
        servers="a [::1]:9 10.0.0.1",
        user_id="it's %_",
        password=SEALED,
        time_limit_ms=600_000,
        text="a 'b' %_",
    )
    direct = make_socks_entry(sequence=8, type="direct")
    add(store, full, direct)
    assert listed(store) == [full, direct]
    with reading(store) as session:
        found = get_socks_entry(session, 7)
    assert (found, type(found.type), type(found.version)) == (full, SocksType, SocksVersion)


def test_entries_are_listed_in_the_order_in_which_they_are_tried(store):
    add(store, entry(100), entry(9), entry(99998))
    assert [each.sequence for each in listed(store)] == [9, 100, 99998]


def test_entry_that_is_there_already_is_not_replaced(store):
    add(store, entry())
    refused("GWL0330", store, add_socks_entry, entry(servers="other"))


def test_entry_that_is_not_there_cannot_be_shown_changed_or_removed(store):
    refused("GWL0331", store, get_socks_entry, 10)
    refused("GWL0331", store, change_socks_entry, entry())
    refused("GWL0331", store, remove_socks_entry, 10)


def test_changed_entry_replaces_the_one_of_its_number(store):
    add(store, entry(user_id="anna", password=SEALED), entry(20))
    with transaction(store) as session:
        change_socks_entry(session, entry(servers="other"))
        remove_socks_entry(session, 20)
    assert listed(store) == [entry(servers="other")]


@pytest.mark.parametrize(("last", "following"), [((), 10), ((10,), 20), ((7, 33), 40), ((99980,), 99990)])
def test_the_next_number_is_the_next_ten(store, last, following):
    add(store, *map(entry, last))
    with reading(store) as session:
        assert next_socks_sequence(session) == following


def test_behind_the_last_number_there_is_none(store):
    add(store, entry(99990))
    with reading(store) as session, pytest.raises(StoreError) as raised:
        next_socks_sequence(session)
    assert raised.value.message_id == "GWL0332"


def test_password_in_clear_never_gets_into_a_row(store):
    with pytest.raises(ValueError, match="in clear"), transaction(store) as session:
        add_socks_entry(session, entry(user_id="anna", password="hunter2"))
    assert listed(store) == []


def test_a_revision_holds_the_entries_with_their_passwords_sealed(store):
    sealed = entry(user_id="anna", password=SEALED)
    with transaction(store) as session:
        set_pending(session, make_policy({}, [], socks=[sealed, entry(20)]))
        assert count_changes(session) == 2
        activate(session, services={}, user="OPER", at=NOW)
    with reading(store) as session:
        assert active_policy(session)[1] == pending_policy(session)
        assert active_policy(session)[1].socks == (sealed, entry(20))
        assert count_changes(session) == 0
