"""Sets of entries of one block, as the index of the journal keeps them: a list of offsets, or one bit an entry.

Pure. In memory a set is an int whose bit n stands for the entry at offset n, so that AND and OR are one operation each.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

BLOCK_BITS = 14
BLOCK = 1 << BLOCK_BITS
"""Entries of a block. An offset fits into two octets; a block is scanned in 20 ms while it is not full and has no index
yet, and 610 blocks hold ten million entries."""

ALL = (1 << BLOCK) - 1
"""The set of all entries of a block."""

_BITMAP_BYTES = BLOCK // 8
_OFFSET_BYTES = 2
_MOST_OFFSETS = _BITMAP_BYTES // _OFFSET_BYTES - 1
"""From the next on a list takes as much as a bitmap, and its length would not tell the two apart."""
_CLEAR = b"0" * BLOCK
_SET = ord("1")
_FEW = 8
"""Offsets that are faster shifted into place one by one."""
_SOME = 256
"""Offsets that are faster put into a bitmap; for more it is a digit each, which Python makes a number of as a whole."""


def pack(offsets: Sequence[int]) -> bytes:
    """Return what is stored for some entries of a block.

    Layout: Nothing for all entries; 2,048 octets for one bit an entry, offset 0 lowest in the first; two octets for
        each offset, ascending, little-endian, when that is shorter.

    Args:
        offsets: Ascending, each from 0 to `BLOCK` - 1 and there once; one at least.
    """
    if len(offsets) == BLOCK:
        return b""
    if len(offsets) <= _MOST_OFFSETS:
        found = array("H", offsets)
        if sys.byteorder == "big":
            found.byteswap()
        return found.tobytes()
    digits = bytearray(_CLEAR)
    for offset in offsets:
        digits[offset] = _SET
    digits.reverse()
    return int(digits, 2).to_bytes(_BITMAP_BYTES, "little")


def unpack(data: bytes) -> int:
    """Return the set that some stored octets stand for."""
    return union((data,))


def union(stored: Iterable[bytes]) -> int:
    """Return the set of all entries that are in one of several stored sets; what is no octets says nothing: all."""
    bits, lists = _parts(stored)
    if bits == ALL:
        return ALL
    long: list[array[int]] = []
    for offsets in lists:
        if len(offsets) <= _FEW:
            for offset in offsets:
                bits |= 1 << offset
        elif len(offsets) <= _SOME:
            bits |= _by_bitmap(offsets)
        else:
            long.append(offsets)
    if long:
        bits |= _by_digits(long)
    return bits & ALL if bits.bit_length() > BLOCK else bits


Members = int | set[int]
"""Entries of a block: as an int, or as the offsets of some."""


def meet(found: Members, clauses: Iterable[Iterable[bytes]]) -> Members:
    """Return those of some entries that are in one of the stored sets of each clause.

    A list of offsets is made no int, which takes as long as to look at a thousand of them: what is stored as bitmaps is
    done first, then the shorter lists come before the longer ones.
    """
    parts = sorted(map(_parts, clauses), key=_cost)
    for dense, lists in parts:
        if not found:
            break
        found = _met(found, dense, lists)
    return found


def as_int(found: Members) -> int:
    """Return some entries as an int."""
    if isinstance(found, int):
        return found
    offsets = _of_block(found)
    if len(offsets) <= _FEW:
        return sum(1 << offset for offset in offsets)
    return _by_bitmap(offsets) if len(offsets) <= _MOST_OFFSETS else _by_digits([offsets])


def _parts(stored: Iterable[bytes]) -> tuple[int, list[array[int]]]:
    """Return what is stored as bitmaps, and the lists; what is no octets says nothing: all.

    Nobody has ever packed offsets that no block has. To look for them takes as long as to read them: whoever makes
    an int or a bitmap of a list leaves them out.
    """
    dense = 0
    lists: list[array[int]] = []
    for data in stored:
        if not data or not isinstance(data, bytes):
            return ALL, []
        if len(data) == _BITMAP_BYTES:
            dense |= int.from_bytes(data, "little")
            continue
        offsets = array("H", data[: len(data) // _OFFSET_BYTES * _OFFSET_BYTES])
        if sys.byteorder == "big":
            offsets.byteswap()
        lists.append(offsets)
    return dense, lists


def _cost(parts: tuple[int, list[array[int]]]) -> tuple[bool, int]:
    dense, lists = parts
    return bool(dense and lists), sum(map(len, lists))


def _met(found: Members, dense: int, lists: list[array[int]]) -> Members:
    if not isinstance(found, int):
        inside = {offset for each in lists for offset in found.intersection(each)}
        return inside | _in_bitmap(found - inside, dense) if dense else inside
    if not lists:
        return found & dense
    offsets = set(chain.from_iterable(lists))
    if not dense:
        return offsets if found == ALL else _in_bitmap(offsets, found)
    return found & (dense | as_int(offsets))


def _in_bitmap(offsets: set[int], bits: int) -> set[int]:
    octets = bits.to_bytes(1 << 8 * _OFFSET_BYTES - 3, "little")  # with room for all that a list can hold
    return {offset for offset in offsets if octets[offset >> 3] >> (offset & 7) & 1}


def _by_bitmap(offsets: array[int]) -> int:
    bitmap = bytearray(_BITMAP_BYTES)
    try:
        for offset in offsets:
            bitmap[offset >> 3] |= 1 << (offset & 7)
    except IndexError:
        return _by_bitmap(_of_block(offsets))
    return int.from_bytes(bitmap, "little")


def _by_digits(lists: Iterable[array[int]]) -> int:
    digits = bytearray(_CLEAR)
    for offsets in lists:
        try:
            for offset in offsets:
                digits[offset] = _SET
        except IndexError:
            for offset in _of_block(offsets):
                digits[offset] = _SET
    digits.reverse()
    return int(digits, 2)


def _of_block(offsets: Iterable[int]) -> array[int]:
    return array("H", (offset for offset in offsets if offset < BLOCK))


def offsets_in(bits: int, *, descending: bool) -> Iterator[int]:
    """Yield the offsets in a set from one end, one by one: who needs few pays for few."""
    if descending:
        while bits:
            top = bits.bit_length() - 1
            yield top
            bits ^= 1 << top
    else:
        while bits:
            lowest = bits & -bits
            yield lowest.bit_length() - 1
            bits ^= lowest
