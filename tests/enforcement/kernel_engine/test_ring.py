"""Records are read from a ring buffer alike in both languages, wherever they lie, and only those that are whole."""

from __future__ import annotations

import mmap
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.enforcement.kernel.ring import Ring
from tests.enforcement.kernel_engine.conftest import IN_C

SIZE = 4096
BUSY, DISCARDED = 1 << 31, 1 << 30
HEADER = struct.Struct("<II")


class Told(Ring):
    """A ring buffer that is filled here, as the kernel fills one."""

    def __init__(self, position=0, size=SIZE):
        self._size = size
        self._consumer = bytearray(8)
        self._producer = mmap.mmap(-1, mmap.PAGESIZE + 2 * SIZE)
        self.give_back(position)
        self.end = position
        self._said()

    def _said(self):
        self._producer[:8] = struct.pack("<Q", self.end)

    def tell(self, octets, flags=0):
        for number, octet in enumerate(HEADER.pack(len(octets) | flags, 0) + octets):
            at = (self.end + number) % SIZE
            self._producer[mmap.PAGESIZE + at] = self._producer[mmap.PAGESIZE + SIZE + at] = octet
        self.end += -(-(HEADER.size + len(octets)) // 8) * 8
        self._said()


RECORDS = st.lists(st.tuples(st.binary(max_size=200), st.sampled_from([0, 0, 0, DISCARDED])), max_size=18)


@given(records=RECORDS, position=st.integers(0, 4 * SIZE // 8).map(lambda each: 8 * each), most=st.integers(0, 20))
def test_records_are_what_was_told_in_order_and_none_that_was_discarded(loop, records, position, most):
    ring = Told(position)
    ends = []
    for octets, flags in records:
        ring.tell(octets, flags)
        if not flags:
            ends.append(ring.end)
    told = [octets for octets, flags in records if not flags]
    batch = ring.read(most)
    assert batch.records == told[:most]
    if most > len(told):
        assert batch.end == ring.end
    elif batch.records:
        assert batch.end == ends[most - 1]
    assert ring.position == position
    ring.give_back(batch.end)
    assert ring.read(100).records == told[most:]


def test_record_that_is_being_written_is_waited_for_and_those_behind_it(loop):
    ring = Told(SIZE - 16)
    ring.tell(b"first")
    written = ring.end
    ring.tell(b"second", BUSY)
    ring.tell(b"third")
    assert ring.read(9) == ([b"first"], written)
    ring.give_back(written)
    assert ring.read(9) == ([], written)


@IN_C
@pytest.mark.parametrize("size", [SIZE + 8, 0, 4])
def test_loop_in_c_looks_at_nothing_behind_what_it_is_given(size):
    with pytest.raises(ValueError, match="no ring"):
        Told(size=size).read(1)


@IN_C
def test_loop_in_c_believes_no_length():
    ring = Told()
    ring.tell(b"x" * 8)
    ring._producer[mmap.PAGESIZE : mmap.PAGESIZE + 4] = struct.pack("<I", SIZE)
    with pytest.raises(ValueError, match="no ring"):
        ring.read(1)
