"""What an Rbind lets nobody do, how it ends, and what many of them take up."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.command import until
from tests.enforcement.kernel.jobs import PATIENCE_S, activate_rules, guard_of
from tests.enforcement.kernel.rbind_jobs import (
    AFTER_CONTROL,
    HOST,
    Peer,
    run,
    script,
)
from tests.enforcement.kernel.test_routing import through
from tests.loopback import serving
from tests.socks.server import BIND, Manners


def test_stranger_that_finds_the_port_is_not_let_in(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks()))
    with (
        serving(Peer()) as port,
        rbind_house.running("rbind", HOST, port, "bind", "listen", "wait", options=("--rbind",)) as job,
    ):
        while job.line() != "listen 0":
            pass
        listening = [
            found.laddr
            for process in guard_of(job.process.pid).children(recursive=True)
            for found in process.net_connections("tcp")
            if found.status == psutil.CONN_LISTEN
        ]
        ((host, number),) = listening
        assert host == HOST
        with pytest.raises(TimeoutError):
            socket.create_connection((host, number), 0.5)
        job.process.kill()


def test_filter_of_the_listener_cannot_be_taken_off(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks()))
    lines, _ = run(rbind_house, Peer(), "bind", "listen", "unfilter", "tell", "accept", "read")
    assert lines[3] == "unfilter EPERM"
    assert lines[-1] == "got hello"


_PRIVILEGED = """
tell("bind", data.bind, ("127.0.0.1", 80))
tell("name", data.getsockname)
data.setblocking(False)
tell("connect", data.connect, ("127.0.0.1", 1))
tell("unprivileged", data.bind, ("127.0.0.1", 0))
"""
_AS_ROOT_OF_ITS_OWN = """
assert ctypes.CDLL(None).unshare(0x10000000) == 0  # CLONE_NEWUSER
open("/proc/self/setgroups", "w").write("deny")
open("/proc/self/uid_map", "w").write(f"0 {OWN} 1")
assert os.geteuid() == 0
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has jobs of other users, and privileged ports")
@pytest.mark.parametrize("before", ["", "OWN = os.geteuid()" + _AS_ROOT_OF_ITS_OWN], ids=["plain", "own namespace"])
def test_privileged_port_is_refused_whom_linux_refuses_it(rbind_house, socks, before):
    server = socks()
    activate_rules(rbind_house.store, **through(server))
    lines, _ = script(rbind_house, before + _PRIVILEGED, Peer(), options=("--rbind", "--user", "nobody"))
    assert lines[:2] == [f"bind {errno.EACCES}", "name 0 ('0.0.0.0', 0)"]
    assert [asked.command for asked in server.asked][:2] == [1, 1]  # no BIND, and the connect


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileged ports")
def test_root_may_bind_to_a_privileged_port(rbind_house, socks):
    server = socks()
    activate_rules(rbind_house.store, **through(server))
    text = (
        'tell("bind", data.bind, ("127.0.0.7", 79)); data.setblocking(False)\ntell("first", data.connect_ex, (HOST, 1))'
    )
    lines, _ = script(rbind_house, "HOST = '127.0.0.1'\n" + text + '\ntell("name", data.getsockname)', Peer())
    assert lines[0] == "bind 0 None"
    assert [asked.command for asked in server.asked][1] == BIND
    assert lines[-1] == "name 0 ('127.0.0.7', 79)"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes networks")
def test_bind_in_another_network_is_a_bind(rbind_house, socks):
    server = socks()
    activate_rules(rbind_house.store, **through(server))
    text = """
assert ctypes.CDLL(None).unshare(0x40000000) == 0  # CLONE_NEWNET
data = socket.socket()
tell("bind", data.bind, ("0.0.0.0", 0))
"""
    lines, _ = script(rbind_house, text, Peer())
    assert lines == ["bind 0 None"]
    assert [asked.command for asked in server.asked] == [1]


_STEPS = """
for word in sys.stdin:
    if word == "direct\\n":
        tell("direct", socket.socket().connect_ex, ("127.0.0.99", 1))
    else:
        data = socket.socket()
        tell("bind", data.bind, ("127.0.0.1", 0))
"""


@pytest.mark.parametrize(("step", "said"), [("bind", "None"), ("direct", str(errno.ECONNREFUSED))])
def test_pair_ends_under_a_revision_that_does_not_lead_to_the_server(rbind_house, socks, step, said):
    server = socks()
    leading = through(server)

    def take(job, word, expected):
        job.say(f"{word}\n")
        assert job.line() == f"{word} 0 {expected}"

    def change(job, **settings):
        revision = activate_rules(rbind_house.store, **settings)
        until(lambda: revision in revisions(job), "the new revision in force", PATIENCE_S)

    def revisions(job):
        rows = rbind_house.greenwall.show("jobs")
        return [row["revision"] for row in rows if row["qualified_job_name"].endswith(f"/{job.name}")]

    activate_rules(rbind_house.store, **leading)
    with (
        serving(Peer()) as port,
        rbind_house.running(sys.executable, "-c", AFTER_CONTROL + _STEPS, port, options=("--rbind",)) as job,
    ):
        take(job, "bind", "None")
        assert [asked.command for asked in server.asked] == [1, BIND]
        change(job)
        take(job, step, said)
        change(job, **leading)
        take(job, "bind", "None")
    assert [asked.command for asked in server.asked] == [1, BIND]


def test_server_is_told_the_password_that_is_in_force_when_it_is_asked(rbind_house, socks):
    server = socks(users={"user": "old"})
    host, number = server.address
    activate_rules(rbind_house.store)
    rbind_house.greenwall.cl(
        f"ADDSOCKSE SEQNBR(10) SERVER({host}) PORT({number}) USERID(user) PASSWORD(old)", "ACTSOCPCY"
    )

    def revisions(job):
        rows = rbind_house.greenwall.show("jobs")
        return [row["revision"] for row in rows if row["qualified_job_name"].endswith(f"/{job.name}")]

    with (
        serving(Peer()) as port,
        rbind_house.running(sys.executable, "-c", AFTER_CONTROL + _STEPS, port, options=("--rbind",)) as job,
    ):
        until(lambda: server.asked, "the connect", PATIENCE_S)
        (before,) = revisions(job)
        server.manners = Manners(users={"user": "new"})
        rbind_house.greenwall.cl("CHGSOCKSE SEQNBR(10) PASSWORD(new)", "ACTSOCPCY")
        until(lambda: revisions(job) > [before], "the new revision in force", PATIENCE_S)
        job.say("bind\n")
        assert job.line() == "bind 0 None"
    assert [(asked.command, asked.password) for asked in server.asked] == [(1, "old"), (BIND, "new")]


def test_sockets_that_are_bound_and_closed_take_up_few_threads(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks()))
    text = """
for _ in range(1100):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
threads = open(f"/proc/{os.getppid()}/status").read().split("Threads:")[1].split()[0]
print("threads", int(threads) < 150)
"""
    lines, _ = script(rbind_house, text, Peer())
    assert lines == ["threads True"]


def test_oldest_that_does_not_listen_is_given_up_first(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks()))
    text = """
data.bind(("127.0.0.1", 0))
data.listen(1)
others = [socket.socket() for _ in range(70)]
for one in others:
    one.bind(("127.0.0.1", 0))
others[0].listen(1)
tell("given up", others[0].accept)
control.sendall("{} {}\\n".format(*data.getsockname()).encode())
print(data.accept()[0].recv(5).decode())
"""
    lines, _ = script(rbind_house, text, Peer())
    assert lines == [f"given up {errno.EINVAL}", "hello"]


def test_failure_is_told_once_to_several_that_wait(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks(bind_limit_s=1)))
    text = """
data.bind(("127.0.0.1", 0))
data.listen(1)
threads = [threading.Thread(target=tell, args=("accept", data.accept)) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    lines, found = script(rbind_house, text, Peer())
    assert sorted(lines) == sorted([f"accept {errno.ECONNABORTED}", *[f"accept {errno.EINVAL}"] * 3])
    assert [kind for kind, *_ in found].count("A") == 1


def test_two_that_bind_one_socket_at_once_ask_the_server_once(rbind_house, socks):
    server = socks()
    activate_rules(rbind_house.store, **through(server))
    text = """
gate = threading.Barrier(3)
def ask(port):
    mine = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    gate.wait()
    tell("bind", data.bind, ("127.0.0.1", port))
threads = [threading.Thread(target=ask, args=(port,)) for port in (2001, 2002, 2003)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    lines, _ = script(rbind_house, text, Peer())
    assert sorted(lines) == ["bind 0 None", f"bind {errno.EINVAL}", f"bind {errno.EINVAL}"]
    assert [asked.command for asked in server.asked].count(BIND) == 1


_PYTHON = """
import socket, sys
from console.rbind import rbind
control = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
with socket.socket() as data:
    rbind(data)
    data.listen(1)
    control.sendall("{} {}\\n".format(*data.getsockname()).encode())
    connection, address = data.accept()
print(connection.recv(5).decode(), connection.getpeername() == address)
other = socket.socket(socket.AF_INET6)
rbind(other, ("::", 0))
print(other.getsockname()[0])
"""


def test_program_in_python_asks_for_it(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks()))
    with serving(Peer()) as port:
        _, command = rbind_house.command(sys.executable, "-c", _PYTHON, port)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stderr, done.stdout) == ("", "hello True\n::ffff:127.0.0.1\n")


@pytest.mark.skipif(shutil.which("go") is None, reason="go is not installed")
def test_go_program_takes_a_connection_and_is_told_that_there_is_no_other(rbind_house, socks, tmp_path):
    activate_rules(rbind_house.store, **through(socks()))
    program, source = tmp_path / "rbind-go", Path(__file__).parent / "programs" / "rbind.go"
    environment = os.environ | {"CGO_ENABLED": "0", "GOCACHE": str(tmp_path / "cache"), "GO111MODULE": "off"}
    subprocess.run(["go", "build", "-o", program, source], check=True, env=environment, timeout=300)
    with serving(Peer()) as port:
        _, command = rbind_house.command(str(program), f"{HOST}:{port}", options=("--rbind",))
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    hello, refused = done.stdout.splitlines()
    assert hello == "hello true"
    assert refused.endswith(": invalid argument")
