"""Compiled SOCKS entries: which of them a connection takes.

The same bit vectors as those of the rules (`console.policy.vectors`); `console.policy.decide` says why. Without any
entry there is no table, and all that a call costs is the look whether there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from console.policy.address_groups import Groups
from console.policy.fields import address_intervals, port_interval
from console.policy.rule import ALL, SocksEntry
from console.policy.vectors import AddressCover, Names, Ranges


@dataclass(frozen=True, slots=True, eq=False)
class Routes:
    """SOCKS entries ready to be asked; made by `compile_routes`.

    Threads: Any.
    """

    entries: tuple[SocksEntry, ...]
    """The one that is tried last first; bit i of a set of entries stands for number i here."""
    users: Names
    addresses: Ranges
    ports: Ranges

    @property
    def uses_groups(self) -> bool:
        """Whether the groups of who connects must be known."""
        return self.users.uses_groups

    def route(self, user: str, groups: frozenset[str], address: int, port: int) -> SocksEntry | None:
        """Return the first entry that matches a connection; None for none: it goes directly.

        Args:
            user: User profile in upper case.
            groups: Group names in upper case; may be empty when no entry names a group.
            address: Destination, in the one 128-bit space of `console.policy.request`.
            port: Destination port, in host order.
        """
        found = self.ports.at(port) & self.addresses.at(address) & self.users.of(user, groups)
        return self.entries[found.bit_length() - 1] if found else None


def compile_routes(entries: Iterable[SocksEntry], services: Mapping[str, int]) -> Routes | None:
    """Compile SOCKS entries; None when there are none.

    Args:
        entries: Checked.
        services: Port of each service name that an entry uses.

    Raises:
        PolicyError: A service name has no port.
    """
    last_first = tuple(sorted(entries, key=lambda entry: entry.sequence, reverse=True))
    if not last_first:
        return None
    return Routes(
        entries=last_first,
        users=Names((entry.user for entry in last_first), special=ALL, groups=True),
        addresses=Ranges([address_intervals(entry.remote_address) for entry in last_first]),
        ports=Ranges([(port_interval(entry.remote_port, services),) for entry in last_first]),
    )


@dataclass(frozen=True, slots=True)
class ShadowedEntry:
    """A SOCKS entry that no connection can take. Message GWL024E says so."""

    entry: SocksEntry
    by: SocksEntry
    """An earlier entry that matches everything it matches."""


def shadowed_entries(entries: Iterable[SocksEntry], services: Mapping[str, int]) -> tuple[ShadowedEntry, ...]:
    """Return the entries that no connection can take, because one earlier entry matches all that they match.

    Entries that only several others together cover are not found.

    Args:
        entries: Checked.
        services: Port of each service name that an entry uses.

    Raises:
        PolicyError: A service name has no port.
    """
    routes = compile_routes(entries, services)
    if routes is None:
        return ()
    addresses = AddressCover([entry.remote_address for entry in routes.entries], Groups())
    found = []
    for entry in reversed(routes.entries):
        low, high = port_interval(entry.remote_port, services)
        covering = routes.users.covering(entry.user) & routes.ports.at(low) & routes.ports.at(high)
        covering &= addresses.covering(entry.remote_address)
        by = routes.entries[covering.bit_length() - 1]
        if by is not entry:
            found.append(ShadowedEntry(entry, by))
    return tuple(found)
