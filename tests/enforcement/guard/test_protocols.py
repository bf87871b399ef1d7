"""Calls that make sockets of protocols that rules cannot see, on a fake kernel and real sockets."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import subprocess
import sys

import pytest

from console.enforcement import layouts as k
from console.enforcement.fake import Step
from console.model.words import ExitPoint, Mode, RawSockets
from tests.enforcement.guard.setting import ADDRESS, NUMBER, Setting

_MPTCP = 262
STREAM, RAW, PACKET = socket.SOCK_STREAM, socket.SOCK_RAW, 10


def has_mptcp():
    try:
        socket.socket(socket.AF_INET, STREAM, _MPTCP).close()
    except OSError:
        return False
    return True


needs_mptcp = pytest.mark.skipif(not has_mptcp(), reason="this kernel makes no MPTCP sockets")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


def make(setting, family, kind, protocol, **more):
    return setting.kernel.call(k.SYS_SOCKET, family, kind, protocol, **more)


@needs_mptcp
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("flags", [0, socket.SOCK_CLOEXEC, socket.SOCK_NONBLOCK, 0o2004000])
def test_mptcp_socket_is_a_tcp_socket_with_the_flags_asked_for(family, flags):
    setting = Setting()
    call = make(setting, family, STREAM | flags, _MPTCP)
    assert setting.serve(call) is None
    (delivery,) = setting.kernel.deliveries
    assert delivery.close_on_exec == bool(flags & socket.SOCK_CLOEXEC)
    with socket.socket(fileno=delivery.descriptor.release()) as made:
        assert (made.family, made.type, made.proto) == (family, STREAM, socket.IPPROTO_TCP)
        assert bool(fcntl.fcntl(made, fcntl.F_GETFL) & os.O_NONBLOCK) == bool(flags & socket.SOCK_NONBLOCK)
    assert setting.outcomes == setting.kernel.went_on == []


@needs_mptcp
def test_flag_that_no_socket_has_is_invalid_for_an_mptcp_socket_too():
    setting = Setting()
    assert setting.serve(make(setting, socket.AF_INET, STREAM | 0x100, _MPTCP)) == errno.EINVAL


@needs_mptcp
def test_full_descriptor_table_is_the_callers_error():
    setting = Setting()
    call = make(setting, socket.AF_INET, STREAM, _MPTCP)
    setting.kernel.fail(call, Step.DELIVER, errno.EMFILE)
    assert setting.serve(call) == errno.EMFILE


@needs_mptcp
@pytest.mark.parametrize("step", [Step.CALLER, Step.DELIVER])
def test_caller_that_goes_gets_no_socket(step):
    setting = Setting()
    call = make(setting, socket.AF_INET, STREAM, _MPTCP)
    setting.kernel.leave(call, at=step)
    assert setting.serve(call) is None
    assert setting.kernel.deliveries == []


@needs_mptcp
@needs_root
def test_tcp_socket_in_place_of_an_mptcp_one_belongs_to_the_caller():
    setting = Setting()
    child = "import os, sys; os.setresgid(4, 3, 4); os.setresuid(4, 3, 4); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", child]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as caller:
        caller.stdout.readline()
        setting.serve(make(setting, socket.AF_INET, STREAM, _MPTCP, thread=caller.pid))
    (delivery,) = setting.kernel.deliveries
    state = os.fstat(delivery.descriptor.number)
    assert (state.st_uid, state.st_gid) == (3, 3)


@needs_mptcp
@needs_root
def test_no_mptcp_in_a_network_that_is_not_the_guards():
    setting = Setting()
    with subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo; read line"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as caller:
        caller.stdout.readline()
        call = make(setting, socket.AF_INET, STREAM, _MPTCP, thread=caller.pid)
        assert setting.serve(call) == errno.ENOPROTOOPT
        caller.stdin.close()
    assert setting.kernel.deliveries == []


RAW_SOCKETS = [
    (socket.AF_INET, RAW, 1, "AF_INET, SOCK_RAW, protocol 1"),
    (socket.AF_INET, RAW | socket.SOCK_CLOEXEC, 255, "AF_INET, SOCK_RAW, protocol 255"),
    (socket.AF_INET6, RAW, 58, "AF_INET6, SOCK_RAW, protocol 58"),
    (socket.AF_INET, PACKET, 0x300, "AF_INET, SOCK_PACKET, protocol 768"),
    (socket.AF_PACKET, socket.SOCK_DGRAM, 0x300, "AF_PACKET, SOCK_DGRAM, protocol 768"),
    (44, RAW, 0, "AF_XDP, SOCK_RAW, protocol 0"),
    (24, STREAM, 0, "AF_PPPOX, 1, protocol 0"),
]


@pytest.mark.parametrize(("family", "kind", "protocol", "text"), RAW_SOCKETS)
def test_raw_socket_is_refused_and_named(family, kind, protocol, text):
    setting = Setting()
    assert setting.serve(make(setting, family, kind, protocol)) == errno.EPERM
    assert setting.outcomes == [("*REJECTED", f"raw socket: {text}")]
    (decided,) = setting.recorded
    assert (decided.exit_point, decided.decision.sequence) == (ExitPoint.CONNECT, 0)
    assert decided.who.process == os.getpid()
    assert setting.kernel.went_on == []


@pytest.mark.parametrize(
    ("settings", "outcomes"),
    [
        ({"raw_sockets": RawSockets.ALLOW}, []),
        ({"modes": {ExitPoint.CONNECT: Mode.OFF}}, []),
        (
            {"modes": {ExitPoint.CONNECT: Mode.MONITOR}},
            [("*MONITOR", "raw socket: AF_PACKET, SOCK_RAW, protocol 768")],
        ),
    ],
)
def test_raw_socket_that_may_be_is_the_kernels_to_make(settings, outcomes):
    setting = Setting(**settings)
    call = make(setting, socket.AF_PACKET, RAW, 0x300)
    assert setting.serve(call) is None
    assert setting.kernel.went_on == [call]
    assert setting.outcomes == outcomes


def upgrade(setting, endpoint, name, length=None):
    setting.kernel.descriptors[NUMBER] = endpoint.fileno()
    setting.kernel.memory[ADDRESS] = name
    return setting.kernel.call(k.SYS_SETSOCKOPT, NUMBER, 6, 31, ADDRESS, len(name) if length is None else length)


@pytest.mark.parametrize("name", [b"smc", b"smc\0", b"espintcp", b"mptcp", b"nothing-of-that-name"])
def test_tcp_socket_is_handed_to_no_other_protocol(name):
    setting = Setting()
    with socket.socket() as endpoint:
        assert setting.serve(upgrade(setting, endpoint, name)) == errno.ENOENT


@pytest.mark.parametrize("name", [b"tls", b"tls\0", b"tls\0smc"])
def test_kernel_tls_is_as_without_a_guard(name):
    setting = Setting()
    with socket.socket() as endpoint, socket.socket() as native:
        try:
            native.setsockopt(6, 31, b"tls")
            wanted = 0
        except OSError as error:
            wanted = error.errno
        assert setting.serve(upgrade(setting, endpoint, name)) == wanted


@pytest.mark.parametrize(("length", "number"), [(0, errno.EINVAL), (-1, errno.EINVAL), (4, errno.EFAULT)])
def test_name_that_cannot_be_read_is_refused_as_the_kernel_does(length, number):
    setting = Setting()
    with socket.socket() as endpoint:
        call = upgrade(setting, endpoint, b"tls\0", length)
        del setting.kernel.memory[ADDRESS]
        assert setting.serve(call) == number
