"""The sets of entries that the blocks of a group have for one key, in one: as the index of the journal stores them.

Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import cache

from console.store.postings import BLOCK

GROUP_BITS = 5
GROUP = 1 << GROUP_BITS
"""Blocks of a group: half a million entries, and twenty groups hold ten million. The blocks behind the last full group
are looked at one by one."""

_LONGEST = BLOCK // 8
"""Octets of a set, see `console.store.postings.pack`."""
_MEMBERS = struct.Struct("<I")


def group_of(block: int) -> int:
    """Return the group that a block is in."""
    return block >> GROUP_BITS


def blocks_of(group: int) -> range:
    """Return the blocks of a group."""
    return range(group << GROUP_BITS, (group + 1) << GROUP_BITS)


def pack_group(sets: Sequence[tuple[int, bytes]]) -> bytes:
    """Return what is stored for the sets of some blocks of a group.

    Layout: Four octets with a bit for each block of the group that has a set; for each of them, ascending, two octets
        with the length of its set; the sets. Numbers are little-endian.

    Args:
        sets: Place of the block in its group, ascending, and its packed set.
    """
    places, stored = zip(*sets, strict=True)
    members = sum(1 << place for place in places)
    return b"".join((_lengths(len(sets)).pack(members, *map(len, stored)), *stored))


def unpack_group(data: object) -> Iterator[tuple[int, bytes]]:
    """Yield the place in its group of each block that has a set, and the packed set.

    Raises:
        ValueError: Nobody has packed these octets.
    """
    if not isinstance(data, bytes) or len(data) < _MEMBERS.size:
        raise ValueError("not the sets of a group")
    (members,) = _MEMBERS.unpack_from(data)
    form = _lengths(members.bit_count())
    if len(data) < form.size:
        raise ValueError("no lengths of the sets of a group")
    _, *lengths = form.unpack_from(data)
    if sum(lengths) != len(data) - form.size or max(lengths, default=0) > _LONGEST:
        raise ValueError("wrong lengths of the sets of a group")
    at = form.size
    for place, length in zip(_places(members), lengths, strict=True):
        yield place, data[at : at + length]
        at += length


@cache
def _lengths(count: int) -> struct.Struct:
    return struct.Struct(f"<I{count}H")


def _places(members: int) -> Iterator[int]:
    while members:
        lowest = members & -members
        yield lowest.bit_length() - 1
        members ^= lowest
