"""The rules that all programs here run under, and the peers on both sides of them.

A server is reached from 127.0.0.1 and not from 127.0.0.2, and may not listen on 127.0.0.66. A client reaches 127.0.0.1
and not 127.0.0.2, and may not connect from 127.0.0.7.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import shutil
import socket
import subprocess

import psutil
import pytest

from console.model.words import ExitPoint
from tests.end_to_end.command import until
from tests.enforcement.kernel.jobs import PATIENCE_S, rejecting

ALLOWED = "127.0.0.1"
REFUSED = "127.0.0.2"
NO_SOURCE = "127.0.0.7"
NO_LISTENER = "127.0.0.66"

RULES = (
    rejecting(exit_point=ExitPoint.ACCEPT, sequence=10, remote_address=REFUSED),
    rejecting(exit_point=ExitPoint.CONNECT, sequence=10, remote_address=REFUSED),
    rejecting(exit_point=ExitPoint.CONNECT, sequence=20, local_address=NO_SOURCE),
    rejecting(exit_point=ExitPoint.LISTEN, sequence=10, local_address=NO_LISTENER),
)

DATA = b"".join(hashlib.sha256(b"%d" % at).digest() for at in range(32_768))
"""One mebibyte that no two ends of can be mixed up."""


def needs(*programs):
    """Skip a test when one of the programs is not installed, and name it."""
    missing = [program for program in programs if find(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)}: not installed")


def find(program):
    """Return where a program is; servers are often in a directory that is not on the path of a user."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin:/root/.cargo/bin")


def placed(command):
    """Return a command with its program's place written out."""
    return [find(str(command[0])) or str(command[0]), *map(str, command[1:])]


@contextlib.contextmanager
def server(house, port, *command, host=ALLOWED, **more):
    """Run a server as a job beside the test, from when it listens until the test has done with it.

    In a session of its own, because some send SIGTERM to all of their process group, which would be the tests'.
    """
    more = {"stderr": subprocess.STDOUT, "start_new_session": True} | more
    with house.running(*placed(command), **more) as job:
        until(lambda: job.process.poll() is not None or is_listening(host, port), f"{command[0]} to listen", PATIENCE_S)
        assert job.process.poll() is None, job.rest()
        yield job


def is_listening(host, port):
    """Say whether anybody listens there; asks the kernel's table, so that no connection is made for it."""
    places = (host, port), (f"::ffff:{host}", port)
    return any(entry.laddr in places and entry.status == psutil.CONN_LISTEN for entry in psutil.net_connections("tcp"))


def run(*command, data=None, patience_s=60, **more):
    """Run a program without a guard; returns what became of it, in octets."""
    given = {} if "stdin" in more else {"stdin": subprocess.DEVNULL} if data is None else {"input": data}
    return subprocess.run(placed(command), capture_output=True, check=False, timeout=patience_s, **given, **more)


def run_job(house, *command, data=None, options=(), **more):
    """Run a program as a job; returns what became of it, in octets, and its entries."""
    name, words = house.command(*placed(command), options=options)
    done = run(*words, data=data, **more)
    return done, house.entries(name)


def ask(port, question, *, host=ALLOWED, source=ALLOWED):
    """Say something to a server, and return all it answers until it hangs up."""
    with socket.create_connection((host, port), PATIENCE_S, source_address=(source, 0)) as client:
        client.sendall(question)
        return b"".join(iter(lambda: client.recv(65_536), b""))


def is_dropped(port, question=b"", *, host=ALLOWED):
    """Say whether a connection from the refused address ends with a reset, before any octet comes."""
    try:
        return ask(port, question, host=host, source=REFUSED) is None
    except (ConnectionResetError, BrokenPipeError):
        return True


def at_once(function, times, workers=8):
    """Call a function many times, several at once; returns what it returned."""
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return [future.result() for future in [pool.submit(function) for _ in range(times)]]


def counted(entries, exit_point):
    """Return how often each outcome and remote address (local, of a listen) occur for an exit point."""
    found = {}
    for entry_point, outcome, local, remote, _text in entries:
        if entry_point == exit_point:
            key = outcome, remote or local
            found[key] = found.get(key, 0) + 1
    return found


def expect(house, job, exit_point, expected):
    """Wait until the journal of a job that runs has what is expected of an exit point, as `counted` gives it."""
    with contextlib.suppress(AssertionError):
        until(lambda: counted(house.entries(job.name), exit_point) == expected, "the entries", 5)
    assert counted(house.entries(job.name), exit_point) == expected
