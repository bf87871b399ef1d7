"""Entries of ports that share a key: each port is told apart, in what the writer stores and in what readers find."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from console.store.picked_ports import is_picked, octets_of, of_port, own_key, picked_postings, ports_in
from console.store.postings import BLOCK, offsets_in, unpack

KEY = b"\0\0\x9c\x40"
ENTRIES = st.dictionaries(st.integers(0, BLOCK - 1), st.integers(0x40, 0x7F), min_size=1, max_size=400)


@settings(max_examples=100, deadline=None)
@given(entries=ENTRIES, port=st.integers(0x40, 0x7F))
def test_readers_find_just_the_entries_of_the_port_they_ask_for(entries, port):
    offsets = sorted(entries)
    stored = dict(picked_postings(KEY, offsets, bytes(entries[each] for each in offsets)))
    asked = [stored[key] for key in (KEY, own_key(KEY, port)) if key in stored]
    found = [offset for each in of_port(asked, port) for offset in offsets_in(unpack(each), descending=False)]
    assert found == [offset for offset in offsets if entries[offset] == port]


@settings(max_examples=50, deadline=None)
@given(entries=ENTRIES)
def test_set_of_a_shared_key_is_told_apart_port_by_port(entries):
    offsets = sorted(entries)
    for key, stored in picked_postings(KEY, offsets, bytes(entries[each] for each in offsets)):
        assert is_picked(stored) == (key == KEY)
        for octet, each in (ports_in(stored) if key == KEY else {key[-1]: stored}).items():
            wanted = [offset for offset in offsets if entries[offset] == octet]
            assert list(offsets_in(unpack(each), descending=False)) == wanted


def test_few_entries_share_a_key_and_many_have_one_for_each_port():
    assert [key for key, _ in picked_postings(KEY, range(128), bytes([0x41, 0x42] * 64))] == [KEY]
    keys = {key for key, _ in picked_postings(KEY, range(129), bytes([0x41, 0x42] * 64 + [0x43]))}
    assert keys == {own_key(KEY, octet) for octet in (0x41, 0x42, 0x43)}


def test_set_that_does_not_tell_ports_apart_is_taken_as_a_whole():
    older = b"\1\0\7\0"
    assert not is_picked(older)
    assert list(of_port([older, b"", None], 0x41)) == [older, b"", None]


def test_octets_of_ports_are_found_whatever_stands_in_the_place_of_a_port():
    assert octets_of([0x9C41, 443]) == b"\x41\xbb"
    assert octets_of([0x9C41, "x", None, 70_000, -1, 2**70]) == bytes([0x41, 0, 0, 70_000 & 0xFF, 0xFF, 0])
