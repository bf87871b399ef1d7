"""The worker's end of the conversations with guards. What a guard does wrong ends its own conversation and no other."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping
from typing import Protocol

from console.enforcement.frames import (
    MAX_FRAME_BYTES,
    PROTOCOL,
    Counted,
    End,
    EndJob,
    Frame,
    Hello,
    InForce,
    NewAuditing,
    NewRevision,
    Records,
    Taken,
    Welcome,
    decode,
    encode,
)
from console.enforcement.ledger import Parcel, StoreGoneError
from console.enforcement.scribe import Scribe
from console.enforcement.trust import ancestors, is_there, peer
from console.errors import WorkerError
from console.messages import describe, line
from console.policy.audit_levels import Auditing
from console.policy.rule import Policy

_log = logging.getLogger("greenwall.worker")

_LENGTH_BYTES = 4
_HELLO_WITHIN_S = 10
_READ_AHEAD_BYTES = 256 * 1024
"""A frame of a busy guard is that long; with less room it would come in many small reads."""
_MOST_UNSENT_BYTES = 2 * MAX_FRAME_BYTES
"""A guard that lets so much lie does not read any more; it is stopped, or broken."""


class Conversation:
    """One guard's connection, after its Hello."""

    def __init__(self, guard_id: str, writer: asyncio.StreamWriter) -> None:
        self.guard_id = guard_id
        self.told: EndJob | None = None
        """How its job is to end, as it was told last."""
        self._writer = writer

    def send(self, octets: bytes) -> None:
        """Send an encoded frame; give the guard up if it has stopped reading."""
        if self._writer.is_closing():
            return
        self._writer.write(octets)
        if self._writer.transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
            self.abort()

    def taken(self, parcel: Parcel, number: int) -> None:
        """Acknowledge what is on disk."""
        if isinstance(parcel.frame, Records | End):
            self.send(encode(Taken(number, ended=isinstance(parcel.frame, End))))

    def refused(self, error: WorkerError) -> None:
        """Say why and end."""
        _log.warning("%s", line(describe(error)))
        self.abort()

    def abort(self) -> None:
        """End at once; the guard comes back and sends again what was not acknowledged."""
        self._writer.transport.abort()


class Watcher(Protocol):
    """Whoever is told what guards are told, and which guards there are."""

    def policy_changed(self, revision: int, policy: Policy) -> None:
        """Hear of a new revision."""

    def auditing_changed(self, auditing: Auditing) -> None:
        """Hear what is to be audited from now on."""

    def guard_came(self, pid: int) -> None:
        """Hear that a guard is there."""

    def guard_went(self, pid: int) -> None:
        """Hear that a guard has gone."""


class GuardServer:
    """All conversations, and the policy that they are told of.

    Threads: The event loop's only.
    """

    def __init__(self, scribe: Scribe, revision: int, policy: Policy) -> None:
        self.revision = revision
        """Number of the revision that guards are told of."""
        self._policy = policy
        self._auditing = Auditing()
        self._scribe = scribe
        self._conversations: set[Conversation] = set()
        self.watcher: Watcher | None = None
        """Told of everything as guards are."""
        self.on_come: Callable[[], None] = _nothing
        """Told when a guard is there that can be told what an operator wants."""

    @property
    def policy(self) -> Policy:
        """The revision that guards are told of."""
        return self._policy

    def connected(self) -> frozenset[str]:
        """Return the ids of the guards that are there."""
        return frozenset(each.guard_id for each in self._conversations)

    async def look_for_newer(self) -> None:
        """Tell every guard of the revision that is active now, and of what is to be audited, if that is another."""
        auditing = await self._scribe.insist(self._scribe.ledger.policies.auditing)
        if auditing != self._auditing:
            self._auditing = auditing
            self._tell_all(encode(NewAuditing(auditing)))
            if self.watcher is not None:
                self.watcher.auditing_changed(auditing)
        newer = await self._scribe.insist(self._scribe.ledger.policies.newer, self.revision)
        if newer is not None and newer[0] != self.revision:  # while we waited, another may have looked
            self._push(*newer)

    def _push(self, revision: int, policy: Policy) -> None:
        self.revision, self._policy = revision, policy
        self._tell_all(encode(NewRevision(revision, policy)))
        if self.watcher is not None:
            self.watcher.policy_changed(revision, policy)

    def _tell_all(self, octets: bytes) -> None:
        for conversation in self._conversations:
            conversation.send(octets)

    def end_jobs(self, wanted: Mapping[str, EndJob]) -> None:
        """Tell guards that their jobs are to end, each once.

        Args:
            wanted: Guard id -> how.
        """
        for conversation in self._conversations:
            request = wanted.get(conversation.guard_id)
            if request is not None and request != conversation.told:
                conversation.told = request
                conversation.send(encode(request))

    async def converse(self, endpoint: socket.socket) -> None:
        """Speak with one guard until it goes, or says something that makes no sense.

        Args:
            endpoint: Its connection, closed in the end.
        """
        pid, uid = peer(endpoint)
        reader, writer = await asyncio.open_unix_connection(sock=endpoint, limit=_READ_AHEAD_BYTES)
        try:
            _check_owner(pid, uid)
            await self._check_job(endpoint, pid)
            await self._converse(reader, writer, pid)
        except StoreGoneError:
            raise
        except WorkerError as error:
            _log.warning("%s", line(describe(error)))
        except (asyncio.IncompleteReadError, TimeoutError, OSError):
            # It went in the middle of a frame, or never said anything: its spool says the rest.
            pass
        finally:
            writer.transport.abort()

    async def _check_job(self, endpoint: socket.socket, pid: int) -> None:
        """Refuse whoever is in a job: it is no guard, and would have the journal say what it likes.

        The guard of a job is an ancestor of all that is in it, as the subreaper of what is orphaned. A process of
        another PID namespace, which has no number here, is none of any job here.

        Raises:
            WorkerError: It is in one, or has ended.
        """
        if not pid:
            return
        try:
            above = ancestors(pid)
        except OSError:
            above = None
        if above is None or not is_there(endpoint):
            raise WorkerError("GWL0523", pid=pid)
        job = await self._scribe.insist(self._scribe.ledger.refuse_job, pid, above)
        if job:
            raise WorkerError("GWL0524", pid=pid, job=job)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int) -> None:
        async with asyncio.timeout(_HELLO_WITHIN_S):
            hello = await _read(reader)
        if not isinstance(hello, Hello):
            raise WorkerError("GWL0506", frame=type(hello).__name__)
        if hello.protocol != PROTOCOL:
            raise WorkerError("GWL0508", found=hello.protocol, known=PROTOCOL)
        await self.look_for_newer()  # what was activated before a job starts is in force in it
        job_number, last_number = await self._scribe.insist(self._scribe.ledger.welcome, hello, pid or hello.pid)
        conversation = Conversation(hello.guard_id, writer)
        # Nothing is awaited between these two: a revision is either in the Welcome or pushed after it.
        self._conversations.add(conversation)
        if self.watcher is not None:
            self.watcher.guard_came(pid)
        welcome = Welcome(PROTOCOL, job_number, last_number, self.revision, self._policy, self._auditing)
        conversation.send(encode(welcome))
        self.on_come()
        try:
            while True:
                frame = await _read(reader)
                if not isinstance(frame, Records | Counted | InForce | End):
                    raise WorkerError("GWL0506", frame=type(frame).__name__)
                await self._scribe.put(Parcel(hello.guard_id, frame), conversation)
        finally:
            self._conversations.discard(conversation)
            if self.watcher is not None:
                self.watcher.guard_went(pid)


def _nothing() -> None:
    """Do nothing."""


def _check_owner(pid: int, uid: int) -> None:
    if uid not in (0, os.geteuid()):
        raise WorkerError("GWL0509", pid=pid, uid=uid)


async def _read(reader: asyncio.StreamReader) -> Frame:
    """Read one frame.

    Raises:
        WorkerError: What comes is no frame.
        IncompleteReadError: The guard went.
    """
    octets = await reader.readexactly(_LENGTH_BYTES)
    found = decode(octets)
    if found is None:
        octets += await reader.readexactly(int.from_bytes(octets, "big"))
        found = decode(octets)
    if found is None:
        raise WorkerError("GWL0504", reason="empty")
    return found[0]
