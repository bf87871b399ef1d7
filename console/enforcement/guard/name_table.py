"""The names of a job that are resolved at a SOCKS server, and the addresses that stand for them here.

The program is told an address from 240.0.0.0/4, which is nobody's (RFC 1112, section 4: class E, reserved), and when it
connects to that, the server is told the name. A name keeps its address, and an address its name, for as long as the job
runs: programs keep addresses, and one that led elsewhere later would be a connection to the wrong host. So when the
table is full, further names get none.

Pure: knows no sockets and no messages of DNS.

Threads: any.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence

from console.policy.request import MAPPED

MOST_NAMES = 65_536
"""Names of a job; far above what programs ask for, and some 20 MB if one asks for more on purpose."""
_FIRST = MAPPED + 0xF000_0001
_NETWORK_BITS = 28
_MOST_LETTERS = 253
"""Of a name in its text form without the final dot: 255 octets on the wire (RFC 1035, section 3.1)."""
_LABEL = re.compile(rb"[a-z0-9_-]{1,63}", re.ASCII)
"""Letters, digits and hyphens (RFC 1123, section 2.1), and underscores, which services have. Internationalized names
come as ASCII (RFC 5891), and no other octet is ever sent on to a server, whose software is not ours to try."""
_NUMBER = re.compile(rb"[0-9]+|0x[0-9a-f]*", re.ASCII)
"""A last label with which inet_aton(3) takes a name for an address."""


def is_handed_out_from_here(address: int) -> bool:
    """Say whether an address is in 240.0.0.0/4."""
    return address >> _NETWORK_BITS == _FIRST >> _NETWORK_BITS


def name_of_labels(labels: Sequence[bytes]) -> str | None:
    """Return a host name as it is told to a server, in lower case; None where it is none.

    A name that a server would take for an address is none: rules are asked about addresses.

    Args:
        labels: As they came, without the empty one of the root.
    """
    lower = [label.lower() for label in labels]
    if not lower or not all(_LABEL.fullmatch(label) for label in lower) or _NUMBER.fullmatch(lower[-1]):
        return None
    name = b".".join(lower).decode("ascii")
    return name if len(name) <= _MOST_LETTERS else None


class NameTable:
    """Names and addresses of one job."""

    def __init__(self, most: int = MOST_NAMES) -> None:
        """Begin with none; `most` is how many there can be."""
        self._most = most
        self._addresses: dict[str, int] = {}
        self._names: list[str] = []
        self._mutex = threading.Lock()

    def address_of(self, name: str) -> int | None:
        """Return the address that stands for a name, in the 128-bit space; None when there is none left.

        Args:
            name: As `name_of_labels` returns it.
        """
        with self._mutex:
            known = self._addresses.get(name)
            if known is None and len(self._names) < self._most:
                known = self._addresses[name] = _FIRST + len(self._names)
                self._names.append(name)
            return known

    def name_of(self, address: int) -> str:
        """Return the name that an address stands for; empty for none."""
        at = address - _FIRST
        return self._names[at] if 0 <= at < len(self._names) else ""
