"""What the index of the journal says of a block: made from its entries, and compared with what is stored.

Pure. The order of steps here is that of a hot loop, one for the writer of the index and for its verification: columns
and not rows, a value of a column looked at once however many entries have it, and no function of ours called for each
entry.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, reduce
from itertools import chain
from operator import itemgetter, or_
from typing import Any

from console.store.journal_keys import (
    LOCAL,
    PICKED,
    REMOTE,
    AddressFields,
    IndexField,
    Key,
    address_key,
    job_keys,
    neighbourhood_of,
    networks_of,
    number_key,
    port_key,
    text_key,
)
from console.store.picked_ports import is_picked, octets_of, own_key, picked_postings, ports_in
from console.store.postings import BLOCK, BLOCK_BITS, pack, unpack

_CROWD = 128
"""Entries of a neighbourhood in a block from which on each address has a row of its own."""
_AT_ONCE = 400
"""Entries that are taken at once."""
_MOST_KNOWN = 65_536
"""Addresses and ports whose keys are remembered: clients come again."""

Posting = tuple[int, bytes, bytes]
"""Field, key, and the entries as they are stored."""


def _text(field: IndexField) -> Callable[[str], Sequence[Key]]:
    return lambda text: ((field, text_key(text)),)


_VALUES: tuple[tuple[str, type, Callable[[Any], Sequence[Key]]], ...] = (
    ("entry_type", str, _text(IndexField.ENTRY_TYPE)),
    ("sk_type", str, _text(IndexField.SK_TYPE)),
    ("outcome", str, _text(IndexField.OUTCOME)),
    ("exit_point", str, _text(IndexField.EXIT_POINT)),
    ("rule_sequence", int, lambda number: ((IndexField.RULE, number_key(number)),)),
    ("user_name", str, _text(IndexField.USER)),
    ("qualified_job_name", str, job_keys),
    ("program", str, _text(IndexField.PROGRAM)),
)
"""The columns of plain values, their type, and the keys that a value has."""

_PORTS = (("local_port", IndexField.LOCAL_PORT), ("remote_port", IndexField.REMOTE_PORT))
_PORT_FIELDS = tuple(field for _, field in _PORTS)
_PORTS_AT = len(_VALUES)
_ADDRESSES = (("local_address", LOCAL), ("remote_address", REMOTE))

INDEXED = (
    "sequence_number",
    *(name for name, _, _ in _VALUES),
    *(name for name, _ in _PORTS),
    *(name for name, _ in _ADDRESSES),
)
"""The fields of an entry that its postings are made of."""


def block_of(number: int) -> int:
    """Return the block that an entry is in."""
    return (number - 1) >> BLOCK_BITS


def first_of(block: int) -> int:
    """Return the number of the first entry of a block."""
    return (block << BLOCK_BITS) + 1


class Block:
    """Takes the entries of a block in ascending order, some at a time, and says what its index is.

    Some at a time, as values are best looked at while they still are in the cache of the processor.
    """

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._texts: tuple[list[Any], ...] = tuple([] for _ in _ADDRESSES)
        self._ports: tuple[list[Any], ...] = tuple([] for _ in _PORTS)
        self._places: list[defaultdict[Any, list[int]]] = [defaultdict(list) for _ in INDEXED[1:]]

    def add(self, columns: Sequence[Sequence[Any]]) -> None:
        """Take entries: the values of `INDEXED`, column by column."""
        numbers, *rest = columns
        places = range(len(self._numbers), len(self._numbers) + len(numbers))
        self._numbers += numbers
        for held, texts in zip(self._texts, rest[-len(_ADDRESSES) :], strict=True):
            held += texts
        for ports, more in zip(self._ports, rest[_PORTS_AT:], strict=False):
            ports += more
        for found, known, values in zip(self._places, _KNOWN, rest, strict=True):
            if values.count(values[0]) == len(values):
                found[values[0] if known is None else known[values[0]]] += places
            else:
                _group(found, values if known is None else map(known.__getitem__, values), places)

    def postings(self) -> list[Posting]:
        """Return the index of the block, in the order of its key."""
        made: list[Posting] = [
            (field, key, pack(self._offsets(_joined(lists)))) for (field, key), lists in self._keys().items()
        ]
        for (_, field), grouped, ports in zip(_PORTS, self._places[_PORTS_AT:], self._ports, strict=False):
            port_at = ports.__getitem__
            for key, places in grouped.items():
                if key < PICKED:
                    made.append((field, key, pack(self._offsets(places))))
                else:
                    stored = picked_postings(key, self._offsets(places), octets_of(list(map(port_at, places))))
                    made += ((field, each, entries) for each, entries in stored)
        made.sort(key=itemgetter(0, 1))
        return made

    def _offsets(self, places: Sequence[int]) -> Sequence[int]:
        """Return the offsets in the block of those who have some places among what was taken."""
        if len(self._numbers) == BLOCK:
            return places
        first = first_of(block_of(self._numbers[0]))
        return [self._numbers[place] - first for place in places]

    def _keys(self) -> dict[Key, list[Sequence[int]]]:
        """Return the keys, but those of ports, and in which places of the block they are."""
        found: defaultdict[Key, list[Sequence[int]]] = defaultdict(list)
        values, (local, remote) = self._places[:_PORTS_AT], self._places[-len(_ADDRESSES) :]
        for (_, kind, keys), grouped in zip(_VALUES, values, strict=True):
            for value, places in grouped.items():
                # Nobody can ask for what is not of its type; whoever has put it there must not end the index.
                for key in keys(value if type(value) is kind else kind()):
                    found[key].append(places)
        for (_, ends), near, texts in zip(_ADDRESSES, (local, remote), self._texts, strict=True):
            for key, everyone in _address_postings(ends, near, texts):
                found[key].append(everyone)
        return found


def postings(rows: Sequence[Sequence[Any]]) -> list[Posting]:
    """Return the index of a block, in the order of its key.

    Args:
        rows: The values of `INDEXED` of each entry of the block, in ascending order of number.
    """
    block = Block()
    for at in range(0, len(rows), _AT_ONCE):
        block.add(list(zip(*rows[at : at + _AT_ONCE], strict=True)))
    return block.postings()


def column_postings(columns: Sequence[Sequence[Any]]) -> list[Posting]:
    """Return the index of a block, in the order of its key.

    Args:
        columns: The values of `INDEXED` of all entries of the block, column by column.
    """
    block = Block()
    for at in range(0, len(columns[0]), _AT_ONCE):
        block.add([values[at : at + _AT_ONCE] for values in columns])
    return block.postings()


class _PortKeys(dict[object, bytes]):
    """Knows the keys of ports; what is none has that of port 0: nobody can ask for it."""

    def __missing__(self, port: object) -> bytes:
        if type(port) is not int:
            return port_key(0)
        key = port_key(port)
        if len(self) < _MOST_KNOWN:
            self[port] = key
        return key


class _Neighbourhoods(dict[object, bytes]):
    """Knows the neighbourhoods of addresses; what is no text is in that of no address."""

    def __missing__(self, text: object) -> bytes:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        found = self[text] = neighbourhood_of(_address_key(text))
        return found


_PORT_KEYS = _PortKeys()
_NEIGHBOURHOODS = _Neighbourhoods()
_KNOWN: tuple[dict[object, bytes] | None, ...] = (*(None for _ in _VALUES), *(_PORT_KEYS for _ in _PORTS),
                                                  *(_NEIGHBOURHOODS for _ in _ADDRESSES))  # fmt: skip
"""What stands for the values of each column of `INDEXED` but the first; None: they themselves."""
_networks = lru_cache(maxsize=4096)(networks_of)


def _address_key(text: object) -> bytes:
    return address_key(text if type(text) is str else "")


def _group(found: defaultdict[Any, list[int]], values: Iterable[Any], places: Iterable[int]) -> None:
    """Add the places of values to those that they have; all of the loop is in C."""
    deque(map(list.append, map(found.__getitem__, values), places), maxlen=0)


def _address_postings(
    fields: AddressFields, near: Mapping[bytes, list[int]], texts: Sequence[Any]
) -> Iterator[tuple[Key, Sequence[int]]]:
    """Yield the keys of addresses, and who has them.

    A server in the Internet has nearly as many clients in a block as entries: a row for each would be the most of the
    index. They share one a neighbourhood, unless so many entries are in it that reading them all would take long.
    """
    for neighbourhood, everyone in near.items():
        if len(everyone) > _CROWD:
            members: defaultdict[Any, list[int]] = defaultdict(list)
            _group(members, map(texts.__getitem__, everyone), everyone)
            yield from (((fields.address, _address_key(text)), places) for text, places in members.items())
        else:
            yield (fields.neighbourhood, neighbourhood), everyone
        for network in _networks(neighbourhood):
            yield (fields.network, network), everyone


def _joined(lists: Sequence[Sequence[int]]) -> Sequence[int]:
    return lists[0] if len(lists) == 1 else sorted(chain.from_iterable(lists))


def hides(stored: Sequence[Posting], made: Sequence[Posting]) -> bool:
    """Say whether the index of a block, as it is stored, hides entries from readers that one made anew does not."""
    if stored == made:
        return False
    # Entries that were deleted with their receiver may still be in it.
    sets = {(field, key): unpack(entries) for field, key, entries in _told_apart(stored)}
    return any(unpack(entries) & ~_found(sets, field, key) for field, key, entries in _told_apart(made))


def _told_apart(postings_of: Sequence[Posting]) -> Iterator[Posting]:
    """Yield postings, and for those of ports that share a key the ones that each port would have by itself."""
    for field, key, entries in postings_of:
        if field in _PORT_FIELDS and is_picked(entries):
            yield from ((field, own_key(key, octet), each) for octet, each in ports_in(entries).items())
        else:
            yield field, key, entries


def _found(sets: dict[tuple[int, bytes], int], field: int, key: bytes) -> int:
    """Return what readers find who ask for a key.

    For an address they ask its neighbourhood, too, and for a port the key that it shares, where an older Greenwall has
    not told ports apart.
    """
    if field in _PORT_FIELDS and len(key) > len(PICKED):
        return sets.get((field, key), 0) | sets.get((field, key[: len(PICKED)]), 0)
    for fields in (LOCAL, REMOTE):
        if field == fields.address:
            return sets.get((field, key), 0) | sets.get((fields.neighbourhood, neighbourhood_of(key)), 0)
        if field == fields.neighbourhood:
            # It was crowded before entries of it were deleted; each address had a row of its own.
            near = (bits for (other, address), bits in sets.items()
                    if other == fields.address and neighbourhood_of(address) == key)  # fmt: skip
            return reduce(or_, near, sets.get((field, key), 0))
    return sets.get((field, key), 0)
