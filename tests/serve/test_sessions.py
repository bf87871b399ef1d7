"""Sessions in a server of the same process, a real console behind each: how they end, and what is known of them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
import sys

import asyncssh
import psutil
import pytest

from console.serve import child
from console.serve.limits import Endpoint, Limits
from console.serve.options import ServeOptions
from console.serve.server import Server
from console.serve.watch import _standing
from console.store.session import reading, transaction
from console.store.ssh_sessions import list_ssh_sessions
from console.store.system_values import INACTIVITY, set_value
from tests.serve.people import add_person, make_key

PATIENCE_S = 40


@pytest.fixture
def key(tmp_path, store_url):
    made = make_key(tmp_path / "key")
    add_person(store_url, "ALICE", key=f"{made}.pub")
    return made


@contextlib.asynccontextmanager
async def serving(store, store_url, limits, address="127.0.0.1"):
    server = Server(store, store_url, ServeOptions(Endpoint(address, 0), limits), "ROOT")
    task = asyncio.ensure_future(server.run())
    waiting = asyncio.ensure_future(server.is_listening.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield server
    finally:
        server.stop()
        await task


class Screen(asyncssh.SSHClientSession):
    """Collects what comes."""

    def __init__(self):
        self.octets = b""
        self.came = asyncio.Event()
        self.ended = asyncio.Event()

    def data_received(self, data, datatype):
        self.octets += data
        self.came.set()

    def connection_lost(self, exc):
        self.ended.set()

    async def shows(self, text):
        async with asyncio.timeout(PATIENCE_S):
            while text not in re.sub(rb"\x1b\[[0-9;?<]*[a-zA-Z]", b"", self.octets).decode():
                self.came.clear()
                await self.came.wait()


@contextlib.asynccontextmanager
async def signed_on(server, key, host="127.0.0.1", **terminal):
    options = {"known_hosts": None, "config": None, "username": "alice", "client_keys": [str(key)], "agent_path": None}
    async with asyncssh.connect(host, server.endpoint.port, **options) as client:
        how = {"term_type": "xterm-256color", "term_size": (80, 24), "encoding": None, **terminal}
        channel, screen = await client.create_session(Screen, **how)
        yield channel, screen


async def test_session_without_keys_ends_and_says_why(store, store_url, key):
    async with serving(store, store_url, Limits(idle_s=1.5)) as server, signed_on(server, key) as (channel, screen):
        async with asyncio.timeout(PATIENCE_S):
            await screen.ended.wait()
        await screen.shows("no key in 0.025 minutes")
        assert channel.get_exit_status() == 1
    with reading(store) as session:
        assert list_ssh_sessions(session) == []


def test_idle_time_is_that_of_the_system_value(store):
    assert _standing(store, [], []).idle_s == 0
    with transaction(store) as session:
        set_value(session, INACTIVITY, "5")
    assert _standing(store, [], []).idle_s == 300


async def test_list_has_the_session_while_it_is_open(store, store_url, key):
    async with serving(store, store_url, Limits()) as server, signed_on(server, key) as (channel, screen):
        await screen.shows("Greenwall Main Menu")
        with reading(store) as session:
            (row,) = list_ssh_sessions(session)
        assert (row.user, row.remote_address, row.method) == ("ALICE", "127.0.0.1", "public key")
        assert row.job == f"{row.pid % 1_000_000:06}/ALICE/SSH"
        channel.write(b"90\r")
        async with asyncio.timeout(PATIENCE_S):
            await screen.ended.wait()
        assert channel.get_exit_status() == 0


async def test_what_is_typed_before_the_console_is_there_is_not_echoed(store, store_url, key):
    async with serving(store, store_url, Limits()) as server, signed_on(server, key) as (channel, screen):
        channel.write(b"secret\x03")
        await screen.shows("Greenwall Main Menu")
        assert b"secret" not in screen.octets.partition(b"\x1b[?1049h")[0]


async def test_terminal_that_shows_nothing_gets_no_console(store, store_url, key):
    async with serving(store, store_url, Limits()) as server:
        with pytest.raises(asyncssh.ChannelOpenError):
            async with signed_on(server, key, term_type="dumb"):
                pass


async def test_both_families_are_served_on_the_unspecified_address(store, store_url, key):
    async with serving(store, store_url, Limits(), "::") as server:
        for host in ("127.0.0.1", "::1"):
            async with signed_on(server, key, host=host) as (_, screen):
                await screen.shows("Greenwall")
                with reading(store) as session:
                    (row,) = list_ssh_sessions(session)
                assert row.remote_address == host
            async with asyncio.timeout(PATIENCE_S):
                await server._house.is_empty.wait()


async def test_connection_that_opens_no_console_is_closed(store, store_url, key):
    async with serving(store, store_url, Limits(sign_on_s=2.0)) as server:
        options = {"known_hosts": None, "config": None, "username": "alice", "client_keys": [str(key)]}
        async with asyncssh.connect("127.0.0.1", server.endpoint.port, agent_path=None, **options) as client:
            async with asyncio.timeout(PATIENCE_S):
                await client.wait_closed()


async def test_session_outlives_the_time_to_sign_on(store, store_url, key):
    async with serving(store, store_url, Limits(sign_on_s=3.0)) as server, signed_on(server, key) as (_, screen):
        await screen.shows("Greenwall Main Menu")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(4):
                await screen.ended.wait()


@pytest.fixture
def endless(monkeypatch):
    """Have a program in the place of the console that writes for ever."""

    def write_for_ever(seat, variables, slave, directory):
        line = [sys.executable, "-c", "import os\nwhile True: os.write(1, bytes(1000))"]
        return subprocess.Popen(line, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)

    monkeypatch.setattr(child, "_spawn", write_for_ever)


async def test_line_that_takes_nothing_holds_up_what_writes_for_ever(store, store_url, key, endless):
    async with serving(store, store_url, Limits()) as server, signed_on(server, key, window=2**30) as (channel, screen):
        channel._conn._transport.pause_reading()
        async with asyncio.timeout(PATIENCE_S):
            while not (session := next(iter(server._house.live), None)) or not session._pauses:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        process = psutil.Process(session._child.pid)
        written = process.io_counters().write_chars
        await asyncio.sleep(1)
        # What fits into the terminal itself, a page, may still have been written.
        assert process.io_counters().write_chars - written < 16 * 1024
        (visit,) = server._house.visits
        waiting = session._channel.get_write_buffer_size() + visit._connection._transport.get_write_buffer_size()
        assert waiting < 256 * 1024
        seen = len(screen.octets)
        channel._conn._transport.resume_reading()
        async with asyncio.timeout(PATIENCE_S):
            while len(screen.octets) < seen + 10 * waiting + 2**20:
                screen.came.clear()
                await screen.came.wait()
