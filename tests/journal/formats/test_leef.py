"""LEEF, read back by its delimiters."""

from __future__ import annotations

from hypothesis import given

from console.journal.formats.escapes import one_line
from console.journal.formats.leef import OWN, line
from tests.journal.formats.entries import ACCEPT_6, HERE, NASTY, anything, values


def parsed(text):
    *header, attributes = text.split("|", 6)
    pairs = [each.partition("=")[::2] for each in attributes.split("\t")]
    assert len({key for key, _ in pairs}) == len(pairs)
    return header, dict(pairs)


def test_connect():
    assert line(values(), HERE) == (
        "LEEF:2.0|Greenwall|Greenwall|0.1.0|TSKC|x09|devTime=1772366400123\tcat=Connect\tsev=6\t"
        "identHostName=host.example\tusrName=ALICE\tsrc=127.0.0.1\tsrcPort=40000\tdst=127.0.0.2\tdstPort=443\t"
        "sequence_number=17\treceiver_name=AUDRCV0001\tentry_type=SK\tsk_type=C\toutcome=*REJECTED\t"
        "exit_point=*CONNECT\trule_sequence=10\trevision=2\tqualified_job_name=000001/ALICE/CURL\tpid=4711\t"
        f"program=/usr/bin/curl\tdecision_us=7\tchain_hash={'ab' * 32}"
    )


def test_accept_has_its_own_end_as_destination():
    _, found = parsed(line(ACCEPT_6, HERE))
    assert (found["src"], found["srcPort"], found["dst"], found["dstPort"]) == ("2001:db8::7", "50000", "::1", "80")


def test_tab_in_a_text_is_spelt_out():
    assert parsed(line(values(text="a\tsrc=1.2.3.4"), HERE))[1]["text"] == "a\\tsrc=1.2.3.4"
    assert parsed(line(values(program=NASTY), HERE))[1]["program"] == one_line(NASTY)


@given(entry=anything)
def test_no_text_adds_an_attribute_or_hides_one(entry):
    header, found = parsed(line(entry, HERE))
    assert (header[0], header[5]) == ("LEEF:2.0", "x09")
    assert {name: found.get(name, "") for name in OWN} == {
        name: one_line(str(value)) if (value := getattr(entry, name)) else "" for name in OWN
    }
