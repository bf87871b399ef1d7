from __future__ import annotations

import pytest

from console.errors import CommandError
from screens.panel import Exit, FunctionKey, Panel, Push, Replace, Reply, Return, SignOff, Stay, Submission
from screens.session import Outcome, Session
from screens.terminal.page import NORMAL, WIDE, Page, Size
from tests.screens.demo import DemoEntry, DemoMenu, DemoWindow, note


class Scripted(Panel):
    """Answers ENTER with the reply it was given."""

    function_keys = (FunctionKey(3, "Exit"), FunctionKey(6, "Add"), FunctionKey(12, "Cancel"))

    def __init__(self, label: str, reply: Reply | None = None, *, entry: bool = False, resumed: Reply | None = None):
        self.label = label
        self.reply = reply or Stay()
        self.entry = entry
        self.resumed = resumed or Stay(redraw=True)
        self.values: list[object] = []
        self.seen: list[Submission] = []
        self.broken = False

    @property
    def is_task_entry(self) -> bool:
        return self.entry

    def page(self, size: Size) -> Page:
        if self.broken:
            raise CommandError("KBD0101", key="F1")
        page = Page(size)
        page.title(self.label)
        page.field("A", 5, 10, 10)
        return page

    def handle(self, submission: Submission) -> Reply:
        self.seen.append(submission)
        return {"F3": Exit(), "F12": Return()}.get(submission.key, self.reply)

    def resume(self, value: object) -> Reply:
        self.values.append(value)
        return self.resumed


def submit(session: Session, key: str = "ENTER") -> Outcome:
    buffer = session.frame.buffer
    return session.submit(key, (buffer.row, buffer.column), "")


def title(session: Session) -> str:
    return "".join(cell.character for cell in session.frame.cells(1)).strip()


def type_into(session: Session, text: str) -> None:
    session.frame.buffer.contents["A"].assign(text, modified=True)


def test_push_shows_the_panel_and_f12_comes_back_to_the_one_beneath():
    first = Scripted("First", Push(Scripted("Second")))
    session = Session(first)
    submit(session)
    assert title(session) == "Second"
    submit(session, "F12")
    assert title(session) == "First"
    assert first.values == [None]


def test_a_returned_value_reaches_resume_and_messages_add_up():
    second = Scripted("Second", Return("ALICE", (note("Chosen."),)))
    first = Scripted("First", Push(second), resumed=Stay((note("Taken over."),), redraw=True))
    session = Session(first)
    submit(session)
    outcome = submit(session)
    assert first.values == ["ALICE"]
    assert [shown.text for shown in outcome.messages] == ["Chosen.", "Taken over."]


def test_stay_keeps_what_is_typed_and_redraw_drops_it():
    panel = Scripted("First", Stay())
    session = Session(panel)
    type_into(session, "typed")
    submit(session)
    assert session.frame.buffer.values == {"A": "typed"}
    panel.reply = Stay(redraw=True)
    submit(session)
    assert session.frame.buffer.values == {"A": ""}


def test_what_was_typed_beneath_is_there_again_when_resume_says_stay():
    session = Session(Scripted("First", Push(Scripted("Second")), resumed=Stay()))
    type_into(session, "typed")
    submit(session)
    submit(session, "F12")
    assert session.frame.buffer.values == {"A": "typed"}


def test_resume_may_push_the_next_panel():
    first = Scripted("First", Push(Scripted("Second")), resumed=Push(Scripted("Third")))
    session = Session(first)
    submit(session)
    submit(session, "F12")
    assert title(session) == "Third"


def test_replace_takes_the_place():
    session = Session(Scripted("First", Push(Scripted("Second", Replace(Scripted("Third"))))))
    submit(session)
    submit(session)
    assert title(session) == "Third"
    submit(session, "F12")
    assert title(session) == "First"


def test_f3_goes_back_to_the_nearest_task_entry_without_asking_those_between():
    third = Scripted("Third")
    second = Scripted("Second", Push(third))
    menu = Scripted("Menu", Push(second), entry=True)
    session = Session(Scripted("Main", Push(menu), entry=True))
    for _ in range(3):
        submit(session)
    assert title(session) == "Third"
    submit(session, "F3")
    assert title(session) == "Menu"
    assert second.values == []
    assert menu.values == [None]
    submit(session, "F3")
    assert title(session) == "Main"


def test_the_first_panel_is_never_left():
    first = Scripted("First")
    session = Session(first)
    for key in ("F3", "F12"):
        submit(session, key)
        assert title(session) == "First"
    assert first.values == [None, None]


def test_sign_off_finishes():
    assert submit(Session(Scripted("First", SignOff()))).finished


def test_attention_keys_hand_over_no_fields_and_others_do():
    panel = Scripted("First")
    session = Session(panel)
    type_into(session, "typed")
    for key in ("F3", "F12", "F6", "ENTER"):
        submit(session, key)
        if key == "F3":
            type_into(session, "typed")
        type_into(session, "typed  ")
    values = {seen.key: (dict(seen.values), seen.modified) for seen in panel.seen}
    assert values["F3"] == ({}, frozenset())
    assert values["F12"] == ({}, frozenset())
    assert values["F6"] == ({"A": "typed"}, {"A"})
    assert values["ENTER"] == ({"A": "typed"}, {"A"})


def test_the_cursor_says_field_and_place():
    panel = Scripted("First")
    session = Session(panel)
    session.submit("ENTER", (5, 12), "A")
    session.submit("ENTER", (9, 9), "*PANEL")
    assert [(seen.cursor.row, seen.cursor.column, seen.cursor.field, seen.cursor.help_key) for seen in panel.seen] == [
        (5, 12, "A", "A"),
        (9, 9, "", "*PANEL"),
    ]


def test_a_console_error_becomes_a_message_and_nothing_typed_is_lost():
    session = Session(DemoEntry())
    session.frame.buffer.contents["TEXT"].assign("typed", modified=True)
    outcome = submit(session, "F6")
    assert [shown.text for shown in outcome.messages] == ["Function key not allowed."]
    assert session.frame.buffer.values["TEXT"] == "typed"


@pytest.mark.parametrize("reply", [Push, Replace])
def test_a_panel_that_cannot_make_its_page_is_not_shown(reply):
    broken = Scripted("Broken")
    broken.broken = True
    session = Session(Scripted("First", reply(broken)))
    type_into(session, "typed")
    assert submit(session).messages
    assert title(session) == "First"
    assert session.frame.buffer.values == {"A": "typed"}


def test_the_first_panel_s_error_reaches_the_caller():
    broken = Scripted("Broken")
    broken.broken = True
    with pytest.raises(CommandError):
        Session(broken)


def test_errors_and_severe_messages_drop_keys_typed_ahead():
    session = Session(DemoMenu())
    frame = session.frame
    assert Outcome(frame, errors=("A",)).failed
    assert Outcome(frame, (note("x", 20),)).failed
    assert not Outcome(frame, (note("x", 10),)).failed


def test_help_shows_the_field_s_text_and_comes_back_exactly():
    panel = DemoEntry()
    session = Session(panel)
    buffer = session.frame.buffer
    buffer.contents["TEXT"].assign("typed", modified=True)
    submit(session)
    buffer.errors = frozenset({"NAME"})
    buffer.move(5, 39)
    session.help("NAME")
    shown = "\n".join("".join(cell.character for cell in session.frame.cells(row)) for row in range(1, 25))
    assert "Name (NAME) - Help" in shown
    assert "A name of up to ten letters." in shown
    outcome = submit(session)
    assert session.frame.buffer is buffer
    assert buffer.values["TEXT"] == "typed"
    assert outcome.errors == ("NAME",)
    assert outcome.cursor == (5, 39)
    assert [shown.text for shown in outcome.messages] == ["Name not valid.", "Second message."]


def test_help_without_text_says_so():
    session = Session(DemoMenu())
    assert session.help("CMD").messages[0].message_id == "KBD0103"


def test_help_pages_enlarges_and_extends():
    session = Session(DemoEntry())
    session.help("NAME")
    assert "F2=Extended help" in "".join(cell.character for row in range(1, 25) for cell in session.frame.cells(row))
    submit(session, "F2")
    rows = lambda: ["".join(cell.character for cell in session.frame.cells(row)) for row in range(1, 25)]  # noqa: E731
    assert "More..." in "".join(rows())
    submit(session, "ROLLUP")
    assert "Paragraph 5." in "".join(rows())
    submit(session, "F20")
    assert rows()[0].startswith(" Demo Entry - Help")
    assert "Paragraph 9." in "".join(rows())
    submit(session, "F12")
    assert title(session) == "Demo Entry"


def test_a_window_lies_over_its_panel_and_submits_its_own_coordinates():
    session = Session(DemoEntry())
    submit(session, "F4")
    rows = ["".join(cell.character for cell in session.frame.cells(row)) for row in range(1, 25)]
    assert rows[0].strip() == "Demo Entry"
    assert any(":" + "Select Name".center(30) + ":" in row for row in rows)
    session.frame.buffer.contents["OPT"].assign("1", modified=True)
    outcome = submit(session)
    assert session.frame.buffer.values["NAME"] == "ALICE"
    assert [shown.text for shown in outcome.messages] == ["Chosen."]


def test_a_wide_terminal_gets_the_wide_page_and_typed_data_survives_the_change():
    session = Session(DemoEntry(), NORMAL)
    buffer = session.frame.buffer
    buffer.contents["TEXT"].assign("typed", modified=True)
    buffer.errors = frozenset({"NAME"})
    buffer.move(6, 40)
    assert session.resize(WIDE).is_layout
    assert session.frame.buffer.size == WIDE
    assert session.frame.buffer.values["TEXT"] == "typed"
    assert session.frame.buffer.errors == {"NAME"}
    assert (session.frame.buffer.row, session.frame.buffer.column) == (6, 40)
    session.resize(NORMAL)
    assert session.frame.buffer.size == NORMAL
    assert session.frame.buffer.values["TEXT"] == "typed"


def test_a_panel_without_a_wide_layout_keeps_24_by_80_on_a_wide_terminal():
    session = Session(DemoMenu(), WIDE)
    assert session.frame.buffer.size == NORMAL
    frame = session.frame
    session.resize(NORMAL)
    assert session.frame is frame


def test_a_window_moves_with_the_page_beneath_when_the_size_changes():
    session = Session(DemoEntry())
    submit(session, "F4")
    session.frame.buffer.contents["OPT"].assign("1", modified=True)
    session.resize(WIDE)
    assert session.frame.buffer.size == WIDE
    assert session.frame.buffer.values["OPT"] == "1"
    assert isinstance(session.panel, DemoWindow)
