"""How many may come in, how often they may try, and how long they may take; and where the server listens."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from console.errors import UsageError

DEFAULT_LISTEN = "127.0.0.1:2222"
"""Nobody reaches it from outside until an administrator says so; port 22 is the system's own server's."""
_HIGHEST_PORT = 65_535
_VERSION_6 = 6


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a port to listen on."""

    address: str
    port: int
    """0: the kernel chooses."""

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server bears. The figures of OpenSSH stand beside ours."""

    sessions: int = 32
    """Consoles in all; each is a process of some 100 MB."""
    sessions_per_profile: int = 8
    """Consoles of one user profile (MaxSessions is 10 a connection)."""
    connections: int = 16
    """Connections in which no console has been opened yet (MaxStartups begins to refuse at 10)."""
    connections_per_address: int = 6
    """Those of them that one address may have; never more than half of them, so that one cannot keep all others out."""
    attempts: int | None = None
    """Passwords and codes a connection (MaxAuthTries is 6); None: as QMAXSIGN says. For keys see `keys`."""
    keys: int = 20
    """Keys a connection may offer: as many as an agent holds."""
    sign_on_s: float = 60.0
    """Seconds from the connection to the sign-on (LoginGraceTime is 120)."""
    idle_s: float | None = None
    """Seconds without a key until a session is ended; None: as the system value QINACTITV says, 0: never."""

    @property
    def per_address(self) -> int:
        """Return how many connections without a sign-on one address may have."""
        return max(1, min(self.connections_per_address, self.connections // 2))


def parse_endpoint(text: str) -> Endpoint:
    """Return where to listen: ``127.0.0.1:2222``, ``[::1]:2222``, ``[::]:2222`` for every address of both families.

    Raises:
        UsageError: The text is no address and port.
    """
    address, colon, port = text.rpartition(":")
    bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    try:
        needs_brackets = ipaddress.ip_address(bare).version == _VERSION_6
    except ValueError:
        raise UsageError("GWL1050", value=text) from None
    is_port = port.isascii() and port.isdecimal() and len(port) <= len(str(_HIGHEST_PORT))
    if not colon or needs_brackets != (bare != address) or not is_port or int(port) > _HIGHEST_PORT:
        raise UsageError("GWL1050", value=text)
    return Endpoint(bare, int(port))
