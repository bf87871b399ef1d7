"""Entries send connections where the programs send them whose configurations they were made of; asked of the programs.

Proxychains-ng and Dante's client connect from a process of its own, over loopback addresses only; what is listened for
is who is connected to first, and with which version of SOCKS.
"""

from __future__ import annotations

import ipaddress
import os
import selectors
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from console.errors import PolicyError
from console.model.words import SocksType
from console.policy import dante, proxychains
from console.policy.request import MAPPED
from console.policy.routes import compile_routes

CARRIED = Path(__file__).parent.parent / "policy" / "carried"
LIBRARIES = sorted(Path("/usr/lib").glob("*/libdsocksd.so.0"))
DEADLINE_S = 60
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 100).recv(1)"
TARGETS = ["127.10.0.1", "127.11.0.1", "127.12.0.1"]

DANTE = """\
route {
  from: 0.0.0.0/0 to: 0.0.0.0/0 via: 127.0.0.1 port = {first}
  proxyprotocol: socks_v5
}
route {
  from: 0.0.0.0/0 to: 127.10.0.0/16 via: 127.0.0.1 port = {second}
}
route { from: 0.0.0.0/0 to: 127.10.0.0/16 port != {target} via: direct }
route { from: 0.0.0.0/0 to: 127.11.0.0/16 port ge {target} via: direct }
"""
DANTE_OF_METHODS = """\
route {
  from: 0.0.0.0/0 to: 127.10.0.0/16 via: 127.0.0.1 port = {first}
  method: username
}
route {
  from: 0.0.0.0/0 to: 127.10.0.0/15 via: 127.0.0.1 port = {second}
  command: bind udpassociate
}
route {
  from: 0.0.0.0/0 to: 127.10.0.0/15 via: 127.0.0.1 port = {second}
  proxyprotocol: socks_v4
}
route { from: 0.0.0.0/0 to: 127.12.0.1/32 port = {target} via: direct }
"""
PROXYCHAINS = """\
strict_chain
localnet 127.10.0.0/255.255.0.0
localnet 127.11.0.1:{target}/32
localnet 127.12.0.1:1/32
[ProxyList]
socks4 127.0.0.1 {first}
"""
PROXYCHAINS_AT_RANDOM = """\
random_chain
localnet 127.11.0.0/16
[ProxyList]
socks5 127.0.0.1 {first} kim s3cret
"""


@contextmanager
def listeners():
    """Listen as two servers and, on one port of several addresses, as what connections are for."""
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        targets = [stack.enter_context(socket.create_server((TARGETS[0], 0)))]
        port = targets[0].getsockname()[1]
        targets += [stack.enter_context(socket.create_server((address, port))) for address in TARGETS[1:]]
        yield servers, targets, port


def first_reached(servers, targets):
    """Return the port of the server that is connected to, and the version; or the address that is reached directly."""
    with selectors.DefaultSelector() as selector:
        for listener in (*servers, *targets):
            selector.register(listener, selectors.EVENT_READ)
        ready = [key.fileobj for key, _ in selector.select(DEADLINE_S)]
    assert ready, "nobody was connected to"
    connection, _ = ready[0].accept()
    with connection:
        if ready[0] in targets:
            return ready[0].getsockname()[0]
        connection.settimeout(DEADLINE_S)
        return ready[0].getsockname()[1], connection.recv(1)[0]


def expected(carried, address, port):
    """Return the same for what the entries say."""
    routes = compile_routes(carried.entries, {})
    entry = routes.route("KIM", frozenset(), MAPPED + int(ipaddress.ip_address(address)), port)
    assert entry is not None
    if entry.type is SocksType.DIRECT:
        return address
    return entry.servers[0].port, int(entry.version.value[0])


def check(template, parse, command, tmp_path, **variables):
    file = tmp_path / "file.conf"
    with listeners() as (servers, targets, port):
        numbers = {"first": servers[0].getsockname()[1], "second": servers[1].getsockname()[1], "target": port}
        text = template
        for name, number in numbers.items():
            text = text.replace(f"{{{name}}}", str(number))
        file.write_text(text)
        environment = {**os.environ, **{name: value.format(file=file) for name, value in variables.items()}}
        reached = {}
        for address in TARGETS:
            words = [*(word.format(file=file) for word in command), sys.executable, "-c", CONNECT, address, str(port)]
            with subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL) as process:
                reached[address] = first_reached(servers, targets)
                process.kill()
            drain(servers, targets)
        assert reached == {address: expected(parse(text), address, port) for address in TARGETS}


def drain(servers, targets):
    """Take in what the program tried after its first connect, for the next one to be told apart."""
    for listener in (*servers, *targets):
        listener.setblocking(False)
        while True:
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                break
        listener.setblocking(True)


@pytest.mark.skipif(not LIBRARIES, reason="Dante's client is not installed")
@pytest.mark.parametrize("template", [DANTE, DANTE_OF_METHODS], ids=["order", "methods"])
def test_connections_go_where_the_client_of_dante_sends_them(template, tmp_path):
    check(
        template, dante.parse, [], tmp_path,
        LD_PRELOAD=str(LIBRARIES[0]), SOCKS_CONF="{file}", SOCKS_AUTOADD_LANROUTES="no",
        SOCKS_USERNAME="kim", SOCKS_PASSWORD="pw",
    )  # fmt: skip


@pytest.mark.skipif(shutil.which("proxychains4") is None, reason="proxychains-ng is not installed")
@pytest.mark.parametrize("template", [PROXYCHAINS, PROXYCHAINS_AT_RANDOM], ids=["strict", "random"])
def test_connections_go_where_proxychains_sends_them(template, tmp_path):
    check(template, proxychains.parse, ["proxychains4", "-q", "-f", "{file}"], tmp_path)


PROXYCHAINS_TAKES = {"fail-proxychains-008-port", "fail-proxychains-015-user"}
"""A port beyond 65535, of which it keeps 16 bits, and a control character in a user id."""
PROXYCHAINS_REFUSES = {"proxychains-009-oddities", "proxychains-010-url-with-password"}
"""Proxies with names: it looks none up itself."""


@pytest.mark.skipif(shutil.which("proxychains4") is None, reason="proxychains-ng is not installed")
@pytest.mark.parametrize("path", sorted(CARRIED.glob("*proxychains-*.in")), ids=lambda path: path.stem)
def test_what_proxychains_refuses_is_refused_and_nothing_else(path):
    words = ["proxychains4", "-q", "-f", str(path), "true"]
    ended = subprocess.run(words, capture_output=True, timeout=DEADLINE_S, check=False)
    try:
        carried = proxychains.parse(path.read_text(encoding="utf-8"))
        is_taken = bool(carried.entries or carried.direct)
    except PolicyError:
        is_taken = False
    differs = path.stem in PROXYCHAINS_TAKES | PROXYCHAINS_REFUSES
    assert (is_taken != (ended.returncode == 0)) == differs
