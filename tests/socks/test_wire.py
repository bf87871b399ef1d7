"""The octets, against a parser and a writer of their own: those of the test server."""

from __future__ import annotations

import io
import ipaddress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from console.errors import SocksError
from console.socks import version4, version5
from console.socks.refusals import Reason
from console.socks.words import IPV4, NOWHERE, Command, Place, Reply, Version, WireError
from tests.socks.places import (
    ipv4,
    ipv4_places,
    ipv6,
    ipv6_places,
    named,
    named_places,
    names,
    places,
    ports,
    server,
    users,
)
from tests.socks.server import read_five, read_four, read_methods, read_password, reply_five, reply_four

commands = st.sampled_from(Command)
FOUR = server("4", user="ALICE")


def whole(octets, read, *more):
    """Read something with the other parser, which must leave nothing."""
    stream = io.BytesIO(octets)
    found = read(stream.read, *more)
    assert stream.read() == b""
    return found


def failing(function, *arguments):
    with pytest.raises(SocksError) as caught:
        function(*arguments)
    return caught.value.reason


# Version 4 -----------------------------------------------------------------------------------------------------------


def test_version_4_request_is_laid_out_as_documented():
    octets = version4.encode_request(FOUR, Command.CONNECT, ipv4("192.0.2.1", 0x1234))
    assert octets == b"\x04\x01\x12\x34\xc0\x00\x02\x01ALICE\x00"


def test_version_4a_request_has_the_name_after_the_user():
    octets = version4.encode_request(server("4A"), Command.BIND, named("far.test", 21))
    assert octets == b"\x04\x02\x00\x15\x00\x00\x00\x01\x00far.test\x00"


@given(commands, ipv4_places, users)
def test_version_4_requests_are_read_as_they_were_meant(command, place, user):
    octets = version4.encode_request(server("4", user=user), command, place)
    assert octets[0] == 4
    asked = whole(octets[1:], read_four)
    assert asked == ("4", command, place.host, place.port, user, None)


@given(commands, named_places, users)
def test_version_4a_requests_are_read_as_they_were_meant(command, place, user):
    octets = version4.encode_request(server("4A", user=user), command, place)
    assert whole(octets[1:], read_four) == ("4A", command, place.name, place.port, user, None)


@pytest.mark.parametrize(
    ("spoken", "place", "reason"),
    [
        (server("4"), ipv6("2001:db8::1"), Reason.NO_IPV6),
        (server("4A"), ipv6("2001:db8::1"), Reason.NO_IPV6),
        (server("4"), named("far.test"), Reason.NO_NAMES),
        (server("4A"), named("n" * 256), Reason.BAD_NAME),
        (server("4A"), named("far\0test"), Reason.BAD_NAME),
        (server("4A"), named("f\xe4r.test"), Reason.BAD_NAME),
        (server("4"), ipv4("0.0.0.1"), Reason.BAD_ADDRESS),
        (server("4A"), ipv4("0.0.0.255"), Reason.BAD_ADDRESS),
        (server("4", user="U" * 256), ipv4("192.0.2.1"), Reason.BAD_CREDENTIALS),
        (server("4", user="\xe4" * 128), ipv4("192.0.2.1"), Reason.BAD_CREDENTIALS),
        (server("4", user="A\0B"), ipv4("192.0.2.1"), Reason.BAD_CREDENTIALS),
    ],
)
def test_version_4_refuses_what_it_has_no_form_for(spoken, place, reason):
    assert failing(version4.encode_request, spoken, Command.CONNECT, place) == reason


def test_version_4_can_be_asked_for_anybody():
    assert version4.encode_request(server("4"), Command.BIND, ipv4("0.0.0.0"))[4:8] == bytes(4)


def test_longest_user_and_name_still_fit():
    spoken = server("4A", user="U" * 255)
    asked = whole(version4.encode_request(spoken, Command.CONNECT, named("n" * 255))[1:], read_four)
    assert (asked.user, asked.host) == ("U" * 255, "n" * 255)


# Version 5 -----------------------------------------------------------------------------------------------------------


def test_version_5_request_is_laid_out_as_documented():
    octets = version5.encode_request(server(), Command.CONNECT, ipv4("192.0.2.1", 0x1234))
    assert octets == b"\x05\x01\x00\x01\xc0\x00\x02\x01\x12\x34"
    octets = version5.encode_request(server(), Command.BIND, named("far.test", 21))
    assert octets == b"\x05\x02\x00\x03\x08far.test\x00\x15"
    octets = version5.encode_request(server(), Command.CONNECT, ipv6("2001:db8::1", 443))
    assert octets == b"\x05\x01\x00\x04\x20\x01\x0d\xb8" + bytes(11) + b"\x01\x01\xbb"


@given(commands, places)
def test_version_5_requests_are_read_as_they_were_meant(command, place):
    asked = whole(version5.encode_request(server(), command, place), read_five)
    assert (asked.version, asked.command, asked.port) == ("5", command, place.port)
    assert asked.host == place.name or ipaddress.ip_address(asked.host) == ipaddress.ip_address(place.host)


@given(ipv4_places)
def test_mapped_address_is_sent_as_ipv4(place):
    assert version5.encode_request(server(), Command.CONNECT, place)[3] == version5.AddressType.IPV4


@pytest.mark.parametrize("name", ["n" * 256, "far\0test", "f\xe4r.test"])
def test_version_5_refuses_a_name_that_does_not_fit(name):
    assert failing(version5.encode_request, server(), Command.CONNECT, named(name)) == Reason.BAD_NAME


def test_password_is_offered_only_where_there_is_one():
    assert version5.methods(server(user="alice")) == b"\x00"
    assert version5.methods(server(user="alice", password="")) == b"\x00\x02"
    for spoken in (server(), server(user="alice", password="x")):
        greeting = version5.encode_greeting(version5.methods(spoken))
        assert greeting[0] == 5
        assert whole(greeting[1:], read_methods) == version5.methods(spoken)


@given(users.filter(bool), users)
def test_user_and_password_are_read_as_they_were_meant(user, password):
    spoken = server(user=user, password=password)
    assert whole(version5.encode_authentication(spoken, NOWHERE), read_password) == (user, password)


@pytest.mark.parametrize(("user", "password"), [("", "x"), ("u" * 256, "x"), ("u", "x" * 256), ("u", "\xe4" * 128)])
def test_user_or_password_that_does_not_fit_is_refused(user, password):
    spoken = server(user=user, password=password)
    assert failing(version5.encode_authentication, spoken, NOWHERE) == Reason.BAD_CREDENTIALS


@pytest.mark.parametrize("parse", [version5.parse_method, version5.parse_authenticated])
def test_answers_of_two_octets_are_read_when_both_are_there(parse):
    first = b"\x05" if parse is version5.parse_method else b"\x01"
    assert (parse(b""), parse(first), parse(first + b"\x07")) == (None, None, 7)
    with pytest.raises(WireError):
        parse(b"H")


def test_answer_to_a_password_may_name_the_version_of_the_protocol():
    assert version5.parse_authenticated(b"\x05\x00") == 0


# Replies -------------------------------------------------------------------------------------------------------------

REPLIES = {"4": (version4.parse_reply, reply_four, 90), "5": (version5.parse_reply, reply_five, 0)}


def check_cuts(parse, octets, expected):
    """Check a reply cut at every octet: it is whole at its end only, and never asks for what is beyond it."""
    for size in range(len(octets)):
        missing = parse(octets[:size])
        assert isinstance(missing, int)
        assert 0 < missing <= len(octets) - size
    assert parse(octets) == expected


@given(ipv4_places)
def test_version_4_reply_is_read_whole_and_cut_at_every_octet(place):
    check_cuts(version4.parse_reply, reply_four(90, place.host, place.port), Reply(90, place))


@given(ipv4_places | ipv6_places | named_places)
def test_version_5_reply_is_read_whole_and_cut_at_every_octet(place):
    check_cuts(version5.parse_reply, reply_five(0, place.host, place.port), Reply(0, place))


@given(st.sampled_from(["4", "5"]), ipv4_places, st.integers(0, 255))
def test_refusal_is_complete_with_its_code(version, place, code):
    parse, write, granted = REPLIES[version]
    assume(code != granted)
    octets = write(code, place.host, place.port)
    assert isinstance(parse(octets[:1]), int)
    for size in range(2, 8):
        assert parse(octets[:size]) == Reply(code, NOWHERE)


def test_name_in_a_reply_may_be_empty_and_of_any_octets():
    assert version5.parse_reply(b"\x05\x00\x00\x03\x00\x00\x50") == Reply(0, Place(0, 80))
    assert version5.parse_reply(b"\x05\x00\x00\x03\x02\xff.\x00\x50") == Reply(0, Place(0, 80, "\\xff."))
    check_cuts(version5.parse_reply, b"\x05\x00\x00\x03\x00\x00\x50", Reply(0, Place(0, 80)))


def test_version_4_reply_may_repeat_the_version_of_the_protocol():
    assert version4.parse_reply(b"\x04\x5a\x00\x50\xc0\x00\x02\x01") == Reply(90, ipv4("192.0.2.1"))


@pytest.mark.parametrize("octets", [b"\x05", b"\x05\x5a", b"H", b"\xff\x00\x00\x00\x00\x00\x00\x00"])
def test_version_4_reply_of_another_kind_is_none(octets):
    with pytest.raises(WireError):
        version4.parse_reply(octets)


@pytest.mark.parametrize("octets", [b"\x00", b"\x04\x00", b"H", b"\x05\x00\x00\x02", b"\x05\x00\x00\x00\x01"])
def test_version_5_reply_of_another_kind_is_none(octets):
    with pytest.raises(WireError):
        version5.parse_reply(octets)


@given(st.binary(max_size=300))
def test_any_octets_are_a_reply_or_too_few_or_none(octets):
    for parse, size in ((version4.parse_reply, 8), (version5.parse_reply, 262)):
        taken = 0
        while taken < len(octets) or not taken:
            try:
                found = parse(octets[:taken])
            except WireError:
                break
            if isinstance(found, Reply):
                break
            assert found > 0
            assert taken + found <= size
            taken += found


# Words ---------------------------------------------------------------------------------------------------------------


def test_places_are_shown_as_people_write_them():
    assert str(ipv4("192.0.2.1")) == "192.0.2.1:80"
    assert str(ipv6("2001:db8::1", 443)) == "[2001:db8::1]:443"
    assert str(named("far.test")) == "far.test:80"


def test_place_without_an_address_is_filled_with_the_servers():
    own = ipv4("198.51.100.7").address
    assert Place(IPV4 << 32, 21).filled(own) == Place(own, 21)
    assert Place(0, 21).filled(own) == Place(own, 21)
    assert named("far.test").filled(own) == named("far.test")
    assert ipv6("2001:db8::1").filled(own) == ipv6("2001:db8::1")


@given(names, ports)
def test_versions_are_what_operators_write(name, port):
    assert {Version("4"), Version("4A"), Version("5")} == set(Version)
    assert Place(0, port, name).is_ipv4 is False
