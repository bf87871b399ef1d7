"""Real programs whose connections go through SOCKS servers, and that know nothing of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from console.model.words import ExitPoint
from console.policy.socks_entries import make_socks_entry
from console.store.journal import page_after
from console.store.session import reading
from tests.end_to_end.command import until
from tests.enforcement.kernel.jobs import (
    PATIENCE_S,
    activate_rules,
    guard_of,
    job_of,
    make_house,
    rejecting,
)
from tests.loopback import answer_http, serving
from tests.socks.server import SocksServer
from tests.socks.test_servers import DANTE, OPENSSH, dante, openssh  # noqa: F401 -- fixtures

_HERE = Path(__file__).parent
_BULK = 100_000_000
REFUSED = rejecting(exit_point=ExitPoint.CONNECT, sequence=10, remote_address="127.0.0.2")
USED = ["send 0", "receive 0", "echo hello"]


def _repeat(peer):
    with contextlib.suppress(OSError):
        while octets := peer.recv(65_536):
            peer.sendall(octets)


def _pour(peer):
    with contextlib.suppress(OSError):
        left = _BULK
        while left:
            left -= peer.send(bytes(min(left, 1 << 20)))
        peer.recv(1)


@pytest.fixture(scope="module")
def echo():
    with serving(_repeat) as number:
        yield number


@pytest.fixture(scope="module")
def routed_house(tmp_path_factory, programs):
    with make_house(tmp_path_factory.mktemp("routed") / "store", programs, ()) as made:
        yield made


def place(server):
    return "{}:{}".format(*server.address)


def through(*servers, **fields):
    """Return the settings of a policy in which all connections go through these servers."""
    given = {"sequence": 10, "servers": " ".join(map(place, servers))} | fields
    return {"socks": (make_socks_entry(**given),)}


def read(house):
    """Return the journal."""
    with reading(house.store) as session:
        return page_after(session, 0, limit=1_000_000)


def entries(house, name):
    """Return the socket entries of a job: outcome, destination, server, text."""
    return [
        (entry.outcome, entry.remote_address, entry.socks_server, entry.text)
        for entry in read(house)
        if entry.entry_type == "SK" and entry.qualified_job_name.endswith("/" + name)
    ]


def run(house, program, *arguments):
    """Run a job to its end; returns its lines and its entries."""
    name, command = house.command(program, *arguments)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.splitlines(), entries(house, name)


@pytest.mark.parametrize("program", ["routed", "routed-static"])
@pytest.mark.parametrize("version", ["4", "4A", "5"])
def test_blocking_program_is_connected_through_the_server(routed_house, socks, echo, program, version):
    if not (routed_house.programs / program).exists():
        pytest.skip("libc cannot be linked statically here")
    server = socks()
    activate_rules(routed_house.store, REFUSED, **through(server, version=version))
    lines, found = run(routed_house, program, "blocking", "127.0.0.1", echo)
    assert lines == ["connect 0", "again EISCONN", "peer 127.0.0.1 1 16", *USED]
    assert [(asked.host, asked.port) for asked in server.asked] == [("127.0.0.1", echo)]
    assert found[0] == ("*ALLOWED", "127.0.0.1", place(server), "")


@pytest.mark.parametrize("rules", [(), (REFUSED,)])
def test_program_that_does_not_block_is_connected_when_its_connect_returns(routed_house, socks, echo, rules):
    activate_rules(routed_house.store, *rules, **through(socks()))
    lines, _ = run(routed_house, "routed", "patient", "127.0.0.1", echo)
    assert lines == [
        "connect 0", "ready 1", "error 0", "writable 1", "non-blocking 1", "nothing yet EAGAIN",
        "peer 127.0.0.1 1 16", *USED,
    ]  # fmt: skip


def test_socket_may_be_watched_before_it_is_connected(routed_house, socks, echo):
    activate_rules(routed_house.store, REFUSED, **through(socks()))
    lines, _ = run(routed_house, "routed", "watched", "127.0.0.1", echo)
    assert lines == ["connect 0", "ready 1", "writable 1", "peer 127.0.0.1 1 16", *USED]


def test_asyncio_is_connected(routed_house, socks, echo):
    server = socks()
    activate_rules(routed_house.store, **through(server))
    program = (
        "import asyncio\n"
        "async def main():\n"
        f"    r, w = await asyncio.open_connection('127.0.0.1', {echo})\n"
        "    print(w.get_extra_info('peername'))\n"
        "    w.write(b'hello'); print(await r.readexactly(5)); w.close()\n"
        "asyncio.run(main())"
    )
    lines, _ = run(routed_house, sys.executable, "-c", program)
    assert lines == [f"('127.0.0.1', {echo})", "b'hello'"]
    assert len(server.asked) == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_is_connected(routed_house, socks):
    server = socks()
    activate_rules(routed_house.store, **through(server))
    with serving(answer_http) as port:
        lines, _ = run(
            routed_house, shutil.which("curl"), "-s", "-w", "%{remote_ip} %{remote_port}\n", f"http://127.0.0.1:{port}/"
        )
        assert lines == ["hi", f"127.0.0.1 {port}"]
        assert [asked.port for asked in server.asked] == [port]


@pytest.mark.skipif(shutil.which("go") is None, reason="go is not installed")
def test_go_program_is_connected(routed_house, socks, echo, tmp_path):
    environment = os.environ | {"CGO_ENABLED": "0", "GOCACHE": str(tmp_path / "cache"), "GO111MODULE": "off"}
    program = tmp_path / "routed-go"
    subprocess.run(
        ["go", "build", "-o", program, _HERE / "programs" / "routed.go"], check=True, env=environment, timeout=300
    )
    server = socks()
    activate_rules(routed_house.store, REFUSED, **through(server))
    lines, _ = run(routed_house, str(program), f"127.0.0.1:{echo}")
    assert lines == [f"peer 127.0.0.1:{echo}", "echo hello"]
    assert len(server.asked) == 1


@pytest.mark.parametrize("version", ["4", "4A", "5"])
@pytest.mark.parametrize("server", [pytest.param("dante", marks=DANTE), pytest.param("openssh", marks=OPENSSH)])
def test_servers_that_people_run_serve_jobs(routed_house, echo, request, server, version):
    at = request.getfixturevalue(server)
    entry = make_socks_entry(sequence=10, servers=f"{at.host}:{at.port}", version=version)
    activate_rules(routed_house.store, REFUSED, socks=(entry,))
    lines, found = run(routed_house, "routed", "blocking", "127.0.0.1", echo)
    assert lines == ["connect 0", "again EISCONN", "peer 127.0.0.1 1 16", *USED]
    assert found[0] == ("*ALLOWED", "127.0.0.1", f"{at.host}:{at.port}", "")


@DANTE
def test_what_dante_forbids_is_told_to_the_program(routed_house, dante, echo):  # noqa: F811
    entry = make_socks_entry(sequence=10, servers=f"{dante.host}:{dante.port}")
    activate_rules(routed_house.store, socks=(entry,))
    lines, found = run(routed_house, "routed", "fails", "127.0.0.66", echo)
    assert lines == ["connect EACCES", "error 0", "peer ENOTCONN", "bind 0"]
    assert found[0][3].startswith("EACCES; GWL080B ")


@pytest.mark.parametrize(
    ("manners", "name"),
    [
        ({"refuse": 4}, "EHOSTUNREACH"),
        ({"refuse": 5}, "ECONNREFUSED"),
        ({"close_after": 0}, "ECONNREFUSED"),
        ({"garbage": b"\xff" * 8}, "ECONNREFUSED"),
        ({"silent_after": 0}, "ETIMEDOUT"),
    ],
)
def test_program_whose_server_fails_is_told_and_may_use_its_socket(routed_house, socks, echo, manners, name):
    server = socks(**manners)
    activate_rules(routed_house.store, **through(server, time_limit_ms=500))
    lines, found = run(routed_house, "routed", "fails", "127.0.0.1", echo)
    assert lines == [f"connect {name}", "error 0", "peer ENOTCONN", "bind 0"]
    assert found[0][:3] == ("*ALLOWED", "127.0.0.1", place(server))
    assert found[0][3].startswith(f"{name}; GWL08")


def test_time_limit_of_the_socket_holds(routed_house, socks, echo):
    activate_rules(routed_house.store, **through(socks(silent_after=0), time_limit_ms=600_000))
    lines, _ = run(routed_house, "routed", "fails", "127.0.0.1", echo, 300)
    assert lines == ["connect ETIMEDOUT", "error 0", "peer ENOTCONN", "bind 0"]


def test_failure_and_return_of_a_server_are_in_the_journal_once(routed_house, socks, echo):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    entry = make_socks_entry(sequence=10, servers=f"127.0.0.1:{port}")
    activate_rules(routed_house.store, socks=(entry,))
    with routed_house.running("routed", "on-line", "127.0.0.1", echo) as job:
        assert job.line() == "ready 0"
        for _ in range(3):
            job.say()
            assert job.line() == "connect ECONNREFUSED"
        with SocksServer(port=port):
            job.say()
            assert job.line() == "connect 0"

    def notices():
        texts = [entry.text for entry in read(routed_house) if entry.entry_type == "GR"]
        return [text.split()[0] for text in texts if f"127.0.0.1:{port} " in text]

    until(lambda: len(notices()) == 2, "both notices")
    assert notices() == ["GWL0820", "GWL0821"]


def test_next_server_steps_in(routed_house, socks, echo):
    bad, good = socks(close_after=0), socks()
    activate_rules(routed_house.store, **through(bad, good))
    lines, found = run(routed_house, "routed", "blocking", "127.0.0.1", echo)
    assert lines[0] == "connect 0"
    assert found[0][2:] == (place(good), "")


def test_rejected_connect_never_reaches_the_server(routed_house, socks, echo):
    server = socks()
    activate_rules(routed_house.store, REFUSED, **through(server))
    lines, found = run(routed_house, "routed", "fails", "127.0.0.2", echo)
    assert lines[0] == "connect EPERM"
    assert found == [("*REJECTED", "127.0.0.2", "", "")]
    assert server.asked == []


def test_running_job_follows_the_entries(routed_house, socks, echo):
    server = socks()
    activate_rules(routed_house.store)
    with routed_house.running("routed", "on-line", "127.0.0.1", echo) as job:
        assert job.line() == "ready 0"

        def goes_through():
            before = len(server.asked)
            job.say()
            assert job.line() == "connect 0"
            return len(server.asked) > before

        assert not goes_through()
        activate_rules(routed_house.store, **through(server))
        until(goes_through, "a connect that goes through the server")
        activate_rules(routed_house.store)
        until(lambda: not goes_through(), "a connect that goes directly again")


class _Held:
    """A server that does nothing with a request before it is let."""

    def __init__(self):
        self.came, self.go = threading.Event(), threading.Event()

    def __call__(self, _asked):
        self.came.set()
        self.go.wait(60)


def test_connect_is_made_again_after_a_signal_that_restarts(routed_house, socks, echo):
    held = _Held()
    server = socks(held)
    activate_rules(routed_house.store, **through(server))
    with routed_house.running("routed", "alarm", "127.0.0.1", echo, "restart") as job:
        assert job.line() == "rang"
        held.go.set()
        assert job.rest() == ["connect 0", "peer 127.0.0.1 1 16", *USED]
        assert len(server.asked) == 1


def test_signal_ends_a_connect_and_another_waits_for_the_same_connection(routed_house, socks, echo):
    held = _Held()
    server = socks(held)
    activate_rules(routed_house.store, **through(server))
    with routed_house.running("routed", "alarm", "127.0.0.1", echo, "interrupt") as job:
        assert [job.line(), job.line()] == ["rang", "connect EINTR"]
        held.go.set()
        assert job.rest() == ["again 0", "peer 127.0.0.1 1 16", *USED]
        assert len(server.asked) == 1


def test_job_killed_during_a_handshake_ends_and_its_server_is_hung_up_on(routed_house, socks, echo):
    held = _Held()
    activate_rules(routed_house.store, **through(socks(held)))
    with routed_house.running("routed", "blocking", "127.0.0.1", echo) as job:
        assert held.came.wait(PATIENCE_S)
        job_of(job.process.pid).kill()
        assert job.status() == 128 + signal.SIGKILL
        held.go.set()
        found = until(lambda: entries(routed_house, job.name), "the entry of the connect")
    assert [text.split("; ")[-1] for *_, text in found] == ["its caller has ended"]


def test_nobody_else_waits_for_a_handshake(routed_house, socks, echo):
    held = _Held()
    server = socks(held)
    direct = make_socks_entry(sequence=5, type="*DIRECT", remote_port=str(echo))
    policy = through(server)
    policy["socks"] = (direct, *policy["socks"])
    activate_rules(routed_house.store, **policy)
    with (
        serving(_repeat) as elsewhere,
        routed_house.running("routed", "beside", "127.0.0.1", elsewhere, echo) as job,
    ):
        assert held.came.wait(PATIENCE_S)
        job.say()
        assert job.line() == "direct 0"
        held.go.set()
        assert job.rest() == ["in a thread 0"]


def test_no_octet_passes_through_the_guard(routed_house, socks):
    activate_rules(routed_house.store, **through(socks()))
    with serving(_pour) as port, routed_house.running("routed", "bulk", "127.0.0.1", port, _BULK) as job:
        assert job.line() == "connect 0"
        guard = guard_of(job.process.pid)
        guard.suspend()
        try:
            job.say()
            assert job.line() == "left 0"
        finally:
            guard.resume()


def test_password_is_told_to_the_server_and_to_nobody_else(routed_house, socks, echo):
    server = socks(users={"alice": "hunter2"})
    host, port = server.address
    activate_rules(routed_house.store)
    greenwall = routed_house.greenwall
    greenwall.cl(f"ADDSOCKSE SERVER({host}) PORT({port}) USERID(alice) PASSWORD(hunter2)", "ACTSOCPCY")
    lines, _ = run(routed_house, "routed", "blocking", "127.0.0.1", echo)
    assert lines[0] == "connect 0"
    assert [(asked.user, asked.password) for asked in server.asked] == [("alice", "hunter2")]
    assert "hunter2" not in repr(read(routed_house))


_IN_A_NETWORK_OF_ITS_OWN = r"""
import ctypes, errno, fcntl, socket, struct, threading
if ctypes.CDLL(None).unshare(0x10000000 | 0x40000000):  # CLONE_NEWUSER, CLONE_NEWNET
    raise SystemExit(print("unshare refused"))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
    address = socket.inet_aton("10.66.66.66")
    fcntl.ioctl(control, 0x8916, struct.pack("16sHH4s8x8x", b"lo", socket.AF_INET, 0, address))  # SIOCSIFADDR
server = socket.create_server(("10.66.66.66", 1080))

def serve():
    peer, _ = server.accept()
    print("told", peer.recv(512), flush=True)
    peer.sendall(b"\5\2")
    print("told", peer.recv(512), flush=True)
    peer.close()

threading.Thread(target=serve, daemon=True).start()
with socket.socket() as client:
    print(errno.errorcode.get(client.connect_ex(("192.0.2.1", 80)), "0"), flush=True)
"""


@pytest.mark.parametrize("version", ["4", "4A", "5"])
def test_server_that_a_job_makes_in_a_network_of_its_own_is_told_nothing(routed_house, version):
    activate_rules(routed_house.store)
    password = " PASSWORD(hunter2)" if version == "5" else ""
    add = f"ADDSOCKSE SERVER('10.66.66.66') PORT(1080) VERSION({version}) USERID(alice){password}"
    routed_house.greenwall.cl(add, "ACTSOCPCY")
    name, command = routed_house.command(sys.executable, "-c", _IN_A_NETWORK_OF_ITS_OWN)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    if done.stdout == "unshare refused\n":
        pytest.skip("this system gives a user no network namespace of its own (user.max_user_namespaces, AppArmor)")
    assert (done.stdout, done.stderr) == ("EPERM\n", "")
    (text,) = [entry[3] for entry in entries(routed_house, name) if entry[0] == "*REJECTED"]
    assert text.startswith("in another network namespace than its guard")
