"""Sets of entries met with each other: the same whichever way they are stored, and whatever somebody has put there."""

from __future__ import annotations

import struct
from functools import reduce
from operator import and_, or_

from hypothesis import given
from hypothesis import strategies as st

from console.store.postings import ALL, BLOCK, as_int, meet, offsets_in, pack, unpack

OFFSETS = st.one_of(
    st.sets(st.integers(0, BLOCK - 1), min_size=1, max_size=20),
    st.integers(1, 9).map(lambda step: set(range(0, BLOCK, step))),
    st.integers(2, 40).map(lambda step: set(range(step, BLOCK, step))),
)
STORED = st.lists(st.lists(OFFSETS.map(sorted).map(pack), max_size=4), max_size=4)


@given(clauses=STORED, within=st.one_of(st.just(ALL), OFFSETS))
def test_entries_that_meet_are_those_of_the_ints(clauses, within):
    bits = within if isinstance(within, int) else unpack(pack(sorted(within)))
    wanted = reduce(and_, (reduce(or_, map(unpack, clause), 0) for clause in clauses), bits)
    assert as_int(meet(within, clauses)) == wanted
    assert as_int(meet(bits, clauses)) == wanted


@given(damaged=st.binary(max_size=40), clauses=STORED)
def test_octets_that_were_never_packed_add_nothing_and_hide_nothing(damaged, clauses):
    found = as_int(meet(ALL, [[damaged], *clauses]))
    assert found & ~ALL == 0
    assert found == as_int(meet(ALL, [*clauses, [damaged]]))
    there = as_int(meet(ALL, clauses))
    for offset in list(offsets_in(there, descending=False))[:50]:
        assert as_int(meet(ALL, [[damaged, pack([offset])], *clauses])) >> offset & 1
    if not damaged:
        assert found == there


@given(
    offsets=st.sets(st.integers(0, BLOCK - 1), max_size=600),
    strange=st.lists(st.integers(BLOCK, 2**16 - 1), min_size=1, max_size=300),
    at=st.integers(0, 600),
)
def test_offsets_that_no_block_has_hide_none_of_those_beside_them_from_anyone(offsets, strange, at):
    inside = sorted(offsets)
    stored = struct.pack(f"<{len(inside) + len(strange)}H", *inside[:at], *strange, *inside[at:])
    if len(stored) == 2048:  # a bitmap
        stored += struct.pack("<H", BLOCK)
    wanted = sum(1 << offset for offset in offsets)
    assert unpack(stored) == wanted
    assert as_int(meet(ALL, [[stored]])) == wanted
