"""Display Program Messages: what a command asks before it goes on, and what becomes of each reply."""

from __future__ import annotations

import pytest

from console.commands.registry import COMMANDS
from console.messages import catalogue
from console.store.revisions import active_number
from console.store.session import reading, transaction
from console.store.workers import add_worker
from screens.panels.inquiries import CANCEL, INQUIRIES
from tests.test_documented import blanks

NOT_DELETED = ["GWL0616"]


@pytest.fixture
def asked(operator, run):
    """Return an operator who deletes a receiver that was never saved."""
    run("CHGJRN JRNRCV(*GEN)")
    operator.command("DLTJRNRCV AUDRCV0001")
    assert operator.title == "Display Program Messages"
    return operator


@pytest.fixture
def receivers(operator, run):
    """Return an operator at the list of three receivers, of which none was saved and the last is attached."""
    run("CHGJRN JRNRCV(*GEN)", "CHGJRN JRNRCV(*GEN)")
    return operator.command("WRKJRNA").press("F15")


def test_it_looks_as_drawn(asked):
    assert asked.matches("display_program_messages")


@pytest.mark.parametrize("reply", ["C", "", "c"])
def test_the_reply_c_and_no_reply_leave_the_receiver_and_say_so(asked, reply):
    asked.enter(REPLY=reply.upper())
    assert (asked.title[-4:], asked.message_ids) == ("Menu", NOT_DELETED)
    assert "ONLINE" in asked.command("WRKJRNA").press("F15").shown


@pytest.mark.parametrize("key", ["F12", "F3"])
def test_leaving_is_the_reply_c(asked, key):
    assert asked.press(key).message_ids == NOT_DELETED
    assert asked.title.endswith("Greenwall Main Menu")


def test_the_reply_i_deletes_it_all_the_same(asked):
    assert asked.enter(REPLY="I").message_ids == ["GWL0627"]
    assert "DELETED" in asked.command("WRKJRNA").press("F15").shown


def test_another_reply_is_refused_in_its_field(asked):
    asked.enter(REPLY="Y")
    assert (asked.message_ids, asked.outcome.errors) == (["GWL0774"], ("REPLY",))
    assert asked.message == "Reply Y is not valid; replies are C, I."


def test_help_on_the_message_says_what_each_reply_does(asked):
    asked.buffer.move(4, 10)
    asked.session.help("MESSAGE")
    assert "Possible replies" in asked.shown


def test_a_list_asks_for_each_row_and_goes_on_with_the_next(receivers):
    receivers.option("AUDRCV0001", "4").option("AUDRCV0002", "4").press("ENTER").press("ENTER")
    assert "AUDRCV0001" in receivers.row(4)
    receivers.enter(REPLY="I")
    assert receivers.title == "Display Program Messages"
    assert "AUDRCV0002" in receivers.row(4)
    receivers.enter(REPLY="I")
    assert receivers.title == "Work with Receiver Directory"
    assert receivers.shown.count("DELETED") == 2
    assert receivers.options == {}


def test_a_row_that_was_answered_no_keeps_its_option_and_stops_the_rest(receivers):
    receivers.option("AUDRCV0001", "4").option("AUDRCV0002", "4").press("ENTER").press("ENTER")
    assert receivers.enter(REPLY="C").message_ids == NOT_DELETED
    assert receivers.title == "Work with Receiver Directory"
    assert receivers.options == {"AUDRCV0001": "4", "AUDRCV0002": "4"}


def test_a_prompt_keeps_what_is_typed_when_the_answer_is_no(operator, run):
    run("CHGJRN JRNRCV(*GEN)")
    operator.type(CMD="DLTJRNRCV").press("F4").enter(JRNRCV="AUDRCV0001")
    assert operator.enter(REPLY="C").title == "Delete Journal Receiver (DLTJRNRCV)"
    assert operator.message_ids == NOT_DELETED
    assert operator.buffer.values["JRNRCV"] == "AUDRCV0001"


def test_what_was_asked_and_answered_is_in_command_entry(asked):
    asked.enter(REPLY="I").command("QCMD")
    assert "was not saved and is not deleted" in asked.shown
    assert "DLTOPT(*IGNINQMSG)" in asked.shown


def test_each_inquiry_asks_what_some_command_can_be_told():
    given = [{parameter.keyword for parameter in cls.parameters} for cls in COMMANDS.values()]
    for refusal, inquiry in INQUIRIES.items():
        assert refusal in catalogue()
        assert catalogue()[inquiry.message_id].text.endswith(f"({' '.join(sorted((CANCEL, inquiry.reply)))})")
        assert blanks(catalogue()[inquiry.message_id]) <= blanks(catalogue()[refusal])
        assert any(inquiry.values.keys() <= keywords for keywords in given)


@pytest.fixture
def cut_off(operator, run, store, now, monkeypatch):
    """Return an operator who is asked whether to activate what would refuse his own connection."""
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.1 22")
    with transaction(store) as session:
        add_worker(session, pid=1, host="vm", at=now, revision=1, cgroup="/sys/fs/cgroup")
    run("ADDSOCRUL *ACCEPT 10 RMTADR('192.0.2.0/24') ACTION(*REJECT)")
    operator.command("ACTSOCPCY")
    assert operator.title == "Display Program Messages"
    return operator


def test_the_reply_g_activates_what_was_asked_about(cut_off):
    assert "GWL0148" in cut_off.enter(REPLY="G").message_ids


def test_the_reply_g_does_not_activate_what_somebody_else_has_added_meanwhile(cut_off, run, store):
    run("ADDSOCRUL *CONNECT 20 ACTION(*REJECT)")
    assert cut_off.enter(REPLY="G").message_ids == ["GWL0716"]
    assert cut_off.title.endswith("Greenwall Main Menu")
    with reading(store) as session:
        assert active_number(session) == 1
    assert cut_off.command("ACTSOCPCY").title == "Display Program Messages"
    assert "GWL0148" in cut_off.enter(REPLY="G").message_ids
