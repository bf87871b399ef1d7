"""SOCKS entries of the policy as `console.socks` takes them: where the words of the two meet."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from console.model.words import SocksVersion
from console.policy.rule import SocksEntry, SocksServer
from console.socks.words import Server, Version

_VERSIONS: Mapping[SocksVersion, Version] = MappingProxyType(
    {
        SocksVersion.V4: Version.FOUR,
        SocksVersion.V4A: Version.FOUR_A,
        SocksVersion.V5: Version.FIVE,
    }
)


def wire_server(entry: SocksEntry, server: SocksServer, user: str) -> Server:
    """Return a server as an exchange knows it.

    Args:
        entry: The entry that names it, with its password in clear.
        server: One of its servers.
        user: Who connects, in the system's own spelling: what a server of version 4 or 4A is told where the entry has
            no user id, and what identd (RFC 1413) answers if it asks back.
    """
    is_five = entry.version is SocksVersion.V5
    return Server(
        version=_VERSIONS[entry.version],
        label=server.label,
        user=entry.user_id or ("" if is_five else user),
        password=entry.password.text if entry.password else None,
    )
