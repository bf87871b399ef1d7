"""Messages and frames: the size that servers take, and the number where they find it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.journal.forwarding.messages import LONGEST, frame, message
from console.journal.forwarding.relp import Answer, RelpError, read_answer
from console.journal.forwarding.relp import frame as relp_frame
from console.model.forwarding import ForwardFormat, Protocol
from tests.journal.formats.entries import HERE, NASTY, anything, values


@pytest.mark.parametrize("form", ForwardFormat)
@pytest.mark.parametrize("longest", sorted(set(LONGEST.values())))
@pytest.mark.parametrize("filler", ["x", "\U0001f600", "\x00", '"', "\\"])
def test_message_is_never_longer_than_a_server_takes(form, longest, filler):
    long = values(text=filler * 99_999, detail=filler * 99_999, program=filler * 4096)
    octets = message(long, HERE, form, longest)
    assert len(octets) <= longest
    assert b'sequence_number="17"' in octets


@given(entry=anything)
def test_message_is_one_line_with_the_number(entry):
    for form in ForwardFormat:
        octets = message(entry, HERE, form, 8192)
        assert b"\n" not in octets
        assert octets.startswith(b"<")
        assert f'sequence_number="{entry.sequence_number}"'.encode() in octets or not entry.sequence_number


def test_short_message_is_not_cut():
    assert message(values(text="x" * 500), HERE, ForwardFormat.SYSLOG, 8192).decode().count("x" * 500) == 2


def test_frame_counts_octets_and_not_characters():
    assert frame("Grüße".encode()) == b"7 Gr\xc3\xbc\xc3\x9fe"
    assert frame(message(values(text=NASTY), HERE, ForwardFormat.CEF, 8192)).split(b" ", 1)[0].isdigit()


def test_port_of_udp_has_smaller_messages():
    assert LONGEST[Protocol.UDP] < LONGEST[Protocol.TCP]


def test_relp_frame_is_laid_out_as_described():
    assert relp_frame(1, "open", b"a=b") == b"1 open 3 a=b\n"
    assert relp_frame(999_999_999, "close") == b"999999999 close 0\n"


ANSWER = b"12 rsp 6 200 OK\n"


def test_relp_answer_is_read_whole_octet_by_octet_and_with_a_tail():
    assert read_answer(ANSWER) == (Answer(12, "rsp", b"200 OK"), len(ANSWER))
    assert [read_answer(ANSWER[:end]) for end in range(len(ANSWER))] == [None] * len(ANSWER)
    assert read_answer(ANSWER + b"13 rsp 0\n") == (Answer(12, "rsp", b"200 OK"), len(ANSWER))
    assert read_answer(b"13 rsp 0\n") == (Answer(13, "rsp", b""), 9)
    assert Answer(12, "rsp", b"200 OK").is_success
    assert not Answer(12, "rsp", b"500 no").is_success


@pytest.mark.parametrize(
    "wrong", [b"hello\n", b"1 rsp 99999 x", b"1 rsp 2 abc\n", b"x" * 5000, b"1 RSP 0\n", b"HTTP/1.1 400\n"]
)
def test_what_is_no_relp_is_refused(wrong):
    with pytest.raises(RelpError):
        read_answer(wrong)


@given(st.binary(max_size=100))
def test_any_octets_are_a_frame_or_none_or_refused(octets):
    try:
        found = read_answer(octets)
    except RelpError:
        return
    assert found is None or 0 < found[1] <= len(octets)
