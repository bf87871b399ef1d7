"""What the guard answers to messages of DNS, octet by octet."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.reversename
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from console.enforcement.guard.name_answers import NameAnswers
from console.enforcement.guard.name_table import NameTable
from console.enforcement.guard.search_list import SearchList, SearchMemory

HEADER = bytes.fromhex("1234 0100 0001 0000 0000 0000")
QUESTION = b"\3WWW\7example\3com\0" + bytes.fromhex("0001 0001")


@pytest.fixture
def table():
    return NameTable()


@pytest.fixture
def answers(table):
    return NameAnswers(table, SearchMemory(SearchList(("corp.example",), 3)))


def ask(answers, name, kind="A", *, kind_class="IN", **more):
    query = dns.message.make_query(name, kind, kind_class, **more)
    response = dns.message.from_wire(answers.answer(query.to_wire()))
    assert query.is_response(response)
    return response


def found(response):
    return [text for rrset in response.answer for text in rrset.to_text().splitlines()]


def code(response):
    return dns.rcode.to_text(response.rcode())


def test_host_name_has_an_address(answers):
    assert answers.answer(HEADER + QUESTION) == (
        bytes.fromhex("1234 8180 0001 0001 0000 0000")
        + QUESTION
        + bytes.fromhex("c00c 0001 0001 0000003c 0004 f0000001")
    )


def test_address_has_its_name(answers):
    ask(answers, "www.example.com")
    response = ask(answers, dns.reversename.from_address("240.0.0.1"), "PTR")
    assert found(response) == ["1.0.0.240.in-addr.arpa. 60 IN PTR www.example.com."]


@pytest.mark.parametrize("kind", ["AAAA", "MX", "TXT", "SRV", "HTTPS", "CNAME", "NS", "SOA"])
def test_host_name_has_nothing_else(answers, kind):
    response = ask(answers, "www.example.com", kind)
    assert (code(response), found(response)) == ("NOERROR", [])


def test_any_finds_the_address(answers):
    assert found(ask(answers, "www.example.com", "ANY")) == ["www.example.com. 60 IN A 240.0.0.1"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("2.0.0.240.in-addr.arpa", "PTR"), ("7.2.0.192.in-addr.arpa", "PTR"), ("in-addr.arpa", "PTR"),
        ("999.0.0.240.in-addr.arpa", "PTR"), ("1.1.0.0.240.in-addr.arpa", "PTR"), ("arpa", "A"),
        ("b.a.ip6.arpa", "PTR"), ("home.arpa", "A"), ("\\000.example", "A"), ("b\\252cher.example", "A"),
        (".", "A"), (".", "NS"), ("10.0.0.5", "A"), ("a b.example", "A"), ("www.example.com.corp.example", "A"),
    ],
)  # fmt: skip
def test_what_can_be_no_name_is_none(answers, table, name, kind):
    response = ask(answers, name, kind)
    assert (code(response), found(response)) == ("NXDOMAIN", [])
    assert table.name_of(0xFFFF_0000_0000 + 0xF000_0001) == ""


@pytest.mark.parametrize("name", ["localhost", "LocalHost", "www.localhost"])
def test_localhost_is_here(answers, name):
    assert found(ask(answers, name)) == [f"{name}. 60 IN A 127.0.0.1"]
    assert found(ask(answers, name, "AAAA")) == [f"{name}. 60 IN AAAA ::1"]
    assert found(ask(answers, name, "MX")) == []


def test_other_classes_are_not_served(answers):
    assert code(ask(answers, "version.bind", "TXT", kind_class="CH")) == "NOTIMP"


def test_full_table_says_so(table):
    answers = NameAnswers(NameTable(most=1), SearchMemory(SearchList()))
    ask(answers, "a.example")
    assert not answers.ran_out
    assert code(ask(answers, "b.example")) == "SERVFAIL"
    assert answers.ran_out
    assert found(ask(answers, "a.example")) == ["a.example. 60 IN A 240.0.0.1"]


def test_extension_is_answered_with_an_extension(answers):
    response = ask(answers, "www.example.com", use_edns=0, payload=1232, want_dnssec=True)
    assert response.edns == 0
    assert not response.flags & dns.flags.AD


@pytest.mark.parametrize("operation", [dns.opcode.STATUS, dns.opcode.NOTIFY, dns.opcode.UPDATE])
def test_other_operations_are_not_served(answers, operation):
    query = dns.message.make_query("www.example.com", "A")
    query.set_opcode(operation)
    octets = answers.answer(query.to_wire())
    assert octets[:2] == query.id.to_bytes(2, "big")
    assert octets[3] & 15 == dns.rcode.NOTIMP


@pytest.mark.parametrize("count", [0, 2])
def test_other_numbers_of_questions_are_errors(answers, count):
    octets = answers.answer(HEADER[:4] + count.to_bytes(2, "big") + bytes(6) + QUESTION * count)
    assert octets == bytes.fromhex("1234 8181 0000 0000 0000 0000")


def test_every_beginning_of_a_message_is_an_error_or_nothing(answers, table):
    message = HEADER + QUESTION
    for size in range(len(message)):
        octets = answers.answer(message[:size])
        assert octets == (b"" if size < 12 else bytes.fromhex("1234 8181 0000 0000 0000 0000"))
    assert table.name_of(0xFFFF_0000_0000 + 0xF000_0001) == ""


def test_octets_behind_a_message_do_not_count(answers):
    assert dns.message.from_wire(answers.answer(HEADER + QUESTION + b"\xff" * 9)).answer


def test_answers_are_not_answered(answers):
    assert answers.answer(answers.answer(HEADER + QUESTION)) == b""


@settings(deadline=None)
@example(b"\0" * 12)
@example(HEADER + b"\xc0\x0c\0\1\0\1")
@given(st.binary(max_size=600) | st.binary(max_size=80).map(lambda tail: HEADER + tail))
def test_no_octets_are_too_strange_to_be_answered(octets):
    answers = NameAnswers(NameTable(), SearchMemory(SearchList()))
    answer = answers.answer(octets)
    assert not answer or (answer[:2] == octets[:2] and answer[2] & 0x80)


@settings(deadline=None)
@given(st.integers(0, 255), st.integers(0, len(HEADER + QUESTION) + 10), st.integers(0, 255))
def test_no_changed_octet_is_too_strange_to_be_answered(octet, at, more):
    message = bytearray(HEADER + QUESTION + bytes.fromhex("00 0029 04d0 00000000 0000"))
    message[11] = 1
    message[at % len(message)] = octet
    message[(at + more) % len(message)] ^= more
    NameAnswers(NameTable(), SearchMemory(SearchList())).answer(bytes(message))


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=63), min_size=1, max_size=4))
def test_answer_to_any_name_fits_into_the_smallest_message(labels):
    question = b"".join(bytes([len(label)]) + label for label in labels) + b"\0\0\1\0\1"
    answer = NameAnswers(NameTable(), SearchMemory(SearchList())).answer(HEADER + question)
    assert 12 <= len(answer) <= 512
