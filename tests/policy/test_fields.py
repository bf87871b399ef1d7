"""Every value of a rule has one spelling, and what is not a value is refused."""

from __future__ import annotations

import pytest

from console.errors import PolicyError
from console.messages import describe
from console.model.words import Action, ExitPoint, YesNo
from console.policy.fields import (
    MAX_ADDRESS,
    address_intervals,
    check_address,
    check_port,
    check_program,
    check_sequence,
    check_text,
    check_user,
    check_word,
    is_service,
    port_interval,
)
from console.policy.request import MAPPED


def refused(check, value, keyword="KEYWORD"):
    with pytest.raises(PolicyError) as caught:
        check(value, keyword)
    assert caught.value.values["keyword"] == keyword
    assert keyword in describe(caught.value).text
    return caught.value.message_id


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("*ANY", "*ANY"),
        ("*any", "*ANY"),
        ("any", "*ANY"),
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.77/24", "192.0.2.0/24"),
        ("192.0.2.1/32", "192.0.2.1"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("192.0.2.1-192.0.2.9", "192.0.2.1-192.0.2.9"),
        ("192.0.2.1 - 192.0.2.9", "192.0.2.1-192.0.2.9"),
        ("192.0.2.1-192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:db8::ff/32", "2001:db8::/32"),
        ("2001:db8::1/128", "2001:db8::1"),
        ("::/0", "::/0"),
        ("fe80::1-fe80::ff", "fe80::1-fe80::ff"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("::ffff:192.0.2.1/120", "192.0.2.0/24"),
        ("::ffff:192.0.2.1/128", "192.0.2.1"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::ffff:192.0.2.1/64", "::/64"),
        ("::ffff:192.0.2.1-192.0.2.9", "192.0.2.1-192.0.2.9"),
    ],
)
def test_an_address_has_one_spelling(given, canonical):
    assert check_address(given) == canonical
    assert check_address(canonical) == canonical


@pytest.mark.parametrize(
    ("value", "message_id"),
    [
        ("", "GWL0203"),
        ("*ALL", "GWL0203"),
        ("example.com", "GWL0203"),
        ("192.0.2", "GWL0203"),
        ("192.0.2.256", "GWL0203"),
        ("192.0.2.01", "GWL0203"),
        ("192.0.2.1.", "GWL0203"),
        ("१९२.0.2.1", "GWL0203"),
        (":::", "GWL0203"),
        ("1:2:3:4:5:6:7:8:9", "GWL0203"),
        ("12345::", "GWL0203"),
        ("[::1]", "GWL0203"),
        ("192.0.2.1-", "GWL0203"),
        ("192.0.2.0/24-192.0.3.0/24", "GWL0203"),
        ("192.0.2.1-2001:db8::1", "GWL0204"),
        ("::ffff:192.0.2.1-2001:db8::1", "GWL0204"),
        ("192.0.2.9-192.0.2.1", "GWL0205"),
        ("192.0.2.0/33", "GWL0206"),
        ("2001:db8::/129", "GWL0206"),
        ("192.0.2.0/", "GWL0206"),
        ("192.0.2.0/024", "GWL0206"),
        ("192.0.2.0/-1", "GWL0203"),
        ("192.0.2.0/255.255.255.0", "GWL0206"),
        ("fe80::1%eth0", "GWL0207"),
        ("fe80::%eth0/64", "GWL0207"),
    ],
)
def test_what_is_no_address_is_refused(value, message_id):
    assert refused(check_address, value) == message_id


def test_a_long_value_is_shortened_in_its_message():
    with pytest.raises(PolicyError) as caught:
        check_address("x" * 100_000)
    assert len(describe(caught.value).text) < 200
    assert describe(caught.value).text.startswith("Address cannot be xxx")


@pytest.mark.parametrize(
    ("canonical", "intervals"),
    [
        ("*ANY", ((0, MAX_ADDRESS),)),
        ("192.0.2.1", ((MAPPED + 0xC0000201, MAPPED + 0xC0000201),)),
        ("0.0.0.0/0", ((MAPPED, MAPPED + 0xFFFFFFFF),)),
        ("192.0.2.0-192.0.2.3", ((MAPPED + 0xC0000200, MAPPED + 0xC0000203),)),
        ("::1", ((1, 1),)),
        ("::/0", ((0, MAPPED - 1), (MAPPED + 0x1_0000_0000, MAX_ADDRESS))),
        ("::1-::2:0:0:0", ((1, MAPPED - 1), (MAPPED + 0x1_0000_0000, 0x2_0000_0000_0000))),
        ("2001:db8::/32", ((0x20010DB8 << 96, (0x20010DB9 << 96) - 1),)),
    ],
)
def test_an_address_covers_its_own_family(canonical, intervals):
    assert address_intervals(canonical) == intervals


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("*any", "*ANY"),
        ("443", "443"),
        ("00443", "443"),
        ("1", "1"),
        ("65535", "65535"),
        ("1024-65535", "1024-65535"),
        ("1024 - 65535", "1024-65535"),
        ("80-80", "80"),
        ("HTTPS", "https"),
        ("http-alt", "http-alt"),
        ("9pfs", "9pfs"),
    ],
)
def test_a_port_has_one_spelling(given, canonical):
    assert check_port(given) == canonical
    assert check_port(canonical) == canonical


@pytest.mark.parametrize(
    ("value", "message_id"),
    [
        ("", "GWL0208"),
        ("*ALL", "GWL0208"),
        ("-1", "GWL0208"),
        ("1.5", "GWL0208"),
        ("80-", "GWL0208"),
        ("80,443", "GWL0208"),
        ("http s", "GWL0208"),
        ("é", "GWL0208"),
        ("٤٤٣", "GWL0208"),
        ("0", "GWL0209"),
        ("65536", "GWL0209"),
        ("0-80", "GWL0209"),
        ("9" * 10_000, "GWL0209"),
        ("81-80", "GWL020A"),
    ],
)
def test_what_is_no_port_is_refused(value, message_id):
    assert refused(check_port, value) == message_id


@pytest.mark.parametrize(
    ("canonical", "interval"),
    [("*ANY", (0, 65535)), ("443", (443, 443)), ("1024-2048", (1024, 2048)), ("https", (443, 443))],
)
def test_a_port_covers_an_interval(canonical, interval):
    assert port_interval(canonical, {"https": 443}) == interval


def test_a_service_without_a_port_is_refused():
    with pytest.raises(PolicyError) as caught:
        port_interval("gopher", {"https": 443})
    assert caught.value.message_id == "GWL020B"
    assert "gopher" in describe(caught.value).text


@pytest.mark.parametrize(
    ("port", "service"), [("*ANY", False), ("443", False), ("1-2", False), ("https", True), ("9pfs", True)]
)
def test_a_service_is_told_from_a_number(port, service):
    assert is_service(port) is service


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("*all", "*ALL"),
        ("alice", "ALICE"),
        ("a.b_c-d$", "A.B_C-D$"),
        ("_apt", "_APT"),
        ("1000", "1000"),
        ("abc*", "ABC*"),
        ("%wheel", "%WHEEL"),
        ("u" * 32, "U" * 32),
    ],
)
def test_a_user_is_in_upper_case(given, canonical):
    assert check_user(given) == canonical
    assert check_user(canonical) == canonical


@pytest.mark.parametrize(
    "value", ["", "*", "%", "*ABC", "A*B", "%WHEEL*", "*ANY", "A B", "É", "\u017f", "-A", "U" * 33, "A\n"]
)
def test_what_is_no_user_is_refused(value):
    assert refused(check_user, value) == "GWL020C"


@pytest.mark.parametrize("value", ["all", "ALL", "any"])
def test_everyone_without_the_star_is_refused_rather_than_taken_for_a_user(value):
    assert refused(check_user, value) == "GWL020E"


@pytest.mark.parametrize("value", ["/usr/bin/curl", "/usr/bin/*", "/*", "/opt/a b/c", "/usr/bin/py*", "/a/.hidden"])
def test_a_program_is_a_path(value):
    assert check_program(value) == value


def test_any_program_has_one_spelling():
    assert check_program("any") == "*ANY"


@pytest.mark.parametrize(
    ("value", "message_id"),
    [
        ("", "GWL020D"),
        ("curl", "GWL020D"),
        ("*", "GWL020D"),
        ("/a\n", "GWL020D"),
        ("/a\udc80", "GWL020D"),
        ("/" + "a" * 4095, "GWL020D"),
        ("/usr/*/curl", "GWL020F"),
        ("/usr/**", "GWL020F"),
        ("/", "GWL0210"),
        ("/usr/bin/", "GWL0210"),
        ("/usr//bin", "GWL0210"),
        ("/usr/../bin", "GWL0210"),
        ("/usr/./bin/*", "GWL0210"),
    ],
)
def test_what_is_no_program_is_refused(value, message_id):
    assert refused(check_program, value) == message_id


@pytest.mark.parametrize("value", ["", "No telnet at all", "Größe", "x" * 50])
def test_a_text_is_kept_as_it_is(value):
    assert check_text(value) == value


@pytest.mark.parametrize(
    ("value", "message_id"),
    [("x" * 51, "GWL0211"), ("a\x1b[2J", "GWL0212"), ("a\u202eb", "GWL0212"), ("漢", "GWL0212")],
)
def test_a_text_that_cannot_be_shown_is_refused(value, message_id):
    assert refused(check_text, value) == message_id


@pytest.mark.parametrize(("given", "canonical"), [("1", "1"), ("0010", "10"), ("99998", "99998"), ("*dft", "*DFT")])
def test_a_sequence_number_has_one_spelling(given, canonical):
    assert check_sequence(given) == canonical


@pytest.mark.parametrize("value", ["", "0", "99999", "100000", "-1", "1.0", "x", "٣", "9" * 10_000])
def test_what_is_no_sequence_number_is_refused(value):
    assert refused(check_sequence, value) == "GWL0213"


@pytest.mark.parametrize("given", ["*REJECT", "reject", "Reject", "*reject"])
def test_a_word_needs_neither_star_nor_case(given):
    assert check_word(Action)(given) is Action.REJECT


@pytest.mark.parametrize("given", ["", "*", "rej", "**REJECT", "*ALLOW ", "\u017f"])
def test_another_word_is_refused_with_the_words_there_are(given):
    assert refused(check_word(Action), given) == "GWL0201"


def test_the_message_of_a_word_names_the_words():
    with pytest.raises(PolicyError) as caught:
        check_word(ExitPoint)("*BIND")
    assert describe(caught.value).text == "Value cannot be *BIND. It can be *ACCEPT, *CONNECT, *LISTEN."


def test_yes_and_no_are_words():
    assert check_word(YesNo)("yes") is YesNo.YES
