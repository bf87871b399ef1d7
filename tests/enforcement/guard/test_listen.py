"""The listen exit point, on a fake kernel and real sockets."""

from __future__ import annotations

import errno
import os
import socket
import struct
import subprocess
import sys

import pytest

from console.enforcement import syscalls
from console.enforcement.credentials import own_ids
from console.enforcement.fake import Step
from console.enforcement.guard.supervisor import Undecidable
from console.errors import CallerGone
from console.model.words import ExitPoint, Mode
from console.policy.rule import ExitProgram
from tests.enforcement.guard.setting import Setting, reject

_SO_PEERGROUPS = 59
"""asm-generic/socket.h."""
_BIND_ADDRESS_NO_PORT = 24
"""linux/in.h."""


@pytest.fixture
def server():
    with socket.socket() as made:
        yield made


def listens(endpoint):
    return bool(endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def test_allowed_listen_is_made(server):
    setting = Setting()
    server.bind(("127.0.0.1", 0))
    assert setting.serve(setting.listen(server)) == 0
    assert listens(server)
    (decided,) = setting.recorded
    assert (decided.local.port, decided.remote) == (server.getsockname()[1], (0, 0))


def test_rejected_listen_is_not_made(server):
    setting = Setting(reject(ExitPoint.LISTEN, local_address="127.0.0.1"))
    server.bind(("127.0.0.1", 0))
    assert setting.serve(setting.listen(server)) == errno.EPERM
    assert not listens(server)
    assert setting.outcomes == [("*REJECTED", "")]


def test_listen_without_bind_is_decided_on_the_port_it_gets_and_undone(server):
    setting = Setting(reject(ExitPoint.LISTEN, local_port="1-65535"))
    assert setting.serve(setting.listen(server)) == errno.EPERM
    assert not listens(server)
    (decided,) = setting.recorded
    assert decided.decision.outcome == "*REJECTED"
    assert decided.local.port > 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", decided.local.port)).close()


def test_listen_without_bind_may_be_allowed(server):
    setting = Setting(reject(ExitPoint.LISTEN, local_port="1"))
    assert setting.serve(setting.listen(server)) == 0
    assert [decided.local.port for decided in setting.recorded] == [server.getsockname()[1]]


@pytest.mark.parametrize("only6", [0, 1])
def test_listener_of_both_families_is_asked_about_as_both(only6):
    setting = Setting(reject(ExitPoint.LISTEN, local_address="0.0.0.0"))
    with socket.socket(socket.AF_INET6) as both:
        both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only6)
        both.bind(("::", 0))
        assert setting.serve(setting.listen(both)) == (0 if only6 else errno.EPERM)
        assert listens(both) == bool(only6)
    assert setting.outcomes == [("*ALLOWED" if only6 else "*REJECTED", "")]


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_unbound_socket_that_may_not_listen_never_did(family):
    setting = Setting(reject(ExitPoint.LISTEN, local_port="1-65535"))
    with socket.socket(family) as unbound:
        assert setting.serve(setting.listen(unbound)) == errno.EPERM
        assert unbound.getsockname()[1] == setting.recorded[0].local.port
        with pytest.raises(OSError, match="not connected"):  # as of no listener that was stopped
            unbound.shutdown(socket.SHUT_RD)


class Mover:
    """Stands for an exit program, and meanwhile for a thread of the caller that binds the socket elsewhere."""

    def __init__(self, server, address, second=None):
        self._server = server
        self._address = address
        self._second = second
        self._asked = 0

    def decide(self, policy, attempt, decision, local, remote, is_waiting):
        self._asked += 1
        if self._asked == 1:
            with socket.create_server(("127.0.0.1", 0)) as peer:
                self._server.connect(peer.getsockname())
            assert syscalls.connect(self._server.fileno(), bytes(16)) == 0  # AF_UNSPEC: lets go of the port
            self._server.bind(self._address)
        elif self._second is not None:
            raise self._second
        return decision


@pytest.mark.parametrize("second", [None, CallerGone("GWL0402"), Undecidable("no answer")])
def test_socket_that_is_bound_elsewhere_during_the_decision_does_not_listen_there(server, second):
    with socket.create_server(("127.0.0.1", 0)) as other:
        forbidden = other.getsockname()
    program = ExitProgram(ExitPoint.LISTEN, 2, "site:listen", 100, "")
    rule = reject(ExitPoint.LISTEN, local_port=str(forbidden[1]))
    setting = Setting(rule, exit_programs=(program,))
    setting.supervisor.exit_programs = Mover(server, forbidden, second)
    setting.serve(setting.listen(server))
    assert server.getsockname() == forbidden
    assert not listens(server)
    assert setting.outcomes == [("*REJECTED", "bound elsewhere during the listen")]


def test_socket_whose_bind_chose_no_port_is_decided_on_the_port_it_gets(server):
    setting = Setting(reject(ExitPoint.LISTEN, local_port="1-65535"))
    server.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
    server.bind(("127.0.0.1", 0))
    assert server.getsockname()[1] == 0
    assert setting.serve(setting.listen(server)) == errno.EPERM
    assert not listens(server)
    assert setting.outcomes == [("*REJECTED", "")]
    assert setting.recorded[0].local.port == server.getsockname()[1] > 0


@pytest.mark.parametrize(("mode", "outcomes"), [(Mode.MONITOR, [("*MONITOR", "")]), (Mode.OFF, [])])
def test_modes_that_let_pass_let_listen(server, mode, outcomes):
    setting = Setting(reject(ExitPoint.LISTEN), modes={ExitPoint.LISTEN: mode})
    assert setting.serve(setting.listen(server)) == 0
    assert listens(server)
    assert setting.outcomes == outcomes


def test_failure_of_an_allowed_listen_is_the_callers_and_is_recorded():
    setting = Setting()
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        assert setting.serve(setting.listen(datagrams)) == errno.EOPNOTSUPP
    assert setting.outcomes == [("*ALLOWED", errno.errorcode[errno.EOPNOTSUPP])]


def test_unix_socket_is_made_to_listen_here_too_and_asks_nobody(tmp_path):
    setting = Setting(reject(ExitPoint.LISTEN))
    with socket.socket(socket.AF_UNIX) as local:
        local.bind(str(tmp_path / "socket"))
        assert setting.serve(setting.listen(local)) == 0
        assert listens(local)
        assert setting.kernel.went_on == setting.outcomes == []


def test_failure_of_a_listen_on_a_unix_socket_is_the_callers():
    setting = Setting()
    with socket.socket(socket.AF_UNIX) as unbound, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        assert setting.serve(setting.listen(unbound)) == errno.EINVAL
        assert setting.serve(setting.listen(datagrams)) == errno.EOPNOTSUPP


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_who_connects_to_a_unix_socket_sees_the_user_and_groups_of_who_made_it_listen(tmp_path):
    setting = Setting()
    child = ("import os, sys; os.setgroups([7, 5]); os.setresgid(4, 3, 4); os.setresuid(4, 3, 4);"
             "print(flush=True); sys.stdin.read()")  # fmt: skip
    with (
        subprocess.Popen([sys.executable, "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as caller,
        socket.socket(socket.AF_UNIX) as server,
        socket.socket(socket.AF_UNIX) as client,
    ):
        caller.stdout.readline()
        server.bind(str(tmp_path / "socket"))
        before = own_ids()
        assert setting.serve(setting.listen(server, thread=caller.pid)) == 0
        assert own_ids() == before
        client.connect(server.getsockname())
        told = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        assert struct.unpack("=iII", told) == (os.getpid(), 3, 3)
        groups = client.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 64)
        assert sorted(struct.unpack(f"={len(groups) // 4}I", groups)) == [5, 7]


def test_what_is_no_socket_is_answered_here_and_never_left_to_the_kernel(tmp_path):
    setting = Setting(reject(ExitPoint.LISTEN))
    with (tmp_path / "file").open("wb") as file:
        assert setting.serve(setting.listen(file)) == errno.ENOTSOCK
    assert not setting.kernel.went_on


@pytest.mark.parametrize("step", [Step.CALLER, Step.TAKE, Step.ANSWER])
def test_caller_that_goes_leaves_a_rejected_listener_closed(server, step):
    setting = Setting(reject(ExitPoint.LISTEN, local_port="1-65535"))
    call = setting.listen(server)
    setting.kernel.leave(call, at=step)
    assert setting.serve(call) is None
    assert not listens(server)
