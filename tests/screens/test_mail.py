"""What is unread: MW, and messages that break in."""

from __future__ import annotations

from console.messages import Message
from console.store.messages import mark_read, send_message
from console.store.session import transaction
from screens.mail import Mail, Mailbox
from screens.terminal.terminal import Terminal
from tests.screens.conftest import press, settle
from tests.screens.demo import DemoEntry, DemoMenu
from tests.screens.test_app import SIZE, row, values

FIRE = Message("GWL0910", 40, "Message to QSYSOPR: fire", "It burns.", "Pour water.")


async def until_row(app, pilot, number, text):
    for _ in range(3000):
        await pilot.pause(0.01)
        if text in row(app, number):
            return
    raise AssertionError(f"{text!r} did not come:\n" + "\n".join(app.surface.text()))


async def test_mw_is_lit_while_something_is_unread(make_app):
    answers = iter([Mail(is_waiting=True)] * 3)
    app = make_app(DemoMenu(), mail=lambda: next(answers, Mail()), poll_s=0.05)
    async with app.run_test(size=SIZE) as pilot:
        await until_row(app, pilot, 25, " MW ")
        for _ in range(3000):
            await pilot.pause(0.01)
            if " MW " not in row(app, 25):
                return
    raise AssertionError("MW stayed")


async def test_severe_message_breaks_in_once_and_what_is_typed_and_the_cursor_stay(make_app):
    found = [Mail()]
    app = make_app(DemoEntry(), mail=lambda: found[-1], poll_s=0.02)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "a", "b")
        place = app.surface.terminal.cursor
        found.append(Mail(is_waiting=True, breaking=FIRE, breaking_id=7))
        await until_row(app, pilot, 24, "Message to QSYSOPR: fire")
        assert values(app)["NAME"] == "AB"
        assert app.surface.terminal.cursor == place
        await press(pilot, "c", "tab", "enter")
        await pilot.pause(0.2)
        assert "fire" not in row(app, 24)
        assert values(app)["NAME"] == "ABC"
        found.append(Mail(is_waiting=True, breaking=FIRE, breaking_id=8))
        await until_row(app, pilot, 24, "Message to QSYSOPR: fire")


async def test_f1_on_the_message_row_explains_what_broke_in(make_app):
    app = make_app(DemoMenu(), mail=lambda: Mail(is_waiting=True, breaking=FIRE, breaking_id=7), poll_s=0.02)
    async with app.run_test(size=SIZE) as pilot:
        await until_row(app, pilot, 24, "fire")
        app.surface.terminal.frame.buffer.move(24, 2)
        await press(pilot, "f1")
        assert "Pour water." in "\n".join(app.surface.text())


def test_message_that_breaks_in_leaves_the_others_behind_it():
    terminal = Terminal()
    terminal.say(Message("A", 0, "first"))
    assert terminal.interrupt(FIRE)
    assert terminal.message_line.current is FIRE
    assert terminal.message_line.can_roll
    terminal.message_line.roll(1)
    assert terminal.message_line.current.text == "first"
    terminal.hold()
    assert terminal.interrupt(FIRE) is False


def test_mailbox_tells_what_a_user_has_not_read(store, now):
    box = Mailbox(store, "ALICE")
    assert box.look() == Mail()
    with transaction(store) as session:
        send_message(session, message_id="", text="tea", severity=0, at=now)
    assert box.look() == Mail(is_waiting=True)
    with transaction(store) as session:
        last = send_message(session, message_id="", text="fire \x1b[2J", severity=40, at=now, detail="Why\nWhat")
    found = box.look()
    assert (found.breaking.text, found.breaking.cause) == ("Message to QSYSOPR: fire ·[2J", "Why")
    assert found.breaking_id == last
    with transaction(store) as session:
        mark_read(session, "ALICE", last)
    assert box.look() == Mail()
    assert Mailbox(store, "BOB").look().is_waiting
