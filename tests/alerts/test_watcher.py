"""What is told of the journal: each entry counts once, whatever happens to the process in between."""

from __future__ import annotations

import json
import random

import pytest
from sqlalchemy import event as listening
from sqlmodel import select

from console.alerts import reading as batches
from console.alerts.conditions import parse
from console.alerts.watcher import Watcher
from console.errors import StoreError
from console.model.alerts import Alert, AlertDelivery, AlertDestination
from console.model.outbox import AuditOutbox
from console.store import alerts as kept
from console.store import deliveries
from console.store.messages import list_messages
from console.store.session import reading, transaction
from tests.alerts.rows import at

HOOK = {"name": "HOOK", "channel": "*WEBHOOK", "target": "http://127.0.0.1:9/"}


def add_hook(store):
    with transaction(store) as session:
        kept.add_destination(session, AlertDestination.model_validate(HOOK))


def run(watcher):
    while watcher.step():
        pass


def said(store):
    with reading(store) as session:
        return [(each.message_id, each.severity, each.text) for each in reversed(list_messages(session))]


def payloads(store):
    with reading(store) as session:
        return [json.loads(row.payload) for row in session.exec(select(AlertDelivery).order_by(AlertDelivery.id))]


def states(store):
    with reading(store) as session:
        return {state.key: (state.count, state.told) for state in kept.list_states(session)}


def test_raised_then_over_is_two_messages_and_two_deliveries(store, clock, refuse, make_alert, make_watcher):
    add_hook(store)
    make_alert(send_to="*MSGQ HOOK")
    refuse(0, 1, 2, 3)
    watcher = make_watcher()
    run(watcher)
    assert states(store) == {"10.0.0.1": (4, 3)}
    clock.seconds = 23
    run(watcher)
    assert said(store) == [
        ("GWL0910", 40, "Alert FAILING is raised for 10.0.0.1 (Refused too often): 3 or more entries in 10 s."),
        (
            "GWL0913",
            0,
            "Alert FAILING is over for 10.0.0.1 (Refused too often): it lasted 1 s, 4 entries since "
            "2026-03-01 12:00:02 UTC.",
        ),
    ]
    raised, over = payloads(store)
    assert (raised["event"], raised["severity"], raised["count"], raised["system"]) == ("*RAISED", 40, 3, "HERE")
    assert raised["key_fields"] == {"remote_address": "10.0.0.1"}
    assert raised["entry"]["sequence_number"] == 3
    assert raised["entry"]["entry_timestamp"] == "2026-03-01T12:00:02.123456Z"
    assert (over["event"], over["lasted_s"], over["count"], over["more"]) == ("*CLEARED", 1.0, 4, 1)
    assert raised["id"] != over["id"]
    assert states(store) == {}


def test_entries_before_the_alert_was_made_active_do_not_count(store, refuse, make_alert, make_watcher):
    last = refuse(0, 1)
    make_alert(since_number=last)
    refuse(2)
    run(make_watcher())
    assert said(store) == []


def test_nothing_of_the_journal_is_read_without_an_active_alert(store, refuse, make_alert, make_watcher):
    make_alert(active=False)
    refuse(0, 1, 2)
    asked = []
    listening.listen(store.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    assert make_watcher().step() is False
    assert [statement for statement in asked if "journal" in statement] == []
    assert said(store) == []


def test_process_that_ends_anywhere_counts_no_entry_twice_and_none_is_passed_over(
    store, clock, refuse, make_alert, make_watcher, monkeypatch
):
    monkeypatch.setattr(batches, "SPAN", 3)
    make_alert(threshold=1, telling="*EACH", quiet_s=0, condition="outcome = *REJECTED AND pid = 4711")
    dice = random.Random(7)
    number = 0
    watcher = make_watcher()
    for turn in range(20):
        refuse(*(turn + step / 10 for step in range(dice.randrange(4))), peer=f"10.0.0.{dice.randrange(3)}")
        clock.seconds = turn
        for _ in range(dice.randrange(3)):
            watcher.step()
        if dice.random() < 0.5:
            watcher = make_watcher()
    run(make_watcher())
    with reading(store) as session:
        number = batches.read_batch(session, 0, batches.prefilter([]), None).up_to
        number = max(number, kept.position(session))
        told = sorted(int(each.detail.split()[1]) for each in list_messages(session))
    assert told == list(range(1, number + 1))


def test_count_within_the_time_goes_on_over_a_restart(store, clock, refuse, make_alert, make_watcher):
    make_alert()
    refuse(0, 1)
    clock.seconds = 2
    run(make_watcher())
    refuse(3)
    clock.seconds = 3
    run(make_watcher())
    assert [message_id for message_id, _, _ in said(store)] == ["GWL0910"]
    run(make_watcher())
    assert len(said(store)) == 1


def test_what_could_not_be_written_is_looked_at_again(store, refuse, make_alert, clock):
    make_alert()
    refuse(0, 1, 2)
    watcher = Watcher(store, clock, "HERE")

    def refuse_writing(connection, cursor, statement, *_):
        if statement.startswith("INSERT INTO queue_message"):
            raise StoreError("GWL0311", url="here")

    listening.listen(store.engine, "before_cursor_execute", refuse_writing)
    with pytest.raises(StoreError):
        watcher.step()
    assert (said(store), states(store)) == ([], {})
    listening.remove(store.engine, "before_cursor_execute", refuse_writing)
    run(watcher)
    assert len(said(store)) == 1
    assert states(store) == {"10.0.0.1": (3, 3)}


def test_alert_that_is_changed_begins_anew(store, refuse, make_alert, make_watcher):
    make_alert()
    refuse(0, 1)
    watcher = make_watcher()
    run(watcher)
    with transaction(store) as session:
        alert = kept.get_alert(session, "FAILING")
        kept.change_alert(session, Alert.model_validate({**alert.model_dump(), "threshold": 2, "since_number": 2}))
    refuse(2)
    run(watcher)
    assert said(store) == []
    refuse(3)
    run(watcher)
    assert len(said(store)) == 1


def test_alert_removed_while_it_is_raised_says_nothing_more(store, clock, refuse, make_alert, make_watcher):
    make_alert()
    refuse(0, 1, 2)
    watcher = make_watcher()
    run(watcher)
    with transaction(store) as session:
        kept.remove_alert(session, "FAILING")
    clock.seconds = 1000
    run(watcher)
    assert len(said(store)) == 1
    assert states(store) == {}


def test_port_scan_is_told_and_written_as_an_im_entry_with_the_address(store, clock, journal, make_alert, make_watcher):
    make_alert(
        name="SCAN", condition="sk_type = A", distinct="local_port", threshold=5, probe="SCANE", text="Port scan"
    )
    for port in (22, 22, 22, 23, 25, 80):
        journal(0, sk_type="A", local_port=port, remote_address="10.0.0.9", outcome="*REJECTED")
    run(make_watcher())
    assert said(store) == []
    journal(1, sk_type="A", local_port=443, remote_address="10.0.0.9")
    watcher = make_watcher()
    run(watcher)
    clock.seconds = 500
    run(watcher)
    with reading(store) as session:
        raised, over = session.exec(select(AuditOutbox).order_by(AuditOutbox.id)).all()
    assert (raised.entry_type, raised.sk_type, raised.remote_address, raised.local_port) == ("IM", "P", "10.0.0.9", 443)
    assert raised.text.startswith("GWL0915 Potential intrusion: Port scan for 10.0.0.9: 5 entries, 5 or more different")
    detail = json.loads(raised.detail)
    assert (detail["probe_type"], detail["event"], detail["last_number"]) == ("SCANE", "*RAISED", 7)
    assert json.loads(over.detail)["event"] == "*CLEARED"


def test_destination_that_takes_nothing_is_not_waited_for_without_end(
    store, refuse, make_alert, make_watcher, monkeypatch
):
    monkeypatch.setattr(deliveries, "MOST_WAITING", 2)
    add_hook(store)
    make_alert(threshold=1, telling="*EACH", quiet_s=0, send_to="HOOK")
    refuse(0, 1, 2, 3)
    run(make_watcher())
    assert len(payloads(store)) == 2
    assert [message_id for message_id, _, _ in said(store)] == ["GWL0919"]


def test_alert_that_cannot_be_read_stops_no_other(store, refuse, make_alert, make_watcher):
    make_alert(name="BAD", condition="nonsense")
    make_alert()
    refuse(0, 1, 2)
    run(make_watcher())
    assert len(said(store)) == 1


def test_backlog_is_not_over_before_it_was_looked_at(store, clock, refuse, make_alert, make_watcher, monkeypatch):
    monkeypatch.setattr(batches, "SPAN", 5)
    make_alert()
    refuse(*range(60))
    clock.seconds = 5000
    run(make_watcher())
    assert [message_id for message_id, _, _ in said(store)] == ["GWL0910", "GWL0913"]
    assert "it lasted 57 s, 60 entries" in said(store)[1][2]


def test_prefilter_leaves_out_nothing_that_a_condition_meets(store, journal):
    fields = [
        {"outcome": "*REJECTED", "sk_type": "A", "remote_port": 25},
        {"outcome": "*ALLOWED", "sk_type": "C", "remote_port": 80},
    ]
    for each in fields:
        journal(0, **each)
    for text in ("outcome = *rejected", "sk_type IN (a)", "outcome = *REJ*", "remote_port = 25", "RMTPORT <> 80"):
        parsed = parse(text)
        with reading(store) as session:
            every = batches.read_batch(session, 0, batches.prefilter([])).rows
            some = batches.read_batch(session, 0, batches.prefilter([parsed])).rows
        meets = parsed.compiled()
        assert [row[0] for row in every if meets(row)] == [row[0] for row in some if meets(row)] == [1]


def test_first_entry_since_a_moment_is_found(store, journal):
    journal(*range(100))
    with reading(store) as session:
        for seconds in (0, 1, 50, 99):
            assert batches.first_since(session, at(seconds), 100) == seconds + 1
        assert batches.first_since(session, at(1000), 100) == 101
        assert batches.first_since(session, at(-5), 100) == 1
        assert batches.first_since(session, at(50), 20) == 21


def test_alerts_are_told_when_the_clock_was_set_back(store, clock, refuse, make_alert, make_watcher):
    add_hook(store)
    make_alert(send_to="HOOK", quiet_s=60)
    watcher = make_watcher()
    clock.seconds = 3600
    refuse(3597, 3598, 3599)
    run(watcher)
    clock.seconds = 10
    refuse(8, 9, 10)
    run(watcher)
    clock.seconds = 80
    refuse(77, 78, 79)
    run(watcher)
    clock.seconds = 100
    run(watcher)
    assert [each["event"] for each in payloads(store)] == ["*RAISED", "*AGAIN", "*CLEARED"]


@pytest.mark.parametrize("number", ["'x'", "2305843009213693952", "-7", "x'ff'"])
def test_position_that_somebody_has_planted_passes_over_nothing_that_comes(
    store, clock, refuse, make_alert, make_watcher, number
):
    make_alert(send_to="*MSGQ")
    run(make_watcher())
    refuse(0)
    with transaction(store) as session:
        kept.set_position(session, 1)
        session.connection().exec_driver_sql(f"UPDATE alert_position SET number = {number}")
    run(make_watcher())
    refuse(1, 2, 3)
    clock.seconds = 3
    run(make_watcher())
    assert states(store)["10.0.0.1"][0] >= 3
