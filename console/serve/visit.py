"""One connection from the handshake to its end: its sign-on, its session, and what the journal hears of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime

import asyncssh

from console.errors import StoreError
from console.messages import describe, line, message
from console.people.sign_on import SignedOn
from console.serve import child
from console.serve.authentication import Doorway, SignOn
from console.serve.connection import Connection
from console.serve.entries import Entries, Peer, SessionJob
from console.serve.refusals import Refusals
from console.serve.seat import Seat
from console.serve.session import FAILED, ConsoleSession, Ending

_log = logging.getLogger("greenwall.ssh")

_LINGER_S = 3.0
"""For a client to take the last of a session, before its connection is cut off."""
SERVER_ENDS = "GWL1085"


@dataclass(frozen=True, slots=True)
class Live:
    """A session whose console runs."""

    session: ConsoleSession
    job: SessionJob
    signed_on: SignedOn
    method: str
    key: str
    """The public key that opened it; empty if none did."""
    since_s: float
    """By the clock of the event loop."""
    since: datetime
    """The same by that of the wall: who has got the name of a deleted profile later is somebody else."""


@dataclass(slots=True)
class House:
    """What the connections of one server share."""

    doorway: Doorway
    entries: Entries
    refusals: Refusals
    store_url: str
    group: asyncio.TaskGroup | None = None
    """Of the tasks that outlive a connection for a moment; they end when the server does."""
    visits: set[Visit] = field(default_factory=set)
    live: dict[ConsoleSession, Live] = field(default_factory=dict)
    is_empty: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the last session has ended."""

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Have something done beside."""
        if self.group is None:
            work.close()
        else:
            self.group.create_task(work)

    async def write(self, entry: Callable[[], None]) -> bool:
        """Write a journal entry after those before it; say whether that went well."""
        try:
            await self.doorway.threads.run_in_order(entry)
        except StoreError as error:
            _log.warning("%s", line(describe(error)))
            return False
        return True

    async def close(self, seconds: float) -> None:
        """End all sessions, and then all connections; wait for it no longer than some seconds."""
        for each in list(self.live.values()):
            each.session.finish(Ending(SERVER_ENDS))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds if self.live else 0):
                await self.is_empty.wait()
        visits = list(self.visits)
        for visit in visits:
            visit.cut_off()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                for visit in visits:
                    await visit.wait_closed()


class Visit(SignOn):
    """One connection; the owner of its `Connection`, as AsyncSSH calls that."""

    def __init__(self, house: House, peer: Peer) -> None:
        """Count the connection; `connect` makes it.

        Args:
            house: The server's.
            peer: Who comes.
        """
        super().__init__(house.doorway, peer)
        self._house = house
        self._peer = peer
        self._connection: Connection | None = None
        self._session: ConsoleSession | None = None
        self._is_counted = True
        self._has_ended = False
        self._idler: asyncio.TimerHandle | None = None
        self._gate = house.doorway.gate
        self._gate.came(peer.address)
        house.visits.add(self)

    def connect(self, loop: asyncio.AbstractEventLoop, options: asyncssh.SSHServerConnectionOptions) -> Connection:
        """Return the protocol of the connection."""
        self._connection = Connection(loop, options, self)
        return self._connection

    def cut_off(self) -> None:
        """End the connection at once."""
        if self._connection is not None:
            self._connection.abort()

    async def wait_closed(self) -> None:
        """Wait until the connection has ended."""
        if self._connection is not None:
            await self._connection.wait_closed()

    def begin_auth(self, username: str) -> bool:
        """Tell the journal of the connection when somebody wants to sign on and may: it is secure by then."""
        is_first = not self.has_tried
        must_sign_on = super().begin_auth(username)
        if is_first and self._connection is not None:
            cipher, client = (str(self._connection.get_extra_info(name)) for name in ("send_cipher", "client_version"))
            self._tell(lambda: self._house.entries.connected(self._peer, cipher, client))
        return must_sign_on

    def auth_completed(self) -> None:
        """Wait for the console to be opened: who has signed on and opens none has to go, and stands at the door still.

        Else one profile could have as many connections as there are descriptors.
        """
        loop = asyncio.get_running_loop()
        self._idler = loop.call_later(self._house.doorway.limits.sign_on_s, self._end_without_console)

    def _end_without_console(self) -> None:
        if self._session is None or self._session not in self._house.live:
            self.cut_off()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the journal of a connection in which nobody signed on."""
        if self._has_ended:
            return
        self._has_ended = True
        self._settle()
        if self._idler is not None:
            self._idler.cancel()
        self._house.visits.discard(self)
        self.count_uncounted()
        reason = str(exc) if exc else "the client has gone"
        if not self.has_tried:
            # Anybody can make very many of these in no time. Those who try to sign on are kept away soon.
            self._house.refusals.add(self._peer, reason)
        elif self.signed_on is None:
            self._tell(lambda: self._house.entries.not_connected(self._peer, reason))

    def session_requested(self) -> tuple[asyncssh.SSHServerChannel[bytes], asyncssh.SSHServerSession[bytes]]:
        """Grant the one session of this connection.

        Raises:
            ChannelOpenError: There is one already, or there are too many.
        """
        connection, who = self._connection, self.signed_on
        if connection is None or who is None or self._session is not None:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, message("GWL1066").text)
        refusal = self._gate.session_refusal(who.name)
        if refusal:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, message(refusal).text)
        self._session = connection.flow = ConsoleSession(self._begin, self._end)
        return connection.console_channel(), self._session

    def _settle(self) -> None:
        if self._is_counted:
            self._is_counted = False
            self._gate.settled(self._peer.address)

    def _tell(self, entry: Callable[[], None]) -> None:
        async def tell() -> None:
            await self._house.write(entry)

        self._house.spawn(tell())

    def _begin(self, session: ConsoleSession) -> None:
        """Start the console of a session, count it, and tell the journal; without an entry there is no session."""
        who, doorway = self.signed_on, self._house.doorway
        if who is None:
            return
        refusal = self._gate.session_refusal(who.name)
        if refusal:
            session.refuse(message(refusal).text)
            return
        seat = Seat(self._house.store_url, who, str(self._peer))
        try:
            variables = child.environment(session.terminal, self._peer.as_sshd_says_it(), os.environ)
            started = child.start(seat, variables, session.size, doorway.store.location.directory)
        except OSError as error:
            session.refuse(message("GWL1068", reason=error.strerror or error).text)
            return
        job = SessionJob(who.name, started.pid, self._peer)
        self._settle()
        self._gate.session_began(who.name)
        self._house.is_empty.clear()
        self._house.live[session] = Live(
            session, job, who, self.method, self.key, session.last_input_s, doorway.clock()
        )
        session.attach(started)
        self._house.spawn(self._tell_of_start(session, job))

    async def _tell_of_start(self, session: ConsoleSession, job: SessionJob) -> None:
        if not await self._house.write(lambda: self._house.entries.began(job, self.method)):
            session.finish(Ending("GWL1087"))

    def _end(self, session: ConsoleSession) -> None:
        live = self._house.live.pop(session)
        if not self._house.live:
            self._house.is_empty.set()
        self._gate.session_ended(live.job.user)
        self._house.spawn(self._leave(live))

    async def _leave(self, live: Live) -> None:
        ending = live.session.ending or Ending(FAILED, (("status", ""),))
        await self._house.write(lambda: self._house.entries.ended(live.job, ending.text()))
        if self._connection is None:
            return
        try:
            async with asyncio.timeout(_LINGER_S):
                await self._connection.wait_closed()
        except TimeoutError:
            self.cut_off()
