"""Cells of records of a real IBM i: what is read, and what is refused."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.journal.imports.cells import BadCellError, address, moment, name, port

BERLIN = timezone(timedelta(hours=1))
NOON = datetime(2026, 3, 1, 11, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01-12.00.00.123456",
        "2026-03-01-12.00.00.123456789012",
        "2026-03-01 12:00:00.123456",
        "2026-03-01T12:00:00,123456",
        "2026-03-01T11:00:00.123456Z",
        "2026-03-01T13:00:00.123456+02:00",
        " 2026-03-01-12.00.00.123456  ",
    ],
)
def test_time_is_read_in_every_form(text):
    assert moment(text, BERLIN) == NOON


def test_end_of_a_day_is_the_beginning_of_the_next():
    assert moment("2026-02-28-24.00.00.000000", UTC) == datetime(2026, 3, 1, tzinfo=UTC)


def test_time_without_a_zone_is_that_of_this_system():
    assert moment("2026-03-01 12:00:00", None) == datetime(2026, 3, 1, 12).astimezone()


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-02-29-12.00.00", "2026-03-01-24.00.01", "2026-03-01-12.60.00", "0001-01-01-00.00.00",
     "9999-12-31-24.00.00", "2026-03-01T12:00:00+99:99", "2026-03-01-12.00.00.\u0661", "1969-12-31-23.59.59"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text):
    for zone in (UTC, None, BERLIN):
        with pytest.raises(BadCellError):
            moment(text, zone)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1.2.3       ", "10.1.2.3"),
        ("010.001.002.003", "10.1.2.3"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("fe80::1%ETHLINE", "fe80::1"),
        ("", ""),
        ("   ", ""),
    ],
)
def test_address_gets_its_usual_spelling(text, expected):
    assert address(text) == expected


@pytest.mark.parametrize("text", ["10.1.2", "10.1.2.256", "::g", "1", "localhost", "10.1.2.3/8"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(BadCellError):
        address(text)


@pytest.mark.parametrize(("text", "expected"), [("00443", 443), (" 443 ", 443), ("", 0), ("+80", 80), ("80.000", 80)])
def test_port_is_a_number_however_it_is_padded(text, expected):
    assert port(text) == expected


@pytest.mark.parametrize("text", ["65536", "-1", "x", "1e3", "\u0664", "9" * 40])
def test_what_is_no_port_is_refused(text):
    with pytest.raises(BadCellError):
        port(text)


@given(text=st.text(max_size=60))
def test_any_text_is_read_or_refused_as_a_bad_cell(text):
    for check in (lambda: moment(text, UTC), lambda: moment(text, None), lambda: address(text), lambda: port(text)):
        with contextlib.suppress(BadCellError):
            check()


def test_name_has_nothing_in_it_that_draws():
    assert name("ALICE\x1b[31m  ", 20) == "ALICE\\u001b[31m"
    with pytest.raises(BadCellError):
        name("x" * 11, 10)
