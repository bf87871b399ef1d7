"""PostgreSQL: one process a connection, forked by one that waits with epoll; psql, and connections between servers."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.command import until
from tests.end_to_end.peer import free_port
from tests.enforcement.kernel.jobs import PATIENCE_S, is_root
from tests.fidelity.peers import (
    ALLOWED,
    NO_LISTENER,
    REFUSED,
    at_once,
    counted,
    expect,
    is_dropped,
    run,
    run_job,
    server,
)

_PLACES = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/local/bin")]
PLACE = next((place for place in _PLACES if all((place / name).exists() for name in ("initdb", "postgres"))), None)
pytestmark = [
    pytest.mark.skipif(PLACE is None, reason="postgres, initdb: not installed"),
    pytest.mark.skipif(shutil.which("psql") is None, reason="psql: not installed"),
]
_USER = "postgres" if is_root() else pwd.getpwuid(os.getuid()).pw_name
"""PostgreSQL refuses to run as root."""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a function that gives a server's command line; its database is made once."""
    directory = Path("/var/tmp") / f"greenwall-postgresql-{os.getpid()}"
    directory.mkdir(mode=0o700)
    if is_root():
        shutil.chown(directory, _USER)
    options = {"user": _USER, "cwd": "/"} if is_root() else {}
    words = [PLACE / "initdb", "--no-sync", "--auth=trust", "--username=test", "--locale=C", "-D", directory / "data"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, **options)

    def command(port, host=ALLOWED):
        settings = {"listen_addresses": host, "port": port, "unix_socket_directories": directory, "fsync": "off"}
        return PLACE / "postgres", "-D", directory / "data", *(f"--{name}={value}" for name, value in settings.items())

    yield command
    shutil.rmtree(directory)


USER_OPTIONS = ("--user", _USER) if is_root() else ()


def psql(port, sql, host=ALLOWED):
    return "psql", "-X", "-A", "-t", "-h", host, "-p", str(port), "-U", "test", "-c", sql, "postgres"


@pytest.fixture
def postgres(house, data):
    """Return the port of a server, and its job."""
    port = free_port()
    with server(house, port, *data(port), options=USER_OPTIONS, cwd="/") as job:
        until(lambda: run(*psql(port, "select 1")).stdout == b"1\n", "PostgreSQL to be up", PATIENCE_S)
        yield port, job
        job.process.send_signal(signal.SIGINT)
        assert job.status() == 0


def test_postgresql_serves_the_allowed_and_never_sees_the_refused(house, postgres):
    port, job = postgres
    before = counted(house.entries(job.name), "*ACCEPT").get(("*ALLOWED", ALLOWED), 0)
    total = psql(port, "select sum(number) from generate_series(1, 100000) as number")
    assert {run(*total).stdout for _ in range(2)} == {b"5000050000\n"}
    assert set(at_once(lambda: run(*total).stdout, 8, workers=4)) == {b"5000050000\n"}
    assert is_dropped(port, b"\0\0\0\x08\x04\xd2\x16\x2f")
    until(lambda: counted(house.entries(job.name), "*ACCEPT").get(("*REJECTED", REFUSED)) == 1, "entry", PATIENCE_S)
    assert counted(house.entries(job.name), "*ACCEPT")["*ALLOWED", ALLOWED] >= before + 10


def test_psql_says_what_refused_it_and_is_served_where_it_may_connect(house, postgres):
    port, _job = postgres
    done, entries = run_job(house, *psql(port, "select repeat('x', 1000000)"))
    assert (done.returncode, done.stdout) == (0, b"x" * 1_000_000 + b"\n")
    assert counted(entries, "*CONNECT") == {("*ALLOWED", ALLOWED): 1}
    done, entries = run_job(house, *psql(port, "select 1", REFUSED))
    assert done.returncode == 2
    assert f'connection to server at "{REFUSED}", port {port} failed: Operation not permitted' in done.stderr.decode()
    assert counted(entries, "*CONNECT") == {("*REJECTED", REFUSED): 1}


def test_unix_socket_of_the_server_is_its_users(house, postgres, data):
    port, _job = postgres
    socket_place = next(word for word in data(port) if "unix_socket_directories" in str(word)).partition("=")[2]
    words = psql(port, "select 1", socket_place)
    for job in ([], house.greenwall.arguments("run", "--")):
        own = run(*job, *words, env=os.environ | {"PGREQUIREPEER": _USER})
        assert (own.returncode, own.stdout) == (0, b"1\n"), own
        other = run(*job, *words, env=os.environ | {"PGREQUIREPEER": "somebody"})
        assert b"requirepeer specifies" in other.stderr


def test_connections_of_the_server_are_decided(house, postgres):
    port, job = postgres
    made = run(*psql(port, "create extension if not exists dblink"))
    if made.returncode:
        pytest.skip("this PostgreSQL has no dblink")
    query = "select * from dblink('host={} port={} user=test dbname=postgres', 'select 7') as found(number int)"
    assert run(*psql(port, query.format(ALLOWED, port))).stdout == b"7\n"
    assert b"Operation not permitted" in run(*psql(port, query.format(REFUSED, port))).stderr
    expect(house, job, "*CONNECT", {("*ALLOWED", ALLOWED): 1, ("*REJECTED", REFUSED): 1})


def test_postgresql_says_that_it_may_not_listen(house, data):
    port = free_port()
    done, entries = run_job(house, *data(port, NO_LISTENER), options=USER_OPTIONS, cwd="/")
    assert done.returncode == 1
    assert f'could not listen on IPv4 address "{NO_LISTENER}": Operation not permitted' in done.stderr.decode()
    assert counted(entries, "*LISTEN") == {("*REJECTED", NO_LISTENER): 1}
