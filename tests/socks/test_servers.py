"""Exchanges with the SOCKS servers that people run: Dante, OpenSSH and microsocks."""

from __future__ import annotations

import contextlib
import errno
import getpass
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from console.errors import SocksError
from console.socks.client import Patience, dial, perform
from console.socks.exchange import Exchange, State
from console.socks.refusals import Reason
from console.socks.words import Command
from tests.end_to_end.command import until
from tests.end_to_end.peer import free_port
from tests.fidelity.peers import find, is_listening, needs
from tests.loopback import serving
from tests.socks.places import SECRET, ipv4, ipv6, named, server

CONNECT, BIND = Command.CONNECT, Command.BIND
_PATIENCE_S = 60
_DANTE = """
logoutput: {directory}/log
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
{users}
client pass {{ from: 0/0 to: 0/0 }}
socks block {{ from: 0/0 to: 127.0.0.66/32 }}
socks pass {{ from: 0/0 to: 0/0 command: bind connect bindreply }}
"""
_SSHD = """
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/key.pub
PermitRootLogin yes
PasswordAuthentication no
UsePAM no
StrictModes no
PidFile none
"""
_SEPARATION = Path("/run/sshd")
"""Where Debian's sshd puts the process that has not logged in; its service makes it at each start."""


@contextlib.contextmanager
def started(port, *command):
    """Run a server until the test has done with it; yields where it listens."""
    words = [find(command[0]), *map(str, command[1:])]
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            is_up = lambda: process.poll() is not None or is_listening("127.0.0.1", port)  # noqa: E731
            until(is_up, f"{command[0]} to listen", _PATIENCE_S)
            assert process.poll() is None, process.stdout.read()
            yield ipv4("127.0.0.1", port)
        finally:
            process.terminate()
            process.wait(_PATIENCE_S)


@pytest.fixture(scope="module")
def dante(tmp_path_factory):
    directory, port = tmp_path_factory.mktemp("dante"), free_port()
    users = "user.privileged: root\nuser.notprivileged: nobody" if os.geteuid() == 0 else ""
    (directory / "conf").write_text(_DANTE.format(directory=directory, port=port, users=users))
    with started(port, "danted", "-f", directory / "conf", "-p", directory / "pid") as at:
        yield at


@pytest.fixture(scope="module")
def openssh(tmp_path_factory):
    """Return where ``ssh -D`` listens; its sshd is at the other end of a pipe, and listens nowhere."""
    directory, port = tmp_path_factory.mktemp("ssh"), free_port()
    for name in ("host_key", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name], check=True)
    (directory / "conf").write_text(_SSHD.format(directory=directory))
    made = os.geteuid() == 0 and not _SEPARATION.exists()
    if made:
        _SEPARATION.mkdir(mode=0o755)
    options = {
        "BatchMode": "yes", "ExitOnForwardFailure": "yes", "LogLevel": "ERROR", "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": directory / "known", "ProxyCommand": f"{find('sshd')} -i -f {directory}/conf",
    }  # fmt: skip
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    there = f"{getpass.getuser()}@there"
    with started(
        port, "ssh", "-F", "none", "-i", directory / "key", *words, "-N", "-D", f"127.0.0.1:{port}", there
    ) as at:
        yield at
    if made:
        _SEPARATION.rmdir()


@pytest.fixture(scope="module")
def microsocks():
    port = free_port()
    with started(port, "microsocks", "-i", "127.0.0.1", "-p", port) as at:
        yield at


@pytest.fixture(scope="module")
def microsocks_with_password():
    port = free_port()
    with started(port, "microsocks", "-i", "127.0.0.1", "-p", port, "-u", "alice", "-P", SECRET) as at:
        yield at


DANTE, OPENSSH = needs("danted"), needs("ssh", "sshd", "ssh-keygen")
MICROSOCKS = needs("microsocks")


def each(*rows):
    """Run a test with each (fixture, version), where the server is installed."""
    marks = {"dante": DANTE, "openssh": OPENSSH, "microsocks": MICROSOCKS}
    return pytest.mark.parametrize(
        ("server_name", "version"), [pytest.param(name, version, marks=marks[name]) for name, version in rows]
    )


EVERYWHERE = (
    *(("dante", version) for version in ("4", "4A", "5")),
    *(("openssh", version) for version in ("4", "4A", "5")),
    ("microsocks", "5"),
)


def patience():
    return Patience(time.monotonic() + _PATIENCE_S)


def dialled(at, spoken, destination, command=CONNECT):
    exchange = Exchange(spoken, command, destination)
    return dial(at, exchange, patience()), exchange


def failing(at, version, destination, command=CONNECT):
    with pytest.raises(SocksError) as caught:
        dialled(at, server(version, user="alice"), destination, command)
    return caught.value


def speak_first(peer):
    """Talk before anything is said, and then repeat the first thing that is."""
    peer.sendall(b"220 ready\r\n")
    peer.sendall(peer.recv(65_536))


def check_conversation(through):
    with through:
        assert through.recv(11, socket.MSG_WAITALL) == b"220 ready\r\n"
        through.sendall(b"hello")
        assert b"".join(iter(lambda: through.recv(65_536), b"")) == b"hello"


@each(*EVERYWHERE)
def test_connection_is_made_and_what_the_destination_says_at_once_is_not_lost(request, server_name, version):
    at = request.getfixturevalue(server_name)
    with serving(speak_first) as port:
        for _ in range(20):
            through, exchange = dialled(at, server(version, user="alice"), ipv4("127.0.0.1", port))
            assert exchange.state is State.DONE
            check_conversation(through)


@each(("dante", "5"), ("openssh", "4A"), ("openssh", "5"), ("microsocks", "5"))
def test_name_is_resolved_by_the_server(request, server_name, version):
    at = request.getfixturevalue(server_name)
    with serving(speak_first, "::") as port:  # microsocks tries only the first address, which may be ::1
        through, _ = dialled(at, server(version), named("localhost", port))
        check_conversation(through)


@each(("dante", "4A"))
def test_dante_takes_no_names_in_version_4(request, server_name, version):
    with serving(speak_first) as port:
        error = failing(request.getfixturevalue(server_name), version, named("localhost", port))
    assert error.reason is Reason.REFUSED


REFUSALS = {
    ("dante", "4"): Reason.REFUSED,
    ("dante", "5"): Reason.DESTINATION_REFUSED,
    ("openssh", "4"): Reason.CLOSED,
    ("openssh", "5"): Reason.HUNG_UP,
    ("microsocks", "5"): Reason.DESTINATION_REFUSED,
}


@each(*REFUSALS)
def test_destination_that_refuses_is_told(request, server_name, version):
    error = failing(request.getfixturevalue(server_name), version, ipv4("127.0.0.1", free_port()))
    assert (error.reason, error.errno) == (REFUSALS[server_name, version], errno.ECONNREFUSED)


@each(("dante", "4"), ("dante", "5"))
def test_what_the_server_has_a_rule_against_is_told(request, server_name, version):
    error = failing(request.getfixturevalue(server_name), version, ipv4("127.0.0.66"))
    assert error.reason is (Reason.NOT_ALLOWED if version == "5" else Reason.REFUSED)
    assert error.errno == (errno.EACCES if version == "5" else errno.ECONNREFUSED)


@each(("dante", "5"))
def test_ipv6_where_the_server_has_none_is_told_as_a_host_without_it_would(request, server_name, version):
    error = failing(request.getfixturevalue(server_name), version, ipv6("::1"))
    assert (error.reason, error.errno) == (Reason.NO_ADDRESS_TYPE, errno.ENETUNREACH)


@each(("dante", "4"), ("dante", "4A"), ("dante", "5"))
def test_dante_takes_an_inbound_connection(request, server_name, version):
    at = request.getfixturevalue(server_name)
    own, exchange = dialled(at, server(version, user="alice"), ipv4("127.0.0.1", 21), BIND)
    listens = exchange.bound.filled(at.address)
    with own, socket.create_connection((listens.host, listens.port)) as far:
        far.sendall(b"hello")
        exchange.await_inbound()
        perform(own.fileno(), exchange, patience())
        assert (exchange.peer.host, exchange.peer.port) == far.getsockname()
        assert own.recv(5, socket.MSG_WAITALL) == b"hello"
        own.sendall(b"and back")
        assert far.recv(8, socket.MSG_WAITALL) == b"and back"


@each(("dante", "4"), ("dante", "5"))
def test_dante_refuses_an_inbound_connection_from_elsewhere(request, server_name, version):
    own, exchange = dialled(request.getfixturevalue(server_name), server(version), ipv4("127.0.0.1", 21), BIND)
    with own, socket.create_connection((exchange.bound.host, exchange.bound.port), source_address=("127.0.0.2", 0)):
        exchange.await_inbound()
        with pytest.raises(SocksError) as caught:
            perform(own.fileno(), exchange, patience())
    assert (caught.value.reason, caught.value.errno) == (Reason.NOBODY_CAME, errno.ECONNABORTED)


NO_BIND = {
    ("openssh", "4"): Reason.CLOSED,
    ("openssh", "5"): Reason.HUNG_UP,
    ("microsocks", "5"): Reason.NO_COMMAND,
}


@each(*NO_BIND)
def test_server_without_bind_is_told(request, server_name, version):
    error = failing(request.getfixturevalue(server_name), version, ipv4("127.0.0.1", 21), BIND)
    assert error.reason is NO_BIND[server_name, version]


@each(("microsocks", "4"))
def test_server_of_another_version_is_told(request, server_name, version):
    error = failing(request.getfixturevalue(server_name), version, ipv4("127.0.0.1"))
    assert error.reason in (Reason.CLOSED, Reason.GARBAGE)
    assert error.blames_server


@MICROSOCKS
def test_user_and_password_are_taken_when_they_are_right(microsocks_with_password):
    with serving(speak_first) as port:
        spoken = server("5", user="alice", password=SECRET)
        through, _ = dialled(microsocks_with_password, spoken, ipv4("127.0.0.1", port))
        check_conversation(through)


@MICROSOCKS
def test_user_and_password_are_refused_when_they_are_wrong_or_missing(microsocks_with_password):
    for spoken, reason in (
        (server("5", user="alice", password="wrong"), Reason.NOT_AUTHENTICATED),
        (server("5"), Reason.NO_METHOD),
    ):
        with pytest.raises(SocksError) as caught:
            dialled(microsocks_with_password, spoken, ipv4("127.0.0.1"))
        assert (caught.value.reason, caught.value.errno) == (reason, errno.EACCES)
