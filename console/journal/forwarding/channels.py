"""Ways to a syslog server, by protocol."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Protocol as Shape

from console.journal.forwarding.places import Numbered, Place, connect, failures
from console.journal.forwarding.relp_channel import RelpChannel
from console.journal.forwarding.streams import StreamChannel
from console.model.forwarding import Protocol


class Channel(Shape):
    """A way to a server. Every method raises `JournalError` when the way is broken; then it is closed, and forgotten.

    Threads: One.
    """

    def send(self, messages: Sequence[Numbered]) -> None:
        """Send messages, in order; waits while the server takes none."""

    def settled(self) -> int:
        """Return the number up to which everything need not be sent again; 0 for none yet."""

    def has_answered(self) -> bool:
        """Say whether anything of what was sent is known to have arrived, or nothing was sent."""

    def close(self) -> None:
        """Give it up, now."""

    def finish(self) -> None:
        """End it in order, so that `settled` may know more; then it is closed."""


Opener = Callable[[Place, Callable[[], bool], float], Channel]


def open_channel(place: Place, is_stopped: Callable[[], bool], settle_s: float) -> Channel:
    """Open the way to a server.

    Args:
        place: Where it is.
        is_stopped: Says whether nobody wants more; asked while something is waited for.
        settle_s: How long a connection must have lived on for what was acknowledged before to count as delivered.

    Raises:
        JournalError: It cannot be reached, or is not who it should be.
    """
    if place.protocol is Protocol.UDP:
        return DatagramChannel(place)
    make = RelpChannel if place.protocol is Protocol.RELP else StreamChannel
    return make(place, connect(place), is_stopped, settle_s)


class DatagramChannel:
    """Fire and forget (RFC 5426): an entry counts as delivered when it was handed to the network."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._sent = 0
        with failures(place):
            family, kind, number, _, address = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_DGRAM)[0]
            self._endpoint = socket.socket(family, kind, number)
            self._endpoint.connect(address)

    def send(self, messages: Sequence[Numbered]) -> None:
        """Send a datagram a message.

        Raises:
            JournalError: The network refused one; it and those behind it were not sent.
        """
        for number, octets in messages:
            with failures(self._place):
                self._endpoint.send(octets)
            self._sent = number

    def settled(self) -> int:
        """Return the number of the last message that was sent."""
        return self._sent

    def has_answered(self) -> bool:
        """Say so: nothing else is ever known."""
        return True

    def close(self) -> None:
        """Close the socket."""
        self._endpoint.close()

    def finish(self) -> None:
        """Close the socket."""
        self._endpoint.close()
