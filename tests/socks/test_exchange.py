"""Conversations without a socket: whole, octet by octet, with a tail; every state and every event; any octets."""

from __future__ import annotations

import contextlib
import errno
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors import SocksError
from console.messages import describe
from console.socks.exchange import RESTING, TRANSITIONS, Event, Exchange, State
from console.socks.refusals import Reason
from console.socks.words import IPV4, NOWHERE, Command, Place, Version
from tests.socks.places import SECRET, ipv4, ipv6, named, places, server
from tests.socks.server import reply_five, reply_four

FAR = ipv4("192.0.2.1", 21)
HERE = ipv4("198.51.100.7", 40_000)
CONNECT, BIND = Command.CONNECT, Command.BIND
FOUR = server("4", user="ALICE")
FIVE = server("5")
WITH_PASSWORD = server("5", user="alice", password=SECRET)

GRANTED_4 = reply_four(90, HERE.host, HERE.port)
CAME_4 = reply_four(90, FAR.host, 20)
GRANTED_5 = reply_five(0, HERE.host, HERE.port)
CAME_5 = reply_five(0, FAR.host, 20)
NO_PASSWORD, PASSWORD, TAKEN = b"\x05\x00", b"\x05\x02", b"\x01\x00"

ANSWERS = {
    "4 connect": (FOUR, CONNECT, GRANTED_4),
    "4 bind": (FOUR, BIND, GRANTED_4 + CAME_4),
    "4A connect": (server("4A"), CONNECT, GRANTED_4),
    "5 connect": (FIVE, CONNECT, NO_PASSWORD + GRANTED_5),
    "5 connect by name": (FIVE, CONNECT, NO_PASSWORD + reply_five(0, "gate.test", 7)),
    "5 connect by IPv6": (FIVE, CONNECT, NO_PASSWORD + reply_five(0, "2001:db8::7", 7)),
    "5 bind": (FIVE, BIND, NO_PASSWORD + GRANTED_5 + CAME_5),
    "5 connect with password": (WITH_PASSWORD, CONNECT, PASSWORD + TAKEN + GRANTED_5),
    "5 connect, password offered": (WITH_PASSWORD, CONNECT, NO_PASSWORD + GRANTED_5),
    "5 bind with password": (WITH_PASSWORD, BIND, PASSWORD + TAKEN + GRANTED_5 + CAME_5),
}
conversations = pytest.mark.parametrize(("spoken", "command", "answers"), ANSWERS.values(), ids=ANSWERS)


def move(exchange, stream, most=10_000):
    """Move an exchange on as a client would, until it is done; returns what was sent."""
    sent = b""
    while exchange.state not in (State.DONE, State.ERROR):
        if exchange.state is State.BOUND:
            exchange.await_inbound()
        if exchange.outgoing:
            piece = exchange.outgoing[:most]
            sent += piece
            exchange.sent(len(piece))
            continue
        assert exchange.wanted > 0
        exchange.receive(stream.read(min(exchange.wanted, most)))
    return sent


def ending(spoken, command, answers, *, destination=FAR, most=10_000):
    """Return the error that a conversation ends with."""
    exchange = Exchange(spoken, command, destination)
    with pytest.raises(SocksError) as caught:
        move(exchange, io.BytesIO(answers), most)
    assert exchange.state is State.ERROR
    assert (exchange.wanted, exchange.outgoing) == (0, b"")
    with pytest.raises(ValueError, match=r".*"):
        exchange.receive(b"x")
    return caught.value


# Whole, cut, with a tail ---------------------------------------------------------------------------------------------


@conversations
@pytest.mark.parametrize("most", [1, 2, 3, 10_000])
def test_conversation_ends_well_however_it_is_cut_and_leaves_the_tail(spoken, command, answers, most):
    exchange = Exchange(spoken, command, FAR)
    stream = io.BytesIO(answers + b"220 ready\r\n")
    sent = move(exchange, stream, most)
    assert exchange.state is State.DONE
    assert stream.read() == b"220 ready\r\n"
    assert sent == move(Exchange(spoken, command, FAR), io.BytesIO(answers))


def test_version_4_says_one_thing():
    sent = move(Exchange(FOUR, CONNECT, FAR), io.BytesIO(GRANTED_4))
    assert sent == b"\x04\x01\x00\x15\xc0\x00\x02\x01ALICE\x00"


def test_version_5_says_greeting_password_and_request_in_turn():
    exchange = Exchange(WITH_PASSWORD, CONNECT, named("far.test"))
    said = []
    for answer in (PASSWORD, TAKEN, GRANTED_5):
        assert exchange.wanted == 0
        said.append(exchange.outgoing)
        exchange.sent(len(exchange.outgoing))
        stream = io.BytesIO(answer)
        while octets := stream.read(exchange.wanted):
            exchange.receive(octets)
    secret = b"\x01\x05alice" + bytes([len(SECRET)]) + SECRET.encode()
    assert said == [b"\x05\x02\x00\x02", secret, b"\x05\x01\x00\x03\x08far.test\x00\x50"]
    assert exchange.state is State.DONE


def test_password_is_not_sent_to_a_server_that_does_not_ask_for_it():
    sent = move(Exchange(WITH_PASSWORD, CONNECT, FAR), io.BytesIO(NO_PASSWORD + GRANTED_5))
    assert SECRET.encode() not in sent


@pytest.mark.parametrize(
    ("spoken", "first", "second"), [(FOUR, GRANTED_4, CAME_4), (FIVE, NO_PASSWORD + GRANTED_5, CAME_5)]
)
def test_bind_rests_between_its_replies(spoken, first, second):
    exchange = Exchange(spoken, BIND, FAR)
    stream = io.BytesIO(first + second)
    while exchange.state not in RESTING:
        exchange.sent(len(exchange.outgoing))
        exchange.receive(stream.read(exchange.wanted))
    assert (exchange.state, exchange.wanted, exchange.bound) == (State.BOUND, 0, HERE)
    assert stream.tell() == len(first)
    exchange.await_inbound()
    move(exchange, stream)
    assert (exchange.state, exchange.peer) == (State.DONE, FAR._replace(port=20))


def test_what_cannot_be_said_is_refused_before_anything_is():
    for spoken, place, reason in (
        (FOUR, ipv6("2001:db8::1"), Reason.NO_IPV6),
        (FIVE, named("n" * 256), Reason.BAD_NAME),
        (server(user="", password=SECRET), FAR, Reason.BAD_CREDENTIALS),
    ):
        with pytest.raises(SocksError) as caught:
            Exchange(spoken, CONNECT, place)
        assert caught.value.reason is reason


# How it fails --------------------------------------------------------------------------------------------------------


@conversations
def test_server_may_close_after_any_octet(spoken, command, answers):
    first_reply = len(answers) if command is CONNECT else len(answers) - len(CAME_4 if spoken is FOUR else CAME_5)
    for size in range(len(answers)):
        for most in (1, 10_000):
            error = ending(spoken, command, answers[:size], most=most)
            greeted = len(answers) if spoken.version != "5" else 4 if answers.startswith(PASSWORD) else 2
            expected = Reason.HUNG_UP if size >= greeted else Reason.CLOSED
            expected = expected if size < first_reply else Reason.NOBODY_CAME
            assert error.reason is expected, size
            assert error.errno == (errno.ECONNABORTED if expected is Reason.NOBODY_CAME else errno.ECONNREFUSED)
            assert error.blames_server == (expected is Reason.CLOSED)


@pytest.mark.parametrize(
    ("spoken", "answers", "reason"),
    [
        (FOUR, reply_four(91), Reason.REFUSED),
        (FOUR, reply_four(92), Reason.USER_NOT_CONFIRMED),
        (FOUR, reply_four(93), Reason.USER_NOT_CONFIRMED),
        (FOUR, reply_four(0), Reason.REFUSED),
        (FOUR, b"\x05\xff", Reason.GARBAGE),
        (FIVE, b"\x05\xff", Reason.NO_METHOD),
        (FIVE, b"\x05\x02", Reason.GARBAGE),
        (FIVE, b"\x05\x01", Reason.GARBAGE),
        (FIVE, b"\x00\x5b", Reason.GARBAGE),
        (FIVE, b"HTTP/1.1 400 Bad Request", Reason.GARBAGE),
        (WITH_PASSWORD, PASSWORD + b"\x01\x01", Reason.NOT_AUTHENTICATED),
        (WITH_PASSWORD, PASSWORD + b"\x05\xff", Reason.NOT_AUTHENTICATED),
        (WITH_PASSWORD, PASSWORD + b"\x02\x00", Reason.GARBAGE),
        (FIVE, NO_PASSWORD + b"\x04\x00", Reason.GARBAGE),
        (FIVE, NO_PASSWORD + b"\x05\x00\x00\x02\x00", Reason.GARBAGE),
        *(
            (FIVE, NO_PASSWORD + reply_five(code), reason)
            for code, reason in (
                (1, Reason.REFUSED),
                (2, Reason.NOT_ALLOWED),
                (3, Reason.NO_NETWORK),
                (4, Reason.NO_HOST),
                (5, Reason.DESTINATION_REFUSED),
                (6, Reason.DESTINATION_SILENT),
                (7, Reason.NO_COMMAND),
                (8, Reason.NO_ADDRESS_TYPE),
                (9, Reason.REFUSED),
                (255, Reason.REFUSED),
            )
        ),
    ],
)
def test_each_answer_that_is_no_yes_has_its_reason(spoken, answers, reason):
    for most in (1, 10_000):
        assert ending(spoken, CONNECT, answers, most=most).reason is reason


def test_garbage_is_known_by_its_first_octet_and_shown():
    exchange = Exchange(FOUR, CONNECT, FAR)
    exchange.sent(len(exchange.outgoing))
    with pytest.raises(SocksError) as caught:
        exchange.receive(b"SSH-2.0-")
    assert "53 53 48 2d 32" in describe(caught.value).cause
    exchange = Exchange(FOUR, CONNECT, FAR)
    exchange.sent(len(exchange.outgoing))
    with pytest.raises(SocksError):
        exchange.receive(b"S")


@pytest.mark.parametrize(
    ("spoken", "answers"),
    [
        (FOUR, GRANTED_4 + reply_four(91)),
        (FIVE, NO_PASSWORD + GRANTED_5 + reply_five(6)),
        (FIVE, NO_PASSWORD + GRANTED_5 + reply_five(2)),
    ],
)
def test_refusal_after_binding_means_that_nobody_came(spoken, answers):
    error = ending(spoken, BIND, answers)
    assert (error.reason, error.errno, error.blames_server) == (Reason.NOBODY_CAME, errno.ECONNABORTED, False)


def test_garbage_after_binding_aborts_the_connection_as_well():
    error = ending(FIVE, BIND, NO_PASSWORD + GRANTED_5 + b"HTTP")
    assert (error.reason, error.errno, error.blames_server) == (Reason.GARBAGE, errno.ECONNABORTED, True)


@pytest.mark.parametrize(
    ("spoken", "answers"),
    [(FOUR, GRANTED_4 + reply_four(90, "192.0.2.2")), (FIVE, NO_PASSWORD + GRANTED_5 + reply_five(0, "192.0.2.2"))],
)
def test_connection_from_another_address_is_not_taken(spoken, answers):
    error = ending(spoken, BIND, answers)
    assert (error.reason, error.errno) == (Reason.WRONG_PEER, errno.ECONNABORTED)
    assert "192.0.2.2:0" in describe(error).text


@pytest.mark.parametrize(
    ("expected", "came"),
    [
        (FAR, "0.0.0.0"),
        (FAR, "gate.test"),
        (FAR, "::ffff:192.0.2.1"),
        (ipv4("0.0.0.0"), "192.0.2.9"),
        (named("far.test"), "192.0.2.9"),
        (ipv6("2001:db8::1"), "2001:db8::1"),
    ],
)
def test_connection_is_taken_where_server_or_program_leave_open_from_whom(expected, came):
    exchange = Exchange(FIVE, BIND, expected)
    move(exchange, io.BytesIO(NO_PASSWORD + GRANTED_5 + reply_five(0, came, 20)))
    assert exchange.state is State.DONE


@pytest.mark.parametrize(
    ("spoken", "answers", "reason", "blamed"),
    [
        (FOUR, b"", Reason.SILENT, True),
        (FIVE, b"", Reason.SILENT, True),
        (WITH_PASSWORD, PASSWORD, Reason.SILENT, True),
        (FIVE, NO_PASSWORD, Reason.NO_REPLY, False),
        (WITH_PASSWORD, PASSWORD + TAKEN, Reason.NO_REPLY, False),
        (FIVE, NO_PASSWORD + GRANTED_5, Reason.NOBODY_CAME, False),
        (FOUR, GRANTED_4, Reason.NOBODY_CAME, False),
    ],
)
def test_silence_is_the_servers_fault_until_it_has_shown_that_it_works(spoken, answers, reason, blamed):
    exchange = Exchange(spoken, BIND, FAR)
    stream = io.BytesIO(answers)
    while stream.tell() < len(answers):
        exchange.sent(len(exchange.outgoing))
        exchange.receive(stream.read(exchange.wanted))
    error = exchange.fail(Reason.SILENT)
    assert (error.reason, error.blames_server) == (reason, blamed)
    assert error.errno == (errno.ECONNABORTED if reason is Reason.NOBODY_CAME else errno.ETIMEDOUT)


def test_errno_of_a_connect_to_the_server_is_kept():
    error = Exchange(FOUR, CONNECT, FAR).fail(Reason.UNREACHABLE, "no route", errno.ENETUNREACH)
    assert error.errno == errno.ENETUNREACH
    assert describe(error).text == "SOCKS server proxy.test:1080 cannot be reached: no route."


# States and events ---------------------------------------------------------------------------------------------------

WAYS = {
    State.METHOD: (b"",),
    State.AUTHENTICATION: (PASSWORD,),
    State.REPLY: (PASSWORD, TAKEN),
    State.BOUND: (PASSWORD, TAKEN, GRANTED_5[:5], GRANTED_5[5:]),
    State.INBOUND: (PASSWORD, TAKEN, GRANTED_5[:5], GRANTED_5[5:], None),
    State.DONE: (PASSWORD, TAKEN, GRANTED_5[:5], GRANTED_5[5:], None, CAME_5[:5], CAME_5[5:]),
    State.ERROR: (b"\x00",),
}
"""State -> what leads there, one answer after the other; None awaits the inbound connection."""


def in_state(state, command=BIND):
    """Return an exchange in a state, with all that it had to say said."""
    exchange = Exchange(WITH_PASSWORD, command, FAR)
    for answer in WAYS[state]:
        exchange.sent(len(exchange.outgoing))
        if answer is None:
            exchange.await_inbound()
        elif answer and state is State.ERROR:
            with pytest.raises(SocksError):
                exchange.receive(answer)
        elif answer:
            exchange.receive(answer)
    exchange.sent(len(exchange.outgoing))
    assert exchange.state is state
    return exchange


AWAITED, FAILED, CLOSED, REPLIED, REFUSED = "awaited", "failed", b"", "replied", b"\x05\xff"
RAISES = None
M, A, R, B, IN, D, E = State
BECOMES = {
    # state:       no password, password, taken, refused, replied, closed, failed, awaited
    State.METHOD: (R, A, E, E, RAISES, E, E, RAISES),
    State.AUTHENTICATION: (R, E, R, E, RAISES, E, E, RAISES),
    State.REPLY: (R, E, E, E, B, E, E, RAISES),
    State.BOUND: (RAISES, RAISES, RAISES, RAISES, RAISES, E, E, IN),
    State.INBOUND: (IN, E, E, E, D, E, E, RAISES),
    State.DONE: (RAISES,) * 8,
    State.ERROR: (RAISES,) * 8,
}
"""What becomes of an exchange in each state. RAISES: no such thing can happen in it, and it stays what it is.

The answer to a password may begin with the version of the protocol, so that "no password" says yes there; to a request
it is the beginning of a reply.
"""
HAPPENINGS = (NO_PASSWORD, PASSWORD, TAKEN, REFUSED, REPLIED, CLOSED, FAILED, AWAITED)


def happen(exchange, what):
    if what == AWAITED:
        exchange.await_inbound()
    elif what == FAILED:
        exchange.fail(Reason.SILENT)
    elif what == REPLIED:
        reply = GRANTED_5 if exchange.state is State.REPLY else CAME_5
        exchange.receive(reply[:5])
        exchange.receive(reply[5:])
    else:
        exchange.receive(what)


@pytest.mark.parametrize("column", range(8))
@pytest.mark.parametrize("state", State)
def test_whatever_happens_in_a_state_leads_where_it_should(state, column):
    exchange, becomes = in_state(state), BECOMES[state][column]
    raising = (
        pytest.raises(ValueError, match=r"octets|in <State") if becomes is RAISES else contextlib.suppress(SocksError)
    )
    with raising:
        happen(exchange, HAPPENINGS[column])
    assert exchange.state is (becomes or state)


def test_a_reply_ends_a_connect():
    exchange = in_state(State.REPLY, CONNECT)
    happen(exchange, REPLIED)
    assert exchange.state is State.DONE


def test_what_happens_takes_each_way_of_the_table():
    taken = {(state, becomes) for state, row in BECOMES.items() for becomes in row if becomes not in (RAISES, state)}
    assert taken | {(State.REPLY, State.DONE)} == {(state, becomes) for (state, _), becomes in TRANSITIONS.items()}


def test_the_table_has_an_end_for_everything():
    moving = set(State) - {State.DONE, State.ERROR}
    assert {state for state, _ in TRANSITIONS} == moving
    assert all(TRANSITIONS[state, Event.FAILED] is State.ERROR for state in moving)
    assert set(TRANSITIONS.values()) == set(State) - {State.METHOD}
    assert {event for _, event in TRANSITIONS} == set(Event)


def test_more_than_was_wanted_is_not_taken():
    for state in State:
        exchange = in_state(state)
        with pytest.raises(ValueError, match="more octets"):
            exchange.receive(b"x" * (exchange.wanted + 1))
        assert exchange.state is state
    exchange = Exchange(FOUR, CONNECT, FAR)
    with pytest.raises(ValueError, match="more octets"):
        exchange.receive(b"\x00")


@pytest.mark.parametrize("state", RESTING - {State.BOUND})
def test_an_exchange_that_is_over_cannot_be_closed_or_failed(state):
    for end in (lambda exchange: exchange.receive(b""), lambda exchange: exchange.fail(Reason.CLOSED)):
        with pytest.raises(ValueError, match="FAILED"):
            end(in_state(state))


# Any octets ----------------------------------------------------------------------------------------------------------

MOST_RECEIVED = 2 + 2 + 262 + 262
answers = st.lists(
    st.one_of(st.sampled_from([NO_PASSWORD, PASSWORD, TAKEN, GRANTED_4, GRANTED_5, CAME_4, CAME_5]), st.binary()),
    max_size=6,
).map(b"".join)


@settings(deadline=None, max_examples=400)
@given(
    st.sampled_from([FOUR, server("4A"), FIVE, WITH_PASSWORD]),
    st.sampled_from(Command),
    answers,
    st.lists(st.integers(1, 300), min_size=1, max_size=20),
)
def test_any_answers_lead_to_an_end_and_raise_nothing_but_our_error(spoken, command, octets, cuts):
    exchange = Exchange(spoken, command, FAR)
    stream, taken = io.BytesIO(octets), 0
    error = None
    try:
        while exchange.state not in (State.DONE, State.ERROR):
            if exchange.state is State.BOUND:
                exchange.await_inbound()
            exchange.sent(len(exchange.outgoing))
            piece = stream.read(min(exchange.wanted, cuts[taken % len(cuts)]))
            exchange.receive(piece)
            taken += len(piece)
    except SocksError as raised:
        error = raised
    assert exchange.state is (State.ERROR if error else State.DONE)
    assert stream.tell() <= MOST_RECEIVED
    if error is not None:
        assert SECRET not in str(error) + repr(error) + describe(error).cause


@settings(deadline=None)
@given(st.sampled_from(Version), st.sampled_from(Command), places)
def test_any_destination_is_said_or_refused_by_our_error(version, command, place):
    exchange = None
    with contextlib.suppress(SocksError):
        exchange = Exchange(server(version), command, place)
    assert exchange is not None or version is not Version.FIVE
    assert exchange is None or 0 < len(exchange.outgoing) <= 8 + 1 + 256


# Secrets -------------------------------------------------------------------------------------------------------------


def test_password_is_in_nothing_that_is_shown():
    assert SECRET not in repr(WITH_PASSWORD)
    exchange = Exchange(WITH_PASSWORD, CONNECT, FAR)
    assert SECRET not in repr(exchange)
    error = ending(WITH_PASSWORD, CONNECT, PASSWORD + b"\x01\x01")
    shown = describe(error)
    assert SECRET not in str(error) + repr(error) + repr(error.__dict__) + shown.text + shown.cause + shown.recovery
    with pytest.raises(SocksError) as caught:
        Exchange(server(user="u", password=SECRET * 20), CONNECT, FAR)
    assert SECRET not in str(caught.value) + repr(caught.value.__dict__)


def test_bound_and_peer_are_nowhere_until_they_are_known():
    exchange = Exchange(FIVE, BIND, FAR)
    assert exchange.bound == exchange.peer == NOWHERE
    assert Place(IPV4 << 32, 0).is_anywhere
