"""The commands on alerts and destinations."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlmodel import select

from console.alerts.scans import PORT_SCAN, SWEEP
from console.alerts.states import Tracker
from console.alerts.watcher import spec_of
from console.commands.execute import run_command
from console.errors import AlertError, CommandError, ConsoleError
from console.journal.writer import append
from console.model.outbox import AuditOutbox
from console.store import alerts as kept
from console.store import deliveries
from console.store.messages import list_messages, send_message
from console.store.session import reading, transaction
from tests.alerts.receivers import Posts, free_port, web_server
from tests.alerts.rows import at
from tests.commands.conftest import NOW
from tests.factories import entry

LATER = NOW + timedelta(hours=1)
ADD = "ADDALR ALERT(FAILS) COND('outcome=*rejected AND RMTADR <> 10.0.0.0/8') PER(RMTADR) THRESHOLD(3)"


@pytest.fixture
def run(context):
    return lambda command: run_command(command, context)


def alert(store, name="FAILS"):
    with reading(store) as session:
        return kept.get_alert(session, name)


def audited(store):
    with reading(store) as session:
        return [
            (row.entry_type, row.text, row.detail) for row in session.exec(select(AuditOutbox).order_by(AuditOutbox.id))
        ]


def said(result):
    return [each.message_id for each in result.messages]


def test_alert_is_added_with_its_condition_in_canonical_form(run, store):
    assert said(run(ADD)) == ["GWL0950"]
    found = alert(store)
    assert found.condition == "outcome = *rejected AND remote_address <> 10.0.0.0/8"
    assert (found.per, found.threshold, found.active, found.send_to) == ("remote_address", 3, True, "*MSGQ")
    kinds = [kind for kind, _, _ in audited(store)]
    assert sorted(kinds) == ["CD", "GR"]


def test_entries_that_are_there_do_not_count_for_a_new_alert(run, store):
    with transaction(store) as session:
        append(session, [entry(), entry()])
    run(ADD)
    assert alert(store).since_number == 2


def test_change_keeps_what_is_not_given_and_says_when_nothing_changed(run, store):
    run(ADD)
    assert said(run("CHGALR FAILS WITHIN(5) ACTIVE(*NO)")) == ["GWL0951"]
    found = alert(store)
    assert (found.within_s, found.active, found.threshold, found.per) == (5, False, 3, "remote_address")
    before = len(audited(store))
    assert said(run("CHGALR FAILS WITHIN(5)")) == ["GWL0952"]
    assert len(audited(store)) == before


def test_copy_is_not_active(run, store):
    run(ADD)
    run("CPYALR FAILS OTHER")
    assert alert(store, "OTHER").active is False
    assert alert(store, "OTHER").condition == alert(store).condition


def test_removed_alert_is_gone_with_what_it_raised(run, store):
    run(ADD)
    run("RMVALR FAILS")
    with pytest.raises(AlertError):
        alert(store)


@pytest.mark.parametrize(
    ("command", "message_id"),
    [
        ("ADDALR FAILS COND('nonsense')", "GWL0901"),
        ("ADDALR FAILS COND('outcome = *REJECTED') PER(nowhere)", "GWL0901"),
        ("ADDALR FAILS COND('outcome = *REJECTED') SENDTO(NOBODY)", "GWL0932"),
        ("ADDALR 1X COND('outcome = *REJECTED')", "GWL0935"),
        ("ADDALR FAILS COND('outcome = *REJECTED') THRESHOLD(0)", "GWL0113"),
        ("ADDALR REFUSED COND('outcome = *REJECTED')", "GWL0931"),
        ("CHGALR NOBODY WITHIN(5)", "GWL0930"),
        ("RMVALR NOBODY", "GWL0930"),
        ("ADDALRDST HOOK *WEBHOOK TARGET('nowhere')", "GWL0921"),
        ("ADDALRDST MAIL *EMAIL TARGET('ops@example.com')", "GWL0921"),
        ("ADDALRDST MAIL *EMAIL TARGET('ops') SERVER(localhost)", "GWL0921"),
        ("RMVALRDST NOBODY", "GWL0932"),
    ],
)
def test_what_makes_no_sense_is_refused(run, command, message_id):
    with pytest.raises(ConsoleError) as refused:
        run(command)
    assert refused.value.message_id == message_id


def test_ready_made_alerts_are_there_and_none_is_active(run, store):
    with reading(store) as session:
        found = {each.name: each for each in kept.list_alerts(session)}
    assert not any(each.active for each in found.values())
    for each in found.values():
        Tracker(spec_of(each))
    for known in (PORT_SCAN, SWEEP):
        assert spec_of(found[known.name]) == known
    assert said(run("CHGALR PORTSCAN ACTIVE(*YES)")) == ["GWL0951"]


def test_lists_show_alerts_and_what_an_alert_says(run):
    lines = run("WRKALR").lines
    assert any(line.startswith("PORTSCAN") and "Port scan from one address" in line for line in lines)
    result = run("DSPALR PORTSCAN")
    assert result.lines[-1] == "(Not raised)"
    assert any("remote_address" in line for line in result.lines)
    assert (result.panel, result.arguments) == ("DisplayAlert", {"ALERT": "PORTSCAN"})


def test_destination_keeps_its_secret_to_itself(run, store):
    run("ADDALRDST HOOK *WEBHOOK TARGET('http://127.0.0.1:9/') SECRET('hidden word')")
    run("CHGALRDST HOOK TIMLMT(5)")
    with reading(store) as session:
        found = kept.get_destination(session, "HOOK")
    assert found.sealed_secret
    assert found.time_limit_s == 5
    run("CHGALRDST HOOK SECRET('other word')")
    everything = json.dumps(audited(store)) + repr(found) + "".join(run("WRKALRDST").lines)
    assert "hidden" not in everything
    assert "other word" not in everything
    assert '\\"secret\\": \\"another\\"' in everything
    run("CHGALRDST HOOK SECRET(*NONE)")
    with reading(store) as session:
        assert kept.get_destination(session, "HOOK").sealed_secret == ""


def test_destination_that_is_told_cannot_be_removed(run):
    run("ADDALRDST HOOK *WEBHOOK TARGET('http://127.0.0.1:9/')")
    run(f"{ADD} SENDTO(*MSGQ HOOK)")
    with pytest.raises(AlertError) as refused:
        run("RMVALRDST HOOK")
    assert refused.value.values["alerts"] == "FAILS"
    run("RMVALR FAILS")
    assert said(run("RMVALRDST HOOK")) == ["GWL0958"]


def test_test_of_a_destination_delivers_at_once_and_has_what_waits_tried_again(run, store):
    posts = Posts()
    with web_server(posts) as port:
        run(f"ADDALRDST HOOK *WEBHOOK TARGET('http://127.0.0.1:{port}/')")
        assert said(run("TSTALRDST HOOK")) == ["GWL0959"]
    (told,) = posts.bodies()
    with transaction(store) as session:
        deliveries.put(session, delivery_id="x", alert="A", destination="HOOK", payload="{}", at=LATER)
        assert deliveries.due(session, "HOOK", NOW) == []
    with web_server(posts, port):
        run("TSTALRDST HOOK")
    with reading(store) as session:
        assert len(deliveries.due(session, "HOOK", NOW)) == 1
    assert (told["event"], told["severity"]) == ("*TEST", 0)
    run(f"CHGALRDST HOOK TARGET('http://127.0.0.1:{free_port()}/')")
    with pytest.raises(AlertError):
        run("TSTALRDST HOOK")


def test_test_on_history_says_when_it_would_have_been_raised_and_tells_nobody(run, store):
    with transaction(store) as session:
        moments = (*range(4), *range(100, 104), 500)
        append(session, [entry(entry_timestamp=at(each), outcome="*REJECTED", user_name="EVE") for each in moments])
    run("ADDALR FAILS COND('outcome = *REJECTED') PER(user_name) THRESHOLD(3) WITHIN(10) QUIET(0)")
    result = run("TSTALR FAILS")
    events = json.loads(result.arguments["EVENTS"])
    assert [event[1] for event in events if event[1] != "*AGAIN"] == ["*RAISED", "*CLEARED"] * 2
    assert [event[4] for event in events if event[1] == "*RAISED"] == [3, 7]
    assert "2 times" in result.messages[0].text
    with reading(store) as session:
        assert list_messages(session) == []
        assert kept.list_states(session) == []
    assert "(It would not have been raised)" in run("TSTALR FAILS TOTIME('2026-02-01')").lines


def test_messages_are_sent_listed_and_removed(run, store, now):
    assert said(run("SNDMSG 'Printer is 漢 out' SEV(50)")) == ["GWL0961"]
    with transaction(store) as session:
        send_message(session, message_id="GWL0910", text="An alert", severity=40, at=now, key="k")
    listed = run("DSPMSG").lines
    assert ["An alert" in listed[1], "Printer is · out" in listed[2], "OPER" in listed[2]] == [True] * 3
    assert len(run("DSPMSG SEV(50)").lines) == 2
    with reading(store) as session:
        first = list_messages(session)[-1].id
    assert "1 messages" in run(f"RMVMSG QSYSOPR {first} ").messages[0].text
    assert "1 messages" in run("CLRMSGQ").messages[0].text
    assert run("CLRMSGQ").changed is False
    assert run("DSPMSG").lines[-1] == "(No messages)"


@pytest.mark.parametrize("command", ["SNDMSG ' '", "RMVMSG QSYSOPR x", "DSPMSG MSGQ('a b')", "SNDMSG x SEV(100)"])
def test_messages_that_make_no_sense_are_refused(run, command):
    with pytest.raises(CommandError):
        run(command)
