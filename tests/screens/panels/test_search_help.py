"""The help index and its search, from F11 in a help window and by command."""

from __future__ import annotations

from console.resources import data_path
from screens.panels.help_index import find_topics, topics
from screens.panels.search_help import SearchHelp
from screens.session import Session


def test_it_looks_as_drawn(operator):
    operator.command("STRSCHIDX").enter(WORDS="emergency")
    assert operator.title == "Search Help Index"


def test_every_help_file_is_in_the_index():
    titles = "\n".join(topic.title for topic in topics())
    missed = [path.stem for path in data_path("help").glob("[A-Z]*.md") if f"({path.stem})" not in titles]
    assert missed == []


def test_a_parameter_is_a_topic_by_its_prompt_and_its_keyword():
    titles = {topic.title for topic in topics()}
    assert {"Add Address Group (ADDADRGRP): Members (MBR)", "Add Alert (ADDALR): Condition (COND)"} <= titles


def test_all_words_must_be_there_and_titles_come_first():
    found = find_topics("remote PORT")
    assert found
    assert all("remote" in topic.searched and "port" in topic.searched for topic in found)
    assert "remote port" in found[0].title.lower()
    assert len(find_topics("remote port qqqq")) == 0


def test_a_topic_is_shown_whole_and_f12_comes_back_to_the_list(operator):
    operator.command("STRSCHIDX").enter(WORDS="ADDSOCRUL")
    title = operator.row(9)[5:].strip()
    operator.option("0", "5").press("ENTER")
    assert f"{title} - Help" in operator.row(1)
    operator.press("F12")
    assert operator.buffer.values["WORDS"] == "ADDSOCRUL"


def test_the_cursor_on_a_topic_chooses_it(operator):
    operator.command("STRSCHIDX").enter(WORDS="ADDSOCRUL")
    operator.buffer.move(9, 12)
    operator.press("ENTER")
    assert "- Help" in operator.row(1)


def test_another_option_is_refused(operator):
    operator.command("STRSCHIDX").option("0", "1").press("ENTER")
    assert operator.message_ids == ["GWL0703"]


def test_words_that_no_text_has_are_told(operator):
    operator.command("STRSCHIDX").enter(WORDS="qqqq")
    assert operator.message_ids == ["GWL0736"]
    assert "More..." in operator.press("F5").shown


def test_help_windows_offer_the_search_and_moving_a_line_to_the_top(operator):
    session = Session(operator.session.first, search=SearchHelp)
    operator.session = session
    session.help("*PANEL")
    assert "F11=Search index" in operator.shown
    operator.buffer.move(*session.frame.on_screen(5, 4))
    third = operator.row(operator.buffer.row).split(":")[1]
    operator.press("F10")
    top = session.frame.on_screen(3, 4)[0]
    assert operator.row(top).split(":")[1] == third
    assert operator.press("F11").title == "Search Help Index"
    operator.press("F12")
    assert "F11=Search index" in operator.shown
