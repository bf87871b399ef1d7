"""Signing on over SSH, by AsyncSSH's client against a server in the same process: steps, limits, what is counted."""

from __future__ import annotations

import asyncio
import contextlib

import asyncssh
import pytest
from sqlmodel import select

from console.messages import message
from console.model.outbox import AuditOutbox
from console.model.user_profiles import UserProfile
from console.people.codes import code_at, new_key
from console.policy.secret import Secret
from console.serve.options import checked
from console.serve.server import Server
from console.store.secrets import seal
from console.store.session import reading
from tests.conftest import NOW
from tests.serve.people import PASSWORD, add_person, make_key


@pytest.fixture
def key(tmp_path):
    return make_key(tmp_path / "key")


@pytest.fixture
async def serve(store, store_url):
    """Return a function that starts a server with some options."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(**options):
            server = Server(store, store_url, checked(listen="127.0.0.1:0", **options), "ROOT", clock=lambda: NOW)
            task = asyncio.ensure_future(server.run())

            async def end():
                server.stop()
                await task

            stack.push_async_callback(end)
            await server.is_listening.wait()
            return server

        yield start


class Client(asyncssh.SSHClient):
    """Answers what it is asked, and remembers the questions."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.asked = []

    def kbdint_auth_requested(self):
        return ""

    def kbdint_challenge_received(self, name, instructions, lang, prompts):
        self.asked += [prompt for prompt, _ in prompts]
        return [self.answers.pop(0) for _ in prompts] if self.answers else None


def connecting(server, *, name="alice", keys=(), password=None, answers=(), **more):
    client = Client(answers)
    options = {
        "known_hosts": None, "config": None, "username": name, "agent_path": None,
        "client_keys": [str(each) for each in keys] or None, "password": password,
    }  # fmt: skip
    return asyncssh.connect("127.0.0.1", server.endpoint.port, client_factory=lambda: client, **options | more), client


async def lets_in(server, **how):
    connection, client = connecting(server, **how)
    try:
        async with connection:
            return True, client
    except (asyncssh.PermissionDenied, asyncssh.DisconnectError):
        return False, client


def entries(store):
    with reading(store) as session:
        return [(each.entry_type, each.sk_type, each.user_name) for each in session.exec(select(AuditOutbox))]


async def test_key_alone_and_password_alone_let_in(store, store_url, key, serve):
    add_person(store_url, "ALICE", key=f"{key}.pub")
    server = await serve()
    assert (await lets_in(server, keys=[key]))[0]
    assert (await lets_in(server, password=PASSWORD))[0]
    assert ("SK", "S", "ROOT") in entries(store)


async def test_wrong_password_unknown_name_and_disabled_profile_look_alike(store, store_url, key, serve):
    add_person(store_url, "ALICE", key=f"{key}.pub")
    add_person(store_url, "BOB", status="*DISABLED", key=f"{key}.pub")
    server = await serve()
    for name, password in (("alice", "x"), ("nobody", "x"), ("bob", PASSWORD)):
        assert not (await lets_in(server, name=name, password=password))[0]
    assert not (await lets_in(server, name="bob", keys=[key]))[0]
    assert not (await lets_in(server, name="nobody", keys=[key]))[0]
    assert [each for each in entries(store) if each[0] == "PW"]


@pytest.fixture
def code(store, store_url, key):
    """Give ALICE a profile with one-time codes; return that of now."""
    secret = new_key()
    sealed = seal(store.location, Secret(secret)).text
    add_person(store_url, "ALICE", key=f"{key}.pub", sealed_code_key=sealed)
    return code_at(secret, int(NOW.timestamp()) // 30)


@pytest.mark.parametrize("way", ["key", "password"])
async def test_code_is_asked_for_after_the_first_step(code, key, serve, way):
    server = await serve()
    how = {"keys": [key]} if way == "key" else {"password": PASSWORD}
    allowed, client = await lets_in(server, **how, answers=[code])
    assert allowed
    assert client.asked == ["One-time code: "]
    assert not (await lets_in(server, **how, answers=[code]))[0], "no code is taken twice"


@pytest.mark.parametrize("way", ["key", "password"])
async def test_first_step_without_the_code_does_not_let_in(code, key, serve, way):
    server = await serve()
    how = {"keys": [key]} if way == "key" else {"password": PASSWORD}
    assert not (await lets_in(server, **how))[0]
    allowed, client = await lets_in(server, **how, answers=["000000"])
    assert not allowed
    assert client.asked == ["One-time code: "]


async def test_right_code_behind_a_wrong_password_does_not_let_in_and_says_nothing_more(code, serve):
    server = await serve()
    allowed, client = await lets_in(server, password="wrong", answers=[code])
    assert (allowed, client.asked) == (False, ["One-time code: "])


async def test_code_without_a_first_step_is_not_asked_for(code, serve):
    server = await serve()
    allowed, client = await lets_in(server, answers=[code])
    assert (allowed, client.asked) == (False, [])


async def test_first_step_of_one_name_counts_for_no_other(store, store_url, code, key, serve, tmp_path):
    """The client proves to be ALICE, and then says that it is BOB, whose password and key it does not have."""
    add_person(store_url, "BOB", key=f"{make_key(tmp_path / 'other')}.pub")
    server = await serve()
    connection, client = connecting(server, keys=[key], answers=[code])
    original = asyncssh.connection.SSHClientConnection.try_next_auth
    renamed = []

    def rename(self, **more):
        if renamed:
            self._username = "bob"
        renamed.append(self)
        return original(self, **more)

    asyncssh.connection.SSHClientConnection.try_next_auth = rename
    try:
        with pytest.raises((asyncssh.PermissionDenied, asyncssh.DisconnectError)):
            async with connection:
                pass
    finally:
        asyncssh.connection.SSHClientConnection.try_next_auth = original
    assert client.asked == []


async def test_connection_may_try_only_so_often(store, store_url, serve):
    add_person(store_url, "ALICE")
    server = await serve(attempts=2)
    passwords = ["a", "b", PASSWORD]

    class Guesser(Client):
        def password_auth_requested(self):
            return passwords.pop(0) if passwords else None

    connection = asyncssh.connect(
        "127.0.0.1", server.endpoint.port, client_factory=lambda: Guesser([]), known_hosts=None, config=None,
        username="alice", agent_path=None, client_keys=None,
    )  # fmt: skip
    with pytest.raises(asyncssh.DisconnectError, match="Too many attempts"):
        async with connection:
            pass


async def test_keys_that_a_client_offers_are_not_counted_as_failures(store, store_url, key, serve, tmp_path):
    add_person(store_url, "ALICE", key=f"{key}.pub")
    server = await serve()
    others = [make_key(tmp_path / f"other{number}") for number in range(6)]
    assert (await lets_in(server, keys=[*others, key]))[0]
    with reading(store) as session:
        assert session.get(UserProfile, "ALICE").failures == 0


async def test_too_many_keys_end_the_connection(store_url, key, serve, tmp_path):
    add_person(store_url, "ALICE", key=f"{key}.pub")
    server = await serve()
    others = [make_key(tmp_path / f"other{number}") for number in range(21)]
    assert not (await lets_in(server, keys=[*others, key]))[0]


async def test_who_says_nothing_is_disconnected_in_time_and_others_get_in(store, store_url, key, serve):
    add_person(store_url, "ALICE", key=f"{key}.pub")
    server = await serve(sign_on_time=5, connections=4)
    silent = [await asyncio.open_connection("127.0.0.1", server.endpoint.port) for _ in range(2)]
    reader, writer = await asyncio.open_connection("127.0.0.1", server.endpoint.port)
    assert await reader.read() == b"Not allowed at this time\r\n"
    writer.close()
    async with asyncio.timeout(20):
        for reader, writer in silent:
            assert (await reader.read()).startswith(b"SSH-2.0-Greenwall")
            writer.close()
    assert (await lets_in(server, keys=[key]))[0]
    await server._refusals.flush()
    assert entries(store).count(("SK", "X", "ROOT")) == 1, "one entry for all of them"


async def test_what_is_no_ssh_is_cut_off(store, serve):
    server = await serve()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.endpoint.port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n" * 1000)
    async with asyncio.timeout(10):
        with contextlib.suppress(OSError):
            await reader.read()
    writer.close()


@pytest.mark.parametrize("weak", [
    {"kex_algs": ["diffie-hellman-group14-sha1"]}, {"kex_algs": ["diffie-hellman-group14-sha256"]},
    {"mac_algs": ["hmac-sha1"], "encryption_algs": ["aes128-ctr"]}, {"encryption_algs": ["aes128-cbc"]},
    {"server_host_key_algs": ["ssh-rsa"]},
])  # fmt: skip
async def test_weak_algorithms_are_not_agreed_on(store_url, key, serve, weak):
    add_person(store_url, "ALICE", key=f"{key}.pub")
    server = await serve()
    connection, _ = connecting(server, keys=[key], **weak)
    with pytest.raises((asyncssh.KeyExchangeFailed, ValueError)):
        async with connection:
            pass


async def test_sessions_are_limited_and_said_so(store_url, key, serve):
    add_person(store_url, "ALICE", key=f"{key}.pub")
    server = await serve(sessions_per_profile=1)
    first, _ = connecting(server, keys=[key])
    async with first as client:
        await client.create_session(asyncssh.SSHClientSession, term_type="xterm", encoding=None)
        with pytest.raises(asyncssh.ChannelOpenError, match="A connection has one session"):
            await client.create_session(asyncssh.SSHClientSession, term_type="xterm", encoding=None)
        second, _ = connecting(server, keys=[key])
        async with second as other:
            with pytest.raises(asyncssh.ChannelOpenError, match="as many sessions as it may have"):
                await other.create_session(asyncssh.SSHClientSession, term_type="xterm", encoding=None)


async def test_server_that_cannot_listen_says_why(store, store_url, serve):
    server = await serve()
    second = Server(store, store_url, checked(listen=str(server.endpoint)), "ROOT")
    from console.errors import ServeError

    with pytest.raises(ServeError, match="GWL1054"):
        await second.run()


async def test_who_comes_again_and_again_and_never_signs_on_is_kept_away(store, store_url, serve, tmp_path):
    add_person(store_url, "ALICE")
    server = await serve()
    wrong = make_key(tmp_path / "wrong")
    for _ in range(6):
        assert not (await lets_in(server, keys=[wrong]))[0]
    assert await is_kept_away(server)


async def test_connections_that_are_there_when_the_server_ends_are_told_of(store, store_url):
    server = Server(store, store_url, checked(listen="127.0.0.1:0"), "ROOT", clock=lambda: NOW)
    task = asyncio.ensure_future(server.run())
    await server.is_listening.wait()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.endpoint.port)
    assert (await reader.readline()).startswith(b"SSH-2.0-")
    server.stop()
    await task
    assert entries(store) == [("SK", "X", "ROOT")]
    writer.close()


async def guess(server):
    """Try a password of ALICE, and be gone before the answer."""
    with contextlib.suppress(asyncssh.Error, OSError):
        await asyncssh.create_connection(
            Hasty, "127.0.0.1", server.endpoint.port, username="ALICE", known_hosts=None, client_keys=None, config=None
        )


async def is_kept_away(server):
    """Say whether ALICE is, with the right password."""
    try:
        async with connecting(server, password=PASSWORD)[0]:
            return False
    except asyncssh.DisconnectError as error:
        return error.reason.startswith(message("GWL1061").text)


async def test_who_hangs_up_before_the_answer_is_kept_away_as_who_waits_for_it(store, store_url, serve):
    add_person(store_url, "ALICE")
    add_person(store_url, "BOB")
    server = await serve()
    for _ in range(6):
        await guess(server)
    assert await is_kept_away(server)
    assert (await lets_in(server, name="bob", password=PASSWORD))[0], "who shares the address is not"
    with reading(store) as session:
        assert session.get(UserProfile, "ALICE").failures, "it is tried for real"


async def test_who_signs_on_between_guesses_at_another_profile_is_kept_away_all_the_same(store_url, key, serve):
    add_person(store_url, "ALICE")
    add_person(store_url, "EVE", key=f"{key}.pub")
    server = await serve()
    for _ in range(5):
        await guess(server)
        assert (await lets_in(server, name="eve", keys=[key]))[0]
    await guess(server)
    assert await is_kept_away(server)


class Hasty(asyncssh.SSHClient):
    """Sends a password, and is gone when the server has begun to check it."""

    def connection_made(self, connection):
        self.connection = connection

    def password_auth_requested(self):
        asyncio.get_running_loop().call_later(0.03, self.connection.abort)
        return "wrong"


async def test_who_signs_on_and_opens_no_console_takes_no_more_connections_than_strangers(store_url, key, serve):
    add_person(store_url, "ALICE", key=f"{key}.pub")
    server = await serve(connections=4)
    async with contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(connecting(server, keys=[key])[0]) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", server.endpoint.port)
        async with asyncio.timeout(5):
            assert await reader.read() == b"Not allowed at this time\r\n"
        writer.close()
        await opened[0].create_session(asyncssh.SSHClientSession, term_type="xterm", encoding=None)
        await stack.enter_async_context(connecting(server, keys=[key])[0])
