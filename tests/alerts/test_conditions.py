"""The language of conditions: what it takes, what it refuses and where, and what it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.alerts.conditions import Condition, Term, fields_named, parse
from console.alerts.entry_fields import KINDS, Kind
from console.errors import AlertError
from console.messages import describe
from tests.alerts.rows import row

REFUSED = {"outcome": "*REJECTED", "user_name": "ALICE", "remote_address": "10.1.2.3", "remote_port": 25}


def meets(condition, **fields):
    return parse(condition).compiled()(row(**fields))


@pytest.mark.parametrize(
    "condition",
    [
        "outcome = *REJECTED",
        "outcome=*rejected AND user_name=alice",
        "OUTCOME *EQ *REJECTED *AND USRPRF *NE BOB",
        "user_name = ALI*",
        "remote_address = 10.0.0.0/8",
        "RMTADR = 10.1.2.1-10.1.2.9",
        "remote_address <> 10.1.2.4",
        "remote_port IN (22, 25)",
        "port = 25 & address = 127.0.0.1",
        "remote_port NOT IN (80,443)",
        "remote_port >= 25 AND remote_port < 26",
        "program CONTAINS 'bin/c'",
        "text NOT CONTAINS nothing",
        "program = /usr/*",
        "entry_type = SK AND sk_type = c",
        "socks_server = ''",
        "remote_address = *ANY",
    ],
)
def test_entry_meets(condition):
    assert meets(condition, **REFUSED)


@pytest.mark.parametrize(
    "condition",
    [
        "outcome = *ALLOWED",
        "outcome = *REJECTED AND user_name = BOB",
        "user_name = ALI",
        "program = /USR/*",
        "remote_address = 11.0.0.0/8",
        "remote_address = ::/0",
        "remote_address = ''",
        "remote_port > 25",
        "port <> 25",
        "program CONTAINS 'BIN'",
        "text CONTAINS anything",
    ],
)
def test_entry_does_not_meet(condition):
    assert not meets(condition, **REFUSED)


def test_entry_without_an_address_meets_no_network():
    assert not meets("remote_address = 0.0.0.0/0", remote_address="")
    assert meets("remote_address = ''", remote_address="")
    assert not meets("remote_address = 10.0.0.0/8", remote_address="\x1b nonsense")


def test_mapped_address_is_the_one_it_stands_for():
    assert meets("remote_address = ::ffff:10.1.2.3", **REFUSED)
    assert meets("remote_address = 2001:db8::/32", remote_address="2001:db8::1")


@pytest.mark.parametrize(
    ("condition", "column", "words"),
    [
        ("", 1, "a field"),
        ("   ", 1, "a field"),
        ("outcom = *REJECTED", 1, "outcome"),
        ("outcome = *REJECTED AND prot = 1", 25, "port"),
        ("outcome", 8, "an operator"),
        ("outcome =", 10, "a value"),
        ("outcome = = 1", 11, "a value"),
        ("outcome > *REJECTED", 9, "CONTAINS"),
        ("remote_port CONTAINS 2", 13, "<="),
        ("remote_port = ssh", 15, "whole number"),
        ("remote_port = -1", 15, "whole number"),
        ("remote_address = ten", 18, "network"),
        ("remote_port IN 22", 16, "("),
        ("remote_port IN (22", 19, ", or )"),
        ("remote_port IN (22 23)", 20, ", or )"),
        ("outcome = *REJECTED OR user_name = BOB", 21, "AND"),
        ("outcome = 'open", 11, "stray"),
        ("'outcome' = 1", 1, "outcome"),
        ("text CONTAINS ''", 15, "one character"),
        ("user_name NOT = BOB", 11, "NOT IN"),
    ],
)
def test_error_names_its_column(condition, column, words):
    with pytest.raises(AlertError) as refused:
        parse(condition)
    said = describe(refused.value)
    assert refused.value.values["column"] == column
    assert words in said.text + said.cause


def test_condition_that_is_too_long_is_refused():
    with pytest.raises(AlertError) as refused:
        parse("text CONTAINS " + "x" * 1024)
    assert describe(refused.value).message_id == "GWL0906"


def test_fields_are_named_with_blanks_or_commas_and_count_once():
    assert fields_named("RMTADR, local_port remote_address") == ("remote_address", "local_port")
    assert fields_named(" ") == ()
    for wrong in ("address", "remote_address nowhere"):
        with pytest.raises(AlertError):
            fields_named(wrong)


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
_TERMS = {
    Kind.NUMBER: (["=", "<>", "<", "<=", ">", ">="], st.integers(0, 10**18).map(str)),
    Kind.ADDRESS: (["=", "<>"], st.sampled_from(["10.0.0.0/8", "::1", "10.0.0.1-10.0.0.9", ""])),
    Kind.WORD: (["=", "<>"], texts),
    Kind.TEXT: (["CONTAINS", "NOT CONTAINS"], texts.filter(bool)),
}


@st.composite
def terms(draw):
    field = draw(st.sampled_from(sorted(KINDS)))
    operators, values = _TERMS[KINDS[field]]
    if draw(st.booleans()):
        return Term(
            field, draw(st.sampled_from(["IN", "NOT IN"])), tuple(draw(st.lists(values, min_size=1, max_size=3)))
        )
    return Term(field, draw(st.sampled_from(operators)), (draw(values),))


@given(st.lists(terms(), min_size=1, max_size=4))
def test_printing_then_parsing_gives_the_same_condition(found):
    condition = Condition(tuple(found))
    if len(str(condition)) <= 1024:
        assert parse(str(condition)) == condition
        condition.compiled()(row(**REFUSED))


def column_refused(text):
    try:
        parse(text)
    except AlertError as error:
        return error.values["column"]
    return 1


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_is_refused_with_a_column(text):
    assert 1 <= column_refused(text) <= len(text) + 1
