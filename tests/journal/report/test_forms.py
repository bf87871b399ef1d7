"""Reports as lines, as a table and as a page: complete, and harmless whatever the journal holds."""

from __future__ import annotations

import csv
import io
import time as clock
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from console.journal.report.marks import ASCII, BLOCKS, has_blocks, sparkline
from console.journal.report.page import html_parts
from console.journal.report.table import HEADINGS, csv_lines, text_cell
from console.journal.report.tally import By
from console.journal.report.text import Asked, axis, hours_text, report_lines
from tests.journal.report.test_tally import counted, row

START = datetime(2026, 3, 1, tzinfo=UTC)
NASTY = "<script>alert('x')</script>\"&\x1b[2J\u202e=cmd|' /C calc'!A0"


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    clock.tzset()
    yield
    monkeypatch.undo()
    clock.tzset()


def asked(**fields):
    whole = {"span": (START, START + timedelta(hours=23)), "subset": "", "made": START, "maker": "OPER"}
    return Asked(**(whole | fields))


def report(*rows, by=tuple(By)):
    return counted(rows, by)


SOME = report(row(), row(outcome="*REJECTED", user_name="BOB"), row(outcome="*MONITOR", minute="2026-03-01 12:30"))


@pytest.mark.parametrize("marks", [BLOCKS, ASCII])
def test_marks_are_as_high_as_their_values(marks):
    blocks = marks == BLOCKS
    assert sparkline([0, 1, 50, 100], blocks=blocks) == marks[0] + marks[1] + marks[4] + marks[-1]
    assert sparkline([0, 0], blocks=blocks) == "  "
    assert sparkline([], blocks=blocks) == ""
    assert sparkline(range(1, len(marks)), blocks=blocks) == marks[1:]
    assert sparkline([1, 1_000_000], blocks=blocks)[0] == marks[1]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "en_US.UTF-8", "TERM": "xterm"}, True),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, False),
        ({"LC_CTYPE": "C.utf8"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
        ({}, False),
        ({"LANG": "C.UTF-8", "TERM": "linux"}, False),
        ({"LANG": "C.UTF-8", "TERM": "vt220"}, False),
    ],
)
def test_a_terminal_that_cannot_show_blocks_gets_none(environment, expected):
    assert has_blocks(environment) is expected


def test_lines_say_it_all():
    text = "\n".join(report_lines(SOME, asked(), blocks=True))
    assert "Entries 3   accepted 2   refused 1   of the accepted *MONITOR 1" in text
    assert "From 2026-03-01 00:00:00 to 2026-03-01 23:00:00" in text
    assert "most in an hour: 1" in text
    assert "ALICE" in text
    assert "2026-03-01 12:30" in text
    assert all("(None)" not in line for line in text.splitlines())


def test_a_report_without_entries_has_no_lines_but_is_one():
    text = "\n".join(report_lines(report(), asked(), blocks=False))
    assert "Entries 0" in text
    assert text.count("(None)") == len(By)
    assert "There are no entries" not in text


def test_lines_cannot_draw():
    text = "\n".join(report_lines(report(row(program=NASTY)), asked(subset=NASTY), blocks=False))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_without_blocks_lines_are_ascii():
    assert "\n".join(report_lines(SOME, asked(), blocks=False)).isascii()


@pytest.mark.parametrize(
    ("hours", "text"), [(1, "an hour"), (2, "2 hours"), (24, "a day"), (36, "36 hours"), (48, "2 days")]
)
def test_a_mark_says_what_it_stands_for(hours, text):
    assert hours_text(hours) == text


@pytest.mark.parametrize("days", [1, 3, 30, 400])
def test_times_under_the_marks_stand_where_they_begin(days):
    parts = SOME.buckets(40, (START, START + timedelta(days=days)))
    line = axis(parts)
    assert len(line) <= len(parts)
    for index, letter in enumerate(line):
        if letter == "|":
            here = parts[index].start
            told = line[index + 1 :].split("|")[0].strip()
            assert told in (f"{here:%H}", f"{here:%m-%d}")


def table(found):
    return list(csv.reader(io.StringIO("".join(csv_lines(found)), newline="")))


def test_the_table_has_every_summary_and_the_hours():
    found = table(SOME)
    assert tuple(found[0]) == HEADINGS
    assert found[1] == ["*TOTAL", "", "3", "1", "1", "1", "0", "2026-03-01T10:00+00:00", "2026-03-01T12:30+00:00"]
    assert {line[0] for line in found[2:]} == {*By, "*HOUR"}
    assert ["*USER", "BOB", "1", "0", "1", "0", "0", "2026-03-01T10:00+00:00", "2026-03-01T10:00+00:00"] in found
    assert {len(line) for line in found} == {len(HEADINGS)}
    assert "".join(csv_lines(SOME)).count("\r\n") == len(found)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", " =1", "\t=1", "\r=1", "\n@x"])
def test_no_cell_is_a_formula(text):
    cell = text_cell(text)
    assert cell.lstrip("·").lstrip()[:1] not in ("=", "+", "-", "@") or cell.startswith("·")
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    (line,) = [line for line in table(report(row(program=text), by=(By.PROGRAM,))) if line[0] == "*PROGRAM"]
    assert line[1] == cell


@pytest.mark.parametrize("text", ["/usr/bin/curl", "ALICE", "2001:db8::1", "*NONE"])
def test_an_ordinary_cell_is_as_it_is(text):
    assert text_cell(text) == text


class Page(HTMLParser):
    """Notes tags, attributes and text, and that what is opened is closed."""

    VOID = frozenset({"meta", "line"})

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def page(found, **fields):
    return Page("".join(html_parts(found, asked(**fields), "NJORD01")))


def test_the_page_is_whole_and_has_a_picture_of_each():
    found = page(SOME)
    assert found.open == []
    assert found.tags.count("svg") == 2
    assert ("class", "accepted") in found.attributes
    assert ("class", "refused") in found.attributes
    assert found.tags.count("table") == len(By)
    assert "BOB" in found.texts


def test_the_page_refers_to_nothing_outside_of_itself():
    text = "".join(html_parts(SOME, asked()))
    assert not {"script", "img", "link", "iframe", "object", "form"} & set(page(SOME).tags)
    assert "http" not in text.replace("http-equiv", "")
    assert "url(" not in text
    assert "default-src 'none'" in text


def test_nothing_from_outside_is_more_than_text_in_the_page():
    nasty = page(report(row(program=NASTY, user_name=NASTY, remote_address=NASTY)), subset=NASTY, maker=NASTY)
    assert "script" not in nasty.tags
    assert set(nasty.tags) == set(page(SOME).tags) - {"refused"}
    assert any("<script>alert('x')</script>" in text for text in nasty.texts)
    assert not any("\x1b" in text or "\u202e" in text for text in nasty.texts)
    assert len(nasty.attributes) <= len(page(SOME).attributes)


def test_a_page_without_entries_says_so():
    found = page(report(), span=(START, START))
    assert found.open == []
    assert found.tags.count("rect") == 0


def test_bars_stay_within_the_picture():
    rows = [row(minute=f"2026-03-0{1 + index % 9} {index % 24:02}:00") for index in range(500)]
    found = page(report(*rows), span=(START, START + timedelta(days=9)))
    numbers = {name: [float(value) for key, value in found.attributes if key == name] for name in ("x", "y", "width")}
    assert all(0 <= x <= 960 for x in numbers["x"])
    assert all(0 <= y <= 132 for y in numbers["y"])
