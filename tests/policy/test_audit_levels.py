"""Which entries the auditing system values and the levels of users write."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.policy.audit_levels import (
    CONTAINS,
    DEFAULT_LEVELS,
    LEVELS,
    NEEDED,
    Auditing,
    Levels,
    contradictions,
    expanded,
)

ENTRIES = sorted(NEEDED)
SUBSETS = st.lists(st.sampled_from(sorted(LEVELS)), unique=True).map(tuple)
ENTRY = st.sampled_from(ENTRIES)
USERS = st.sampled_from(["ALICE", "BOB"])


def levels(*words, control=("*AUDLVL",), more=("*NONE",), **users):
    own = {user: tuple(held.split()) for user, held in users.items()}
    return Levels(Auditing(control=control, levels=words, more_levels=more, users=own))


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("*NETSCK", {("SK", "A"), ("SK", "C"), ("SK", "L")}),
        ("*NETFAIL", {("SK", "P")}),
        ("*NETCMN", {("SK", "P")}),
        ("*NETUDP", {("SK", "I"), ("SK", "O")}),
        ("*NETBAS", set()),
        ("*NETCLU", set()),
        ("*NETSECURE", {("SK", "S"), ("SK", "X")}),
        ("*NETTELSVR", set()),
        ("*JOBBAS", {("JS", "")}),
        ("*JOBDTA", {("JS", "")}),
        ("*AUTFAIL", {("AF", ""), ("PW", "")}),
        ("*ATNEVT", {("IM", "")}),
        ("*CMD", {("CD", "")}),
        ("*SECCFG", {("GR", ""), ("CP", "")}),
        ("*SECURITY", {("GR", ""), ("CP", "")}),
        ("*SYSMGT", {("GR", "")}),
        ("*SAVRST", set()),
    ],
)
def test_a_level_writes_its_own_entries_and_no_others(level, written):
    asked = levels(level)
    assert {entry for entry in ENTRIES if asked.wants(*entry)} == written


@pytest.mark.parametrize(
    ("words", "port", "is_written"),
    [
        (("*NETSCK",), 80, True),
        (("*NETSCK",), 23, False),
        (("*NETTELSVR",), 23, False),
        (("*NETSCK", "*NETTELSVR"), 23, True),
        (("*NETTELSVR",), 80, False),
    ],
)
def test_accepts_on_the_telnet_port_take_both_levels(words, port, is_written):
    assert levels(*words).wants("SK", "A", local_port=port) is is_written


def test_a_connect_from_port_23_is_none_of_the_telnet_server():
    assert levels("*NETSCK").wants("SK", "C", local_port=23)


def test_a_user_who_is_audited_needs_the_telnet_level_of_the_system():
    assert not levels("*NONE", ALICE="*NETSCK").wants("SK", "A", user="ALICE", local_port=23)
    assert levels("*NETTELSVR", ALICE="*NETSCK").wants("SK", "A", user="ALICE", local_port=23)


@given(words=SUBSETS, entry=ENTRY, user=USERS)
def test_the_extension_counts_only_where_it_is_asked_for(words, entry, user):
    without = Levels(Auditing(levels=("*NONE",), more_levels=words))
    with_it = Levels(Auditing(levels=("*AUDLVL2",), more_levels=words))
    assert not without.wants(*entry, user=user)
    assert with_it.wants(*entry, user=user) == Levels(Auditing(levels=words)).wants(*entry, user=user)


@given(words=SUBSETS, own=SUBSETS, entry=ENTRY)
def test_nothing_is_written_while_the_master_switch_is_off(words, own, entry):
    for control in (("*NONE",), ("*OBJAUD",), ("*OBJAUD", "*NOQTEMP")):
        asked = Levels(Auditing(control=control, levels=words, users={"ALICE": own}))
        assert not asked.wants(*entry, user="ALICE")


@given(words=SUBSETS, own=SUBSETS, entry=ENTRY, port=st.integers(0, 65535))
def test_a_user_gets_what_system_and_own_levels_write_together_and_others_what_the_system_does(words, own, entry, port):
    system = Levels(Auditing(levels=words))
    asked = Levels(Auditing(levels=words, users={"ALICE": own}))
    both = Levels(Auditing(levels=tuple({*words, *own})))
    assert asked.wants(*entry, user="BOB", local_port=port) == system.wants(*entry, user="BOB", local_port=port)
    if not (entry == ("SK", "A") and port == 23):
        assert asked.wants(*entry, user="ALICE", local_port=port) == both.wants(*entry, local_port=port)


@given(words=SUBSETS, more=st.sampled_from(sorted(LEVELS)), entry=ENTRY, port=st.integers(0, 65535))
def test_a_level_more_never_takes_an_entry_away(words, more, entry, port):
    if levels(*words).wants(*entry, local_port=port):
        assert levels(*words, more).wants(*entry, local_port=port)


@given(words=SUBSETS)
def test_a_level_that_stands_for_others_is_as_good_as_they(words):
    assert expanded(words) == expanded(expanded(words))
    for whole in set(words) & set(CONTAINS):
        assert CONTAINS[whole] <= expanded(words)


def test_what_no_level_speaks_of_is_always_written():
    off = levels("*NONE", control=("*NONE",))
    assert off.wants("SV", user="OPER")
    assert off.wants("AD", user="OPER")


def test_a_fresh_store_writes_everything_but_single_datagrams():
    asked = Levels(Auditing())
    assert {entry for entry in ENTRIES if not asked.wants(*entry, local_port=23)} == {("SK", "I"), ("SK", "O")}


def test_a_level_of_any_user_is_one_that_a_job_is_prepared_for():
    asked = levels("*NETSCK", ALICE="*NETUDP", BOB="*NETCMN")
    assert asked.are_anywhere("*NETUDP")
    assert asked.are_anywhere("*NETFAIL")
    assert not asked.are_anywhere("*CMD")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        ({"control": ("*NONE",)}, ["GWL0682"]),
        ({"control": ("*OBJAUD",), "levels": ("*NONE",)}, []),
        ({"control": ("*NONE",), "levels": ("*NONE",), "users": {"ALICE": ("*NETSCK",)}}, ["GWL0682"]),
        ({"more_levels": ("*NETUDP",)}, ["GWL0683"]),
        ({"levels": (*DEFAULT_LEVELS, "*AUDLVL2")}, ["GWL0684"]),
        ({"levels": ("*AUDLVL2",), "more_levels": ("*NETSCK", "*NETTELSVR")}, []),
        ({"levels": ("*NETTELSVR",)}, ["GWL0685"]),
        ({"levels": ("*NETCMN", "*NETSCK")}, ["GWL0686"]),
        ({"levels": ("*NETCMN",)}, ["GWL0687"]),
        ({"levels": ("*JOBDTA", "*JOBBAS")}, ["GWL0688"]),
    ],
)
def test_values_that_contradict_each_other_are_named(changed, said):
    assert [message_id for message_id, _ in contradictions(replace(Auditing(), **changed))] == said
