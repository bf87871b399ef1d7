"""The panels of alerts, destinations and messages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.journal.writer import append
from console.model.alerts import AlertState
from console.store import alerts as kept
from console.store import deliveries
from console.store.messages import list_messages, news, send_message
from console.store.session import reading, transaction
from screens.terminal.page import WIDE
from tests.factories import entry
from tests.screens.panels.operator import Operator

MAIL = (
    "ADDALRDST OPSMAIL *EMAIL TARGET('ops@example.com night@example.com') SERVER('mail.example.com') TEXT('Operators')"
)
HOOK = "ADDALRDST HOOK *WEBHOOK TARGET('https://hooks.example.com/greenwall') SECRET('hidden') TEXT('The chat')"
FAILS = (
    "ADDALR FAILS COND('outcome = *REJECTED AND remote_address <> 10.0.0.0/8') PER(RMTADR) THRESHOLD(3) "
    "SENDTO(*MSGQ OPSMAIL) TEXT('Refused too often')"
)


@pytest.fixture
def raise_alert(store, now):
    """Return what has an alert raised for a key."""

    def put(name, key):
        row = {"alert": name, "key": key, "raised_at": now, "last_at": now + timedelta(minutes=2), "count": 17,
               "told": 3, "told_at": now, "first_number": 20, "last_number": 41}  # fmt: skip
        with transaction(store) as session:
            kept.put_states(session, [AlertState.model_validate(row)])

    return put


@pytest.fixture
def say(store, now):
    """Return what puts a message into QSYSOPR, some minutes after the moment of the tests."""

    def put(text, severity=0, minutes=0, **fields):
        at = now + timedelta(minutes=minutes)
        with transaction(store) as session:
            return send_message(session, **{"message_id": "", "text": text, "severity": severity, "at": at, **fields})

    return put


@pytest.fixture
def some(say):
    """Fill the queue."""
    say("The printer is on fire", sender="BOB")
    say(
        "Alert REFUSED is raised for 203.0.113.9 (Many refused accepts from one address): 10 or more entries in 1 min.",
        40,
        5,
        message_id="GWL0910",
        detail="Entries met the condition.\nLook at the journal.",
    )
    for minutes in (6, 7):
        say("SOCKS server proxy:1080 failed: no \x1b[2J", 40, minutes, message_id="GWL0943", key="socks:proxy:1080")


def texts(store):
    with reading(store) as session:
        return [each.text for each in list_messages(session)]


def test_alerts_look_as_drawn(operator, run, raise_alert):
    run(MAIL, FAILS, "CHGALR PORTSCAN ACTIVE(*YES)")
    raise_alert("PORTSCAN", "203.0.113.9")
    operator.command("WRKALR")
    assert operator.matches("work_with_alerts")
    assert operator.press("F11").matches("work_with_alerts_conditions")


def test_alerts_on_a_wide_screen_look_as_drawn(services, run):
    run(MAIL, FAILS)
    assert Operator(services.open("WorkWithAlerts", {}), WIDE).matches("work_with_alerts_wide")


def test_options_activate_and_hold_alerts(operator, store):
    operator.command("WRKALR").option("PORTSCAN", "14").option("SWEEP", "14").press("ENTER")
    with reading(store) as session:
        assert [alert.name for alert in kept.active_alerts(session)] == ["PORTSCAN", "SWEEP"]
    operator.option("SWEEP", "15").press("ENTER")
    with reading(store) as session:
        assert [alert.name for alert in kept.active_alerts(session)] == ["PORTSCAN"]


def test_option_2_prompts_with_the_values_there_are_and_f12_comes_back(operator):
    operator.command("WRKALR").option("PORTSCAN", "2").press("ENTER")
    assert operator.title == "Change Alert (CHGALR)"
    assert operator.buffer.values["COND"] == "entry_type = SK AND sk_type = A"
    operator.type(COND="entry_type = SK AND nothing").press("ENTER")
    assert operator.message_ids == ["GWL0901"]
    assert operator.press("F12").title == "Work with Alerts"


def test_prompter_of_an_alert_looks_as_drawn(operator):
    operator.command("WRKALR").press("F6")
    assert operator.matches("prompter_add_alert")


def test_alert_looks_as_drawn(operator, run, raise_alert):
    run(MAIL, FAILS)
    raise_alert("FAILS", "203.0.113.9")
    operator.command("DSPALR FAILS")
    assert operator.matches("display_alert")
    assert "since 2026-03-01 12:00:00, last met 12:02:00: 17 entries" in operator.press("ROLLUP").shown


def test_test_on_history_looks_as_drawn(operator, run, store, now):
    with transaction(store) as session:
        at = [now + timedelta(seconds=each) for each in (0, 1, 2, 3, 100, 101, 102)]
        append(session, [entry(entry_timestamp=each, outcome="*REJECTED", remote_address="203.0.113.9") for each in at])
    run(MAIL, FAILS)
    operator.command("WRKALR").option("FAILS", "8").press("ENTER")
    operator.press("ENTER")
    assert operator.matches("display_alert_test")
    assert operator.press("F12").title == "Test Alert (TSTALR)"


def test_destinations_look_as_drawn(operator, run, store, now):
    run(MAIL, HOOK)
    with transaction(store) as session:
        for each in "abc":
            deliveries.put(session, delivery_id=each, alert="A", destination="HOOK", payload="{}", at=now)
        deliveries.sent(session, 1, now)
    operator.command("WRKALR").press("F14")
    assert operator.matches("work_with_alert_destinations")


def test_destinations_on_a_wide_screen_look_as_drawn(services, run):
    run(MAIL, HOOK)
    assert Operator(services.open("WorkWithAlertDestinations", {}), WIDE).matches("work_with_alert_destinations_wide")


def test_secret_is_keyed_unseen_and_stays_when_it_is_not_keyed(operator, run, store):
    run(HOOK)
    operator.command("WRKALRDST").option("HOOK", "2").press("ENTER")
    assert "hidden" not in operator.shown
    with reading(store) as session:
        before = kept.get_destination(session, "HOOK").sealed_secret
    operator.press("ROLLUP").type(TIMLMT="5").press("ENTER")
    with reading(store) as session:
        found = kept.get_destination(session, "HOOK")
    assert (found.time_limit_s, found.sealed_secret) == (5, before)


@pytest.mark.usefixtures("some")
def test_messages_look_as_drawn(operator):
    assert operator.command("DSPMSG").matches("display_messages")


@pytest.mark.usefixtures("some")
def test_messages_on_a_wide_screen_look_as_drawn(services):
    panel = services.open("DisplayMessages", {"MSGQ": "QSYSOPR", "SEV": "0"})
    assert Operator(panel, WIDE).matches("display_messages_wide")


@pytest.mark.usefixtures("some")
def test_showing_messages_marks_them_as_read_for_this_user_only(operator, store):
    operator.command("DSPMSG")
    with reading(store) as session:
        assert news(session, "OPER").unread == 0
        assert news(session, "BOB").unread == 3


@pytest.mark.usefixtures("some")
def test_enter_on_a_message_shows_its_cause_and_f1_explains_it(operator):
    operator.command("DSPMSG")
    operator.buffer.move(8, 30)
    help_key = operator.buffer.page.help_key_at(8, 30)
    assert "Cause: Entries met the condition." in operator.session.panel.help(help_key).text
    operator.press("ENTER")
    assert operator.title == "Additional Message Information"
    assert "Look at the journal." in operator.shown
    assert operator.press("ENTER").title == "Display Messages"
    operator.buffer.move(4, 1)
    assert operator.press("ENTER").title.endswith("Greenwall Main Menu")


@pytest.mark.usefixtures("some")
def test_f11_removes_the_message_under_the_cursor(operator, store):
    operator.command("DSPMSG")
    operator.buffer.move(4, 1)
    assert operator.press("F11").message_ids == ["GWL0971"]
    operator.buffer.move(9, 30)
    assert operator.press("F11").message_ids == ["GWL0962"]
    assert len(texts(store)) == 2
    assert not any("REFUSED" in text for text in texts(store))


@pytest.mark.usefixtures("some")
def test_f13_removes_all_that_are_shown_and_none_that_came_since(operator, store, say):
    operator.command("DSPMSG")
    say("New", minutes=9)
    assert operator.press("F13").message_ids == ["GWL0972"]
    assert len(texts(store)) == 4
    assert "New" in operator.shown
    assert operator.press("F13").message_ids == ["GWL0962"]
    assert texts(store) == []
    assert "(No messages)" in operator.shown
    assert operator.press("F13").message_ids == ["GWL0962"]


@pytest.mark.usefixtures("some")
def test_f13_on_severe_messages_leaves_the_others(operator, store):
    operator.command("DSPMSG SEV(40)").press("F13")
    assert texts(store) == ["The printer is on fire"]


def test_many_messages_are_paged(operator, say):
    for number in range(40):
        say(f"Number {number}", minutes=number)
    operator.command("DSPMSG")
    assert "Number 39" in operator.shown
    assert "More..." in operator.shown
    operator.press("ROLLUP").press("ROLLUP").press("ROLLUP")
    assert "Number 0" in operator.shown
    assert "Bottom" in operator.shown
