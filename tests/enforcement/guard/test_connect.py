"""The connect exit point, on a fake kernel and real sockets."""

from __future__ import annotations

import errno
import socket
import struct

import pytest

from console.enforcement.fake import Step
from console.enforcement.layouts import address_text
from console.model.words import ExitPoint, Fail, Mode
from tests.enforcement.guard.setting import ADDRESS, NUMBER, Setting, policy, reject, sockaddr

_LOCAL_PORT_RANGE = 51
"""IP_LOCAL_PORT_RANGE (linux/in.h), Linux 6.3."""
_ESTABLISHED, _CLOSED = 1, 7
"""States of a TCP socket (netinet/tcp.h)."""
REFUSED = reject(ExitPoint.CONNECT, remote_address="127.0.0.2")


@pytest.fixture
def server():
    with socket.create_server(("0.0.0.0", 0)) as listening:
        yield listening


@pytest.fixture
def client():
    with socket.socket() as made:
        yield made


def to(server, host="127.0.0.1"):
    return sockaddr(host, server.getsockname()[1])


def test_allowed_connect_is_made_on_the_callers_socket(server, client):
    setting = Setting(REFUSED)
    assert setting.serve(setting.connect(client, to(server))) == 0
    assert client.getpeername() == ("127.0.0.1", server.getsockname()[1])
    (decided,) = setting.recorded
    assert decided.decision.outcome == "*ALLOWED"
    assert decided.local.port == client.getsockname()[1]
    assert decided.remote.port == server.getsockname()[1]


@pytest.mark.parametrize(
    ("fail", "number"),
    [(Fail.EPERM, errno.EPERM), (Fail.REFUSED, errno.ECONNREFUSED), (Fail.TIMEOUT, errno.ETIMEDOUT)],
)
def test_rejected_connect_fails_as_its_rule_says_and_is_not_made(server, client, fail, number):
    setting = Setting(reject(ExitPoint.CONNECT, remote_address="127.0.0.0/8", fail=fail))
    assert setting.serve(setting.connect(client, to(server))) == number
    with pytest.raises(OSError, match="not connected"):
        client.getpeername()
    assert setting.outcomes == [("*REJECTED", "")]


def test_exit_point_that_monitors_lets_pass_and_says_what_it_would_have_rejected(server, client):
    setting = Setting(REFUSED, modes={ExitPoint.CONNECT: Mode.MONITOR})
    assert setting.serve(setting.connect(client, to(server, "127.0.0.2"))) == 0
    assert setting.outcomes == [("*MONITOR", "")]


def test_exit_point_that_is_off_records_nothing(server, client):
    setting = Setting(REFUSED, modes={ExitPoint.CONNECT: Mode.OFF})
    assert setting.serve(setting.connect(client, to(server, "127.0.0.2"))) == 0
    assert setting.outcomes == []


def test_address_is_copied_once_whatever_becomes_of_it(server, client):
    setting = Setting(REFUSED)
    call = setting.connect(client, to(server))
    read = setting.kernel.read_memory

    def read_and_rewrite(*arguments):
        octets = read(*arguments)
        setting.kernel.memory[ADDRESS] = to(server, "127.0.0.2")
        return octets

    setting.kernel.read_memory = read_and_rewrite
    assert setting.serve(call) == 0
    assert client.getpeername()[0] == "127.0.0.1"
    assert setting.kernel.reads == [(ADDRESS, 16)]


@pytest.mark.parametrize("length", [-1, 129, 1 << 31, 0xFFFF_FFFF])
def test_length_that_no_address_has_is_invalid_and_nothing_is_read(server, client, length):
    setting = Setting()
    assert setting.serve(setting.connect(client, to(server), length)) == errno.EINVAL
    assert setting.kernel.reads == setting.recorded == []


@pytest.mark.parametrize("length", [0, 1, 2, 8, 15])
def test_address_that_is_too_short_is_the_kernels_to_refuse(server, client, length):
    setting = Setting()
    assert setting.serve(setting.connect(client, to(server)[:length])) == errno.EINVAL
    assert setting.recorded == []


def test_memory_that_is_not_there_is_a_fault(server, client):
    setting = Setting()
    call = setting.connect(client, to(server))
    del setting.kernel.memory[ADDRESS]
    assert setting.serve(call) == errno.EFAULT
    assert setting.recorded == []


def test_memory_that_may_not_be_read_is_rejected_and_recorded(server, client):
    setting = Setting(modes={ExitPoint.CONNECT: Mode.MONITOR})
    call = setting.connect(client, to(server))
    setting.kernel.fail(call, Step.READ, errno.EPERM)
    assert setting.serve(call) == errno.EPERM
    assert setting.outcomes == [("*REJECTED", "memory not readable: Operation not permitted")]


@pytest.mark.parametrize("step", [Step.CALLER, Step.TAKE])
def test_caller_that_may_not_be_looked_at_is_rejected_and_recorded(server, client, step):
    setting = Setting()
    call = setting.connect(client, to(server))
    setting.kernel.fail(call, step, errno.EMFILE)
    assert setting.serve(call) == errno.EPERM
    ((outcome, text),) = setting.outcomes
    assert (outcome, text.endswith("Too many open files")) == ("*REJECTED", True)


def test_descriptor_that_is_not_there_is_bad_before_anything_is_read(server, client):
    setting = Setting()
    call = setting.connect(client, to(server))
    setting.kernel.descriptors.clear()
    assert setting.serve(call) == errno.EBADF
    assert setting.kernel.reads == setting.recorded == []


def test_unspecific_address_dissolves_the_connection_and_asks_nobody(server, client):
    setting = Setting(reject(ExitPoint.CONNECT))
    client.connect(("127.0.0.1", server.getsockname()[1]))
    assert setting.serve(setting.connect(client, bytes(16))) == 0
    with pytest.raises(OSError, match="not connected"):
        client.getpeername()
    assert setting.outcomes == []


def test_unix_socket_goes_on_by_itself():
    setting = Setting(reject(ExitPoint.CONNECT))
    with socket.socket(socket.AF_UNIX) as local:
        call = setting.connect(local, b"\1\0/nonexistent\0")
        assert setting.serve(call) is None
        assert setting.kernel.went_on == [call]
        assert setting.outcomes == []


def test_what_is_no_socket_is_answered_here_and_never_left_to_the_kernel(server, tmp_path):
    setting = Setting(REFUSED)
    with (tmp_path / "file").open("wb") as file:
        assert setting.serve(setting.connect(file, to(server))) == errno.ENOTSOCK
    assert not setting.kernel.went_on


def test_datagram_socket_is_connected_here_and_asks_nobody(server):
    setting = Setting(REFUSED)
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        call = setting.connect(datagrams, to(server, "127.0.0.2"))
        assert setting.serve(call) == 0
        assert datagrams.getpeername()[0] == "127.0.0.2"
        assert setting.kernel.went_on == setting.outcomes == []


def test_socket_that_an_earlier_connect_was_decided_about_is_where_its_caller_left_it(server, client):
    bound_by_hand = reject(ExitPoint.CONNECT, sequence=20, local_port="1-65535")
    setting = Setting(reject(ExitPoint.CONNECT, remote_address="127.0.0.2"), bound_by_hand)
    assert setting.serve(setting.connect(client, to(server, "127.0.0.2"))) == errno.EPERM
    interrupted = setting.connect(client, to(server))
    setting.kernel.leave(interrupted, at=Step.TAKE)
    assert setting.serve(interrupted) is None
    assert setting.serve(setting.connect(client, to(server))) == 0


@pytest.mark.parametrize(("rejected", "result"), [("127.0.0.77", 0), ("127.0.0.1", errno.EPERM)])
def test_socket_for_which_no_port_is_free_is_connected_and_then_decided_about(server, client, rejected, result):
    setting = Setting(reject(ExitPoint.CONNECT, local_address=rejected))
    with socket.socket() as only:
        only.connect(server.getsockname())
        port = only.getsockname()[1]
        client.setsockopt(socket.IPPROTO_IP, _LOCAL_PORT_RANGE, struct.pack("=HH", port, port))
        assert setting.serve(setting.connect(client, to(server, "127.0.0.9"))) == result
        state = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        assert state == (_CLOSED if result else _ESTABLISHED)
    text = "bound elsewhere during the connect" if result else ""
    assert setting.outcomes == [("*REJECTED" if result else "*ALLOWED", text)]


def test_socket_that_its_caller_bound_is_decided_about_there(server, client):
    setting = Setting(reject(ExitPoint.CONNECT, local_port="1-65535"))
    client.bind(("127.0.0.1", 0))
    for _ in range(2):
        assert setting.serve(setting.connect(client, to(server))) == errno.EPERM


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
def test_caller_that_goes_at_any_step_ends_nothing_else(server, client, step, host):
    setting = Setting(REFUSED)
    call = setting.connect(client, to(server, host))
    setting.kernel.leave(call, at=step)
    assert setting.serve(call) == (None if step in (Step.CALLER, Step.TAKE, Step.READ, Step.ANSWER) else
                                   (errno.EPERM if host == "127.0.0.2" else 0))  # fmt: skip
    with socket.socket() as other:
        assert setting.serve(setting.connect(other, to(server))) == 0


def test_result_that_could_not_be_told_is_told_to_the_call_made_again(server, client):
    setting = Setting(REFUSED)
    first = setting.connect(client, to(server))
    setting.kernel.leave(first, at=Step.ANSWER)
    assert setting.serve(first) is None
    assert setting.serve(setting.connect(client, to(server))) == 0
    assert setting.serve(setting.connect(client, to(server))) == errno.EISCONN
    assert setting.outcomes == [("*ALLOWED", ""), ("*ALLOWED", "EISCONN")]


def test_result_that_could_not_be_told_is_kept_for_a_call_that_is_interrupted_again(server, client):
    setting = Setting(REFUSED)
    for _ in range(3):
        again = setting.connect(client, to(server))
        setting.kernel.leave(again, at=Step.ANSWER)
        assert setting.serve(again) is None
    assert setting.serve(setting.connect(client, to(server))) == 0
    assert setting.outcomes == [("*ALLOWED", "")]


def test_connect_of_a_caller_that_goes_while_its_memory_is_read_is_made_and_told_to_the_call_made_again(server, client):
    setting = Setting(REFUSED)
    for _ in range(2):
        first = setting.connect(client, to(server))
        setting.kernel.leave(first, at=Step.READ)
        assert setting.serve(first) is None
    assert client.getpeername() == ("127.0.0.1", server.getsockname()[1])
    assert setting.serve(setting.connect(client, to(server))) == 0
    assert setting.outcomes == [("*ALLOWED", "")]


def test_connect_of_a_caller_that_goes_is_decided_like_any(server, client):
    setting = Setting(REFUSED)
    call = setting.connect(client, to(server, "127.0.0.2"))
    setting.kernel.leave(call, at=Step.READ)
    assert setting.serve(call) is None
    with pytest.raises(OSError, match="not connected"):
        client.getpeername()
    assert setting.outcomes == [("*REJECTED", "")]


def test_connect_of_a_caller_that_goes_and_changes_its_address_or_socket_is_not_made(server, client):
    for change in ("address", "socket"):
        setting = Setting(REFUSED)
        call = setting.connect(client, to(server))
        setting.kernel.leave(call, at=Step.READ)
        peek = setting.kernel.peek_memory
        with socket.socket() as other:

            def peek_and_change(*arguments, peek=peek, change=change, setting=setting, other=other):
                octets = peek(*arguments)
                if change == "address":
                    setting.kernel.memory[ADDRESS] = to(server, "127.0.0.3")
                else:
                    setting.kernel.descriptors[NUMBER] = other.fileno()
                return octets

            setting.kernel.peek_memory = peek_and_change
            assert setting.serve(call) is None
            for endpoint in (client, other):
                with pytest.raises(OSError, match="not connected"):
                    endpoint.getpeername()
        assert setting.outcomes == []


def test_result_that_could_not_be_told_is_told_to_the_same_call_to_no_address(server, client):
    setting = Setting(REFUSED)
    first = setting.connect(client, to(server, "0.0.0.0"))
    setting.kernel.leave(first, at=Step.ANSWER)
    assert setting.serve(first) is None
    assert setting.serve(setting.connect(client, to(server, "0.0.0.0"))) == 0
    assert setting.outcomes == [("*ALLOWED", "")]


@pytest.mark.parametrize(
    ("host", "number", "outcome"),
    [("127.0.0.2", errno.EPERM, ("*REJECTED", "")), ("127.0.0.3", errno.EISCONN, ("*ALLOWED", "EISCONN"))],
)
def test_result_that_could_not_be_told_is_not_that_of_a_call_to_another_address(server, client, host, number, outcome):
    setting = Setting(REFUSED)
    first = setting.connect(client, to(server))
    setting.kernel.leave(first, at=Step.ANSWER)
    assert setting.serve(first) is None
    assert setting.serve(setting.connect(client, to(server, host))) == number
    assert setting.outcomes == [("*ALLOWED", ""), outcome]
    assert setting.serve(setting.connect(client, to(server))) == errno.EISCONN


def test_connection_nobody_was_told_of_can_be_dissolved_and_made_again(server, client):
    setting = Setting(REFUSED)
    first = setting.connect(client, to(server))
    setting.kernel.leave(first, at=Step.ANSWER)
    assert setting.serve(first) is None
    assert setting.serve(setting.connect(client, bytes(16))) == 0
    with pytest.raises(OSError, match="not connected"):
        client.getpeername()
    assert setting.serve(setting.connect(client, to(server))) == 0
    assert client.getpeername()[1] == server.getsockname()[1]
    assert setting.outcomes == [("*ALLOWED", ""), ("*ALLOWED", "")]


def test_rejection_that_could_not_be_told_is_decided_anew(server, client):
    setting = Setting(REFUSED)
    first = setting.connect(client, to(server, "127.0.0.2"))
    setting.kernel.leave(first, at=Step.ANSWER)
    assert setting.serve(first) is None
    setting.supervisor.enforce(policy(revision=2))
    assert setting.serve(setting.connect(client, to(server, "127.0.0.2"))) == 0
    assert setting.outcomes == [("*REJECTED", ""), ("*ALLOWED", "")]


def test_failure_of_an_allowed_connect_is_the_callers_and_is_recorded(client):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = to(gone)
    setting = Setting()
    assert setting.serve(setting.connect(client, address)) == errno.ECONNREFUSED
    assert setting.outcomes == [("*ALLOWED", "ECONNREFUSED")]


def test_rule_on_the_bound_address_sees_it(server, client):
    setting = Setting(reject(ExitPoint.CONNECT, local_address="127.0.0.3"))
    client.bind(("127.0.0.3", 0))
    assert setting.serve(setting.connect(client, to(server))) == errno.EPERM


def test_high_words_of_registers_are_not_looked_at(server, client):
    setting = Setting()
    setting.connect(client, to(server))
    call = setting.kernel.call(42, 1 << 32 | NUMBER, ADDRESS, 1 << 32 | 16)
    assert setting.serve(call) == 0


def sockaddr6(host, port):
    return (
        struct.pack("=H", socket.AF_INET6)
        + struct.pack(">HI", port, 0)
        + socket.inet_pton(socket.AF_INET6, host)
        + bytes(4)
    )


@pytest.mark.parametrize(
    ("family", "bound", "asked", "led_to"),
    [
        (socket.AF_INET, None, "0.0.0.0", "127.0.0.1"),
        (socket.AF_INET, "127.0.0.5", "0.0.0.0", "127.0.0.5"),
        (socket.AF_INET6, None, "::", "::1"),
        (socket.AF_INET6, None, "::ffff:0.0.0.0", "::ffff:127.0.0.1"),
        (socket.AF_INET6, "::ffff:127.0.0.5", "::ffff:0.0.0.0", "::ffff:127.0.0.5"),
        (socket.AF_INET6, "::ffff:127.0.0.5", "::", "::ffff:127.0.0.1"),
    ],
)
def test_connect_to_no_address_is_decided_as_what_the_kernel_makes_of_it(family, bound, asked, led_to):
    address = {socket.AF_INET: sockaddr, socket.AF_INET6: sockaddr6}[family]
    with (
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server,
        socket.socket(family) as client,
        socket.socket(family) as native,
    ):
        port = server.getsockname()[1]
        for each in (client, native):
            if bound is not None:
                each.bind((bound, 0))
        native.connect((asked, port))
        assert native.getpeername()[0] == led_to
        refused = Setting(reject(ExitPoint.CONNECT, remote_address=led_to))
        assert refused.serve(refused.connect(client, address(asked, port))) == errno.EPERM
        allowed = Setting()
        assert allowed.serve(allowed.connect(client, address(asked, port))) == 0
        assert client.getpeername()[0] == led_to
        assert [address_text(each.recorded[0].remote.address) for each in (refused, allowed)] == [
            led_to.removeprefix("::ffff:")
        ] * 2
