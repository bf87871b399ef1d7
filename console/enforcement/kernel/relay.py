"""The relay: a process beside the worker to which the kernel leads the connections that SOCKS entries are about.

::

    program --connect--> kernel: "to the relay" --> relay == SOCKS handshake ==> server --> destination
            <---------------------- octets, by splice(2) ------------------------------->

Who connects, and where to, is what the kernel has kept under the connection's own address and port; somebody who comes
by himself is not known there, and is reset. What became of the connection the relay tells the kernel, which puts it
into the ring buffer: so each has one entry, also where there is no worker at the moment.

The relay lives longer than its worker: it goes on with what it knows, and ends when the kernel leads nobody to it any
more and its last connection is closed.

As a process: ``python -m console.enforcement.kernel.relay DIRECTORY UNDERWAY RELAYS SETTLE LISTENER...``, all but the
first descriptors that it inherits; standard input is the worker, which sends the SOCKS entries of each revision.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from console.enforcement.fds import OwnedFd
from console.enforcement.frames import NewRevision, decode
from console.enforcement.kernel import libbpf
from console.enforcement.kernel.events import (
    UNDERWAY_SIZE,
    Underway,
    note,
    read_underway,
    settlement,
    source_key,
)
from console.enforcement.kernel.leading import Leader, Led, entries_by_sequence
from console.enforcement.kernel.pump import Pump, reset
from console.enforcement.layouts import Endpoint
from console.enforcement.syscalls import hide_from_tracers
from console.policy.request import MAPPED
from console.policy.rule import SocksEntry

_MOST_AT_ONCE = 256
"""Handshakes; more wait for their turn."""
_REVISIONS_KEPT = 16
"""Of each the SOCKS entries: a connection goes by those of the revision that let it go."""
_LOOK_S = 1.0
"""How often an orphan looks whether anybody is led to it still."""
_MOST_EVENTS = 256
_LENGTH_BYTES = 4
_FIRST = bytes(4)


class Kernel(NamedTuple):
    """Descriptors of what the relay needs of the engine."""

    underway: int
    relays: int
    settle: int


class Relay:
    """The connections of one relay.

    Threads: `run` is for one; `learn` for any.
    """

    def __init__(self, kernel: Kernel, listeners: Sequence[socket.socket], directory: Path | None) -> None:
        """Take what is inherited.

        Args:
            kernel: Parts of the engine.
            listeners: Not blocking.
            directory: Where the engine is pinned; None where it is not.
        """
        self._kernel = kernel
        self._listeners = {each.fileno(): each for each in listeners}
        self._ports = {each.getsockname()[1] for each in listeners}
        self._directory = directory
        self._revisions: OrderedDict[int, Mapping[int, SocksEntry]] = OrderedDict()
        self._leader = Leader(lambda text: self._tell(note(text)))
        self._pool = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="handshake")
        self._pump = Pump()
        self._begun = 0
        self._done: list[tuple[socket.socket, socket.socket] | None] = []
        self._wake = OwnedFd(os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC))
        self.is_orphan = threading.Event()
        """Set when there is no worker any more."""

    def learn(self, revision: int, entries: tuple[SocksEntry, ...]) -> None:
        """Know the entries of a revision."""
        self._revisions[revision] = entries_by_sequence(entries)
        while len(self._revisions) > _REVISIONS_KEPT:
            self._revisions.popitem(last=False)

    def run(self) -> None:
        """Relay until nobody needs it any more."""
        epoll = self._pump.epoll
        for number in (self._wake.number, *self._listeners):
            epoll.register(number, select.EPOLLIN)
        while not (self._is_left() and not self._begun and not len(self._pump)):
            numbers = [number for number, _ in epoll.poll(_LOOK_S, _MOST_EVENTS)]
            for number in numbers:
                if number in self._listeners:
                    self._accept(self._listeners[number])
                elif number == self._wake.number:
                    self._take_done()
            self._pump.move(numbers)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _is_left(self) -> bool:
        """Say whether nobody comes any more; lets go of the listeners then."""
        if not self.is_orphan.is_set():
            return False
        if self._listeners and not self._is_in_use():
            for number, each in self._listeners.items():
                self._pump.epoll.unregister(number)
                each.close()
            self._listeners.clear()
        return not self._listeners

    def _is_in_use(self) -> bool:
        if self._directory is None or not self._directory.exists():
            return False
        ports = libbpf.look_up(self._kernel.relays, _FIRST, 8)
        return bool({int.from_bytes(ports[at : at + 4], "little") for at in (0, 4)} & self._ports)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, peer = listener.accept()
            except OSError:  # nobody more, or no descriptor: then they wait
                return
            source = _endpoint(near.family, peer)
            try:
                underway = read_underway(libbpf.look_up(self._kernel.underway, source_key(source), UNDERWAY_SIZE))
            except OSError:
                reset(near)
                continue
            self._begun += 1
            self._pool.submit(self._lead, source, underway, near)

    def _lead(self, source: Endpoint, underway: Underway, near: socket.socket) -> None:
        """Lead one connection; in a thread of its own."""
        entry = self._revisions.get(underway.revision, {}).get(underway.entry)
        led = Led(None, "", "its SOCKS entry is not known")
        if entry is not None:
            led = self._leader.lead(underway, entry, near)
        is_told = self._tell(settlement(source, underway.cookie, led.server, led.text))
        if led.far is not None and is_told:
            self._done.append((near, led.far))
        else:
            reset(near)
            if led.far is not None:
                reset(led.far)
            self._done.append(None)
        os.eventfd_write(self._wake.number, 1)

    def _tell(self, octets: bytes) -> bool:
        """Tell the kernel; say whether that was news."""
        try:
            return bool(libbpf.run(self._kernel.settle, octets).answer)
        except OSError:
            return False

    def _take_done(self) -> None:
        os.eventfd_read(self._wake.number)
        while self._done:
            pair = self._done.pop()
            self._begun -= 1
            if pair is not None:
                self._pump.add(pair)


def _endpoint(family: int, peer: tuple[str, int]) -> Endpoint:
    address = int.from_bytes(socket.inet_pton(family, peer[0].partition("%")[0]), "big")
    return Endpoint(address + MAPPED if family == socket.AF_INET else address, peer[1])


def _hear(relay: Relay, worker: socket.socket) -> None:
    """Learn what the worker sends, until it has gone."""
    with worker, worker.makefile("rb") as stream:
        while len(head := stream.read(_LENGTH_BYTES)) == _LENGTH_BYTES:
            found = decode(head + stream.read(int.from_bytes(head, "big")))
            if found is not None and isinstance(found[0], NewRevision):
                relay.learn(found[0].revision, found[0].policy.socks)
                worker.sendall(b"\0")
    relay.is_orphan.set()


def main(arguments: Sequence[str]) -> None:
    """Be the relay."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hide_from_tracers()  # we have the passwords of SOCKS servers in clear
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    directory, *numbers = arguments
    underway, relays, settle, *listening = map(int, numbers)
    listeners = [socket.socket(fileno=number) for number in listening]
    for each in listeners:
        each.setblocking(False)
    relay = Relay(Kernel(underway, relays, settle), listeners, Path(directory) if directory else None)
    threading.Thread(target=_hear, args=(relay, socket.socket(fileno=0)), name="worker", daemon=True).start()
    relay.run()
    os._exit(0)  # threads that still ask a resolver must not hold us up


if __name__ == "__main__":
    main(sys.argv[1:])
