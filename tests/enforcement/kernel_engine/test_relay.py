"""Connections that the kernel leads to the relay, and the relay through SOCKS servers."""

from __future__ import annotations

import contextlib
import hashlib
import socket
from pathlib import Path

import pytest

from console.enforcement.kernel.entries import entry
from console.enforcement.kernel.events import LEFT, NO_RELAY, NOTE, SETTLED
from console.enforcement.kernel.relay_house import RelayHouse
from console.enforcement.layouts import address_text
from console.messages import message
from console.policy.checks import make_policy
from console.policy.socks_entries import make_socks_entry
from tests.end_to_end.command import until
from tests.loopback import serving
from tests.socks.server import Manners, SocksServer
from tests.socks.test_servers import dante, openssh  # noqa: F401 -- fixtures

PATIENCE_S = 60
BULK = 64 << 20


@pytest.fixture
def relay(house):
    made = RelayHouse(house.engine)
    yield made
    made.end()


@pytest.fixture
def led(house, relay):
    """Return a function that puts SOCKS entries in force."""

    def put(*entries, rules=(), revision=1, **settings):
        made = tuple(make_socks_entry(**entry) for entry in entries)
        relay.tell(revision, make_policy({}, [], {}, socks=made).socks)
        house.put_in_force(*rules, revision=revision, socks=made, **settings)

    return put


@pytest.fixture
def socks():
    with contextlib.ExitStack() as running:
        yield lambda **manners: running.enter_context(SocksServer(Manners(**manners)))


def place(server):
    return "{}:{}".format(*server.address)


def _echo(peer):
    with contextlib.suppress(OSError):
        while octets := peer.recv(65_536):
            peer.sendall(octets)


def _swallow(peer):
    """Answer everything up to its end with its digest."""
    digest, count = hashlib.sha256(), 0
    while octets := peer.recv(1 << 20):
        digest.update(octets)
        count += len(octets)
    peer.sendall(f"{count} {digest.hexdigest()}".encode())


def settled(house):
    """Return what became of the connections that were led: outcome, destination, server, text."""
    return [(event.outcome.value, address_text(event.remote.address), event.remote.port, event.server, event.text)
            for event in house.last if event.flags & SETTLED]  # fmt: skip


TALK = """
    made = tried("connect", lambda: connect(sys.argv[1], int(sys.argv[2]), family=int(sys.argv[3]), limit=20))
    print(made.getpeername()[:2])
    made.sendall(b"hello")
    print(made.recv(5))
    made.shutdown(socket.SHUT_WR)
    print(made.recv(5))
"""


@pytest.mark.parametrize("version", ["4", "4A", "5"])
def test_connection_goes_through_the_server_and_shows_the_address_asked_for(house, led, socks, version):
    server = socks()
    led({"sequence": 10, "servers": place(server), "version": version})
    with serving(_echo) as port:
        program = house.start(TALK, "127.0.0.1", port, int(socket.AF_INET), user=65534)
        said, _ = program.communicate(timeout=PATIENCE_S)
    assert said.splitlines() == ["connect 0", f"('127.0.0.1', {port})", "b'hello'", "b''"]
    (asked,) = server.asked
    assert (asked.host, asked.port) == ("127.0.0.1", port)
    assert asked.user == ("" if version == "5" else "nobody")
    house.told()
    assert settled(house) == [("*ALLOWED", "127.0.0.1", port, place(server), "")]
    (event,) = house.last
    assert (event.uid, event.sequence, event.pid) == (65534, 99999, program.pid)
    assert event.local.port


@pytest.mark.parametrize(
    ("host", "family", "shown"),
    [("::1", socket.AF_INET6, "::1"), ("::ffff:127.0.0.1", socket.AF_INET6, "::ffff:127.0.0.1")],
)
def test_connection_of_ipv6_goes_through_the_server(house, led, socks, host, family, shown):
    server = socks()
    led({"sequence": 10, "servers": place(server)})
    with serving(_echo, shown.removeprefix("::ffff:")) as port:
        lines, _ = house.run(TALK, host, port, int(family))
    assert lines == ["connect 0", f"('{shown}', {port})", "b'hello'", "b''"]
    assert [asked.port for asked in server.asked] == [port]


def test_what_no_entry_is_about_goes_directly(house, led, socks):
    server = socks()
    led({"sequence": 10, "remote_address": "127.0.0.9", "servers": place(server)},
        {"sequence": 20, "type": "direct"}, {"sequence": 30, "servers": place(server)})  # fmt: skip
    with serving(_echo) as port:
        lines, told = house.run(TALK, "127.0.0.1", port, int(socket.AF_INET))
    assert lines[0] == "connect 0"
    assert (server.asked, told) == ([], [("*CONNECT", "*ALLOWED", 99999)])


def test_rules_come_first(house, led, socks):
    server = socks()
    reject = {"exit_point": "*CONNECT", "sequence": 10, "remote_address": "127.0.0.2", "action": "*REJECT"}
    led({"sequence": 10, "servers": place(server)}, rules=[reject])
    lines, told = house.run('tried("connect", lambda: connect("127.0.0.2", 9))')
    assert (lines, told, server.asked) == (["connect EPERM"], [("*CONNECT", "*REJECTED", 10)], [])


def test_refusal_of_the_server_is_a_reset_and_told(house, led, socks):
    server = socks(refuse=5)
    led({"sequence": 10, "servers": place(server)})
    lines, _ = house.run("""
        made = tried("connect", lambda: connect("127.0.0.1", 9, limit=20))
        tried("receive", lambda: made.recv(1))
    """)
    assert lines == ["connect 0", "receive ECONNRESET"]
    (found,) = settled(house)
    assert found[3] == place(server)
    assert found[4].startswith("ECONNREFUSED; GWL080E")


def test_server_that_fails_is_told_and_the_next_is_asked(house, led, socks):
    good = socks()
    with socket.create_server(("127.0.0.1", 0)) as gone:
        bad = f"127.0.0.1:{gone.getsockname()[1]}"
    led({"sequence": 10, "servers": f"{bad} {place(good)}"})
    with serving(_echo) as port:
        lines, _ = house.run(TALK, "127.0.0.1", port, int(socket.AF_INET))
    assert lines[0] == "connect 0"
    (noted,) = [event.text for event in house.last if event.flags & NOTE]
    assert noted.startswith(f"GWL0820 SOCKS server {bad}")
    assert [event.server for event in house.last if event.flags & SETTLED] == [place(good)]


@pytest.mark.parametrize("kind", ["dante", "openssh"])
def test_servers_that_people_run_are_understood(house, led, request, kind):
    server = request.getfixturevalue(kind)
    led({"sequence": 10, "servers": f"{server.host}:{server.port}"})
    with serving(_echo) as port:
        lines, _ = house.run(TALK, "127.0.0.1", port, int(socket.AF_INET))
    assert lines == ["connect 0", f"('127.0.0.1', {port})", "b'hello'", "b''"]


def test_many_octets_arrive_as_they_were_sent_and_an_end_is_no_end_of_the_other_direction(house, led, socks):
    led({"sequence": 10, "servers": place(socks())})
    with serving(_swallow) as port:
        lines, _ = house.run("""
            import hashlib
            made = connect("127.0.0.1", int(sys.argv[1]), limit=50)
            octets = os.urandom(1 << 20)
            digest = hashlib.sha256()
            for _ in range(int(sys.argv[2]) >> 20):
                made.sendall(octets)
                digest.update(octets)
            made.shutdown(socket.SHUT_WR)
            print(made.recv(200).decode() == f"{int(sys.argv[2])} {digest.hexdigest()}")
        """, port, BULK)  # fmt: skip
    assert lines == ["True"]


def test_without_a_relay_nothing_goes_directly_instead(house, led, relay, socks):
    led({"sequence": 10, "servers": place(socks())})
    relay.end()
    with serving(_echo) as port:
        lines, told = house.run('tried("connect", lambda: connect("127.0.0.1", int(sys.argv[1])))', port)
    assert (lines, told) == (["connect EPERM"], [("*CONNECT", "*REJECTED", 99999)])
    assert house.last[0].flags & NO_RELAY


def test_somebody_else_at_the_port_of_the_relay_gets_nothing(house, led, relay, socks):
    led({"sequence": 10, "servers": place(socks())})
    ports = [each.getsockname()[1] for each in relay._listeners]
    relay.end()
    with socket.create_server(("127.0.0.1", ports[0])):
        lines, _ = house.run('tried("connect", lambda: connect("127.0.0.1", 9))')
    assert lines == ["connect EPERM"]


def test_who_comes_to_the_relay_by_himself_is_reset(relay, led, socks):
    server = socks()
    led({"sequence": 10, "servers": place(server)})
    with socket.create_connection(relay._listeners[0].getsockname()) as made:
        made.settimeout(PATIENCE_S)
        with pytest.raises(ConnectionResetError):
            made.recv(1)
    assert server.asked == []


def test_program_in_another_network_is_refused(house, led, socks):
    led({"sequence": 10, "servers": place(socks())})
    lines, _ = house.run("""
        import ctypes, fcntl
        ctypes.CDLL(None).unshare(0x4000_0000)
        fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sH14x", b"lo", 1))
        tried("connect", lambda: connect("127.0.0.1", 9))
    """)
    assert lines == ["connect EPERM"]


@pytest.mark.parametrize("then", ["made.close()", 'made.connect_ex(("127.0.0.3", 9)), made.close()'])
def test_connect_that_fails_before_its_syn_is_told(house, led, socks, then):
    """Both take the only port that they may have, to the only place that they are led to."""
    led({"sequence": 10, "servers": place(socks()), "remote_address": "127.0.0.2"})
    lines, _ = house.run(f"""
        probe = socket.create_server(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        sockets = [socket.socket() for _ in "12"]
        for made in sockets:
            made.setsockopt(socket.IPPROTO_IP, 51, struct.pack("=HH", port, port))  # IP_LOCAL_PORT_RANGE
            tried("connect", lambda: made.connect(("127.0.0.2", 9)))
        {then}
    """)  # fmt: skip
    assert lines == ["connect 0", "connect EADDRNOTAVAIL"]
    found = [entry(event, clock_ns=0, user="", program="").text for event in house.last if event.flags & LEFT]
    assert found.count(message("GWL049C").text) == 1


def test_program_that_leaves_before_the_server_answers_is_told_once(house, led, socks):
    server = socks(silent_after=0)
    led({"sequence": 10, "servers": place(server), "time_limit_ms": 600_000})
    house.run('tried("connect", lambda: connect("127.0.0.1", 9)).close()')
    found = list(house.last)

    def is_told():
        house.told()
        found.extend(house.last)
        return found

    # A program's close is mostly over at once. But where the peer's ACK of the FIN comes while close(2) still has the
    # socket, some one of a thousand times, Linux keeps it for as long as this first. Source: tcp_rcv_state_process().
    fin_timeout_s = int(Path("/proc/sys/net/ipv4/tcp_fin_timeout").read_text())
    until(is_told, "the connection to be told of", PATIENCE_S + fin_timeout_s)
    assert [event.flags & (LEFT | SETTLED) != 0 for event in found] == [True]


def test_relay_that_was_killed_is_begun_again(house, led, relay, socks):
    server = socks()
    led({"sequence": 10, "servers": place(server)})
    relay._process.kill()
    relay._process.wait()
    relay.look_after()
    with serving(_echo) as port:
        lines, _ = house.run(TALK, "127.0.0.1", port, int(socket.AF_INET))
    assert lines[0] == "connect 0"
    assert len(server.asked) == 1


def test_relay_in_the_cgroup_is_not_led_to_itself(house, led, relay, socks):
    server = socks()
    led({"sequence": 10, "servers": place(server)})
    (house.cgroup / "cgroup.procs").write_text(str(relay.pid))
    house.told()
    with serving(_echo) as port:
        lines, _ = house.run(TALK, "127.0.0.1", port, int(socket.AF_INET))
    assert lines[0] == "connect 0"
    assert len(server.asked) == 1
    assert [event.flags & SETTLED for event in house.last] == [SETTLED]
