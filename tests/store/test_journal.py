"""Reading the journal: pages and filters."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.journal.writer import append
from console.store.journal import JournalFilter, get_entry, last_number, page_after, page_before
from console.store.session import reading, transaction
from tests.factories import entry


@pytest.fixture
def journal(store, now):
    entries = [
        entry(),
        entry(sk_type="A", exit_point="*ACCEPT", local_address="::1", local_port=80, remote_address="2001:db8::1"),
        entry(outcome="*REJECTED", user_name="ALICIA", qualified_job_name="000002/ALICIA/A_B"),
        entry(remote_address="10.1.2.3", remote_port=80, qualified_job_name="000012/BOB/CURL2", user_name="BOB"),
        entry(entry_type="CD", sk_type="", user_name="OPER", entry_timestamp=now + timedelta(days=1), outcome=""),
    ]
    with transaction(store) as session:
        append(session, entries)
    with reading(store) as session:
        yield session


def numbers(entries):
    return [each.sequence_number for each in entries]


def test_pages_go_forwards_and_backwards(journal):
    assert numbers(page_after(journal, 0, limit=2)) == [1, 2]
    assert numbers(page_after(journal, 2, limit=9)) == [3, 4, 5]
    assert numbers(page_before(journal, None, limit=2)) == [4, 5]
    assert numbers(page_before(journal, 4, limit=2)) == [2, 3]
    assert page_before(journal, 1, limit=2) == page_after(journal, 5, limit=2) == []
    assert get_entry(journal, 4).remote_port == 80
    assert get_entry(journal, 6) is None


def test_page_may_be_longer_than_what_sqlite_takes_at_once(store):
    count = 1200
    with transaction(store) as session:
        append(session, [entry() for _ in range(count)])
    with reading(store) as session:
        assert numbers(page_after(session, 0, limit=10**6)) == list(range(1, count + 1))
        assert numbers(page_before(session, None, limit=1100)) == list(range(101, count + 1))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"entry_type": "CD"}, [5]),
        ({"sk_type": "A"}, [2]),
        ({"outcome": "*REJECTED"}, [3]),
        ({"outcome": "*ALLOWED"}, [1, 2, 4]),
        ({"exit_point": "*ACCEPT"}, [2]),
        ({"user": "ALICE"}, [1, 2]),
        ({"user": "ALIC*"}, [1, 2, 3]),
        ({"address": "::1"}, [2]),
        ({"address": "2001:db8::1"}, [2]),
        ({"address": "10.1.*"}, [4]),
        ({"address": "%"}, []),
        ({"port": 80}, [2, 4]),
        ({"port": 0}, []),
        ({"job": "000001/ALICE/CURL"}, [1, 2, 5]),
        ({"job": "CURL"}, [1, 2, 5]),
        ({"job": "CURL*"}, [1, 2, 4, 5]),
        ({"job": "000012"}, [4]),
        ({"job": "BOB"}, [4]),
        ({"job": "A_B"}, [3]),
        ({"job": "_*"}, []),
        ({"user": "ALICE", "exit_point": "*CONNECT"}, [1]),
        ({"local_address": "::1"}, [2]),
        ({"remote_address": "::1"}, []),
        ({"remote_address": "2001:db8::1"}, [2]),
        ({"remote_address": "10.1.*"}, [4]),
        ({"remote_address": "10.0.0.0/8"}, [4]),
        ({"remote_address": "10.1.0.0/23"}, []),
        ({"remote_address": "10.1.2.0/23"}, [4]),
        ({"remote_address": "10.1.2.3/32"}, [4]),
        ({"address": "2001:db8::/32"}, [2]),
        ({"address": "10.0.0.0/8"}, [4]),
        ({"local_port": 80}, [2]),
        ({"remote_port": 80}, [4]),
        ({"program": "/usr/bin/*"}, [1, 2, 3, 4, 5]),
        ({"program": "/usr"}, []),
        ({"receiver": "AUDRCV0001"}, [1, 2, 3, 4, 5]),
        ({"receiver": "AUDRCV0002"}, []),
        ({"from_number": 4}, [4, 5]),
        ({"to_number": 2}, [1, 2]),
        ({"from_number": 2, "to_number": 3, "user": "ALIC*"}, [2, 3]),
        ({"rule": 99999}, [1, 2, 3, 4, 5]),
        ({"rule": 5}, []),
        ({"entry_type": "CD SK"}, [1, 2, 3, 4, 5]),
        ({"entry_type": "GR CD"}, [5]),
    ],
)
def test_filter_shows_what_it_names(journal, fields, expected):
    only = JournalFilter(**fields)
    assert numbers(page_after(journal, 0, limit=9, only=only)) == expected
    assert numbers(page_before(journal, None, limit=9, only=only)) == expected


def test_filter_by_time_includes_both_ends(journal, now):
    later = now + timedelta(days=1)
    assert numbers(page_after(journal, 0, limit=9, only=JournalFilter(from_time=later))) == [5]
    assert numbers(page_after(journal, 0, limit=9, only=JournalFilter(to_time=now))) == [1, 2, 3, 4]


def test_last_number_is_that_of_the_newest_entry(journal):
    assert last_number(journal) == numbers(page_before(journal, None, limit=1))[0] == 5


def test_empty_journal_has_no_last_number_and_no_pages(store):
    with reading(store) as session:
        assert last_number(session) == 0
        assert page_before(session, None, limit=5) == page_after(session, 0, limit=5) == []
