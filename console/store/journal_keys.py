"""What the index of the journal is asked: the fields it has, the keys of their values, and the ranges of a filter.

Pure. A key is octets that sort as the values do, so that a generic text and a network are ranges of keys. Two values
may share a key: the index finds every entry that a filter wants, and may find others.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from socket import AF_INET, AF_INET6, inet_pton
from typing import NamedTuple

from console.store.generic import WILD
from console.store.journal_filter import JournalFilter
from console.store.picked_ports import own_key


class IndexField(IntEnum):
    """The fields of the index, by the numbers that are stored."""

    ENTRY_TYPE = 1
    SK_TYPE = 2
    OUTCOME = 3
    EXIT_POINT = 4
    RULE = 5
    USER = 6
    JOB_NUMBER = 7
    JOB_USER = 8
    JOB_NAME = 9
    PROGRAM = 10
    LOCAL_ADDRESS = 11
    """Those local addresses whose neighbourhood has many entries."""
    LOCAL_NEIGHBOURHOOD = 12
    """The other local addresses, all of a neighbourhood with one key."""
    LOCAL_NETWORK = 13
    """The networks of `_LEVELS` that a local address is in."""
    LOCAL_PORT = 14
    REMOTE_ADDRESS = 15
    REMOTE_NEIGHBOURHOOD = 16
    REMOTE_NETWORK = 17
    REMOTE_PORT = 18


class AddressFields(NamedTuple):
    """The three fields that an address of an entry is found by."""

    address: IndexField
    neighbourhood: IndexField
    network: IndexField


LOCAL = AddressFields(IndexField.LOCAL_ADDRESS, IndexField.LOCAL_NEIGHBOURHOOD, IndexField.LOCAL_NETWORK)
REMOTE = AddressFields(IndexField.REMOTE_ADDRESS, IndexField.REMOTE_NEIGHBOURHOOD, IndexField.REMOTE_NETWORK)


class Range(NamedTuple):
    """Keys of one field, both ends included."""

    field: IndexField
    low: bytes
    high: bytes
    octet: int | None = None
    """Only entries whose port has this octet, where a set says so (`console.store.picked_ports`)."""


_Network = IPv4Network | IPv6Network

Key = tuple[IndexField, bytes]
"""A field and the key of a value in it."""

Clause = tuple[Range, ...]
"""An entry satisfies it that has a key in one of the ranges."""

_LONGEST_TEXT = 96
"""Octets of a text that make its key."""
_AFTER_ALL_TEXT = b"\xff"
"""Octet that is in no UTF-8 text."""
_NUMBER_BYTES = 4
_PORTS_APART = 32768
_BUCKET_BITS = 6
"""Ports from 32,768 on are picked by the system (ip_local_port_range) and hardly ever twice in a block: 64 of them
share a key, see `console.store.picked_ports`."""
_JOB_PARTS = (IndexField.JOB_NUMBER, IndexField.JOB_USER, IndexField.JOB_NAME)
_V4, _V6, _OTHER = b"4", b"6", b"0"
_LEVELS = {_V4: (4, 8, 12, 16), _V6: (4, 16, 32, 48)}
"""Lengths of the prefixes that have keys of their own: a network of a million addresses is then eight rows at most."""
_NEIGHBOURHOOD = {_V4: 4, _V6: 9, _OTHER: 97}
"""Octets of a key, the family's included, that all of a neighbourhood have: /24, /64."""


def text_key(text: str) -> bytes:
    """Return the key of a text."""
    return text.encode("utf-8", "surrogatepass")[:_LONGEST_TEXT]


def number_key(number: int) -> bytes:
    """Return the key of a number; one that the journal cannot hold has that of the nearest it can."""
    return min(max(number, 0), 2**32 - 1).to_bytes(_NUMBER_BYTES, "big")


def bucket(port: int) -> int:
    """Return the port whose key a port has."""
    return port if port < _PORTS_APART else port & ~((1 << _BUCKET_BITS) - 1)


def port_key(port: int) -> bytes:
    """Return the key of a port, which those that the system picks share."""
    return number_key(bucket(port))


PICKED = port_key(_PORTS_APART)
"""The first of the keys that ports share."""


def job_keys(name: str) -> tuple[Key, ...]:
    """Return the keys of the parts of a qualified job name."""
    return tuple((field, text_key(part)) for field, part in zip(_JOB_PARTS, name.split("/", 2), strict=False))


def address_key(text: str) -> bytes:
    """Return the key of an address, which sorts as addresses do; what is no address comes before all that are."""
    text = text.partition("%")[0]
    try:
        if ":" in text:
            return _V6 + inet_pton(AF_INET6, text)
        return _V4 + inet_pton(AF_INET, text)
    except (OSError, ValueError):
        return _OTHER + text_key(text)


def neighbourhood_of(key: bytes) -> bytes:
    """Return the key of the neighbourhood of an address."""
    return key[: _NEIGHBOURHOOD[key[:1]]]


def networks_of(key: bytes) -> tuple[bytes, ...]:
    """Return the keys of the networks that a neighbourhood is in."""
    family = key[:1]
    return tuple(_network_key(family, bits, key[1:]) for bits in _LEVELS.get(family, ()))


def _network_key(family: bytes, bits: int, packed: bytes) -> bytes:
    """Return the key of the network of a length that an address is in."""
    octets = (bits + 7) // 8
    number = int.from_bytes(packed[:octets], "big") >> (8 * octets - bits)
    return family + bytes((bits,)) + number.to_bytes(octets, "big")


def clauses(only: JournalFilter) -> list[Clause]:
    """Return the conditions of a filter that the index knows; all of them must hold. Cheap ones come first."""
    plain = (
        (IndexField.SK_TYPE, only.sk_type),
        (IndexField.OUTCOME, only.outcome),
        (IndexField.EXIT_POINT, only.exit_point),
        (IndexField.USER, only.user),
        (IndexField.PROGRAM, only.program),
    )
    ports = (
        ((IndexField.LOCAL_PORT, IndexField.REMOTE_PORT), only.port),
        ((IndexField.LOCAL_PORT,), only.local_port),
        ((IndexField.REMOTE_PORT,), only.remote_port),
    )
    addresses = (
        ((LOCAL, REMOTE), only.address),
        ((LOCAL,), only.local_address),
        ((REMOTE,), only.remote_address),
    )
    found: list[Clause] = [(_text_range(field, value),) for field, value in plain if value]
    if only.entry_type:
        found.append(tuple(_text_range(IndexField.ENTRY_TYPE, each) for each in only.entry_type.split()))
    if only.rule is not None:
        found.append((_exact(IndexField.RULE, number_key(only.rule)),))
    for fields, port in ports:
        if port is not None:
            found.append(tuple(each for field in fields for each in _port_ranges(field, port)))
    found += _job_clauses(only.job)
    for ends, value in addresses:
        if value:
            found.append(tuple(each for end in ends for each in _address_ranges(end, value)))
    return sorted(found, key=_cost)


def _cost(clause: Clause) -> tuple[bool, int]:
    return any(each.low != each.high for each in clause), len(clause)


def _port_ranges(field: IndexField, port: int) -> Iterator[Range]:
    key = port_key(port)
    if key < PICKED:
        yield _exact(field, key)
        return
    octet = port & 0xFF
    yield Range(field, key, key, octet)
    yield _exact(field, own_key(key, octet))


def _exact(field: IndexField, key: bytes) -> Range:
    return Range(field, key, key)


def _text_range(field: IndexField, value: str) -> Range:
    if len(value) > 1 and value.endswith(WILD):
        low = text_key(value[:-1])
        return Range(field, low, low + _AFTER_ALL_TEXT)
    return _exact(field, text_key(value))


def _job_clauses(job: str) -> list[Clause]:
    if not job:
        return []
    if job.count("/") == 2:
        return [(_exact(field, text_key(part)),) for field, part in zip(_JOB_PARTS, job.split("/"), strict=True)]
    return [tuple(_text_range(field, job) for field in _JOB_PARTS)]


def _address_ranges(end: AddressFields, value: str) -> Iterator[Range]:
    if "/" in value:
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            yield from _span(end, address_key(value), address_key(value))
        else:
            yield from _network_ranges(end, network)
    elif len(value) > 1 and value.endswith(WILD):
        yield from _generic_ranges(end, value[:-1])
    else:
        yield from _span(end, address_key(value), address_key(value))


def _span(end: AddressFields, low: bytes, high: bytes) -> Iterator[Range]:
    """Yield the ranges in which all addresses from one key to another are."""
    yield Range(end.address, low, high)
    yield Range(end.neighbourhood, neighbourhood_of(low), neighbourhood_of(high))


def _network_ranges(end: AddressFields, network: _Network) -> Iterator[Range]:
    yield from _networks_ranges(end, network, network)


def _networks_ranges(end: AddressFields, first: _Network, last: _Network) -> Iterator[Range]:
    """Yield the ranges in which all addresses of some networks of one length are, side by side from one to another."""
    family = _V4 if first.version == 4 else _V6
    low, high = first.network_address.packed, last.broadcast_address.packed
    for bits in _LEVELS[family]:
        if first.prefixlen <= bits:
            yield Range(end.network, _network_key(family, bits, low), _network_key(family, bits, high))
            return
    yield from _span(end, family + low, family + high)


def _generic_ranges(end: AddressFields, start: str) -> Iterator[Range]:
    """Yield ranges for all addresses whose text begins so; those of IPv6 take in others, as zeros may be left out."""
    low = _OTHER + text_key(start)
    yield from _span(end, low, low + _AFTER_ALL_TEXT)
    if ":" not in start:
        for first, last in _v4_starts(start):
            yield from _networks_ranges(end, first, last)
    if "." not in start:
        yield from _network_ranges(end, _v6_start(start))


def _v4_starts(start: str) -> Iterator[tuple[IPv4Network, IPv4Network]]:
    """Yield the first and last of networks, side by side, that hold just the IPv4 addresses whose text begins so."""
    *whole, last = start.split(".")
    if len(whole) > 3 or not all(octet.isdecimal() and int(octet) <= 255 for octet in whole):
        return
    if not last:
        yield _v4_network(whole), _v4_network(whole)
        return
    begins = [number for number in range(256) if str(number).startswith(last)]
    for digits in (1, 2, 3):  # 1, 10 to 19, 100 to 199
        same = [str(number) for number in begins if len(str(number)) == digits]
        if same:
            yield _v4_network([*whole, same[0]]), _v4_network([*whole, same[-1]])


def _v4_network(octets: list[str]) -> IPv4Network:
    padded = ".".join([*octets, *["0"] * (4 - len(octets))])
    return IPv4Network(f"{padded}/{8 * len(octets)}")


def _v6_start(start: str) -> IPv6Network:
    """Return a network that all IPv6 addresses are in whose text begins so."""
    groups = start.split(":")[:-1]
    whole: list[str] = []
    for group in groups:
        if not group or group == "0" or len(whole) == 7:
            break
        whole.append(group)
    try:
        return IPv6Network(f"{':'.join(whole)}::/{16 * len(whole)}")
    except ValueError:
        return IPv6Network("::/0")
