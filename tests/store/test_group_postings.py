"""The sets of a group are read back as they were packed, and what nobody has packed is no group."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.store.group_postings import GROUP, blocks_of, group_of, pack_group, unpack_group
from console.store.postings import BLOCK, pack

SETS = st.dictionaries(
    st.integers(0, GROUP - 1), st.sampled_from([[0], [5, 16383], range(2000), range(BLOCK)]), min_size=1
)


@given(sets=SETS)
def test_sets_of_a_group_are_read_back_as_they_were_packed(sets):
    packed = [(place, pack(offsets)) for place, offsets in sorted(sets.items())]
    assert list(unpack_group(pack_group(packed))) == packed


GOOD = pack_group([(0, b"\x01\x00"), (31, b"")])


@pytest.mark.parametrize(
    "data",
    [None, 7, "text", b"", b"\x01", GOOD[:-1], GOOD + b"\x00", b"\xff" * 4, b"\x01\x00\x00\x00\x01\x08" + b"x" * 2049],
)
def test_octets_that_nobody_packed_are_no_group(data):
    with pytest.raises(ValueError, match="group"):
        list(unpack_group(data))


def test_every_block_is_in_one_group():
    assert [group_of(block) for block in blocks_of(7)] == [7] * GROUP
    assert blocks_of(8)[0] == blocks_of(7)[-1] + 1
