"""Web servers and clients in the languages that servers are written in, each with its own way to wait."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.peer import free_port
from tests.fidelity.peers import (
    ALLOWED,
    DATA,
    NO_LISTENER,
    NO_SOURCE,
    REFUSED,
    counted,
    find,
    is_dropped,
    needs,
    placed,
    run_job,
    server,
)  # fmt: skip
from tests.fidelity.web import REQUEST, check_served, fetch
from tests.loopback import serving

_SOURCES = Path(__file__).parent / "programs"
_PATIENCE_S = 300
"""For a compiler that compiles its own library first."""


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Return a function that gives the words which start a program, compiled if need be; each is compiled once."""
    directory = tmp_path_factory.mktemp("languages")
    made = set()

    def compile_once(name, *words, **environment):
        if name not in made:
            options = {"capture_output": True, "text": True, "timeout": _PATIENCE_S, "check": False}
            done = subprocess.run(placed([*words, _SOURCES / name]), env=os.environ | environment, **options)
            assert done.returncode == 0, done.stderr
            made.add(name)

    def words(language):
        match language:
            case "Go":
                own = {"CGO_ENABLED": "0", "GO111MODULE": "off", "GOCACHE": str(directory / "go-cache")}
                compile_once("web.go", "go", "build", "-o", directory / "web-go", **own)
                return [str(directory / "web-go")]
            case "Rust":
                compile_once("web.rs", "rustc", "-O", "-o", directory / "web-rs")
                return [str(directory / "web-rs")]
            case "Java":
                compile_once("Web.java", "javac", "-d", directory / "java")
                return [find("java"), "-XX:TieredStopAtLevel=1", "-cp", str(directory / "java"), "Web"]
            case "Node.js":
                return [find("node"), str(_SOURCES / "web.js")]
        return [sys.executable, str(_SOURCES / "web.py")]

    return words


GO, RUST, NODE, JAVA = needs("go"), needs("rustc"), needs("node"), needs("java", "javac")


def servers():
    """Return language, its word for a kind of server, and whether host and port are one word."""
    yield pytest.param("Go", "serve", True, marks=GO, id="go-static")
    yield pytest.param("Rust", "serve", True, marks=RUST, id="rust-threads")
    yield pytest.param("Node.js", "serve", False, marks=NODE, id="node")
    yield pytest.param("Node.js", "cluster", False, marks=NODE, id="node-cluster")
    yield pytest.param("Java", "nio", False, marks=JAVA, id="java-nio")
    yield pytest.param("Java", "socket", False, marks=JAVA, id="java-socket")
    for kind in ("asyncio", "threads", "forks", "plain"):
        yield pytest.param("Python", kind, False, id=f"python-{kind}")


def place(host, port, *, joined):
    return [f"{host}:{port}"] if joined else [host, str(port)]


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(DATA)
    return str(path)


@pytest.mark.parametrize(("language", "kind", "joined"), servers())
def test_server_serves_the_allowed_and_never_sees_the_refused(house, built, data, language, kind, joined):
    port = free_port()
    with server(house, port, *built(language), kind, *place(ALLOWED, port, joined=joined), data) as job:
        check_served(house, job, port)


REFUSALS = {
    "Go": "listen: operation not permitted",
    "Rust": "Operation not permitted (os error 1)",
    "Node.js": f"listen EPERM {NO_LISTENER}",
    "Java": "Operation not permitted",
    "Python": "[Errno 1] Operation not permitted",
}
"""Language -> what its servers say when listen fails with EPERM."""


@pytest.mark.parametrize(("language", "kind", "joined"), [param for param in servers() if param.values[1] != "cluster"])
def test_server_says_that_it_may_not_listen(house, built, data, language, kind, joined):
    words = [*built(language), kind, *place(NO_LISTENER, free_port(), joined=joined), data]
    done, entries = run_job(house, *words)
    assert done.returncode == 1
    assert REFUSALS[language] in (done.stdout + done.stderr).decode()
    assert counted(entries, "*LISTEN") == {("*REJECTED", NO_LISTENER): 1}


def clients():
    """Return language, what it says of a refused connect, and whether it can choose its source address."""
    yield pytest.param("Go", "connect: operation not permitted", True, marks=GO, id="go-static")
    yield pytest.param("Rust", "Operation not permitted (os error 1)", False, marks=RUST, id="rust")
    yield pytest.param("Node.js", f"connect EPERM {REFUSED}", True, marks=NODE, id="node")
    yield pytest.param("Java", "Operation not permitted", False, marks=JAVA, id="java")
    yield pytest.param("Python", "[Errno 1] Operation not permitted", True, id="python")


def answer_with_data(peer):
    while b"\r\n\r\n" not in peer.recv(65_536):
        pass
    peer.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(DATA) + DATA)


@pytest.mark.parametrize(("language", "said", "has_source"), clients())
def test_client_reaches_the_allowed_and_says_what_refused_it(house, built, language, said, has_source):
    def urls(port, *hosts):
        return [f"{host}:{port}" if language == "Rust" else f"http://{host}:{port}/data" for host in hosts]

    with serving(answer_with_data) as port:
        source = [ALLOWED] if has_source else []
        words = [*built(language), "fetch", *source, *urls(port, ALLOWED, REFUSED, ALLOWED, ALLOWED)]
        done, entries = run_job(house, *words)
        lines = done.stdout.decode().splitlines()
        assert [line.split()[0].startswith(str(len(DATA))[:5]) for line in lines] == [True, False, True, True], lines
        assert said in lines[1]
        assert counted(entries, "*CONNECT")["*ALLOWED", ALLOWED] == 3
        assert counted(entries, "*CONNECT")["*REJECTED", REFUSED] >= 1
        if has_source:
            done, entries = run_job(house, *built(language), "fetch", NO_SOURCE, *urls(port, ALLOWED))
            assert said.replace(REFUSED, ALLOWED) in done.stdout.decode()
            assert set(counted(entries, "*CONNECT")) == {("*REJECTED", ALLOWED)}


@pytest.mark.parametrize("kind", ["plain", "threads", "forks"])
def test_python_server_that_has_met_refused_peers_can_be_shut_down(house, built, data, kind):
    port = free_port()
    with server(house, port, *built("Python"), kind, ALLOWED, str(port), data) as job:
        assert [fetch(port) == DATA for _ in range(16)] == [True] * 16
        for _ in range(3):
            assert is_dropped(port, REQUEST)
        job.process.send_signal(signal.SIGTERM)
        assert job.status() == 0
