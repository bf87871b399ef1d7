"""What all formats have in common: one entry, one line, whatever somebody called their program."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given

from console.journal.formats.catalogue import FORMATS
from console.journal.formats.escapes import one_line
from console.journal.formats.values import EntryValues, Severity, end, sentence, severity, title
from console.model.journal import JournalEntry
from tests.journal.formats.entries import ACCEPT_6, COMMAND, HERE, NASTY, anything, values


def test_values_are_the_columns_of_an_entry_in_their_order():
    assert EntryValues._fields == tuple(JournalEntry.model_fields)


@pytest.mark.parametrize("name", FORMATS)
@given(entry=anything)
@example(entry=values(program=NASTY, text=NASTY, detail=NASTY, user_name=NASTY, qualified_job_name=NASTY))
def test_no_input_makes_two_lines_or_draws_on_a_terminal(name, entry):
    line = FORMATS[name].line(entry, HERE)
    assert len(line.splitlines()) == 1
    apart = "\t" if name == "leef" else ""
    assert not [character for character in line if unicodedata.category(character) == "Cc" and character != apart]
    assert not {"\u202e", "\u2066", "\u2028"} & set(line)


@pytest.mark.parametrize("name", FORMATS)
def test_header_is_one_line_or_none(name):
    assert len(FORMATS[name].header(HERE).splitlines()) <= 1


@given(entry=anything)
def test_sentence_and_title_can_be_made_of_anything(entry):
    assert sentence(entry)
    assert title(entry)
    assert severity(entry) in Severity


def test_sentences():
    assert sentence(values()) == "Connect rejected: ALICE /usr/bin/curl 127.0.0.1:40000 -> 127.0.0.2:443 rule 10"
    assert sentence(ACCEPT_6) == ("Accept allowed: WWW-DATA /usr/sbin/nginx [::1]:80 <- [2001:db8::7]:50000 rule 10")
    assert sentence(COMMAND) == "Command: OPER ADDSOCRUL EXITPNT(*CONNECT) TEXT('Grüße')"
    assert sentence(values(sk_type="L", remote_address="", remote_port=0, text="why")).endswith(
        "127.0.0.1:40000 rule 10 why"
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Severity.WARNING),
        ({"outcome": "*MONITOR"}, Severity.NOTICE),
        ({"outcome": "*ALLOWED"}, Severity.INFORMATIONAL),
        ({"outcome": "", "entry_type": "IM"}, Severity.CRITICAL),
        ({"outcome": "", "entry_type": "AF"}, Severity.WARNING),
        ({"outcome": "", "entry_type": "GR"}, Severity.NOTICE),
        ({"outcome": "", "entry_type": "??"}, Severity.NOTICE),
    ],
)
def test_severity_follows_from_outcome_then_type(fields, expected):
    assert severity(values(**fields)) is expected


def test_escapes_say_what_was_there():
    assert one_line("a\nb\x1b\u2028\\n") == "a\\nb\\u001b\\u2028\\n"
    assert end("", 5) == ""
