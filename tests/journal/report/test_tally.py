"""Counting entries."""

from __future__ import annotations

import time as clock
import tracemalloc
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from console.journal.report import tally
from console.journal.report.tally import By, count, fields_of

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def zone(monkeypatch):
    """Return a way to set the time zone of this system; at first it is UTC."""

    def set_zone(name):
        monkeypatch.setenv("TZ", name)
        clock.tzset()

    set_zone("UTC")
    yield set_zone
    monkeypatch.undo()
    clock.tzset()


ENTRY = {
    "minute": "2026-03-01 10:00",
    "outcome": "*ALLOWED",
    "sk_type": "C",
    "user_name": "ALICE",
    "local_address": "127.0.0.1",
    "local_port": 40000,
    "remote_address": "192.0.2.1",
    "remote_port": 443,
    "program": "/usr/bin/curl",
    "exit_point": "*CONNECT",
    "rule_sequence": 40,
}


def row(**fields):
    return {**ENTRY, **fields}


def batches(rows, by, size=1000):
    names = fields_of(by)
    whole = iter(rows)
    while part := [tuple(each[name] for name in names) for each in islice(whole, size)]:
        yield part


def counted(rows, by=tuple(By), most_lines=100, size=1000):
    return count(batches(rows, by, size), by, most_lines=most_lines, tell=lambda number: None)


def lines(report, by):
    return [(key, found.entries) for key, found in report.summary(by).lines]


def test_outcomes_are_counted_apart():
    outcomes = ["*ALLOWED"] * 3 + ["*REJECTED"] * 2 + ["*MONITOR", ""]
    total = counted([row(outcome=outcome) for outcome in outcomes]).total
    assert (total.allowed, total.rejected, total.monitor, total.other) == (3, 2, 1, 1)
    assert (total.entries, total.accepted) == (7, 4)


def test_each_summary_counts_by_its_own():
    report = counted(
        [
            row(),
            row(user_name="BOB", remote_address="2001:db8::1", remote_port=80, program="/bin/b", rule_sequence=99999),
            row(sk_type="A", local_port=22, remote_port=50000, exit_point="*ACCEPT", outcome="*REJECTED"),
            row(sk_type="L", local_port=22, local_address="0.0.0.0", remote_address="", remote_port=0, rule_sequence=0),
        ]
    )
    assert lines(report, By.USER) == [("ALICE", 3), ("BOB", 1)]
    assert lines(report, By.ADDRESS) == [("192.0.2.1", 2), ("0.0.0.0", 1), ("2001:db8::1", 1)]
    assert lines(report, By.PORT) == [("22", 2), ("443", 1), ("80", 1)]
    assert lines(report, By.PROGRAM) == [("/usr/bin/curl", 3), ("/bin/b", 1)]
    assert lines(report, By.OUTCOME) == [("*ALLOWED", 3), ("*REJECTED", 1)]
    assert ("*CONNECT *DFT", 1) in lines(report, By.RULE)
    assert ("*ACCEPT 40", 1) in lines(report, By.RULE)


def test_what_an_entry_does_not_have_is_counted_as_none():
    report = counted([row(user_name="", remote_address="", local_address="", remote_port=0, program="")])
    assert all(lines(report, by) == [("*NONE", 1)] for by in (By.USER, By.ADDRESS, By.PORT, By.PROGRAM))


def test_the_first_and_last_time_of_a_key_are_kept_whatever_the_order():
    minutes = ["2026-03-01 10:05", "2026-03-01 10:01", "2026-03-01 10:09", "2026-03-01 10:03", "2026-03-01 10:02"]
    for batch in (1, 2, 100):
        report = counted([row(minute=minute) for minute in minutes], size=batch)
        for found in (report.total, report.summary(By.USER).lines[0].tally):
            assert (found.first, found.last) == ("2026-03-01 10:01", "2026-03-01 10:09")


def test_rare_keys_are_one_line_at_the_end():
    rows = [row(user_name=f"U{index % 5}") for index in range(12)]
    summary = counted(rows, most_lines=2).summary(By.USER)
    assert [key for key, _ in summary.lines] == ["U0", "U1"]
    assert (summary.others.key, summary.others.tally.entries) == ("(3 others)", 6)
    assert summary.is_exact


def test_the_sum_of_all_lines_is_the_total_over_many_batches():
    rows = [row(user_name=f"U{index % 97}", minute=f"2026-03-01 {index % 24:02}:00") for index in range(40_000)]
    report = counted(rows, most_lines=10)
    summary = report.summary(By.USER)
    assert sum(each.tally.entries for each in (*summary.lines, summary.others)) == report.total.entries == 40_000
    assert sum(found.entries for _, found in report.hours) == 40_000


def test_memory_is_bounded_however_many_keys_there_are(monkeypatch):
    monkeypatch.setattr(tally, "MOST_KEYS", 1000)
    frequent = 5000

    def rows():
        for index in range(60_000):
            yield row(remote_address=f"10.0.{index >> 8}.{index & 255}")
            if index % (60_000 // frequent) == 0:
                yield row(remote_address="192.0.2.99")

    tracemalloc.start()
    report = counted(rows(), by=(By.ADDRESS,), most_lines=5, size=500)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    summary = report.summary(By.ADDRESS)
    assert not summary.is_exact
    assert summary.lines[0].key == "192.0.2.99"
    assert summary.lines[0].tally.entries == frequent
    assert sum(each.tally.entries for each in (*summary.lines, summary.others)) == report.total.entries
    assert peak < 8_000_000


def test_hours_are_those_of_this_systems_time_zone(zone):
    zone("Asia/Kolkata")
    report = counted([row(minute="2026-03-01 10:29"), row(minute="2026-03-01 10:30")])
    assert [start for start, _ in report.hours] == [
        datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        datetime(2026, 3, 1, 10, 30, tzinfo=UTC),
    ]


def test_parts_of_time_cover_what_was_asked_without_a_gap():
    report = counted([row(minute="2026-03-01 10:00"), row(minute="2026-03-01 12:59", outcome="*REJECTED")])
    parts = report.buckets(24, (START, START + timedelta(hours=23, minutes=59)))
    assert [part.start for part in parts] == [START + timedelta(hours=hour) for hour in range(24)]
    assert [part.tally.entries for part in parts if part.tally.entries] == [1, 1]
    assert parts[12].tally.rejected == 1


@pytest.mark.parametrize("days", [1, 2, 7, 31, 365, 4000])
@pytest.mark.parametrize("most", [1, 24, 40, 240])
def test_there_are_never_more_parts_than_there_is_room_for(days, most):
    report = counted([row(), row(minute="2036-01-01 00:00")])
    parts = report.buckets(most, (START, START + timedelta(days=days)))
    assert 1 <= len(parts) <= most
    assert sum(part.tally.entries for part in parts) == 2


def test_an_end_before_the_beginning_is_one_part():
    assert len(counted([]).buckets(24, (START, START - timedelta(days=3)))) == 1
    assert counted([]).buckets(24) == []


@pytest.mark.parametrize("minute", ["", "nonsense", "2026-13-45 99:99", "0000-00-00 00:00"])
def test_a_time_that_is_none_is_in_the_totals_only(minute):
    report = counted([row(minute=minute), row()])
    assert report.total.entries == 2
    assert len(report.hours) == 1


def test_a_journal_with_impossible_times_does_not_take_more_memory(monkeypatch):
    monkeypatch.setattr(tally, "_MOST_HOURS", 10)
    monkeypatch.setattr(tally, "_MOST_MINUTES", 5)
    report = counted([row(minute=f"{year}-03-01 10:00") for year in range(1990, 2090)])
    assert len(report.hours) == 10
    assert report.total.entries == 100


def test_it_is_told_how_far_counting_has_come():
    told = []
    count(batches([row()] * 5, (By.USER,), 2), (By.USER,), most_lines=5, tell=told.append)
    assert told == [2, 4, 5]


def test_only_what_is_needed_is_read():
    assert fields_of((By.USER,)) == ("minute", "outcome", "user_name")
    assert set(fields_of(tuple(By))) == set(ENTRY)
