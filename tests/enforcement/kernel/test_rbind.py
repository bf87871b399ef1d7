"""Programs that take an inbound connection through a SOCKS server: each bind is an Rbind, or they ask for it."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from console.model.words import ExitPoint
from console.policy.socks_entries import make_socks_entry
from tests.end_to_end.command import until
from tests.enforcement.kernel.jobs import PATIENCE_S, activate_rules, guard_of, make_house, rejecting
from tests.enforcement.kernel.test_routing import place, read, through
from tests.loopback import serving
from tests.socks.server import BIND, Manners, SocksServer

HOST = "127.0.0.1"
EVERYTHING = ["bind", "name", "listen", "tell", "accept", "names", "read"]
READY = f"{select.EPOLLIN} {select.POLLIN}"
CONTROL = ["control 0"]


class Peer:
    """Where the program connects to: connects back to the place that it is told."""

    def __init__(self, source=HOST, pause_s=0):
        self.source = source
        self.pause_s = pause_s
        self.told = None
        self.came_from = None

    def __call__(self, control):
        with contextlib.suppress(OSError, ValueError), control.makefile() as lines:
            for line in lines:
                host, port = line.split()
                self.told = host, int(port)
                time.sleep(self.pause_s)
                with socket.create_connection(self.told, PATIENCE_S, source_address=(self.source, 0)) as back:
                    self.came_from = back.getsockname()
                    back.sendall(b"hello")


@pytest.fixture(scope="module")
def rbind_house(tmp_path_factory, programs):
    with make_house(tmp_path_factory.mktemp("rbind") / "store", programs, ()) as made:
        yield made


@pytest.fixture
def socks():
    """Return a function that starts a SOCKS server with the given manners."""
    with contextlib.ExitStack() as running:
        yield lambda **manners: running.enter_context(SocksServer(Manners(**manners)))


def entries(house, name):
    """Return the socket entries of a job: type, outcome, local and remote port, server, text."""
    return [
        (entry.sk_type, entry.outcome, entry.local_port, entry.remote_port, entry.socks_server, entry.text)
        for entry in read(house)
        if entry.entry_type == "SK" and entry.qualified_job_name.endswith("/" + name)
    ]


def run(house, peer, *steps, options=("--rbind",), program="rbind", host=HOST):
    """Run the program to its end; returns its lines and its entries."""
    with serving(peer, "::" if ":" in host else "0.0.0.0") as port:
        name, command = house.command(program, host, port, *steps, options=options)
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
        assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.splitlines(), entries(house, name)


@pytest.mark.parametrize("version", ["4", "4A", "5"])
def test_bind_after_a_connect_through_a_server_takes_a_connection_there(rbind_house, socks, version):
    server, peer = socks(), Peer()
    activate_rules(rbind_house.store, **through(server, version=version))
    lines, found = run(rbind_house, peer, *EVERYTHING, "quiet", "accept")
    there = "{} {}".format(*peer.told)
    came = "{} {}".format(*peer.came_from)
    assert lines == [
        *CONTROL, "bind 0", f"name 0 {there}", "listen 0", "tell 0",
        f"accept 0 {came}", f"own 0 {there}", f"peer 0 {came}", "read 0", "got hello",
        "quiet 0 0", "accept EINVAL 0.0.0.0 0",
    ]  # fmt: skip
    (_, (command, host)) = [(asked.command, asked.host) for asked in server.asked]
    assert (command, host) == (BIND, HOST)
    label = place(server)
    bound, inbound = peer.told[1], peer.came_from[1]
    assert [(kind, outcome, local, server) for kind, outcome, local, _, server, _ in found[2:]] == [
        ("L", "*ALLOWED", bound, label),
        ("A", "*ALLOWED", bound, label),
    ]
    assert found[1][0] == "C"
    assert found[1][5] == f"Rbind; the server listens at {HOST}:{bound}"
    assert found[3][3] == inbound


def test_connection_over_ipv6_is_taken_too(rbind_house):
    peer = Peer("::1")
    with SocksServer(host="::1") as server:
        entry = {"sequence": 10, "servers": "[{}]:{}".format(*server.address), "version": "5"}
        activate_rules(rbind_house.store, socks=(make_socks_entry(**entry),))
        lines, found = run(rbind_house, peer, *EVERYTHING, "accept", host="::1")
    there, came = "{} {}".format(*peer.told), "{} {}".format(*peer.came_from)
    assert lines == [
        *CONTROL, "bind 0", f"name 0 {there}", "listen 0", "tell 0",
        f"accept 0 {came}", f"own 0 {there}", f"peer 0 {came}", "read 0", "got hello",
        "accept EINVAL 0.0.0.0 0",
    ]  # fmt: skip
    assert there.startswith("::1 ")
    assert [kind for kind, *_ in found] == ["C", "C", "L", "A"]


def test_signal_interrupts_an_accept_and_the_next_takes_the_connection(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks()))
    lines, found = run(rbind_house, Peer(), "bind", "listen", "ring", "accept", "tell", "accept", "read")
    assert lines[3:5] == ["rang", "accept EINTR 0.0.0.0 0"]
    assert lines[-1] == "got hello"
    assert [kind for kind, *_ in found] == ["C", "C", "L", "A"]


def test_accept_that_a_signal_restarts_takes_the_connection(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks()))
    lines, found = run(rbind_house, Peer(pause_s=1), "bind", "listen", "ring-on", "tell", "accept", "read")
    assert lines[3:5] == ["tell 0", "rang"]
    assert lines[-1] == "got hello"
    assert [kind for kind, *_ in found] == ["C", "C", "L", "A"]


def test_program_that_asks_gets_it_without_the_option(rbind_house, socks):
    server, peer = socks(), Peer()
    activate_rules(rbind_house.store, **through(server))
    lines, _ = run(rbind_house, peer, "rbind", "name", "listen", "tell", "accept", "read", options=())
    there = "{} {}".format(*peer.told)
    assert lines[1:4] == ["rbind 0", f"name 0 {there}", "listen 0"]
    assert lines[-1] == "got hello"


def test_bind_is_a_bind_without_the_option(rbind_house, socks):
    server = socks()
    activate_rules(rbind_house.store, **through(server))
    lines, found = run(rbind_house, Peer(), "bind", "rbind", options=())
    assert lines == [*CONTROL, "bind 0", "rbind EINVAL"]
    assert len(server.asked) == len(found) == 1


def test_asking_without_a_guard_is_refused_harmlessly(rbind_house):
    with serving(Peer()) as port:
        lines = rbind_house.native("rbind", HOST, port, "rbind", "bind", "close", "rbind")
    assert lines == [*CONTROL, "rbind ENOPROTOOPT", "bind 0", "close 0", "rbind EBADF"]


def test_asking_without_socks_entries_is_refused_as_without_a_guard(rbind_house):
    activate_rules(rbind_house.store)
    lines, _ = run(rbind_house, Peer(), "rbind", options=())
    assert lines == [*CONTROL, "rbind ENOPROTOOPT"]
    lines, _ = run(rbind_house, Peer(), "rbind", "bind")
    assert lines == [*CONTROL, "rbind ENOTCONN", "bind 0"]


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("flavour", ["accept", "accept-later"])
def test_listener_is_readable_when_the_peer_has_come_and_not_before(rbind_house, socks, order, flavour):
    activate_rules(rbind_house.store, **through(socks()))
    first = ["bind", "listen", "nonblock"] if order == "before" else ["nonblock", "bind", "listen"]
    lines, _ = run(rbind_house, Peer(), *first, "quiet", "accept", "tell", "wait", flavour, "flags", "quiet", "accept")
    assert lines[4:8] == ["quiet 0 0", "accept EAGAIN 0.0.0.0 0", "tell 0", f"wait {READY}"]
    assert lines[8].startswith(f"accept 0 {HOST}")
    later = int(flavour == "accept-later")
    assert lines[9:] == [f"flags {later} {later}", "quiet 0 0", "accept EINVAL 0.0.0.0 0"]


def test_accept_that_has_a_time_limit_keeps_to_it(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks()))
    lines, _ = run(rbind_house, Peer(), "bind", "listen", "limit", "accept", "tell", "wait", "accept", "read")
    assert lines[4] == "accept EAGAIN 0.0.0.0 0"
    assert lines[-1] == "got hello"


@pytest.mark.parametrize("version", ["4", "5"])
def test_server_that_gives_up_waiting_is_told_once_as_aborted(rbind_house, socks, version):
    server = socks(bind_limit_s=0.1)
    activate_rules(rbind_house.store, **through(server, version=version))
    lines, found = run(rbind_house, Peer(), "bind", "listen", "accept", "accept")
    assert lines[1:] == ["bind 0", "listen 0", "accept ECONNABORTED 0.0.0.0 0", "accept EINVAL 0.0.0.0 0"]
    kind, outcome, _, _, label, text = found[-1]
    assert (kind, outcome, label) == ("A", "*ALLOWED", place(server))
    assert text.startswith("ECONNABORTED; GWL0816")


def test_server_that_gives_up_wakes_who_polls(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks(bind_limit_s=0.1)))
    lines, _ = run(rbind_house, Peer(), "nonblock", "bind", "listen", "wait", "accept", "quiet", "accept")
    assert lines[4:] == [f"wait {READY}", "accept ECONNABORTED 0.0.0.0 0", "quiet 0 0", "accept EINVAL 0.0.0.0 0"]


@pytest.mark.parametrize("checks_peer", [True, False])
def test_connection_from_elsewhere_is_not_taken(rbind_house, socks, checks_peer):
    server, peer = socks(checks_peer=checks_peer), Peer("127.0.0.9")
    activate_rules(rbind_house.store, **through(server))
    lines, found = run(rbind_house, peer, "bind", "listen", "tell", "accept")
    assert lines[-1] == "accept ECONNABORTED 0.0.0.0 0"
    assert ("GWL0816" if checks_peer else "GWL0817") in found[-1][5]


@contextlib.contextmanager
def turning(**manners):
    """Run a server that connects well and has other manners from then on."""
    server = SocksServer(on_request=lambda _: setattr(server, "manners", Manners(**manners)))
    with server:
        yield server


def failing(house, manners, *steps, version="4", **entry):
    """Return what steps end with at a server that has manners of its own when it is asked to bind."""
    with turning(**manners) as server:
        activate_rules(house.store, **through(server, version=version, **entry))
        lines, found = run(house, Peer(), *steps)
    return lines[1:], found


@pytest.mark.parametrize("octets", range(8))
def test_server_that_hangs_up_in_its_first_reply_fails_the_bind(rbind_house, octets):
    lines, found = failing(rbind_house, {"close_after": octets}, "bind", "name")
    assert lines == ["bind ECONNREFUSED", "name 0 0.0.0.0 0"]
    assert found[1][5].startswith("ECONNREFUSED; Rbind; GWL0804")


@pytest.mark.parametrize("octets", range(8, 16))
def test_server_that_hangs_up_in_its_second_reply_fails_the_accept(rbind_house, octets):
    lines, _ = failing(rbind_house, {"close_after": octets}, "bind", "listen", "tell", "accept")
    assert lines[-1] == "accept ECONNABORTED 0.0.0.0 0"


@pytest.mark.parametrize(
    ("version", "manners", "expected", "said"),
    [
        ("4", {"binds": False}, "ECONNREFUSED", "GWL080A"),
        ("5", {"binds": False}, "ENOTSUP", "GWL0810"),
        ("4", {"refuse": 93}, "EACCES", "GWL0808"),
        ("5", {"refuse": 2}, "EACCES", "GWL080B"),
        ("4", {"garbage": b"HTTP/1.1 400 Bad Request"}, "ECONNREFUSED", "GWL0805"),
        ("5", {"silent_after": 0}, "ETIMEDOUT", "GWL0803"),
    ],
)
def test_server_that_does_not_bind_fails_the_bind(rbind_house, version, manners, expected, said):
    lines, found = failing(rbind_house, manners, "bind", "name", version=version, time_limit_ms=500)
    assert lines == [f"bind {expected}".replace("ENOTSUP", "EOPNOTSUPP"), "name 0 0.0.0.0 0"]
    assert found[1][5].startswith(f"{expected}; Rbind; {said}")


def test_server_may_hide_its_address(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks(hides_address=True)))
    peer = Peer()
    lines, _ = run(rbind_house, peer, *EVERYTHING)
    assert peer.told[0] == HOST
    assert lines[-1] == "got hello"


def test_direct_connect_breaks_the_pair_and_a_lookup_does_not(rbind_house, socks):
    server = socks()
    settings = through(server, remote_address="127.0.0.1")
    activate_rules(rbind_house.store, **settings)
    lines, _ = run(rbind_house, Peer(), "lookup", "bind", "new", "direct", "rbind", "bind", "listen")
    assert lines[1:] == [
        "lookup 0", "bind 0", "new 0", "direct ECONNREFUSED", "rbind ENOTCONN", "bind 0", "listen 0",
    ]  # fmt: skip
    assert [asked.command for asked in server.asked] == [1, BIND]


def test_each_transfer_of_a_session_has_a_connection_of_its_own(rbind_house, socks):
    server = socks()
    activate_rules(rbind_house.store, **through(server))
    transfer = ["bind", "listen", "tell", "accept", "close", "read"]
    lines, _ = run(rbind_house, Peer(), *transfer, "new", *transfer, "new", *transfer)
    assert lines.count("got hello") == 3
    assert [asked.command for asked in server.asked] == [1, BIND, BIND, BIND]


def test_socket_that_connects_after_all_is_bound_where_its_program_wanted(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks(), sequence=10))
    lines, found = run(rbind_house, Peer(), "local", "connect", "name")
    assert lines[1:3] == ["local 0", "connect 0"]
    assert lines[3].startswith("name 0 127.0.0.5 ")
    assert [kind for kind, *_ in found] == ["C", "C", "C"]


def test_address_that_is_not_of_this_machine_cannot_be_bound(rbind_house, socks):
    server = socks()
    activate_rules(rbind_house.store, **through(server))
    lines, _ = run(rbind_house, Peer(), "elsewhere", "bind", "bind", "elsewhere")
    assert lines[1:] == ["elsewhere EADDRNOTAVAIL", "bind 0", "bind EINVAL", "elsewhere EINVAL"]
    assert [asked.command for asked in server.asked] == [1, BIND]


def test_listen_is_decided_under_the_address_of_the_server(rbind_house, socks):
    server = socks(hides_address=True)
    rule = rejecting(exit_point=ExitPoint.LISTEN, sequence=10, local_address=HOST)
    activate_rules(rbind_house.store, rule, **through(server))
    lines, found = run(rbind_house, Peer(), "bind", "listen", "accept")
    assert lines[1:] == ["bind 0", "listen EPERM", "accept EINVAL 0.0.0.0 0"]
    assert found[-1][:2] == ("L", "*REJECTED")


def test_accept_is_decided_under_the_address_of_who_comes(rbind_house, socks):
    rule = rejecting(exit_point=ExitPoint.ACCEPT, sequence=10, remote_address=HOST)
    activate_rules(rbind_house.store, rule, **through(socks()))
    lines, found = run(rbind_house, Peer(), "bind", "listen", "tell", "accept", "accept")
    assert lines[-2:] == ["accept ECONNABORTED 0.0.0.0 0", "accept EINVAL 0.0.0.0 0"]
    assert found[-1][:2] == ("A", "*REJECTED")


def test_asking_is_decided_as_a_connect_to_who_is_expected(rbind_house, socks):
    # The rule is one about the source, which the control connection has not.
    server = socks()
    rule = rejecting(exit_point=ExitPoint.CONNECT, sequence=10, local_address="127.0.0.5")
    activate_rules(rbind_house.store, rule, **through(server))
    lines, found = run(rbind_house, Peer(), "local", "name")
    assert lines[1:] == ["local EPERM", "name 0 0.0.0.0 0"]
    assert found[-1] == ("C", "*REJECTED", 0, found[0][3], "", "Rbind")
    assert len(server.asked) == 1


def test_closing_the_listener_lets_the_server_go(rbind_house, socks):
    server = socks()
    activate_rules(rbind_house.store, **through(server))
    with serving(Peer()) as port, rbind_house.running("rbind", HOST, port, "bind", "listen", "close", "new", "nonblock",
                                                     "wait", options=("--rbind",)) as job:  # fmt: skip
        while job.line() != "nonblock 0":
            pass
        guard = guard_of(job.process.pid)
        until(lambda: not connections(guard, server), "the guard to let go", PATIENCE_S)


def connections(process, server):
    """Return the connections of a process to a server."""
    return [found for found in process.net_connections("tcp") if found.raddr == server.address]


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


_AFTER_CONTROL = """
import ctypes, os, socket, sys, threading
def tell(what, call, *arguments):
    try:
        said = f"{what} 0 {call(*arguments)}"
    except OSError as error:
        said = f"{what} {error.errno}"
    os.write(1, f"{said}\\n".encode())  # whole, whichever thread
control = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
data = socket.socket()
"""


def script(house, text, peer, *, options=("--rbind",)):
    """Run a program in Python that has connected through the server; returns its lines and its entries."""
    with serving(peer) as port:
        name, command = house.command(shutil.which("python3", path="/usr/bin:/bin") or sys.executable, "-c",
                                      _AFTER_CONTROL + text, port, options=options)  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.splitlines(), entries(house, name)


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
        rbind_house.running(sys.executable, "-c", _AFTER_CONTROL + _STEPS, port, options=("--rbind",)) as job,
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
        rbind_house.running(sys.executable, "-c", _AFTER_CONTROL + _STEPS, port, options=("--rbind",)) as job,
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
