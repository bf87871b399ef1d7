"""Bit vectors: for one dimension of the rules, which of them match a value.

A set of rules is a Python int whose bit i stands for rule i. Rules are numbered from the one that is tried last, so
that the length of a set tells the first rule to be tried (`console.policy.decide` says why).

Source: T. V. Lakshman and D. Stiliadis, High-Speed Policy-based Packet Forwarding Using Efficient Multi-dimensional
Range Matching, SIGCOMM 1998.

Knows intervals and names. It must not know what is done with the rules that match.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from console.policy.address_groups import Groups, Intervals, group_of
from console.policy.fields import MAX_ADDRESS, port_interval
from console.policy.rule import ALL, ANY, Rule

_CACHE_SIZE = 4096
"""Names remembered per table: more users or programs than a host has at work; forgotten all at once when reached."""


class Ranges:
    """Which rules match an integer, where each rule covers some intervals.

    The ends of all intervals cut the integers into pieces in which the set of rules does not change. One sweep from
    left to right makes the set of each piece; a lookup is a binary search for the piece.

    Costs: n rules make up to 2n + 1 pieces of n bits: 25 MB at 10,000 rules that all differ.
    """

    __slots__ = ("_masks", "_starts")

    def __init__(self, intervals: Sequence[Sequence[tuple[int, int]]]) -> None:
        """Take the intervals of each rule, disjoint, first and last included."""
        # Rules that name the same group have the same intervals object: its ten thousand members are gone over once.
        rules: dict[int, int] = {}
        for index, pieces in enumerate(intervals):
            rules[id(pieces)] = rules.get(id(pieces), 0) | 1 << index
        flips: dict[int, int] = {}
        for pieces in {id(pieces): pieces for pieces in intervals}.values():
            bits = rules[id(pieces)]
            for low, high in pieces:
                flips[low] = flips.get(low, 0) ^ bits
                flips[high + 1] = flips.get(high + 1, 0) ^ bits
        self._starts = sorted(start for start, bits in flips.items() if bits)
        self._masks = [0]
        kept = {0: 0}
        for start in self._starts:
            mask = self._masks[-1] ^ flips[start]
            # One object for equal sets: there are few of them in the thousands of pieces of a group.
            self._masks.append(kept.setdefault(mask, mask))

    def at(self, point: int) -> int:
        """Return the rules that match an integer."""
        return self._masks[bisect_right(self._starts, point)]

    def pieces(self) -> tuple[Sequence[int], Sequence[int]]:
        """Return where the pieces begin, but for the first, and the set of rules of each piece, with the first."""
        return self._starts, self._masks

    def classes(self) -> tuple[list[int], list[int]]:
        """Return which integers the rules do not tell apart.

        Returns:
            Where each piece but the first begins, ascending; and a number for each piece, the same for those in which
            the same rules match.
        """
        numbers: dict[int, int] = {}
        return self._starts, [numbers.setdefault(mask, len(numbers)) for mask in self._masks]


class Names:
    """Which rules match a name, where each rule says a name, a generic one, a group, or everything."""

    __slots__ = ("_cache", "_exact", "_generic", "_groups", "_lengths", "_special", "uses_groups")

    def __init__(self, values: Iterable[str], *, special: str, groups: bool = False) -> None:
        """Take the value of each rule.

        Args:
            values: In canonical spelling.
            special: The value that matches everything.
            groups: Whether a leading ``%`` makes a value a group.
        """
        self._special = 0
        self._exact: dict[str, int] = {}
        self._generic: dict[str, int] = {}
        self._groups: dict[str, int] = {}
        for index, value in enumerate(values):
            if value == special:
                self._special |= 1 << index
                continue
            table, key = self._exact, value
            if groups and value.startswith("%"):
                table, key = self._groups, value[1:]
            elif value.endswith("*"):
                table, key = self._generic, value[:-1]
            table[key] = table.get(key, 0) | 1 << index
        self._lengths = sorted({len(prefix) for prefix in self._generic})
        self.uses_groups = bool(self._groups)
        """Whether a lookup needs the groups."""
        self._cache: dict[tuple[str, frozenset[str]], int] = {}

    def of(self, name: str, groups: frozenset[str] = frozenset()) -> int:
        """Return the rules that match a name.

        Threads: Any; two that meet at worst work out the same answer twice.
        """
        key = (name, groups)
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            found = self._cache[key] = self._look_up(name, groups)
        return found

    def _look_up(self, name: str, groups: frozenset[str]) -> int:
        found = self.beginning(name) | self._exact.get(name, 0)
        for group in groups:
            found |= self._groups.get(group, 0)
        return found

    def words(self) -> tuple[Sequence[str], Sequence[str]]:
        """Return the names that rules say, and what the generic names among them begin with."""
        return list(self._exact), list(self._generic)

    def groups(self) -> Sequence[str]:
        """Return the groups that rules say, without their ``%``."""
        return list(self._groups)

    def beginning(self, prefix: str) -> int:
        """Return the rules that match every name with this beginning."""
        found = self._special
        for length in self._lengths:
            if length <= len(prefix):
                found |= self._generic.get(prefix[:length], 0)
        return found

    def covering(self, value: str) -> int:
        """Return the rules that match whatever a rule with this value matches."""
        if value.startswith("%"):
            return self._special | self._groups.get(value[1:], 0)
        if value.endswith("*"):
            return self.beginning(value[:-1])
        return self.of(value)


class AddressCover:
    """Which rules match every address that a rule matches."""

    def __init__(self, values: Sequence[str], groups: Groups) -> None:
        """Take the address of each rule, and the groups that they name."""
        self._groups = groups
        self._everywhere = sum(1 << index for index, value in enumerate(values) if value == ANY)
        self._plain = Ranges([() if group_of(value) else groups.intervals(value) for value in values])
        self._named: dict[str, int] = {}
        for index, value in enumerate(values):
            if group_of(value):
                self._named[value] = self._named.get(value, 0) | 1 << index
        self._found: dict[str, int] = {}

    def covering(self, value: str) -> int:
        """Return the rules that match whatever a rule with this address matches."""
        if value == ANY:
            # The ends do not tell here: ::/0 matches both of them and yet no IPv4 address.
            return self._everywhere
        found = self._found.get(value)
        if found is None:
            found = self._found[value] = self._look_up(self._groups.intervals(value))
        return found

    def _look_up(self, intervals: Intervals) -> int:
        # But for *ANY, an address of a rule is in one piece, or has the same hole as every IPv6 network around it: its
        # ends tell. What a group covers has holes anywhere.
        found = -1
        for low, high in intervals:
            found &= self._plain.at(low) & self._plain.at(high)
        for value, rules in self._named.items():
            if _is_inside(intervals, self._groups.intervals(value)):
                found |= rules
        return found


def _is_inside(intervals: Intervals, others: Intervals) -> bool:
    for low, high in intervals:
        at = bisect_right(others, (low, MAX_ADDRESS)) - 1
        if at < 0 or others[at][1] < high:
            return False
    return True


class Cover:
    """Which rules match everything that a rule matches."""

    def __init__(self, rules: Sequence[Rule], services: Mapping[str, int], groups: Groups) -> None:
        """Take the rules of one exit point, the one that is tried last first."""
        self._services = services
        self._users = Names((rule.user for rule in rules), special=ALL, groups=True)
        self._programs = Names((rule.program for rule in rules), special=ANY)
        self._times = Names((rule.time_group for rule in rules), special=ANY)
        self._addresses = {
            side: AddressCover([getattr(rule, side) for rule in rules], groups)
            for side in ("local_address", "remote_address")
        }
        self._ports = {
            side: Ranges([(port_interval(getattr(rule, side), services),) for rule in rules])
            for side in ("local_port", "remote_port")
        }

    def first(self, rule: Rule) -> int:
        """Return the number of the first rule that matches whatever this one of them matches; it may be itself."""
        found = self._users.covering(rule.user) & self._programs.covering(rule.program)
        found &= self._times.of(rule.time_group)
        for side, addresses in self._addresses.items():
            found &= addresses.covering(getattr(rule, side))
        for side, ports in self._ports.items():
            low, high = port_interval(getattr(rule, side), self._services)
            found &= ports.at(low) & ports.at(high)
        return found.bit_length() - 1
