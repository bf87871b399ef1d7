"""Reads what programs in the kernel tell, and gives it back only when that is said: what was not written yet stays.

libbpf's reader gives each record back as soon as it was shown. A worker that is killed between that and its commit
would lose it.

Source: Documentation/bpf/ringbuf.rst; kernel/bpf/ringbuf.c.
"""

from __future__ import annotations

import mmap
import struct
from typing import NamedTuple

from console import compiled

_POSITION = struct.Struct("<Q")
_HEADER = struct.Struct("<II")
"""Length with two flags; where the record is, which only the kernel needs."""
_BUSY = 1 << 31
"""Somebody is writing it still."""
_DISCARDED = 1 << 30
_LENGTH = _DISCARDED - 1
_ALIGNED = 8


class Batch(NamedTuple):
    """Some records, in the order in which they were told."""

    records: list[bytes]
    end: int
    """Position behind them; positions only grow."""


class Ring:
    """One ring buffer.

    Layout: a page with the consumer's position, one with the producer's, and the data twice, so that no record is cut.

    Args:
        descriptor: Of the map; the caller goes on owning it.
        size: Octets of its data.

    Raises:
        OSError: It cannot be mapped.

    Threads: one at a time.
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor = descriptor
        """Readable when there is something to read."""
        self._size = size
        self._consumer = mmap.mmap(descriptor, mmap.PAGESIZE)
        self._producer = mmap.mmap(
            descriptor, mmap.PAGESIZE + 2 * size, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ, offset=mmap.PAGESIZE
        )

    @property
    def position(self) -> int:
        """Up to where records were given back."""
        return int(_POSITION.unpack_from(self._consumer)[0])

    @property
    def waiting(self) -> int:
        """Octets of what was told and not given back."""
        return int(_POSITION.unpack_from(self._producer)[0]) - self.position

    def go_on_from(self, position: int) -> None:
        """Give back what is written down up to a position, and was not given back: its reader was killed between."""
        if position > self.position:
            self.give_back(position)

    def read(self, most: int) -> Batch:
        """Return the next records, and leave them where they are."""
        at, end = self.position, int(_POSITION.unpack_from(self._producer)[0])
        if compiled.journalling is not None:
            return Batch(*compiled.journalling.ring_records(self._producer, mmap.PAGESIZE, self._size, at, end, most))
        found: list[bytes] = []
        while at < end and len(found) < most:
            start = mmap.PAGESIZE + at % self._size
            length, _ = _HEADER.unpack_from(self._producer, start)
            if length & _BUSY:
                break
            size = length & _LENGTH
            if not length & _DISCARDED:
                start += _HEADER.size
                found.append(self._producer[start : start + size])
            at += -(-(size + _HEADER.size) // _ALIGNED) * _ALIGNED
        return Batch(found, at)

    def give_back(self, end: int) -> None:
        """Let the kernel write over everything up to a position."""
        _POSITION.pack_into(self._consumer, 0, end)

    def close(self) -> None:
        """Let go of it; again is fine."""
        self._consumer.close()
        self._producer.close()
