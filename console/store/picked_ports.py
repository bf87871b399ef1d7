"""The entries of a block whose port the system picked, as the index of the journal stores them.

Pure. From 32,768 on the system picks ports (ip_local_port_range), hardly ever one twice in a block: a row for each
would be most of the index. 64 of them share a key; beside the offset of each entry stands an octet of its port, so that
who asks for one port need not look at the entries of the 63 others.
"""

from __future__ import annotations

import sys
from array import array
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from console.store.postings import pack

_OFFSET_BYTES = 2
_CROWD = 128
"""Entries of a key in a block from which on each port has a row of its own: some service listens there."""
_PAD = b"\0"


def octets_of(ports: Sequence[Any]) -> bytes:
    """Return the lowest octet of each of some ports; of what is none, 0."""
    try:
        return array("H", ports).tobytes()[sys.byteorder == "big" :: _OFFSET_BYTES]
    except (TypeError, OverflowError):
        return bytes(port & 0xFF if type(port) is int else 0 for port in ports)


def picked_postings(key: bytes, offsets: Sequence[int], octets: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys, and what is stored for each, of entries that share the key of a port.

    Layout: Two octets for each offset, ascending, little-endian; for each of them the octet of its port; if that makes
        an even number, one more: all other sets have one.

    Args:
        key: Which they share.
        offsets: Of the entries in their block, ascending.
        octets: Of the port of each.
    """
    if len(offsets) <= _CROWD:
        yield key, pack(offsets) + octets + _PAD[len(offsets) % 2 :]
        return
    own: defaultdict[int, list[int]] = defaultdict(list)
    deque(map(list.append, map(own.__getitem__, octets), offsets), maxlen=0)  # all of the loop is in C
    yield from ((own_key(key, octet), pack(each)) for octet, each in own.items())


def own_key(key: bytes, octet: int) -> bytes:
    """Return the key that a port has where many entries have the key that it shares with others."""
    return key + bytes((octet,))


def is_picked(stored: object) -> bool:
    """Say whether a stored set has the octets of ports; an older Greenwall has written none."""
    return isinstance(stored, bytes) and len(stored) % 2 == 1


def of_port(stored: Iterable[bytes], octet: int) -> Iterator[bytes]:
    """Yield the sets of those entries whose port has an octet; of a set that does not say, all.

    Args:
        stored: Sets as they are stored.
        octet: Of the port that is asked for.
    """
    for data in stored:
        if not is_picked(data):
            yield data
        elif found := _offsets(data, octet):
            yield found


def ports_in(stored: bytes) -> dict[int, bytes]:
    """Return the set for each octet of a port that a set has."""
    count = len(stored) // (_OFFSET_BYTES + 1)
    return {octet: _offsets(stored, octet) for octet in stored[_OFFSET_BYTES * count : (_OFFSET_BYTES + 1) * count]}


def _offsets(stored: bytes, octet: int) -> bytes:
    count = len(stored) // (_OFFSET_BYTES + 1)
    begin, end = _OFFSET_BYTES * count, (_OFFSET_BYTES + 1) * count
    found = b""
    at = stored.find(octet, begin, end)
    while at >= 0:
        place = _OFFSET_BYTES * (at - begin)
        found += stored[place : place + _OFFSET_BYTES]
        at = stored.find(octet, at + 1, end)
    return found
