"""Message queues: order, keys, bounds, and who has read what."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from console.messages import message
from console.store import messages
from console.store.messages import (
    clear_queue,
    list_messages,
    mark_read,
    news,
    remove_messages,
    send,
    send_message,
)
from console.store.session import reading, transaction


def say(session, now, text="Something", severity=0, **fields):
    return send_message(session, message_id="", text=text, severity=severity, at=now, **fields)


def texts(session, **wanted):
    return [each.text for each in list_messages(session, **wanted)]


def test_messages_come_newest_first_and_by_severity(store, now):
    with transaction(store) as session:
        for severity in (0, 40, 10):
            say(session, now, f"of {severity}", severity)
    with reading(store) as session:
        assert texts(session) == ["of 10", "of 40", "of 0"]
        assert texts(session, severity=10) == ["of 10", "of 40"]
        assert texts(session, limit=1) == ["of 10"]


def test_queues_are_apart(store, now):
    with transaction(store) as session:
        say(session, now, "for the operator")
        say(session, now, "for Alice", queue="ALICE")
    with reading(store) as session:
        assert texts(session) == ["for the operator"]
        assert texts(session, queue="ALICE") == ["for Alice"]


def test_message_with_a_key_takes_the_place_of_the_one_before_as_a_new_one(store, now):
    with transaction(store) as session:
        first = say(session, now, "down", key="server")
        say(session, now, "other")
        mark_read(session, "ALICE", 2)
        again = say(session, now, "still down", key="server")
    with reading(store) as session:
        assert again > first
        assert [(each.text, each.count) for each in list_messages(session)] == [("still down", 2), ("other", 1)]
        assert news(session, "ALICE").unread == 1


def test_id_of_a_removed_message_is_never_given_again(store, now):
    with transaction(store) as session:
        mark_read(session, "ALICE", say(session, now))
        clear_queue(session)
    with transaction(store) as session:
        say(session, now, "new")
        assert news(session, "ALICE").unread == 1


def test_each_reader_has_their_own_place(store, now):
    with transaction(store) as session:
        last = [say(session, now, severity=severity) for severity in (0, 40, 50, 30)][-1]
        mark_read(session, "ALICE", last)
        mark_read(session, "ALICE", 1)
        assert news(session, "ALICE") == (0, 0, None)
        unread, last_id, breaking = news(session, "BOB")
        assert (unread, last_id, breaking.severity) == (4, last, 50)


def test_only_what_is_severe_breaks_in(store, now):
    with transaction(store) as session:
        say(session, now, severity=39)
        assert news(session, "ALICE").breaking is None


def test_removing_takes_only_what_was_named(store, now):
    with transaction(store) as session:
        first, second, _ = (say(session, now, text) for text in "abc")
        assert remove_messages(session, [second, 99]) == 1
        assert remove_messages(session, [first], queue="OTHER") == 0
        assert texts(session) == ["c", "a"]
        assert clear_queue(session, up_to=first) == 1
        assert texts(session) == ["c"]


def test_queue_that_nobody_reads_keeps_the_newest(store, now, monkeypatch):
    monkeypatch.setattr(messages, "_MOST_KEPT", 3)
    with transaction(store) as session:
        for number in range(10):
            say(session, now, str(number))
        assert texts(session) == ["9", "8", "7"]


def test_hostile_text_is_made_safe_cut_and_stored(store, now):
    with transaction(store) as session:
        say(session, now, "\x1b[2J\u202e" + "x" * 5000, severity=1000, detail="\0" * 9000, key="k" * 999, sender="\x07")
        say(session, now, "", severity=-1, sender="\udcff")
    with reading(store) as session:
        empty, hostile = list_messages(session)
        assert (empty.text, empty.severity) == ("-", 0)
        assert hostile.text.startswith("·[2J·xxx")
        assert (len(hostile.text), hostile.severity, len(hostile.detail)) == (1024, 99, 8192)


def test_message_of_the_catalogue_brings_cause_and_recovery(store, now):
    with transaction(store) as session:
        send(session, message("GWL0821", server="one:1080", duration="0:00:07"), at=now)
        (found,) = list_messages(session)
    assert (found.message_id, found.severity) == ("GWL0821", 0)
    assert found.text == "SOCKS server one:1080 answers again after 0:00:07 (hours:minutes:seconds)."
    assert "None needed." in found.detail


def test_two_with_the_same_key_cannot_be(store, now):
    with transaction(store) as session:
        say(session, now, key="k")
        row = list_messages(session)[0].model_dump(exclude={"id"})
        session.add(messages.QueueMessage.model_validate(row))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
