"""Who is let to the door: counts connections and sessions, and keeps away for a while who has failed too often.

Pure: the time is passed in. One gate a server.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TypeVar

from console.serve.limits import Limits

K = TypeVar("K", bound=Hashable)

_MOST_ADDRESSES = 10_000
"""That are remembered for their failures; the one that failed longest ago is forgotten first."""
_FORGET_S = 900.0
"""After so many seconds without a failure a name begins anew at an address."""
_FREE_FAILURES = 5
"""So often may a name fail from an address before it has to wait: a person mistypes a password, and looks for it."""
_FREE_FAILURES_IN_ALL = 50
"""So often may an address fail with all names before it waits with every one: many people may share an address."""
_LONGEST_WAIT_S = 300.0
"""Long enough to make guessing hopeless, short enough for the others behind the same address."""
_FIRST_DELAY_S = 0.25
_LONGEST_DELAY_S = 4.0
_MOST_NAMES = 32
"""That are told apart of one address; what it fails with more of them is counted together, and no sign-on ends it.

These others have no wait of their own: the total meets them.
"""
_NETWORK_BITS = 64
"""Of an IPv6 address: what one customer of a provider has at the least."""
_THE_OTHERS = "\0"
"""No name: those of an address that has tried too many of them."""


@dataclass(slots=True)
class _OfName:
    count: int
    last_s: float


@dataclass(slots=True)
class _Failures:
    """Of one address, by the name that was to be signed on."""

    by_name: dict[str, _OfName] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Of all names, of each no more than is free: a forgotten script that tries one for ever has its own wait."""
        return sum(
            each.count if name == _THE_OTHERS else min(each.count, _FREE_FAILURES)
            for name, each in self.by_name.items()
        )

    @property
    def last_s(self) -> float:
        return max(each.last_s for each in self.by_name.values())

    def add(self, name: str, now_s: float) -> None:
        self.by_name = {key: each for key, each in self.by_name.items() if now_s - each.last_s <= _FORGET_S}
        key = name if name in self.by_name or len(self.by_name) < _MOST_NAMES else _THE_OTHERS
        self.by_name[key] = _OfName(self.by_name[key].count + 1 if key in self.by_name else 1, now_s)


def group_of(address: str) -> str:
    """Return what addresses are counted by: an IPv4 address itself, of an IPv6 address its network of 64 bits."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _NETWORK_BITS), strict=False))


class Gate:
    """The counts of one server.

    Threads: The event loop's only.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: Counter[str] = Counter()
        """Connections in which no console has been opened yet, by address."""
        self._sessions: Counter[str] = Counter()
        """Sessions by profile."""
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._under_way: Counter[tuple[str, str]] = Counter()
        """Sign-ons that are being judged, by address and name; a connection has one at most."""

    def refusal(self, address: str, now_s: float) -> str:
        """Return why a connection may not come in, as a message id; empty if it may."""
        group = group_of(address)
        known = self._failures.get(group)
        if known is not None and _waits_until(known.count - _FREE_FAILURES_IN_ALL, known.last_s) > now_s:
            return "GWL1061"
        if self._waiting.total() >= self._limits.connections:
            return "GWL1062"
        if self._waiting[group] >= self._limits.per_address:
            return "GWL1063"
        return ""

    def came(self, address: str) -> None:
        """Count a connection that has come."""
        self._waiting[group_of(address)] += 1

    def settled(self, address: str) -> None:
        """Count it no longer: its console was opened, or it has ended."""
        _count_down(self._waiting, group_of(address))

    def name_refusal(self, address: str, name: str, now_s: float) -> str:
        """Return why an address may not try a name now, as a message id; empty if it may.

        What is under way counts as having failed this moment, so that guesses side by side do not outrun the count.
        """
        group = group_of(address)
        known = self._failures.get(group)
        of_name = known.by_name.get(name) if known is not None else None
        count, last_s = (of_name.count, of_name.last_s) if of_name is not None else (0, 0.0)
        if now_s - last_s > _FORGET_S:
            count = 0
        under_way = self._under_way[group, name]
        waits_until = _waits_until(count + under_way - _FREE_FAILURES, now_s if under_way else last_s)
        return "GWL1061" if waits_until > now_s else ""

    def began(self, address: str, name: str) -> None:
        """Count a sign-on that is being judged."""
        self._under_way[group_of(address), name] += 1

    def ended(self, address: str, name: str) -> None:
        """Count it no longer; whether it failed is told besides."""
        _count_down(self._under_way, (group_of(address), name))

    def failed(self, address: str, name: str, now_s: float) -> float:
        """Count a failure; return for how many seconds the answer is to be held back.

        Args:
            address: Where it came from.
            name: Who was to be signed on, as profiles are spelt.
            now_s: What time it is.
        """
        group = group_of(address)
        known = self._failures.pop(group, None)
        if known is None:
            known = _Failures()
        known.add(name, now_s)
        self._failures[group] = known
        if len(self._failures) > _MOST_ADDRESSES:
            self._failures.popitem(last=False)
        return min(_doubled(_FIRST_DELAY_S, known.count), _LONGEST_DELAY_S)

    def succeeded(self, address: str, name: str) -> None:
        """Forget what an address failed with one name: else who has a profile could guess at another's for ever."""
        group = group_of(address)
        known = self._failures.get(group)
        if known is None:
            return
        known.by_name.pop(name, None)
        if not known.by_name:
            del self._failures[group]

    def session_refusal(self, profile: str) -> str:
        """Return why a profile may not have a session more, as a message id; empty if it may."""
        if self._sessions.total() >= self._limits.sessions:
            return "GWL1064"
        if self._sessions[profile] >= self._limits.sessions_per_profile:
            return "GWL1065"
        return ""

    def session_began(self, profile: str) -> None:
        """Count a session."""
        self._sessions[profile] += 1

    def session_ended(self, profile: str) -> None:
        """Count it no longer."""
        _count_down(self._sessions, profile)


def _waits_until(too_many: int, last_s: float) -> float:
    return last_s + min(_doubled(1.0, too_many), _LONGEST_WAIT_S) if too_many > 0 else 0.0


def _doubled(first_s: float, times: int) -> float:
    """Return a time that doubles with each of some times; beyond any limit of ours after twenty."""
    return first_s * 2.0 ** min(times - 1, 20)


def _count_down(counts: Counter[K], key: K) -> None:
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]
