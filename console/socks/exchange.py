"""One conversation with a SOCKS server, without a socket.

The exchange says which octets to send (`Exchange.outgoing`) and how many it can take (`Exchange.wanted`). It never
wants more than belong to the server's answer, so that whoever reads exactly that many leaves what follows, the first
octets for the program, in the kernel: after the exchange the socket is the program's, and nobody stands in between.

::

    version 5            METHOD --> AUTHENTICATION --> REPLY
                           `---------------------------^ |
    versions 4 and 4A                         REPLY      |
                                                `--------+--> DONE                          CONNECT
                                                         `--> BOUND --> INBOUND --> DONE    BIND

From each of them but DONE a failure leads to ERROR, and from there nothing leads anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum, auto
from typing import ClassVar, NamedTuple

from console.errors import SocksError
from console.socks import version4, version5
from console.socks.refusals import AFTER_BIND, REPLIES_4, REPLIES_5, Reason, failure
from console.socks.words import NOWHERE, Command, Place, Reply, Server, Version, WireError


class State(IntEnum):
    """What an exchange waits for."""

    METHOD = auto()
    """The server's choice of how we authenticate ourselves."""
    AUTHENTICATION = auto()
    """What the server makes of user and password."""
    REPLY = auto()
    """The reply to the request."""
    BOUND = auto()
    """`Exchange.await_inbound`: the server listens for us; nothing is read until somebody asks for the connection."""
    INBOUND = auto()
    """BIND's second reply: somebody has come."""
    DONE = auto()
    """Nothing: the socket is the connection."""
    ERROR = auto()
    """Nothing: the socket is of no use."""


class Event(IntEnum):
    """What moves an exchange."""

    NO_AUTHENTICATION = auto()
    PASSWORD_WANTED = auto()
    AUTHENTICATED = auto()
    CONNECTED = auto()
    LISTENING = auto()
    AWAITED = auto()
    ARRIVED = auto()
    FAILED = auto()


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.METHOD, Event.NO_AUTHENTICATION): State.REPLY,
    (State.METHOD, Event.PASSWORD_WANTED): State.AUTHENTICATION,
    (State.METHOD, Event.FAILED): State.ERROR,
    (State.AUTHENTICATION, Event.AUTHENTICATED): State.REPLY,
    (State.AUTHENTICATION, Event.FAILED): State.ERROR,
    (State.REPLY, Event.CONNECTED): State.DONE,
    (State.REPLY, Event.LISTENING): State.BOUND,
    (State.REPLY, Event.FAILED): State.ERROR,
    (State.BOUND, Event.AWAITED): State.INBOUND,
    (State.BOUND, Event.FAILED): State.ERROR,
    (State.INBOUND, Event.ARRIVED): State.DONE,
    (State.INBOUND, Event.FAILED): State.ERROR,
}
"""(State, event) -> next state; what is not here cannot happen."""

RESTING = frozenset({State.BOUND, State.DONE, State.ERROR})
"""States in which nothing is to be sent or received."""

_WAITED_FOR: Mapping[State, str] = {
    State.METHOD: "the answer to the greeting",
    State.AUTHENTICATION: "the answer to user and password",
    State.REPLY: "the reply to the request",
    State.BOUND: "an inbound connection",
    State.INBOUND: "an inbound connection",
}
"""State -> what a message says that was waited for."""
_ONCE_GREETED: Mapping[Reason, Reason] = {Reason.SILENT: Reason.NO_REPLY, Reason.CLOSED: Reason.HUNG_UP}
"""What says nothing against the server any more after it has answered a greeting, which version 4 has none of."""
_ONCE_BOUND: Mapping[Reason, Reason] = {Reason.SILENT: Reason.NOBODY_CAME, Reason.CLOSED: Reason.NOBODY_CAME}
"""What is no fault of the server once it has bound: it may give up waiting, and say so or not."""
_SHOWN_OCTETS = 16
"""Of what was no answer; enough to recognize who spoke."""


class _Dialect(NamedTuple):
    """How replies look in a version."""

    parse_reply: Callable[[bytes], Reply | int]
    smallest_reply: int
    """Octets that every reply has, which can be asked for at first."""
    granted: int
    reasons: Mapping[int, Reason]


_FOUR = _Dialect(version4.parse_reply, version4.REPLY_SIZE, version4.GRANTED, REPLIES_4)
_DIALECTS: Mapping[Version, _Dialect] = {
    Version.FOUR: _FOUR,
    Version.FOUR_A: _FOUR,
    Version.FIVE: _Dialect(version5.parse_reply, version5.REPLY_HEAD_SIZE, version5.GRANTED, REPLIES_5),
}


class Exchange:
    """A conversation that leads to one connection.

    Threads: one at a time.
    """

    __slots__ = (
        "_authentication",
        "_command",
        "_destination",
        "_dialect",
        "_offered",
        "_received",
        "_request",
        "_server",
        "_wanted",
        "bound",
        "outgoing",
        "peer",
        "state",
    )

    def __init__(self, server: Server, command: Command, destination: Place) -> None:
        """Begin; the first octets are ready to be sent.

        Args:
            server: Whom we talk to.
            command: CONNECT, or BIND.
            destination: Where to connect to; for BIND, who is expected: an inbound connection from another address
                fails the exchange, unless the destination is a name or no address at all (0.0.0.0, ::).

        Raises:
            SocksError: There is no way to say this in the server's version.
        """
        self._server = server
        self._dialect = _DIALECTS[server.version]
        self._command = command
        self._destination = destination
        self._received = b""
        self.bound = NOWHERE
        """Where the server listens, after BIND's first reply; an address of 0 stands for the server's own. After
        CONNECT, where the server connects from, or whatever it says."""
        self.peer = NOWHERE
        """Who has come, after BIND's second reply."""
        self.outgoing = b""
        """What is to be sent before anything is received."""
        self._authentication = b""
        if server.version is Version.FIVE:
            self._request = version5.encode_request(server, command, destination)
            if server.password is not None:
                self._authentication = version5.encode_authentication(server, destination)
            self._offered = version5.methods(server)
            self.outgoing = version5.encode_greeting(self._offered)
            self.state = State.METHOD
            self._wanted = version5.METHOD_SIZE
        else:
            self._request = b""
            self._offered = b""
            self.outgoing = version4.encode_request(server, command, destination)
            self.state = State.REPLY
            self._wanted = version4.REPLY_SIZE

    def sent(self, count: int) -> None:
        """Say that the first octets of `outgoing` have been sent."""
        self.outgoing = self.outgoing[count:]

    @property
    def wanted(self) -> int:
        """How many octets may be received; 0 while there are some to be sent, and in a state of `RESTING`."""
        return 0 if self.outgoing else self._wanted

    def receive(self, octets: bytes) -> None:
        """Take what was received.

        Args:
            octets: As many as `wanted` says, or fewer; none when the server has closed the connection.

        Raises:
            SocksError: The server refuses, or does not speak SOCKS, or has closed.
            ValueError: There are more of them than were wanted, or the exchange is over.
        """
        if not octets:
            raise self.fail(Reason.CLOSED)
        if len(octets) > self.wanted:
            raise ValueError("more octets than wanted")
        self._received += octets
        try:
            self._READERS[self.state](self)
        except WireError:
            shown = self._received[:_SHOWN_OCTETS].hex(" ")
            raise self.fail(Reason.GARBAGE, shown) from None

    def await_inbound(self) -> None:
        """Go on to BIND's second reply.

        Raises:
            ValueError: The server is not bound.
        """
        self._move(Event.AWAITED)
        self._expect(self._dialect.smallest_reply)

    def fail(self, reason: Reason, detail: str = "", number: int = 0) -> SocksError:
        """End the exchange, and return the error to raise.

        Args:
            reason: What happened; `Reason.SILENT` is for whoever moves the octets and has waited long enough.
            detail: For the message; what was waited for if empty.
            number: An errno that takes the place of the table's; 0 for none.

        Raises:
            ValueError: The exchange is over.
        """
        failed_in = self.state
        self._move(Event.FAILED)
        self._expect(0)
        self.outgoing = self._authentication = b""
        if failed_in in (State.BOUND, State.INBOUND):
            reason, number = _ONCE_BOUND.get(reason, reason), AFTER_BIND
        elif failed_in is State.REPLY and self._server.version is Version.FIVE:
            reason = _ONCE_GREETED.get(reason, reason)
        return failure(reason, self._server.label, self._destination, detail or _WAITED_FOR[failed_in], number)

    def _move(self, event: Event) -> None:
        state = TRANSITIONS.get((self.state, event))
        if state is None:
            raise ValueError(f"{event!r} in {self.state!r}")
        self.state = state

    def _expect(self, wanted: int, outgoing: bytes = b"") -> None:
        self._received, self._wanted, self.outgoing = b"", wanted, outgoing

    def _read_method(self) -> None:
        method = version5.parse_method(self._received)
        if method is None:
            self._wanted = version5.METHOD_SIZE - len(self._received)
        elif method == version5.Method.NOT_ACCEPTABLE:
            raise self.fail(Reason.NO_METHOD)
        elif method not in self._offered:
            raise WireError
        elif method == version5.Method.NONE:
            self._move(Event.NO_AUTHENTICATION)
            self._expect(self._dialect.smallest_reply, self._request)
        else:
            self._move(Event.PASSWORD_WANTED)
            self._expect(version5.AUTHENTICATED_SIZE, self._authentication)

    def _read_authenticated(self) -> None:
        status = version5.parse_authenticated(self._received)
        if status is None:
            self._wanted = version5.AUTHENTICATED_SIZE - len(self._received)
        elif status:
            raise self.fail(Reason.NOT_AUTHENTICATED, f"status {status}")
        else:
            self._move(Event.AUTHENTICATED)
            self._expect(self._dialect.smallest_reply, self._request)

    def _read_reply(self) -> None:
        reply = self._parse_reply()
        if reply is None:
            return
        self.bound = reply.place
        self._move(Event.CONNECTED if self._command is Command.CONNECT else Event.LISTENING)
        self._expect(0)

    def _read_inbound(self) -> None:
        reply = self._parse_reply()
        if reply is None:
            return
        self.peer = reply.place
        if not self._is_expected(reply.place):
            raise self.fail(Reason.WRONG_PEER, str(reply.place))
        self._move(Event.ARRIVED)
        self._expect(0)

    def _parse_reply(self) -> Reply | None:
        """Return a reply that grants something; None when octets are missing."""
        dialect = self._dialect
        reply = dialect.parse_reply(self._received)
        if isinstance(reply, int):
            self._wanted = reply
            return None
        if reply.code == dialect.granted:
            return reply
        reason = Reason.NOBODY_CAME
        if self.state is State.REPLY:
            reason = dialect.reasons.get(reply.code, Reason.REFUSED)
        raise self.fail(reason, f"reply code {reply.code}")

    def _is_expected(self, peer: Place) -> bool:
        """Say whether it is the destination that has come.

        Where either is a name, or nothing, that cannot be said: the server answers for it, as in version 4 it must.
        """
        expected = self._destination
        if expected.name or peer.name or expected.is_anywhere or peer.is_anywhere:
            return True
        return peer.address == expected.address

    _READERS: ClassVar[Mapping[State, Callable[[Exchange], None]]] = {
        State.METHOD: _read_method,
        State.AUTHENTICATION: _read_authenticated,
        State.REPLY: _read_reply,
        State.INBOUND: _read_inbound,
    }
    """State -> what reads the answer that it waits for."""
