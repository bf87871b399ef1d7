"""CSV with IBM's columns: what a reader of CSV gets back."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given

from console.journal.formats.audit_journal import COLUMNS, header, line
from tests.journal.formats.entries import ACCEPT_6, COMMAND, HERE, NASTY, anything, values


def record(entry):
    (cells,) = csv.reader([line(entry, HERE)], strict=True)
    return dict(zip(next(csv.reader([header(HERE)])), cells, strict=True))


def test_connect():
    assert line(values(), HERE) == (
        "2026-03-01 12:00:00.123456,17,T,SK,ALICE,000001/ALICE/CURL,CURL,ALICE,000001,/usr/bin,curl,host.example,"
        "AUDRCV0001,C,Connect,*IPV4,127.0.0.1,40000,127.0.0.2,443,*REJECTED,*CONNECT,10,2,4711,,7,,," + "ab" * 32
    )


def test_accept_and_command():
    assert record(ACCEPT_6)["REMOTE_IP_ADDRESS"] == "2001:db8::7"
    found = record(COMMAND)
    assert (found["JOURNAL_ENTRY_TYPE"], found["ENTRY_TYPE"], found["LOCAL_PORT"]) == ("CD", "", "")
    assert found["TEXT"] == "ADDSOCRUL EXITPNT(*CONNECT) TEXT('Grüße')"


def test_each_column_is_there_once():
    names = [name for name, _ in COLUMNS]
    assert len(set(names)) == len(names)


@given(entry=anything)
def test_no_text_moves_the_cells_behind_it_or_is_a_formula(entry):
    found = record(entry)
    assert len(found) == len(COLUMNS)
    assert found["SEQUENCE_NUMBER"] == (str(entry.sequence_number) if entry.sequence_number else "")
    assert not [cell for cell in found.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("first", "=+-@\t\r")
def test_text_that_a_spreadsheet_would_calculate_has_an_apostrophe_in_front(first):
    assert record(values(text=f"{first}1+1"))["TEXT"].startswith("'")
    assert record(values(text=f"1{first}1"))["TEXT"].startswith("1")


def test_quotes_and_commas_come_back():
    assert record(values(text='a,"b";c'))["TEXT"] == 'a,"b";c'
    assert record(values(text=NASTY))["TEXT"].startswith("a\\nb\\r\\nc\\t=|\\\"]'[%,;\\u0000\\u001b[31m")
