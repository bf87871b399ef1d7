"""RFC 5424, read back with a parser written from its grammar."""

from __future__ import annotations

import re

from hypothesis import given

from console.journal.formats.escapes import one_line
from console.journal.formats.rfc5424 import PARAMETERS, line
from tests.journal.formats.entries import ACCEPT_6, COMMAND, HERE, NASTY, anything, values

_HEADER = re.compile(
    r"<([1-9]\d{0,2})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) "
    r"([!-~]{1,32}) "
)
_PARAMETER = re.compile(r' ([!#-<>-\[^-~]{1,32})="((?:[^"\\\]]|\\["\\\]])*)"')


def parsed(message):
    """Return header fields, parameters and text of a message, each character accounted for."""
    header = _HEADER.match(message)
    rest = message[header.end() :]
    assert rest.startswith("[greenwall@32473")
    at = len("[greenwall@32473")
    parameters = {}
    while found := _PARAMETER.match(rest, at):
        assert found[1] not in parameters
        parameters[found[1]] = re.sub(r'\\(["\\\]])', r"\1", found[2])
        at = found.end()
    assert rest[at : at + 2] == "] "
    return header.groups(), parameters, rest[at + 2 :]


def test_connect():
    assert line(values(), HERE) == (
        '<108>1 2026-03-01T12:00:00.123456Z host.example greenwall 4711 TSKC [greenwall@32473 sequence_number="17" '
        'receiver_name="AUDRCV0001" journal_code="T" entry_type="SK" sk_type="C" outcome="*REJECTED" '
        'exit_point="*CONNECT" rule_sequence="10" revision="2" user_name="ALICE" '
        'qualified_job_name="000001/ALICE/CURL" program="/usr/bin/curl" address_family="*IPV4" '
        'local_address="127.0.0.1" local_port="40000" remote_address="127.0.0.2" remote_port="443" decision_us="7" '
        f'guard_id="0123456789abcdef0123456789abcdef" guard_number="3" chain_hash="{"ab" * 32}"] '
        "Connect rejected: ALICE /usr/bin/curl 127.0.0.1:40000 -> 127.0.0.2:443 rule 10"
    )


def test_priority_is_facility_13_and_the_severity():
    assert line(ACCEPT_6, HERE).startswith("<110>1 ")
    assert line(COMMAND._replace(pid=0), HERE).startswith(
        "<109>1 2026-03-01T12:00:00.123456Z host.example greenwall - TCD "
    )


def test_byte_order_mark_stands_before_a_text_that_is_not_ascii_and_nowhere_else():
    assert parsed(line(COMMAND, HERE))[2] == "\ufeffCommand: OPER ADDSOCRUL EXITPNT(*CONNECT) TEXT('Grüße')"
    assert "\ufeff" not in line(values(text="\ufeff"), HERE)


def test_quote_backslash_and_bracket_come_back():
    _, parameters, _ = parsed(line(values(program=NASTY), HERE))
    assert parameters["program"] == one_line(NASTY)


@given(entry=anything)
def test_every_message_is_one_that_the_grammar_allows(entry):
    (_, _, host, app, _, _), parameters, text = parsed(line(entry, HERE))
    assert (host, app) == ("host.example", "greenwall")
    assert parameters == {name: one_line(str(value)) for name in PARAMETERS if (value := getattr(entry, name))}
    assert text.removeprefix("\ufeff")


def test_host_name_that_is_none_becomes_one():
    assert " ?a?b " in line(values(), HERE._replace(host=" a\nb"))
    assert line(values(), HERE._replace(host="")).split(" ")[2] == "-"
    assert len(line(values(), HERE._replace(host="x" * 999)).split(" ")[2]) == 255
