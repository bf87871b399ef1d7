"""What operators are told of: SOCKS servers once for all jobs, killed guards and workers, and stores that were full."""

from __future__ import annotations

from datetime import timedelta

from console.enforcement.operator_notices import (
    tell_of_lost_guard,
    tell_of_outage,
    tell_of_servers,
    tell_of_unclean_end,
    tell_of_unkept,
)
from console.messages import line, message
from console.model.running import Guard, Worker
from console.store.messages import list_messages
from console.store.session import reading, transaction
from tests.conftest import NOW
from tests.factories import GUARD_ID, entry

SERVER = "proxy.example:1080"


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def failed(seconds, server=SERVER):
    told = line(message("GWL0820", server=server, at="2026-03-01 12:00:00", reason="GWL0801 refused"))
    return entry(entry_timestamp=at(seconds), entry_type="GR", sk_type="", text=told)


def back(seconds, server=SERVER):
    told = line(message("GWL0821", server=server, duration="0:00:01"))
    return entry(entry_timestamp=at(seconds), entry_type="GR", sk_type="", text=told)


def through(seconds, text="", server=SERVER):
    return entry(entry_timestamp=at(seconds), socks_server=server, text=text)


def tell(store, *entries):
    with transaction(store) as session:
        tell_of_servers(session, entries)


def said(store):
    with reading(store) as session:
        return [(each.message_id, each.severity, each.text, each.count) for each in reversed(list_messages(session))]


def test_server_that_fails_in_many_jobs_is_told_of_once_and_once_that_it_is_back(store):
    tell(store, failed(0), failed(1), through(2, "GWL0801 refused"))
    tell(store, failed(30))
    ((message_id, severity, text, count),) = said(store)
    assert (message_id, severity, count) == ("GWL0943", 40, 1)
    assert text.startswith(f"SOCKS server {SERVER} failed: GWL0820 SOCKS server {SERVER} failed at")
    tell(store, back(90), back(91))
    ((message_id, severity, text, count),) = said(store)
    assert (message_id, severity, count) == ("GWL0821", 0, 2)
    assert text == f"SOCKS server {SERVER} answers again after 0:01:30 (hours:minutes:seconds)."


def test_server_that_answers_another_job_is_back(store):
    tell(store, failed(0))
    tell(store, through(-1), through(5, "GWL0801 refused"), through(6, server="other:1080"))
    assert [message_id for message_id, *_ in said(store)] == ["GWL0943"]
    tell(store, through(7), through(8))
    assert [text for _, _, text, _ in said(store)] == [
        f"SOCKS server {SERVER} answers again after 0:00:07 (hours:minutes:seconds)."
    ]


def test_servers_are_apart_and_what_is_back_without_having_failed_says_nothing(store):
    tell(store, failed(0), failed(1, "[::1]:1080"), back(2, "third:1"), entry(entry_type="GR", text="GWL0522 other"))
    assert len(said(store)) == 2


def test_hostile_name_of_a_server_is_harmless(store):
    tell(store, failed(0, "\x1b[2J" + "x" * 500 + ":1"))
    assert all(text.isprintable() for _, _, text, _ in said(store))


def test_killed_guard_killed_worker_and_full_store_are_told(store):
    guard = Guard(guard_id=GUARD_ID, job_number=7, user="ALICE", job_name="CURL", command="curl", pid=1, started=NOW)
    with transaction(store) as session:
        tell_of_lost_guard(session, guard, NOW)
        tell_of_unclean_end(session, None, NOW)
        tell_of_unclean_end(session, Worker(pid=5, host="h", started=NOW, heartbeat=NOW, revision=1, ended=NOW), NOW)
        tell_of_unclean_end(session, Worker(pid=6, host="h", started=NOW, heartbeat=NOW, revision=1), NOW)
        tell_of_outage(session, NOW, "GWL0310 disk is full", at(75))
    assert [text for _, _, text, _ in said(store)] == [
        "Job 000007/ALICE/CURL lost its guard, which was killed: curl",
        "The worker with process id 6 ended without saying so; it was last heard of at 2026-03-01 12:00:00 UTC.",
        "The store could not be written from 2026-03-01 12:00:00 UTC on for 0:01:15 (hours:minutes:seconds): "
        "GWL0310 disk is full",
    ]


def test_guard_that_cannot_keep_its_entries_is_told_of(store):
    told = [line(message("GWL0510", path="/spool", reason="No space left")), line(message("GWL0693", count=7)), "else"]
    with transaction(store) as session:
        tell_of_unkept(session, [entry(entry_type="GR", sk_type="", text=text, guard_id=GUARD_ID) for text in told])
    assert [(message_id, severity) for message_id, severity, _, _ in said(store)] == [("GWL0694", 80)] * 2
    assert "No space left" in said(store)[0][2]


def test_text_with_a_hundred_thousand_colons_is_looked_at_in_no_time(store):
    told = "GWL0820 " + "1:" * 100_000
    tell(store, failed(0)._replace(text=told))
    assert said(store) == []
