"""Who is let to the door: counts connections and sessions, and keeps away for a while who has failed too often.

Pure: the time is passed in. One gate a server.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from console.serve.limits import Limits

_MOST_ADDRESSES = 10_000
"""That are remembered for their failures; the one that failed longest ago is forgotten first."""
_FORGET_S = 900.0
"""After so many seconds without a failure an address begins anew."""
_FREE_FAILURES = 5
"""So often may an address fail before it has to wait: a person mistypes a password, and then looks for it."""
_LONGEST_WAIT_S = 300.0
"""Long enough to make guessing hopeless, short enough for the others behind the same address."""
_FIRST_DELAY_S = 0.25
_LONGEST_DELAY_S = 4.0
_MOST_NAMES = 32
"""That are told apart of one address; what it fails with more of them is counted together, and no sign-on ends it."""
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
        return sum(each.count for each in self.by_name.values())

    @property
    def last_s(self) -> float:
        return max(each.last_s for each in self.by_name.values())

    def add(self, name: str, now_s: float) -> None:
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

    def refusal(self, address: str, now_s: float) -> str:
        """Return why a connection may not come in, as a message id; empty if it may."""
        group = group_of(address)
        if self._waits_until(group) > now_s:
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

    def failed(self, address: str, name: str, now_s: float) -> float:
        """Count a failure; return for how many seconds the answer is to be held back.

        Args:
            address: Where it came from.
            name: Who was to be signed on, as profiles are spelt.
            now_s: What time it is.
        """
        group = group_of(address)
        known = self._failures.pop(group, None)
        if known is None or now_s - known.last_s > _FORGET_S:
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

    def _waits_until(self, group: str) -> float:
        known = self._failures.get(group)
        if known is None or known.count <= _FREE_FAILURES:
            return 0.0
        return known.last_s + min(_doubled(1.0, known.count - _FREE_FAILURES), _LONGEST_WAIT_S)


def _doubled(first_s: float, times: int) -> float:
    """Return a time that doubles with each of some times; beyond any limit of ours after twenty."""
    return first_s * 2.0 ** min(times - 1, 20)


def _count_down(counts: Counter[str], key: str) -> None:
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]
