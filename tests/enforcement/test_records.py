"""Records: packed and read back, cut at every octet, damaged at every octet, and any octets at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.enforcement.layouts import NO_ENDPOINT, Endpoint
from console.enforcement.records import (
    _HEAD,
    LONGEST_RECORD,
    Seen,
    Totals,
    Unreadable,
    Who,
    pack,
    pack_notice,
    read,
    read_all,
    sealed,
)
from console.errors import WorkerError
from console.model.words import ExitPoint, Outcome
from console.policy.request import MAPPED, Decision
from console.store.text import storable
from tests.factories import AT_NS, decided, record

THREE = [record(1), record(2, text="ECONNREFUSED"), record(3, who=Who("BÉA", "/bin/\N{SNOWMAN}", 9))]
ENDS = [len(THREE[0]), len(THREE[0] + THREE[1]), len(b"".join(THREE))]

endpoints = st.builds(Endpoint, st.integers(0, 2**128 - 1), st.integers(0, 65535))
names = st.text(st.characters(codec="utf-8"), max_size=40)
counts = st.integers(0, 2**31 - 1)
any_decided = st.builds(
    decided,
    at_ns=st.integers(0, 2**62 - 1),
    exit_point=st.sampled_from(ExitPoint),
    decision=st.builds(
        Decision, st.sampled_from(Outcome), counts, st.just(1), journal=st.just(True), alert=st.booleans()
    ),
    revision=counts,
    who=st.builds(Who, names, names, counts),
    local=endpoints,
    remote=endpoints,
    decision_us=counts,
    text=names,
    socks_server=names,
)


def all_of(octets):
    return [event for event, _ in read(octets)]


@given(st.integers(1, 2**62 - 1), st.tuples(*[st.integers(0, 2**62 - 1)] * 3), any_decided)
def test_what_was_packed_is_read_back(number, totals, made):
    octets = sealed(pack(number, totals, made))
    assert len(octets) % 8 == 0
    (event,) = read_all(octets)
    who = storable(made.who.user)[:64], storable(made.who.program), made.who.process
    assert (event.number, event.at_ns, event.totals) == (number, made.at_ns, Totals(*totals))
    assert (event.exit_point, event.outcome) == (made.exit_point, made.decision.outcome)
    assert (event.rule_sequence, event.revision) == (made.decision.sequence, made.revision)
    assert (event.user, event.program, event.pid) == who
    assert (event.local_port, event.remote_port) == (made.local.port, made.remote.port)
    assert (event.decision_us, event.text) == (made.decision_us, storable(made.text))
    assert event.socks_server == storable(made.socks_server)[:96]


def test_event_has_the_words_of_the_journal():
    (event,) = read_all(record(1))
    assert (event.sk_type, event.outcome, event.exit_point) == ("C", "*ALLOWED", "*CONNECT")
    assert (event.local_address, event.remote_address, event.address_family) == ("127.0.0.1", "127.0.0.2", "*IPV4")


@pytest.mark.parametrize(
    ("remote", "local", "family"),
    [
        (Endpoint(MAPPED + 1, 2), Endpoint(MAPPED + 3, 4), "*IPV4"),
        (Endpoint(1, 2), Endpoint(3, 4), "*IPV6"),
        (NO_ENDPOINT, Endpoint(MAPPED, 4), "*IPV4"),
        (NO_ENDPOINT, Endpoint(0, 4), "*IPV6"),
    ],
)
def test_family_of_an_event_is_that_of_its_remote_side_or_its_only_one(remote, local, family):
    (event,) = read_all(record(1, remote=remote, local=local))
    assert event.address_family == family
    assert (event.remote_address == "") == (remote == NO_ENDPOINT)


@pytest.mark.parametrize("program", ["/bin/\udcff\udcfe", "/bin/\N{SNOWMAN}", "/bin/a\nb"])
def test_program_of_any_octets_is_read_as_the_journal_can_hold_it(program):
    (event,) = read_all(record(1, who=Who("ALICE", program, 7)))
    assert event.program == program.encode(errors="surrogateescape").decode(errors="backslashreplace")


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Seen.DATAGRAM, ("SK", "O", "*CONNECT", "*REJECTED")),
        (Seen.PORT, ("SK", "P", "", "")),
        (Seen.RECEIVED, ("SK", "I", "", "")),
        (Seen.SENT, ("SK", "O", "", "")),
        (Seen.REFUSED_LISTEN, ("AF", "", "*LISTEN", "*REJECTED")),
    ],
)
def test_what_is_no_call_of_an_exit_point_has_the_words_of_the_journal_too(seen, words):
    rejected = Decision(Outcome.REJECTED, 10, 1, journal=True, alert=False)
    (event,) = read_all(record(1, exit_point=seen, decision=rejected))
    assert (event.entry_type, event.sk_type, event.exit_point, event.outcome) == words


def test_notice_is_an_event_without_an_exit_point():
    (event,) = read_all(sealed(pack_notice(4, (3, 2, 1), AT_NS, "GWL0510 No \udcff spool")))
    assert (event.number, event.at_ns, event.exit_point, event.totals) == (4, AT_NS, "", Totals(3, 2, 1))
    assert event.text == "GWL0510 No \\udcff spool"


def test_texts_that_are_too_long_are_cut_and_nothing_else_is_lost():
    octets = record(1, who=Who("U" * 9999, "/" * 99999, 7), text="t" * 99999)
    assert len(octets) <= LONGEST_RECORD
    (event,) = read_all(octets)
    assert (len(event.user), len(event.program), len(event.text)) == (64, 4096, 2048)


def test_records_cut_anywhere_yield_the_whole_ones_before_the_cut():
    whole = all_of(b"".join(THREE))
    octets = b"".join(THREE)
    for cut in range(ENDS[-1]):
        before = sum(cut >= end for end in ENDS)
        assert [event for event, _ in _until_unreadable(octets[:cut])] == whole[:before]
        if cut not in (0, *ENDS):
            with pytest.raises(WorkerError, match="GWL0504"):
                read_all(octets[:cut])


def _until_unreadable(octets):
    try:
        yield from read(octets)
    except Unreadable:
        return


def test_records_end_at_a_seal_of_nothing_whatever_stands_behind_it():
    assert all_of(THREE[0] + bytes(8) + THREE[1]) == all_of(THREE[0])
    with pytest.raises(WorkerError, match="GWL0504"):
        read_all(THREE[0] + bytes(8))


@pytest.mark.parametrize("bit", [0x01, 0x10, 0x80])
def test_records_damaged_anywhere_yield_nothing_that_was_not_written(bit):
    octets = b"".join(THREE)
    written = all_of(octets)
    for at in range(len(octets)):
        damaged = bytearray(octets)
        damaged[at] ^= bit
        found = [event for event, _ in _until_unreadable(bytes(damaged))]
        assert found == written[: sum(at >= end for end in ENDS)]
        with pytest.raises(WorkerError, match="GWL0504"):
            read_all(bytes(damaged))


@given(st.binary(max_size=400))
def test_any_octets_are_read_or_refused(octets):
    for sealed_octets in (octets, sealed(octets), THREE[0] + sealed(octets)):
        found = [event for event, _ in _until_unreadable(sealed_octets)]
        assert len(found) <= 2


@pytest.mark.parametrize(
    "broken",
    [
        (2**62, AT_NS, 0, 0, 0, 1, 1, 1, 1),
        (1, 2**63, 0, 0, 0, 1, 1, 1, 1),
        (1, AT_NS, 2**62, 0, 0, 1, 1, 1, 1),
        (1, AT_NS, 0, 0, 0, 2**31, 1, 1, 1),
        (1, AT_NS, 0, 0, 0, 1, 1, 2**32 - 1, 1),
    ],
)
def test_number_that_the_journal_cannot_hold_makes_no_event(broken):
    body = _HEAD.pack(*broken, bytes(16), bytes(16), 0, 0, 0, 0, 0, 0, 0, 0)
    with pytest.raises(WorkerError, match="GWL0504"):
        read_all(sealed(body))


@pytest.mark.parametrize("words", [(8, 0, 0, 0), (0, 3, 0, 0), (0, 0, 8, 0), (0, 0, 0, 60000)])
def test_words_and_lengths_that_no_guard_writes_make_no_event(words):
    point, outcome, first, last = words
    body = _HEAD.pack(1, 1, 0, 0, 0, 1, 1, 1, 1, bytes(16), bytes(16), 0, 0, point, outcome, first, 0, 0, last)
    with pytest.raises(WorkerError, match="GWL0504"):
        read_all(sealed(body + bytes(2)))
