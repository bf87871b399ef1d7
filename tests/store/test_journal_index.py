"""The index of the journal: what a reader finds is the same with it and without, in every order of pages."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.journal.grouping import Grouping
from console.journal.writer import append
from console.store.engine import open_store
from console.store.journal import JournalFilter, page_after, page_before
from console.store.journal_index import (
    first_after,
    forget_blocks,
    index_block,
    known_blocks,
    last_before,
    missing_block,
    stored_postings,
)
from console.store.journal_keys import clauses
from console.store.journal_postings import INDEXED, block_of, first_of, postings
from console.store.postings import BLOCK, offsets_in, pack, unpack
from console.store.session import reading, transaction
from tests.factories import entry
from tests.journal.test_ending import ENTRY
from tests.store.older_index import in_older_form

COUNT = 2 * BLOCK + 700
ADDRESSES = [
    "10.1.2.3",
    "10.1.2.77",
    "10.200.0.1",
    "192.0.2.9",
    "2001:db8::1",
    "2001:db8:0:1::5",
    "fe80::1%eth0",
    "::1",
    "",
]
USERS = ["ALICE", "ALICIA", "BOB", "bob", "RARE"]
JOBS = ["000001/ALICE/CURL", "000002/BOB/CURL2", "000003/CURL/X_Y", "000012/A%B/curl"]
PORTS = [0, 22, 80, 443, 32767, 32768, 40001, 40002, 65535]
"""Of which those that the system picks are so many that each has a key of its own; and some that share one:"""
RARE_PORTS = [49999, 50000, 50001, 50240]


class Three:
    """Sessions on the same entries, and the entries; shown in few words when a test fails."""

    def __init__(self, indexed, plain, grouped, entries):
        self.indexed, self.plain, self.grouped, self.entries = indexed, plain, grouped, entries


@cache
def inside(address, network):
    return bool(address) and ip_address(address.partition("%")[0]) in network


@cache
def network_of(text):
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def made(now):
    pick = random.Random(5).choice
    weights = random.Random(6)
    for number in range(COUNT):
        yield entry(
            entry_timestamp=now + timedelta(seconds=number, microseconds=-(number % 7) * 3_000_000),
            entry_type="SK" if number % 50 else pick(["JS", "CD"]),
            sk_type=pick("ACL"),
            outcome=pick(["*ALLOWED", "*REJECTED", ""]),
            exit_point=pick(["*ACCEPT", "*CONNECT"]),
            rule_sequence=pick([10, 20, 99999]),
            user_name=USERS[-1] if weights.random() < 0.0005 else pick(USERS[:-1]),
            qualified_job_name=pick(JOBS),
            program=pick(["/usr/bin/curl", "/usr/sbin/nginx", "/opt/x"]),
            local_address=pick(ADDRESSES),
            local_port=pick(PORTS) if weights.random() < 0.995 else pick(RARE_PORTS),
            remote_address=pick(ADDRESSES),
            remote_port=pick(PORTS) if weights.random() < 0.995 else pick(RARE_PORTS),
        )


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """Return sessions on the same entries: with an index, without, and with that of two blocks in one."""
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    entries = list(made(now))
    stores = [open_store(f"sqlite:///{tmp_path_factory.mktemp('index')}/{name}.db") for name in ("with", "no", "group")]
    for store in stores:
        with transaction(store) as session:
            append(session, entries)
    for store in (stores[0], stores[2]):
        with transaction(store) as session:
            while (block := missing_block(session, block_of(COUNT + 1))) is not None:
                index_block(session, block)
    in_older_form(stores[2], 0)
    grouping = Grouping(stores[2], least=2)
    while grouping.step(None):
        pass
    with reading(stores[0]) as indexed, reading(stores[1]) as plain, reading(stores[2]) as grouped:
        assert [each.grouped for each in known_blocks(grouped, range(9)).values()] == [True, True]
        yield Three(indexed, plain, grouped, entries)
    for store in stores:
        store.close()


def wanted(only, entries):
    """Return the numbers of the entries that the filter says, in plain Python."""
    found = list(enumerate(entries, 1))

    def keep(value, check):
        nonlocal found
        if value not in ("", None):
            found = [(number, each) for number, each in found if check(number, each)]

    def text(value, have):
        return have.startswith(value[:-1]) if len(value) > 1 and value.endswith("*") else have == value

    def address(value, have):
        if "/" in value and network_of(value):
            return inside(have, network_of(value))
        return text(value, have)

    keep(only.from_number, lambda number, each: number >= only.from_number)
    keep(only.to_number, lambda number, each: number <= only.to_number)
    keep(only.entry_type, lambda number, each: each.entry_type in only.entry_type.split())
    keep(only.from_time, lambda number, each: each.entry_timestamp >= only.from_time)
    keep(only.to_time, lambda number, each: each.entry_timestamp <= only.to_time)
    keep(only.rule, lambda number, each: each.rule_sequence == only.rule)
    keep(only.local_port, lambda number, each: each.local_port == only.local_port)
    keep(only.remote_port, lambda number, each: each.remote_port == only.remote_port)
    keep(only.port, lambda number, each: only.port in (each.local_port, each.remote_port))
    for name, field in (("sk_type", "sk_type"), ("outcome", "outcome"), ("exit_point", "exit_point"),
                        ("user", "user_name"), ("program", "program")):  # fmt: skip
        value = getattr(only, name)
        keep(value, lambda number, each, value=value, field=field: text(value, getattr(each, field)))
    keep(only.job, lambda number, each: only.job == each.qualified_job_name
         or any(text(only.job, part) for part in each.qualified_job_name.split("/")))  # fmt: skip
    keep(only.local_address, lambda number, each: address(only.local_address, each.local_address))
    keep(only.remote_address, lambda number, each: address(only.remote_address, each.remote_address))
    keep(only.address, lambda number, each: address(only.address, each.local_address)
         or address(only.address, each.remote_address))  # fmt: skip
    return [number for number, _ in found]


TIMES = st.none() | st.integers(0, COUNT)
ADDRESS = st.just("") | st.sampled_from(
    [*ADDRESSES[:-1], "10.*", "10.1.*", "10.2*", "1*", "2001:db8:*", "2001:d*", "fe80::*", "10.0.0.0/8", "10.128.0.0/9",
     "10.1.2.64/26", "10.1.2.3/32", "2001:db8::/32", "2001:db8:0:1::/64", "fe80::/10", "0.0.0.0/0", "::/0", "::1/128",
     "172.16.0.0/12", "10.1.2.3/99"]
)  # fmt: skip
PORT = st.none() | st.sampled_from([*PORTS, *RARE_PORTS, 40003, 50002])
FILTERS = st.builds(
    JournalFilter,
    entry_type=st.sampled_from(["", "", "", "SK", "JS CD", "GR"]),
    sk_type=st.sampled_from(["", "", "A"]),
    outcome=st.sampled_from(["", "", "*REJECTED", "*A*"]),
    exit_point=st.sampled_from(["", "", "*ACCEPT"]),
    user=st.sampled_from(["", "", "ALI*", "BOB", "RARE", "NOBODY", "B*"]),
    job=st.sampled_from(["", "", "", *JOBS, "CURL", "CURL*", "000002", "A%*", "_*", "none"]),
    program=st.sampled_from(["", "", "/usr/*", "/opt/x"]),
    address=ADDRESS,
    local_address=ADDRESS,
    remote_address=ADDRESS,
    port=PORT,
    local_port=PORT,
    remote_port=PORT,
    rule=st.sampled_from([None, None, 10, 5]),
    from_number=st.none() | st.integers(1, COUNT),
    to_number=st.none() | st.integers(1, COUNT),
)


@settings(max_examples=40, deadline=None)
@given(only=FILTERS, start=st.integers(0, COUNT + 1), times=st.tuples(TIMES, TIMES), limit=st.integers(1, 40),
       blank=st.sets(st.sampled_from(["address", "local_address", "remote_address", "port", "local_port", "remote_port",
                                      "job", "user", "from_number", "to_number"]), min_size=5))  # fmt: skip
def test_reader_finds_the_same_with_and_without_index_and_as_the_filter_says(journal, only, start, times, limit, blank):
    begin = journal.entries[0].entry_timestamp
    moments = [None if each is None else begin + timedelta(seconds=each) for each in times]
    empty = JournalFilter()
    only = replace(only, **{name: getattr(empty, name) for name in blank}, from_time=moments[0], to_time=moments[1])
    numbers = wanted(only, journal.entries)
    after = [number for number in numbers if number > start][:limit]
    before = [number for number in numbers if number < start][-limit:]
    for session in (journal.indexed, journal.plain, journal.grouped):
        assert [each.sequence_number for each in page_after(session, start, limit=limit, only=only)] == after
        assert [each.sequence_number for each in page_before(session, start, limit=limit, only=only)] == before


def test_index_answers_every_field_of_the_filter_that_names_a_value():
    only = JournalFilter(
        "SK JS", "A", "*REJECTED", "*ACCEPT", "ALICE", "10.0.0.0/8", 80, "1/ALICE/CURL", program="/usr/*",
        local_address="::1", remote_address="10.1.*", local_port=1, remote_port=2, rule=10,
    )  # fmt: skip
    assert len(clauses(only)) == 13 + 3  # the three parts of the job's name have a clause each


def test_set_of_entries_is_read_back_as_it_was_packed():
    for offsets in (
        [0],
        [5, 16383],
        list(range(0, BLOCK, 16)),
        list(range(1023)),
        list(range(1024)),
        list(range(BLOCK)),
    ):
        bits = unpack(pack(offsets))
        assert list(offsets_in(bits, descending=False)) == offsets
        assert list(offsets_in(bits, descending=True)) == offsets[::-1]
        assert len(pack(offsets)) <= BLOCK // 8


def test_damaged_set_is_read_as_some_set():
    assert unpack(b"\x01") == 0
    assert unpack(b"\xff\xff" * 3) == 0
    assert unpack(b"\x01\x00\xff\xff" * 20) == 2


def test_index_of_a_block_is_made_again_the_same(journal):
    indexed = journal.indexed
    span = f"BETWEEN {first_of(1)} AND {first_of(2) - 1}"
    numbers = f"SELECT {', '.join(INDEXED)} FROM journal_entry WHERE sequence_number {span}"
    rows = indexed.connection().exec_driver_sql(numbers).fetchall()
    assert len(rows) == BLOCK
    assert list(stored_postings(indexed, 1)) == postings(rows)


def test_worker_is_told_of_the_newest_block_without_index_and_of_holes(store):
    assert missing_block_in(store, 0) is None
    assert missing_block_in(store, 3) is None  # no entries, nothing to index
    with transaction(store) as session:
        append(session, [entry()])
        for block in (1, 2):
            plant = ENTRY.format(number=first_of(block), digest="chain_hash")
            session.connection().exec_driver_sql(plant)
    assert missing_block_in(store, 3) == 2
    with transaction(store) as session:
        for block in (2, 0):
            index_block(session, block)
    assert missing_block_in(store, 3) == 1
    with transaction(store) as session:
        index_block(session, 1)
        index_block(session, 1)
    assert missing_block_in(store, 3) is None
    with transaction(store) as session:
        forget_blocks(session, 0, 1)
    assert missing_block_in(store, 3) == 1


def missing_block_in(store, below):
    with reading(store) as session:
        return missing_block(session, below)


def test_neighbour_of_an_entry_is_found_without_walking_there_from_the_end(store):
    with transaction(store) as session:
        append(session, [entry()] * 5000)
    with reading(store) as session:
        steps = itertools.count()
        connection = session.connection().connection.driver_connection
        connection.set_progress_handler(lambda: next(steps) and None, 10)
        assert (first_after(session, 2500), last_before(session, 2500)) == (2501, 2499)
        assert (first_after(session, 5000), last_before(session, 1)) == (None, None)
        assert (first_after(session, -5), last_before(session, 2**63 - 1)) == (1, 5000)
        connection.set_progress_handler(None, 0)
    assert next(steps) < 50
