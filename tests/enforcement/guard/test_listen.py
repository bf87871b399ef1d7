"""The listen exit point, on a fake kernel and real sockets."""

from __future__ import annotations

import errno
import socket

import pytest

from console.enforcement.fake import Step
from console.model.words import ExitPoint, Mode
from tests.enforcement.guard.setting import Setting, reject


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


def test_unix_socket_goes_on_by_itself():
    setting = Setting(reject(ExitPoint.LISTEN))
    with socket.socket(socket.AF_UNIX) as local:
        call = setting.listen(local)
        setting.serve(call)
        assert setting.kernel.went_on == [call]
        assert setting.outcomes == []


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
