"""redis: one process that does everything in one loop; redis-cli, and a server that copies another."""

from __future__ import annotations

import shutil
import signal

import pytest

from tests.end_to_end.command import until
from tests.end_to_end.peer import free_port
from tests.enforcement.kernel.jobs import PATIENCE_S
from tests.fidelity.peers import (
    ALLOWED,
    NO_LISTENER,
    REFUSED,
    at_once,
    counted,
    expect,
    is_dropped,
    needs,
    run,
    run_job,
    server,
)  # fmt: skip

pytestmark = needs("redis-cli")


@pytest.fixture
def redis(public):
    """Return a function that gives redis-server's command line.

    Debian's redis-server is redis-check-rdb under another name; the package redis-tools has it and starts no service.
    """
    found = shutil.which("redis-server")
    if found is None:
        found = public / "redis-server"
        found.symlink_to(shutil.which("redis-check-rdb"))

    def command(port, host=ALLOWED, *more):
        return (
            str(found), "--bind", host, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(public),
            "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0", *more,
        )  # fmt: skip

    return command


def cli(port, *words, host=ALLOWED, data=None):
    return run("redis-cli", "-h", host, "-p", port, *words, data=data).stdout.strip()


def test_redis_serves_the_allowed_and_never_sees_the_refused(house, redis):
    port = free_port()
    value = b"green" * 200_000
    with server(house, port, *redis(port)) as job:
        assert cli(port, "-x", "set", "colour", data=value) == b"OK"
        assert cli(port, "get", "colour") == value
        assert is_dropped(port, b"PING\r\n")
        counts = at_once(lambda: int(cli(port, "incr", "count")), 30)
        assert sorted(counts) == list(range(1, 31))
        expect(house, job, "*ACCEPT", {("*ALLOWED", ALLOWED): 32, ("*REJECTED", REFUSED): 1})
        job.process.send_signal(signal.SIGTERM)
        assert job.status() == 0


def test_server_that_copies_another_is_refused_as_its_rule_says(house, redis):
    first, second = free_port(), free_port()
    with server(house, first, *redis(first)), server(house, second, *redis(second)) as job:
        cli(first, "set", "colour", "green")
        assert cli(second, "replicaof", ALLOWED, first) == b"OK"
        until(lambda: cli(second, "get", "colour") == b"green", "the copy", PATIENCE_S)
        assert cli(second, "replicaof", REFUSED, first) == b"OK"
        until(lambda: ("*REJECTED", REFUSED) in counted(house.entries(job.name), "*CONNECT"), "the entry", PATIENCE_S)
        assert b"master_link_status:down" in cli(second, "info", "replication")


def test_redis_cli_says_what_refused_it(house):
    port = free_port()
    done, entries = run_job(house, "redis-cli", "-h", REFUSED, "-p", str(port), "ping")
    assert done.returncode == 1
    said = f"Could not connect to Redis at {REFUSED}:{port}: Operation not permitted"
    assert said in (done.stdout + done.stderr).decode()
    assert set(counted(entries, "*CONNECT")) == {("*REJECTED", REFUSED)}


def test_redis_says_that_it_may_not_listen(house, redis):
    done, entries = run_job(house, *redis(free_port(), NO_LISTENER))
    assert done.returncode == 1
    assert b"Operation not permitted" in done.stdout + done.stderr
    assert counted(entries, "*LISTEN") == {("*REJECTED", NO_LISTENER): 1}
