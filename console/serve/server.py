"""The SSH server: accepts, lets in, keeps the list of sessions, and ends what has lost its right to be there.

One process, one event loop; what takes long (passwords, the store) is done in threads, and each console is a process of
its own. Greenwall's only part that reads from the network what strangers wrote: AsyncSSH reads it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import socket
import sys
from functools import partial

import asyncssh
from asyncssh import encryption, kex, mac, public_key

from console.clock import Clock, system_clock
from console.errors import ServeError
from console.messages import line, message
from console.readiness import tell_systemd
from console.serve.algorithms import CIPHERS, KEY_EXCHANGES, MACS, SIGNATURES, at_hand
from console.serve.authentication import Doorway
from console.serve.entries import Entries, Peer, plain_address
from console.serve.gate import Gate
from console.serve.host_key import fingerprint, host_key, known_hosts_line
from console.serve.limits import Endpoint
from console.serve.options import ServeOptions
from console.serve.refusals import Refusals
from console.serve.threads import Threads
from console.serve.visit import House, Visit
from console.serve.watch import Watch
from console.store.engine import Store, open_store

_log = logging.getLogger("greenwall.ssh")

_BACKLOG = 64
_ACCEPT_PAUSE_S = 0.1
"""After an accept that failed: out of descriptors, most often."""
_END_S = 6.0
"""For all sessions to end in, when the server does."""
_KEEPALIVE_S, _KEEPALIVES = 30, 3
"""A client that cannot be reached any more has lost its session after a minute and a half."""
_NOT_NOW = b"Not allowed at this time\r\n"
"""A line before the version is shown by clients (RFC 4253, section 4.2); OpenSSH's server says the same."""


def run_server(store_url: str, options: ServeOptions, user: str) -> int:
    """Serve the console over SSH, in the foreground, until SIGTERM, SIGINT or SIGHUP.

    Args:
        store_url: As `console.store.engine.open_store` takes it.
        options: Where to listen, and what is borne.
        user: User profile that this process runs as.

    Returns:
        Exit code 0.

    Raises:
        StoreError: The store cannot be opened, or its host key is not fit.
        ServeError: Nobody can listen there.
    """
    logging.basicConfig(stream=sys.stderr, format="greenwall ssh: %(message)s")
    _log.setLevel(logging.INFO)
    # AsyncSSH tells of names, commands and variables that strangers send when it is asked to tell more.
    asyncssh.set_log_level(logging.ERROR)
    asyncssh.set_debug_level(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # we have had passwords in clear
    with contextlib.closing(open_store(store_url)) as store:
        server = Server(store, store_url, options, user)
        asyncio.run(server.run())
    return 0


def show_fingerprint(store_url: str) -> str:
    """Return the fingerprint of a store's host key, and the line for a client's known_hosts; makes the key if need be.

    Raises:
        StoreError: The store cannot be opened, or its host key is not fit.
    """
    with contextlib.closing(open_store(store_url)) as store:
        key = host_key(store.location)
    return f"{fingerprint(key)}\n{known_hosts_line(key, '*')}\n"


class Server:
    """One server and its tasks.

    Threads: The event loop's only.
    """

    def __init__(
        self, store: Store, store_url: str, options: ServeOptions, user: str, clock: Clock = system_clock
    ) -> None:
        """Get ready to serve.

        Args:
            store: The store.
            store_url: Its URL, for the children.
            options: Where to listen, and what is borne.
            user: User profile that this process runs as.
            clock: What time it is.

        Raises:
            StoreError: The host key is not fit, or cannot be made.
        """
        self._store = store
        self._listen = options.listen
        self._gate = Gate(options.limits)
        self._threads = Threads()
        self._key = host_key(store.location)
        entries = Entries(store, clock, user)
        doorway = Doorway(store, clock, options.limits, self._gate, self._threads)
        self._refusals = Refusals(entries, self._threads)
        self._house = House(doorway, entries, self._refusals, store_url)
        self._watch = Watch(self._house, options.limits)
        self._stopped = asyncio.Event()
        self.endpoint = options.listen
        """Where it listens; the port is known when `run` has begun to."""
        self.is_listening = asyncio.Event()

    def stop(self) -> None:
        """End in order, soon."""
        self._stopped.set()

    async def run(self) -> None:
        """Serve until `stop`.

        Raises:
            ServeError: Nobody can listen there.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.stop)
        try:
            await self._house.write(self._house.entries.bury)
            options = await self._connection_options()
            with _listener(self._listen) as listener:
                self.endpoint = Endpoint(self._listen.address, listener.getsockname()[1])
                async with asyncio.TaskGroup() as group:
                    self._house.group = group
                    await self._serve(listener, options)
        finally:
            self._threads.close()
        _log.info("%s", line(message("GWL1056", endpoint=self.endpoint)))

    async def _serve(self, listener: socket.socket, options: asyncssh.SSHServerConnectionOptions) -> None:
        async with asyncio.TaskGroup() as group:
            works = (self._accept(listener, options), self._watch.run(), self._refusals.run())
            tasks = [group.create_task(work) for work in works]
            _log.info("%s", line(message("GWL1055", endpoint=self.endpoint, fingerprint=fingerprint(self._key))))
            tell_systemd("READY=1")
            self.is_listening.set()
            await self._stopped.wait()
            tell_systemd("STOPPING=1")
            for task in tasks:
                task.cancel()
        listener.close()
        await self._house.close(_END_S)
        await self._refusals.flush()

    async def _connection_options(self) -> asyncssh.SSHServerConnectionOptions:
        options: asyncssh.SSHServerConnectionOptions = await asyncssh.SSHServerConnectionOptions.construct(
            server_factory=asyncssh.SSHServer,  # each connection brings its own, which knows who comes
            server_host_keys=[self._key],
            server_version="Greenwall",
            kex_algs=at_hand(KEY_EXCHANGES, kex.get_kex_algs()),
            encryption_algs=at_hand(CIPHERS, encryption.get_encryption_algs()),
            mac_algs=at_hand(MACS, mac.get_mac_algs()),
            signature_algs=at_hand(SIGNATURES, public_key.get_public_key_algs()),
            compression_algs=None,
            x509_trusted_certs=None,
            gss_host=None,
            host_based_auth=False,
            agent_forwarding=False,
            x11_forwarding=False,
            allow_scp=False,
            line_editor=False,
            login_timeout=self._house.doorway.limits.sign_on_s,
            keepalive_interval=_KEEPALIVE_S,
            keepalive_count_max=_KEEPALIVES,
        )
        return options

    async def _accept(self, listener: socket.socket, options: asyncssh.SSHServerConnectionOptions) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(listener)
            except OSError as error:
                _log.warning("%s", line(message("GWL1057", reason=error.strerror or error)))
                await asyncio.sleep(_ACCEPT_PAUSE_S)
                continue
            try:
                await self._receive(accepted, options)
            except OSError:
                accepted.close()  # it has gone already

    async def _receive(self, accepted: socket.socket, options: asyncssh.SSHServerConnectionOptions) -> None:
        """Let a connection in, or close it."""
        loop = asyncio.get_running_loop()
        peer = _peer_of(accepted)
        refusal = self._gate.refusal(peer.address, loop.time())
        if refusal:
            with contextlib.suppress(OSError):
                accepted.send(_NOT_NOW)
            accepted.close()
            self._refusals.add(peer, message(refusal).text)
            return
        visit = Visit(self._house, peer)
        try:
            await loop.connect_accepted_socket(partial(visit.connect, loop, options), accepted)
        except OSError:
            visit.connection_lost(None)
            raise


def _peer_of(accepted: socket.socket) -> Peer:
    remote, local = accepted.getpeername(), accepted.getsockname()
    return Peer(plain_address(remote[0]), remote[1], plain_address(local[0]), local[1])


def _listener(endpoint: Endpoint) -> socket.socket:
    """Return a listening socket; ``::`` takes connections of both families.

    Raises:
        ServeError: There can be none.
    """
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    try:
        # Of an address of one link, fe80::1%eth0, bind(2) takes the number of the device, and Python no name for it.
        place = socket.getaddrinfo(
            endpoint.address, endpoint.port, family, socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )[0][4]
        dual = endpoint.address == "::"
        listener = socket.create_server(place, family=family, backlog=_BACKLOG, dualstack_ipv6=dual)
    except OSError as error:
        raise ServeError("GWL1054", endpoint=endpoint, reason=error.strerror or error) from error
    listener.setblocking(False)
    return listener
