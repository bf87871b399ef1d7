"""curl, wget, ncat and socat: what they reach, what they bring, and what they say to whoever refuses them."""

from __future__ import annotations

import subprocess

import pytest

from tests.end_to_end.command import until
from tests.end_to_end.peer import free_port
from tests.enforcement.kernel.jobs import PATIENCE_S
from tests.fidelity.peers import (
    ALLOWED,
    DATA,
    NO_LISTENER,
    NO_SOURCE,
    REFUSED,
    ask,
    counted,
    expect,
    find,
    is_dropped,
    needs,
    run,
    run_job,
    server,
)  # fmt: skip
from tests.loopback import serving

ALLOWED_ONCE = {("*ALLOWED", ALLOWED): 1}
REFUSED_ONCE = {("*REJECTED", REFUSED): 1}


def answer_with_data(peer):
    """Answer an HTTP request with the data, a bare connection too."""
    head = b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(DATA)
    asked = b""
    while b"\r\n\r\n" not in asked and (octets := peer.recv(4096)):
        asked += octets
    peer.sendall(head + DATA)


def echo(peer):
    """Answer with all that was said, once it has been said."""
    peer.sendall(b"".join(iter(lambda: peer.recv(65_536), b"")))


@pytest.fixture(scope="module")
def web_port():
    with serving(answer_with_data) as port:
        yield port


@pytest.fixture(scope="module")
def echo_port():
    with serving(echo) as port:
        yield port


def curl(port, host=ALLOWED, *options):
    return "curl", "-sS", *options, f"http://{host}:{port}/"


def wget(port, host=ALLOWED, *options):
    return "wget", "--tries=1", "-O", "-", *options, f"http://{host}:{port}/"


def ncat(port, host=ALLOWED, *options):
    return "ncat", *options, host, port


def socat(port, host=ALLOWED, *options):
    return "socat", "-t", "10", "-", ",".join([f"TCP:{host}:{port}", *options])


REFUSALS = [
    pytest.param(curl, 7, f"Failed to connect to {REFUSED}", marks=needs("curl"), id="curl"),
    pytest.param(wget, 4, "failed: Operation not permitted.", marks=needs("wget"), id="wget"),
    pytest.param(ncat, 1, "Ncat: Operation not permitted.", marks=needs("ncat"), id="ncat"),
    pytest.param(socat, 1, "Operation not permitted", marks=needs("socat"), id="socat"),
]
"""Client, its exit status, and what it says when connect fails with EPERM."""
FROM = {
    curl: lambda source: ("--interface", source),
    wget: lambda source: (f"--bind-address={source}",),
    ncat: lambda source: ("-s", source),
    socat: lambda source: (f"bind={source}",),
}
"""Client -> its options that bind it to a source address."""


@pytest.mark.parametrize(("client", "status", "said"), REFUSALS)
def test_client_says_what_refused_it(house, echo_port, client, status, said):
    done, entries = run_job(house, *client(echo_port, REFUSED), data=b"")
    assert (done.returncode, done.stdout) == (status, b"")
    assert said in done.stderr.decode()
    assert counted(entries, "*CONNECT") == REFUSED_ONCE


@pytest.mark.parametrize(("client", "status", "said"), REFUSALS)
def test_client_may_not_connect_from_an_address(house, echo_port, client, status, said):
    done, entries = run_job(house, *client(echo_port, ALLOWED, *FROM[client](NO_SOURCE)), data=b"")
    assert (done.returncode, done.stdout) == (status, b"")
    assert said.replace(REFUSED, ALLOWED) in done.stderr.decode()
    assert counted(entries, "*CONNECT") == {("*REJECTED", ALLOWED): 1}


@pytest.mark.parametrize(
    "client", [pytest.param(curl, marks=needs("curl")), pytest.param(wget, marks=needs("wget"))], ids=["curl", "wget"]
)
@pytest.mark.parametrize("source", ["", "127.0.0.5"])
def test_web_client_brings_the_data(house, web_port, client, source):
    command = client(web_port, ALLOWED, *(FROM[client](source) if source else ()))
    done, entries = run_job(house, *command)
    assert (done.returncode, done.stdout) == (0, DATA)
    assert counted(entries, "*CONNECT") == ALLOWED_ONCE


@pytest.mark.parametrize(
    "client",
    [pytest.param(ncat, marks=needs("ncat")), pytest.param(socat, marks=needs("socat"))],
    ids=["ncat", "socat"],
)
@pytest.mark.parametrize("source", ["", "127.0.0.5"])
def test_data_goes_through_a_pipe_to_a_server_and_back(house, echo_port, client, source):
    command = client(echo_port, ALLOWED, *(FROM[client](source) if source else ()))
    done, entries = run_job(house, *command, data=DATA)
    assert (done.returncode, done.stdout, done.stderr) == (0, DATA, b"")
    assert counted(entries, "*CONNECT") == ALLOWED_ONCE


@needs("curl")
def test_curl_makes_many_transfers_at_once(house, web_port):
    urls = [f"http://{ALLOWED}:{web_port}/" for _ in range(12)]
    done, entries = run_job(house, "curl", "-sS", "--no-keepalive", "--parallel", *urls)
    assert (done.returncode, len(done.stdout)) == (0, 12 * len(DATA))
    assert counted(entries, "*CONNECT") == {("*ALLOWED", ALLOWED): 12}


def ncat_server(port, host, file):
    return "ncat", "--listen", "--keep-open", "--send-only", "--exec", f"/bin/cat {file}", host, port


def socat_server(port, host, file):
    return "socat", f"TCP-LISTEN:{port},bind={host},reuseaddr,fork", f"EXEC:/bin/cat {file}"


SERVERS = [
    pytest.param(ncat_server, 2, "Operation not permitted", marks=needs("ncat"), id="ncat"),
    pytest.param(socat_server, 1, "Operation not permitted", marks=needs("socat"), id="socat"),
]
"""Server, its exit status, and what it says when listen fails with EPERM."""


@pytest.mark.parametrize(("program", "status", "said"), SERVERS)
def test_server_says_that_it_may_not_listen(house, program, status, said):
    done, entries = run_job(house, *program(free_port(), NO_LISTENER, "/dev/null"))
    assert done.returncode == status
    assert said in done.stderr.decode()
    assert counted(entries, "*LISTEN") == {("*REJECTED", NO_LISTENER): 1}


@needs("socat")
@pytest.mark.parametrize(
    "program",
    [pytest.param(ncat_server, marks=needs("ncat"), id="ncat"), pytest.param(socat_server, id="socat")],
)
def test_server_sends_to_the_allowed_and_never_sees_the_refused(house, public, program):
    port = free_port()
    (public / "data").write_bytes(DATA)
    with server(house, port, *program(port, ALLOWED, public / "data")) as job:
        for source in (ALLOWED, "127.0.0.5"):
            assert ask(port, b"", source=source) == DATA
        assert run("socat", "-u", f"TCP:{ALLOWED}:{port}", "-").stdout == DATA
        assert is_dropped(port)
        assert run("socat", "-u", f"TCP:{ALLOWED}:{port},bind={REFUSED}", "-").stdout == b""
        expect(
            house, job, "*ACCEPT", {("*ALLOWED", ALLOWED): 2, ("*ALLOWED", "127.0.0.5"): 1, ("*REJECTED", REFUSED): 2}
        )


@needs("socat")
def test_socat_relays_between_two_sockets_and_is_refused_behind_its_listener(house, echo_port):
    port = free_port()
    with server(house, port, "socat", f"TCP-LISTEN:{port},bind={ALLOWED},fork", f"TCP:{ALLOWED}:{echo_port}"):
        assert run(*socat(port), data=DATA).stdout == DATA
    with server(house, port, "socat", f"TCP-LISTEN:{port},bind={ALLOWED},reuseaddr,fork", f"TCP:{REFUSED}:1") as job:
        assert ask(port, b"") == b""
        expect(house, job, "*CONNECT", REFUSED_ONCE)


@needs("socat")
def test_unix_sockets_of_socat_are_left_alone(house, public):
    path = public / "socket"
    name, listening = house.command(find("socat"), "-u", f"UNIX-LISTEN:{path}", "-")
    with open(public / "received", "wb") as received:
        job = subprocess.Popen(listening, stdout=received, stdin=subprocess.DEVNULL)
    until(path.exists, "the socket", PATIENCE_S)
    done, entries = run_job(house, "socat", "-u", "-", f"UNIX-CONNECT:{path}", data=DATA)
    assert (done.returncode, done.stderr, entries) == (0, b"", [])
    assert (job.wait(PATIENCE_S), house.entries(name)) == (0, [])
    assert (public / "received").read_bytes() == DATA
