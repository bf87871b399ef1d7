"""What is written of jobs under a real filter, as the audit levels say: ports, datagrams, and levels that change."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from console.store.guards import list_guards
from console.store.journal import page_after
from console.store.session import reading
from tests.end_to_end.command import until
from tests.enforcement.kernel.jobs import guard_of, is_root

BINDS = """
import errno, json, os, socket, sys
def said(call, *arguments):
    try: call(*arguments)
    except OSError as error: return errno.errorcode[error.errno]
    return "0"
def made(family=socket.AF_INET, kind=socket.SOCK_STREAM, **options):
    endpoint = socket.socket(family, kind)
    for name, value in options.items():
        level = socket.IPPROTO_IPV6 if name == "IPV6_V6ONLY" else socket.SOL_SOCKET
        endpoint.setsockopt(level, getattr(socket, name), value)
    kept.append(endpoint)
    return endpoint
kept = []
first = made()
port = None
results = [said(first.bind, ("127.0.0.1", 0))]
first.listen()
port = first.getsockname()[1]
results.append(said(made().bind, ("127.0.0.1", port)))
results.append(said(made(SO_REUSEADDR=1).bind, ("127.0.0.1", port)))
results.append(said(made().bind, ("127.0.0.2", port)))
results.append(said(made(socket.AF_INET6).bind, ("::", port)))
results.append(said(made(socket.AF_INET6, IPV6_V6ONLY=1).bind, ("::", port)))
results.append(said(made(kind=socket.SOCK_DGRAM).bind, ("127.0.0.1", port)))
results.append(said(made().bind, ("192.0.2.1", 0)))
results.append(said(first.bind, ("127.0.0.1", 0)))
low = 700 + os.getpid() % 300
results.append(said(made().bind, ("127.0.0.1", low)))
results.append(said(made(socket.AF_UNIX).bind, "\\0greenwall-%d" % os.getpid()))
one, other = made(SO_REUSEPORT=1), made(SO_REUSEPORT=1)
one.bind(("127.0.0.1", 0))
results.append(said(other.bind, one.getsockname()))
left, right = made(SO_REUSEADDR=1), made(SO_REUSEADDR=1)
left.bind(("127.0.0.1", 0)); right.bind(left.getsockname()); left.listen()
results.append(said(right.listen))
print(*results)
print(port, low, left.getsockname()[1])
"""

CONNECTS = """
import socket, sys
for line in sys.stdin:
    for _ in range(int(line)):
        with socket.socket() as client: client.connect(("127.0.0.1", int(sys.argv[1])))
    print("done", flush=True)
"""

DATAGRAMS = """
import socket
server, client = socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0)); client.bind(("127.0.0.2", 0))
for _ in range(20):
    client.sendto(b"x", server.getsockname())
    assert server.recvfrom(9) == (b"x", client.getsockname())
connected = socket.socket(type=socket.SOCK_DGRAM)
connected.connect(server.getsockname()); connected.send(b"y")
octets, peer = server.recvfrom(9)
server.sendto(b"z", peer)
assert connected.recv(9) == b"z"
print(server.getsockname()[1], client.getsockname()[1], peer[1])
"""


def journal(house, name):
    """Return all entries of a job, as records, oldest first."""
    with reading(house.store) as session:
        entries = page_after(session, 0, limit=1_000_000)
        return [each.model_dump() for each in entries if each.qualified_job_name.endswith("/" + name)]


def sk(house, name):
    """Return the SK entries of a job, likewise."""
    return [each for each in journal(house, name) if each["entry_type"] == "SK"]


def run(house, script, *arguments, options=()):
    """Run a script as a job; returns its lines and its SK entries."""
    name, command = house.command(sys.executable, "-c", script, *arguments, options=options)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.splitlines(), sk(house, name)


@pytest.mark.parametrize("user", [pytest.param("", id="own"), pytest.param("nobody", id="nobody")])
def test_binds_end_as_without_a_guard_and_ports_that_cannot_be_had_are_written(house, user):
    if user and not is_root():
        pytest.skip("takes root")
    options = ("--user", user) if user else ()
    python = "/usr/bin/python3" if user else sys.executable
    if user and not os.access(python, os.X_OK):
        pytest.skip("takes a Python that everybody may run")
    drop = {"user": user, "group": "nogroup", "extra_groups": []} if user else {}
    bare = subprocess.run([python, "-c", BINDS], capture_output=True, text=True, timeout=60, check=True, **drop)
    name, command = house.command(python, "-c", BINDS, options=options)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, stdin=subprocess.DEVNULL)
    results, ports = done.stdout.splitlines()
    assert results == bare.stdout.splitlines()[0]
    port, low, shared = map(int, ports.split())
    found = [(each["local_port"], each["text"]) for each in sk(house, name) if each["sk_type"] == "P"]
    expected = [(port, "bind: EADDRINUSE")] * results.split()[:9].count("EADDRINUSE")
    if results.split()[9] == "EACCES":
        expected.append((low, "bind: EACCES"))
    assert found == [*expected, (shared, "listen: EADDRINUSE")]
    assert len(expected) >= 3


def test_job_that_starts_without_the_level_has_its_binds_made_by_the_kernel(fresh_house):
    fresh_house.greenwall.cl("CHGSYSVAL QAUDLVL *NETSCK")
    _, entries = run(fresh_house, BINDS)
    assert [each["sk_type"] for each in entries if each["sk_type"] == "P"] == []


def test_user_namespace_gives_no_privileged_port(house):
    script = (
        "import ctypes, os, socket\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "assert not libc.unshare(0x10000000), os.strerror(ctypes.get_errno())\n"
        "try: socket.socket().bind(('127.0.0.1', 999))\n"
        "except PermissionError: print('EACCES')\n"
        "else: print('0')\n"
    )
    bare = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    if bare.returncode:
        pytest.skip("no user namespaces here")
    lines, _ = run(house, script)
    assert lines == bare.stdout.splitlines() == ["EACCES"]


def test_landlock_of_a_program_holds_for_its_binds(house):
    script = (
        "import ctypes, os, socket, struct\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "attribute = struct.pack('QQ', 0, 1)\n"
        "ruleset = libc.syscall(444, attribute, len(attribute), 0)\n"
        "libc.prctl(38, 1, 0, 0, 0)\n"
        "print('restricted' if ruleset >= 0 and not libc.syscall(446, ruleset, 0) else 'none')\n"
        "try: socket.socket().bind(('127.0.0.1', 0))\n"
        "except OSError as error: print(error.errno)\n"
        "else: print(0)\n"
    )
    lines, _ = run(house, script)
    assert lines == house.native(sys.executable, "-c", script)


def test_levels_hold_at_once_in_a_job_that_runs_and_forget_what_was_decided(fresh_house, port):
    made = []
    with fresh_house.running(sys.executable, "-c", CONNECTS, port) as job:

        def connects(count):
            made.append(count)
            job.say(f"{count}\n")
            assert job.line() == "done"
            until(lambda: decided() == sum(made), "the connects to be counted")

        def written():
            return len(sk(fresh_house, job.name))

        def decided():
            with reading(fresh_house.store) as session:
                return next(each.decided for each in list_guards(session))

        connects(50)
        until(lambda: written() == 50, "all connects to be written")
        fresh_house.greenwall.cl("CHGSYSVAL QAUDLVL *JOBDTA")

        def is_silent():
            connects(20)
            before = written()
            connects(20)
            return written() == before

        until(is_silent, "the job to write nothing any more")
        fresh_house.greenwall.cl("CHGUSRAUD USRPRF(ROOT NOBODY) AUDLVL(*NETSCK)")
        if is_root():
            until(lambda: not is_silent(), "the connects of the user to be written")


def test_first_datagrams_of_each_pair_are_written(fresh_house):
    fresh_house.greenwall.cl("CHGSECAUD QAUDLVL(*NETUDP)")
    lines, entries = run(fresh_house, DATAGRAMS)
    server, client, connected = map(int, lines[0].split())
    assert [(each["sk_type"], each["outcome"], each["local_port"], each["remote_port"]) for each in entries] == [
        ("O", "", client, server),
        ("I", "", server, client),
        ("O", "", 0, server),
        ("I", "", server, connected),
        ("O", "", server, connected),
    ]


def test_refused_listen_is_an_authority_failure_beside_its_entry(house):
    script = (
        "import socket\n"
        "endpoint = socket.socket(); endpoint.bind(('127.0.0.66', 0))\n"
        "try: endpoint.listen()\n"
        "except PermissionError: print(endpoint.getsockname()[1])\n"
    )
    lines, (entry,) = run(house, script)
    assert (entry["sk_type"], entry["outcome"]) == ("L", "*REJECTED")
    name = entry["qualified_job_name"].rpartition("/")[2]
    (failure,) = (each for each in journal(house, name) if each["entry_type"] == "AF")
    assert json.loads(failure["detail"])["type"] == "T"
    assert f"port {lines[0]} of 127.0.0.66" in failure["text"]
    assert failure["local_port"] == int(lines[0])


@pytest.mark.parametrize("level", [1, 7])
def test_all_killed_at_any_moment_leaves_each_call_that_went_on_in_the_journal_once(fresh_house, port, level):
    fresh_house.greenwall.cl(f"CHGSYSVAL QAUDFRCLVL {level}")
    script = (
        "import os, socket, sys\n"
        "while True:\n"
        "    with socket.socket() as client:\n"
        "        client.connect(('127.0.0.1', int(sys.argv[1])))\n"
        "        os.write(1, b'%d\\n' % client.getsockname()[1])\n"
    )
    for round_ in range(2):
        with fresh_house.running(sys.executable, "-c", script, port) as job:
            told = [job.line()]
            time.sleep(0.05 * round_)  # any moment will do
            guard = guard_of(job.process.pid)
            kill(*fresh_house.workers(), guard.pid)
            told += job.rest()
        fresh_house.greenwall.done("run", "--", "true")
        whole = [int(line) for line in told if line]
        until(lambda: set(whole) <= {each["local_port"] for each in sk(fresh_house, job.name)}, "the entries")  # noqa: B023
        ports = [each["local_port"] for each in sk(fresh_house, job.name) if each["local_port"]]
        assert len(ports) - len(whole) in (0, 1)
        numbers = [each["guard_number"] for each in sk(fresh_house, job.name)]
        assert numbers == list(range(1, len(numbers) + 1))


def kill(*processes):
    for process in processes:
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            os.kill(process, signal.SIGKILL)


def test_connects_with_the_disk_in_between_are_all_written(fresh_house, port):
    fresh_house.greenwall.cl("CHGSYSVAL QAUDFRCLVL 1")
    with (
        socket.create_connection(("127.0.0.1", port)),
        fresh_house.running(sys.executable, "-c", CONNECTS, port) as job,
    ):
        job.say("40\n")
        assert job.line() == "done"
        spool = fresh_house.greenwall.directory / "store.db.spool"
        assert spool.is_dir()
        until(lambda: len(sk(fresh_house, job.name)) == 40, "the entries")
