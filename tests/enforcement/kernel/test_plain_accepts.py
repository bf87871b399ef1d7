"""Accepts served without Python: the same results and records, and Python's business wherever they are not plain."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
import struct
import threading
import time

import pytest

from console.enforcement.guard import plain_calls
from console.model.words import ExitPoint, Mode
from tests.end_to_end.command import until
from tests.enforcement.guard.setting import ended, policy, reject, sockaddr
from tests.enforcement.kernel.jobs import is_root
from tests.enforcement.kernel.plain_house import PATIENCE_S

pytestmark = pytest.mark.skipif(plain_calls.native is None, reason="the module for plain calls is not compiled")

REFUSED = reject(ExitPoint.ACCEPT, remote_address="127.0.0.2")


class Server:
    """The job as a server, and its clients."""

    def __init__(self, house, **words):
        self.house = house
        self.host = words.get("address", "127.0.0.1")
        self.port = house.order(do="listen", **words)
        self.clients = contextlib.ExitStack()

    def dial(self, count=1, source=None):
        where, whence = (self.host, self.port), (source or self.host, 0)
        made = [socket.create_connection(where, PATIENCE_S, source_address=whence) for _ in range(count)]
        return [self.clients.enter_context(client) for client in made]

    def accept(self, **words):
        return self.house.order(do="accept", **words)

    def seen(self, **words):
        """Accept; returns what came of it, and the calls that Python saw."""
        before = len(self.house.by_python)
        return self.accept(**words), self.house.by_python[before:]

    def warm(self, **words):
        """Accept until Python is not asked any more: what it has decided is remembered, and its watchdog is awake."""

        def is_warm():
            self.dial()
            return not self.seen(**words)[1]

        until(is_warm, "a call about which Python is not asked")


@pytest.fixture
def server_of(house_of):
    """Return a function that makes a server under a policy."""
    made = []

    def make(in_force, **words):
        made.append(Server(house_of(in_force, "acceptor"), **words))
        return made[-1]

    yield make
    for server in made:
        server.clients.close()


@pytest.mark.parametrize("blocks", [True, False])
def test_accept_like_an_earlier_one_is_served_without_python(server_of, blocks):
    server = server_of(policy(REFUSED), blocks=blocks)
    server.warm()
    clients = server.dial(50)
    found, by_python = server.seen(count=50)
    assert ([each["peer"] for each in found], by_python) == ([list(each.getsockname()) for each in clients], [])


def test_non_blocking_accept_is_told_without_python_that_nobody_is_there(server_of):
    server = server_of(policy(), blocks=False)
    server.warm()
    assert server.seen(count=5) == ([{"errno": "EAGAIN"}] * 5, [])


def test_records_say_the_same_whoever_wrote_them(server_of):
    server = server_of(policy(REFUSED, revision=7))
    server.warm()
    clients = server.dial(5)
    server.accept(count=5)
    events = server.house.events()
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    accepts = [event for event in events if event.exit_point == "*ACCEPT"]
    assert len(accepts) > len(server.house.by_python)
    assert [event.remote_port for event in accepts][-5:] == [client.getsockname()[1] for client in clients]
    told = {
        event._replace(number=0, at_ns=0, remote_port=0, decision_us=0, totals=accepts[0].totals) for event in accepts
    }
    assert len(told) == 1
    (one,) = told
    assert (one.local_address, one.local_port, one.revision) == ("127.0.0.1", server.port, 7)


def test_ipv6_is_served_and_recorded_too(server_of):
    server = server_of(policy(), family="AF_INET6", address="::1")
    server.warm(room=128)
    (client,) = server.dial()
    ((found,), by_python) = server.seen(room=128)
    assert (found["peer"], found["length"], by_python) == ([*client.getsockname()], 28, [])
    assert server.house.events()[-1].remote_address == "::1"


@pytest.mark.parametrize("room", [0, 1, 15, 16, 17, 128])
def test_address_is_cut_to_the_callers_room_without_python_too(server_of, room):
    server = server_of(policy())
    server.warm(room=128)
    (client,) = server.dial()
    ((found,), by_python) = server.seen(room=room)
    whole = sockaddr(*client.getsockname())
    assert bytes.fromhex(found["address"]) == (whole[:room] + b"\xaa" * 32)[:32]
    assert (found["length"], by_python) == (16, [])


def test_room_that_is_none_is_invalid_and_said_so_by_python(server_of):
    server = server_of(policy())
    server.warm(room=128)
    (client,) = server.dial()
    ((found,), by_python) = server.seen(room=-1)
    assert (found, len(by_python)) == ({"errno": "EINVAL"}, 1)
    assert ended(client) == b""
    assert server.house.events()[-1].text == "EINVAL"


@pytest.mark.parametrize(
    "flags", [0, socket.SOCK_CLOEXEC, socket.SOCK_NONBLOCK, socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK]
)
def test_flags_of_accept4_are_the_descriptors_without_python_too(server_of, flags):
    server = server_of(policy())
    server.warm(flags=flags)
    server.dial()
    ((found,), by_python) = server.seen(flags=flags)
    assert found["flags"] == [flags & socket.SOCK_NONBLOCK, bool(flags & socket.SOCK_CLOEXEC)]
    assert not by_python


def test_unknown_flag_is_pythons(server_of):
    server = server_of(policy())
    server.warm()
    ((found,), by_python) = server.seen(flags=1)
    assert (found, len(by_python)) == ({"errno": "EINVAL"}, 1)


def test_rejected_connection_is_never_handed_over_and_always_recorded(server_of):
    server = server_of(policy(REFUSED))
    server.warm()
    refused = server.dial(3, source="127.0.0.2")
    (allowed,) = server.dial()
    assert [each["peer"] for each in server.accept()] == [list(allowed.getsockname())]
    assert [ended(client) for client in refused] == ["ECONNRESET"] * 3
    assert [event.outcome for event in server.house.events()][-4:] == ["*REJECTED"] * 3 + ["*ALLOWED"]


def test_decision_is_that_of_the_piece_an_address_and_a_port_lie_in(server_of):
    rules = (
        reject(ExitPoint.ACCEPT, 10, remote_address="127.0.4.0/22", remote_port="20000-20003"),
        reject(ExitPoint.ACCEPT, 20, remote_address="127.0.5.0/24", remote_port="20002-20005"),
        reject(ExitPoint.ACCEPT, 30, remote_address="127.0.6.1"),
    )
    compiled = policy(*rules)
    server = server_of(compiled, blocks=False)
    server.warm()
    sources = ["127.0.3.255", "127.0.4.0", "127.0.5.1", "127.0.6.1", "127.0.6.2", "127.0.7.255", "127.0.8.0"]
    ports = [19999, 20000, 20002, 20003, 20004, 20005, 20006]
    expected, told = [], []
    for turn in range(2):
        for source in sources:
            for port in ports:
                with socket.socket() as client:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    client.bind((source, port))
                    client.connect((server.host, server.port))
                    (found,) = server.accept()
                third = int(source.split(".")[2])
                is_refused = source == "127.0.6.1" or (4 <= third <= 7 and 20000 <= port <= 20003)
                is_refused = is_refused or (third == 5 and 20002 <= port <= 20005)
                expected.append((turn, source, port, is_refused))
                told.append((turn, source, port, "errno" in found))
    assert told == expected


def test_policy_in_force_is_never_answered_from_an_earlier_one(server_of):
    allows, rejects = policy(revision=1), policy(reject(ExitPoint.ACCEPT), revision=2)
    server = server_of(allows, blocks=False)
    server.warm()
    for _ in range(100):
        server.house.supervisor.enforce(rejects)
        server.dial()
        assert server.accept() == [{"errno": "EAGAIN"}]
        server.house.supervisor.enforce(allows)
        server.dial(3)
        assert all("peer" in found for found in server.accept(count=3))
    answers = {(event.revision, event.outcome) for event in server.house.events()}
    assert answers <= {(1, "*ALLOWED"), (2, "*REJECTED")}


@pytest.mark.parametrize("fields", [{"user": "%NOGROUP"}, {"program": "/usr/bin/nothing"}])
def test_decision_that_asks_for_more_is_never_remembered(server_of, fields):
    server = server_of(policy(reject(ExitPoint.ACCEPT, **fields)))
    server.dial(20)
    found, by_python = server.seen(count=20)
    assert (len(found), len(by_python)) == (20, 20)


def test_rules_about_the_local_side_are_remembered_for_that_side(server_of):
    server = server_of(policy(reject(ExitPoint.ACCEPT, local_address="127.0.0.9")), address="0.0.0.0", blocks=False)
    server.host = "127.0.0.1"
    server.warm()
    server.host = "127.0.0.9"
    server.dial()
    assert server.accept() == [{"errno": "EAGAIN"}]
    server.host = "127.0.0.1"
    server.dial()
    assert not server.seen()[1]


@pytest.mark.skipif(not is_root(), reason="needs two users")
def test_decision_about_one_user_is_not_anothers(server_of):
    server = server_of(policy(reject(ExitPoint.ACCEPT, user="NOBODY")), blocks=False)
    server.warm()
    server.house.order(do="user", user=65534)
    server.dial()
    assert server.accept() == [{"errno": "EAGAIN"}]
    server.house.order(do="user", user=0)
    server.dial()
    assert "peer" in server.accept()[0]
    assert server.house.events()[-2].user == "NOBODY"


def test_exit_point_that_is_off_is_served_and_counted_but_not_journalled(server_of):
    server = server_of(policy(modes={ExitPoint.ACCEPT: Mode.OFF}))
    server.warm()
    before = server.house.backlog.totals.decided
    server.dial(20)
    found, by_python = server.seen(count=20)
    assert (len(found), by_python, server.house.backlog.totals.decided) == (20, [], before + 20)
    assert not [event for event in server.house.events() if event.exit_point == "*ACCEPT"]


def waits():
    return plain_calls.native.waiters() > 0


def accepts_apart(server, **words):
    """Let the job accept while a test goes on; returns what will be a list of what came of it."""
    found = []

    def accept():
        with contextlib.suppress(ValueError):  # the job has ended, and says nothing more
            found.append(server.seen(**words))

    thread = threading.Thread(target=accept)
    thread.start()
    return thread, found


def wait_for_a_moment(server):
    """Let an accept wait until it is seen to, then connect; returns what came of it, and the calls that Python saw."""
    server.warm()
    before = len(server.house.by_python)
    thread, found = accepts_apart(server)
    while not waits() and len(server.house.by_python) == before:
        time.sleep(0)
    server.dial()
    thread.join(PATIENCE_S)
    return found[0]


def test_accept_that_waits_for_a_moment_is_served_without_python(server_of):
    server = server_of(policy())
    assert any(not wait_for_a_moment(server)[1] for _ in range(200)), "the connection never came soon enough"


def test_accept_that_waits_longer_is_pythons(server_of):
    server = server_of(policy())
    server.warm()
    taken_over = len(server.house.by_python) + 1
    thread, found = accepts_apart(server)
    until(lambda: len(server.house.by_python) == taken_over, "Python to take over")
    (client,) = server.dial()
    thread.join(PATIENCE_S)
    ((accepted,), by_python) = found[0]
    assert (accepted["peer"], len(by_python)) == (list(client.getsockname()), 1)


def test_all_who_wait_are_served(server_of):
    server = server_of(policy())
    server.warm()
    for _ in range(10):
        thread, found = accepts_apart(server, threads=8, count=2)
        clients = server.dial(16)
        thread.join(PATIENCE_S)
        assert sorted(each["peer"] for each in found[0][0]) == sorted(list(each.getsockname()) for each in clients)


def test_time_out_of_the_listener_holds(server_of):
    server = server_of(policy(), patience_s=0.2)
    server.warm()
    started = time.monotonic()
    ((found,), by_python) = server.seen()
    assert (found, len(by_python)) == ({"errno": "EAGAIN"}, 1)
    assert time.monotonic() - started >= 0.2


def test_unix_listener_is_pythons(server_of, tmp_path):
    path = str(tmp_path / "listener")
    server = server_of(policy(), family="AF_UNIX", path=path, blocks=False)
    for _ in range(3):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            ((found,), by_python) = server.seen()
            assert ("errno" not in found, len(by_python)) == (True, 1)


def test_program_that_looks_first_is_known_whoever_served_it(server_of):
    server = server_of(policy(REFUSED))
    server.warm(look=True)
    server.dial(20)
    _, by_python = server.seen(count=20, look=True)
    assert not by_python
    server.dial(source="127.0.0.2")
    assert server.accept(look=True) == [{"errno": "ECONNABORTED"}]


def test_program_that_had_to_wait_once_goes_on_waiting(server_of):
    server = server_of(policy(REFUSED))
    wait_for_a_moment(server)
    server.dial(20)
    server.accept(count=20)
    server.dial(source="127.0.0.2")
    thread, found = accepts_apart(server)
    server.dial()
    thread.join(PATIENCE_S)
    assert "peer" in found[0][0][0]


def test_connection_that_cannot_be_handed_over_is_the_next_accepts_and_recorded_once(server_of):
    server = server_of(policy(), blocks=False)
    server.warm()
    process, kept = server.house.job.pid, server.house.accept_point.kept
    soft, hard = resource.prlimit(process, resource.RLIMIT_NOFILE)
    first_free = min({*range(1000)} - {int(number) for number in os.listdir(f"/proc/{process}/fd")})
    resource.prlimit(process, resource.RLIMIT_NOFILE, (first_free, hard))
    clients = server.dial(3)
    for _ in range(2):
        assert server.accept() == [{"errno": "EMFILE"}]
        assert len(kept.entries) == 1
    resource.prlimit(process, resource.RLIMIT_NOFILE, (soft, hard))
    found, by_python = server.seen(count=3)
    assert sorted(each["peer"] for each in found) == sorted(list(each.getsockname()) for each in clients)
    assert by_python, "what was kept is Python's"
    assert not kept.entries
    ports = [event.remote_port for event in server.house.events() if event.exit_point == "*ACCEPT"]
    assert len(set(ports)) == len(ports), "each once"
    server.warm()


def test_listener_that_waits_is_let_go_when_its_program_ends(server_of):
    server = server_of(policy())
    server.warm()
    before = len(server.house.by_python)
    thread, _ = accepts_apart(server)
    while not waits() and len(server.house.by_python) == before:
        time.sleep(0)
    server.house.kill()
    thread.join(PATIENCE_S)

    def is_closed():
        with socket.socket() as client:
            return client.connect_ex((server.host, server.port)) == errno.ECONNREFUSED

    until(is_closed, "the listener to be closed")
