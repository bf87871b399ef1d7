"""Names of hosts by their addresses: asked for in threads of their own, and waited for only so long."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address
from time import monotonic

from console.printable import printable

LIMIT_S = 1.0
"""How long a panel waits. A resolver may take half a minute to say that it knows nothing (resolv.conf(5), timeout)."""

NO_NAME = "*NONE"
WAITING = "(no answer yet)"

_MOST_WAITING = 8
"""Questions under way at once; more are not asked until some of them are answered."""
_LONGEST_NAME = 253
"""RFC 1035, section 2.3.4, less the root's dot."""

Lookup = Callable[[str], str]
"""Returns the name of an address, empty for none; may take as long as it likes."""


def reverse_lookup(address: str) -> str:
    """Return what this system's resolver calls an address; empty when it knows none.

    Who owns an address says what its name is. A name that does not lead back to the address is shown as what it is.
    """
    try:
        # The resolver would look up whatever else stands in the place of an address.
        name = socket.gethostbyaddr(str(ip_address(address)))[0]
    except (OSError, ValueError):
        return ""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(name, None)}
    except (OSError, ValueError):
        found = set()
    return name if address in found else f"{name} (does not lead back)"


class HostNames:
    """The names that were asked for, and the answers so far.

    Threads:
        One caller at a time; the answers come from threads of their own.
    """

    def __init__(self, lookup: Lookup = reverse_lookup, limit_s: float = LIMIT_S) -> None:
        """Ask nobody yet.

        Args:
            lookup: Finds a name.
            limit_s: How long `ask` waits at most.
        """
        self._lookup = lookup
        self._limit_s = limit_s
        self._asked: dict[str, threading.Thread] = {}
        self._names: dict[str, str] = {}

    def ask(self, addresses: Iterable[str]) -> Mapping[str, str]:
        """Return the names of addresses, safe to show; `WAITING` for one whose answer has not come in time."""
        wanted = tuple(dict.fromkeys(filter(None, addresses)))
        deadline = monotonic() + self._limit_s
        for address in wanted:
            self._begin(address)
        for address in wanted:
            if address in self._asked:
                self._asked[address].join(max(0.0, deadline - monotonic()))
        return {address: self._names.get(address, WAITING) for address in wanted}

    def _begin(self, address: str) -> None:
        self._asked = {known: thread for known, thread in self._asked.items() if thread.is_alive()}
        if address in self._names or address in self._asked or len(self._asked) >= _MOST_WAITING:
            return
        # A daemon: the console must be able to end while a resolver still waits.
        thread = threading.Thread(target=self._find, args=(address,), daemon=True)
        self._asked[address] = thread
        thread.start()

    def _find(self, address: str) -> None:
        self._names[address] = printable(self._lookup(address)[:_LONGEST_NAME]) or NO_NAME
