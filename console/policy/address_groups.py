"""Address groups: addresses under a name, checked value by value, and what a group covers.

A rule says a group as ``%DMZ``, as it says a group of users: no address begins so, and no host name. Members are
addresses, networks and ranges, never other groups: there is nothing to follow round in a circle, and what a group holds
stands in one place. A member with ``!`` in front is left out, whatever other member it is in.

Knows how groups are written and which integers they cover. It must not know how rules are decided.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from types import MappingProxyType

from console.errors import PolicyError
from console.policy.fields import MAPPED_END, address_intervals, check_address, check_text, refusal
from console.policy.request import MAPPED
from console.policy.rule import ANY, AddressGroup

GROUP_MARK = "%"
"""In front of a group's name in a rule."""
LEFT_OUT = "!"
"""In front of a member that is not in the group."""
MOST_MEMBERS = 100_000
"""Of one group: as many as the longer public blocklists have, and a document takes."""
NAME_LENGTH = 10
"""Characters of a group's name, as of IBM i's objects."""

Intervals = tuple[tuple[int, int], ...]
"""First and last address, both included, in the one 128-bit space of `console.policy.request`; disjoint, ascending."""

_NAME = re.compile(r"[A-Z$#@][A-Z0-9_.$#@]{0,9}", re.ASCII)
# Without their star: a group that is called so would be taken for the special value wherever one may stand.
_SPECIAL = frozenset({"ALL", "ANY", "NONE", "SAME", "SYSTEM"})
_SEPARATORS = re.compile(r"[\s,]+")
_IPV4 = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})(?:/([0-9]{1,2}))?", re.ASCII)
_FAMILY_STARTS = frozenset({MAPPED, MAPPED_END})


def check_group_name(value: str, keyword: str = "") -> str:
    """Check the name of a group.

    Returns:
        The name in upper case.

    Raises:
        PolicyError: It is too long, begins with a digit, or has characters that names on IBM i have not.
    """
    name = value.upper() if value.isascii() else value
    if not _NAME.fullmatch(name) or name in _SPECIAL:
        raise refusal("GWL02B0", keyword=keyword or "Group", value=value, longest=NAME_LENGTH)
    return name


def check_rule_address(value: str, keyword: str = "") -> str:
    """Check the address of a rule: what `check_address` takes, or a group as ``%NAME``.

    Raises:
        PolicyError: It is neither.
    """
    if value.startswith(GROUP_MARK):
        return GROUP_MARK + check_group_name(value[1:], keyword or "Address")
    return check_address(value, keyword)


def group_of(canonical: str) -> str | None:
    """Return the name of the group that an address of a rule says; None where it says none."""
    return canonical[1:] if canonical.startswith(GROUP_MARK) else None


def check_member(value: str, keyword: str = "") -> str:
    """Check one member of a group.

    Returns:
        The canonical spelling, with its ``!`` if it has one.

    Raises:
        PolicyError: It is no address, network or range.
    """
    mark = LEFT_OUT if value.startswith(LEFT_OUT) else ""
    if value.startswith(GROUP_MARK):
        raise refusal("GWL02B1", keyword=keyword or "Members", value=value)
    address = check_address(value.removeprefix(LEFT_OUT), keyword or "Members")
    if address == ANY:
        raise refusal("GWL02B2", keyword=keyword or "Members", value=value)
    return mark + address


def check_members(value: str, keyword: str = "") -> str:
    """Check the members of a group, with blanks, commas or line ends between them.

    Returns:
        The canonical spelling: each member once, in ascending order, blanks between them; empty for none.

    Raises:
        PolicyError: One of them is none, or there are too many.
    """
    found = {check_member(part, keyword) for part in _SEPARATORS.split(value) if part}
    if len(found) > MOST_MEMBERS:
        raise refusal("GWL02B3", keyword=keyword or "Members", value=len(found), most=MOST_MEMBERS)
    return " ".join(sorted(found, key=_place))


def _place(member: str) -> tuple[int, int, bool]:
    intervals = member_intervals(member)
    return intervals[0][0], -intervals[-1][1], member.startswith(LEFT_OUT)


def member_intervals(member: str) -> Intervals:
    """Return what a member covers, or leaves out.

    Raises:
        ValueError: It is no address.
    """
    address = member.removeprefix(LEFT_OUT)
    return _ipv4_interval(address) or address_intervals(address)


def _ipv4_interval(address: str) -> Intervals | None:
    """Return what an IPv4 address or network covers; None for whatever else, which others look at.

    Blocklists are made of these, by the ten thousand: `ipaddress` takes five times as long.
    """
    found = _IPV4.fullmatch(address)
    if found is None:
        return None
    one, two, three, four, prefix = (int(digits) for digits in found.groups("32"))
    low, span = one << 24 | two << 16 | three << 8 | four, (1 << max(32 - prefix, 0)) - 1
    if max(one, two, three, four) > 255 or prefix > 32 or low & span:
        return None
    return ((MAPPED + low, MAPPED + low + span),)


GROUP_CHECKS: Mapping[str, Callable[..., str]] = MappingProxyType(
    {"name": check_group_name, "members": check_members, "text": check_text}
)
"""Field of an address group -> its check, in the order in which fields are written and shown."""

GROUP_KEYWORDS: Mapping[str, str] = MappingProxyType({"name": "ADRGRP", "members": "MBR", "text": "TEXT"})
"""Field of an address group -> its keyword in the command language."""

GROUP_DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        **{field.name: str(field.default) for field in fields(AddressGroup) if field.default is not MISSING},
        "members": "",
    }
)
"""Field of an address group -> what it is when nothing is said; the name is required."""


def make_address_group(**given: object) -> AddressGroup:
    """Make an address group from the texts of its fields.

    Args:
        given: Values by field name; ``name`` is required, the others have the defaults of `AddressGroup`.

    Raises:
        PolicyError: A value cannot be taken; its ``keyword`` is the field's name.
    """
    checked: dict[str, object] = {name: GROUP_CHECKS[name](str(value), name) for name, value in given.items()}
    if "members" in checked:
        checked["members"] = tuple(str(checked["members"]).split())
    return AddressGroup(**checked)  # type: ignore[arg-type]


def group_fields(group: AddressGroup) -> dict[str, str]:
    """Return every field of an address group as text, by its name, in the order of `GROUP_CHECKS`."""
    return {"name": group.name, "members": " ".join(group.members), "text": group.text}


def check_address_groups(groups: Iterable[AddressGroup]) -> None:
    """Check that groups can be compiled: each name once, and each member an address.

    Raises:
        PolicyError: A name is none or is there twice, or a member is none.
    """
    seen: set[str] = set()
    for group in groups:
        if check_group_name(group.name, "name") != group.name:
            raise refusal("GWL02B0", keyword="name", value=group.name, longest=NAME_LENGTH)
        if group.name in seen:
            raise refusal("GWL02B4", keyword="name", value=group.name)
        seen.add(group.name)
        group_intervals(group)


def few_members(members: Sequence[str], most: int = 8) -> str:
    """Return members with blanks between them, the first few of them by name."""
    shown = " ".join(members[:most]) or "none"
    return shown if len(members) <= most else f"{shown} and {len(members) - most} more"


def group_intervals(group: AddressGroup) -> Intervals:
    """Return what a group covers: its members without those that are left out.

    Raises:
        PolicyError: A member is no address.
    """
    taken: list[tuple[int, int]] = []
    out: list[tuple[int, int]] = []
    for member in group.members:
        try:
            (out if member.startswith(LEFT_OUT) else taken).extend(member_intervals(member))
        except ValueError as error:
            raise refusal("GWL0203", keyword="members", value=member) from error
    return _without(_joined(taken), _joined(out))


def _joined(intervals: Iterable[tuple[int, int]]) -> Intervals:
    """Return intervals that overlap or touch as one; never one of both families."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(intervals):
        if found and (low <= found[-1][1] or (low == found[-1][1] + 1 and low not in _FAMILY_STARTS)):
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def _without(intervals: Intervals, out: Intervals) -> Intervals:
    """Return intervals without others; both disjoint and ascending."""
    if not out:
        return intervals
    ends = [end for _, end in out]
    found: list[tuple[int, int]] = []
    for first, high in intervals:
        low, at = first, bisect_right(ends, first - 1)
        while at < len(out) and out[at][0] <= high:
            if low < out[at][0]:
                found.append((low, out[at][0] - 1))
            low, at = out[at][1] + 1, at + 1
        if low <= high:
            found.append((low, high))
    return tuple(found)


def member_for(group: AddressGroup, address: int) -> str | None:
    """Return the member by which a group holds an address: the narrowest; None where it does not hold it."""
    matching = [
        member for member in group.members if any(low <= address <= high for low, high in member_intervals(member))
    ]
    if not matching or any(member.startswith(LEFT_OUT) for member in matching):
        return None
    return min(matching, key=lambda member: sum(high - low for low, high in member_intervals(member)))


class Groups:
    """The address groups of a policy, by name; what each covers is worked out when it is first asked for."""

    def __init__(self, groups: Iterable[AddressGroup] = ()) -> None:
        """Take checked groups."""
        self._groups = {group.name: group for group in groups}
        self._intervals: dict[str, Intervals] = {}
        self._members: dict[tuple[str, int], str | None] = {}

    def named(self, name: str, keyword: str = "Address") -> AddressGroup:
        """Return a group.

        Raises:
            PolicyError: There is no such group.
        """
        group = self._groups.get(name)
        if group is None:
            raise refusal("GWL02B5", keyword=keyword, value=GROUP_MARK + name)
        return group

    def intervals(self, canonical: str) -> Intervals:
        """Return what an address of a rule covers.

        Args:
            canonical: As `check_rule_address` returned it.

        Raises:
            PolicyError: It says a group that is not there.
        """
        name = group_of(canonical)
        if name is None:
            return address_intervals(canonical)
        found = self._intervals.get(name)
        if found is None:
            found = self._intervals[name] = group_intervals(self.named(name))
        return found

    def member(self, name: str, address: int) -> str | None:
        """Return the member by which a group holds an address; see `member_for`. It is looked for once.

        Raises:
            PolicyError: There is no such group.
        """
        key = name, address
        if key not in self._members:
            self._members[key] = member_for(self.named(name), address)
        return self._members[key]

    def check(self, canonical: str, keyword: str) -> None:
        """Check that a group is there, if an address of a rule says one.

        Raises:
            PolicyError: It is not.
        """
        name = group_of(canonical)
        if name is not None:
            self.named(name, keyword)


def group_keyword_error(error: PolicyError) -> PolicyError:
    """Return an error of `make_address_group` that names the keyword instead of the field."""
    name = str(error.values.get("keyword", ""))
    return PolicyError(error.message_id, **{**error.values, "keyword": GROUP_KEYWORDS.get(name, name)})
