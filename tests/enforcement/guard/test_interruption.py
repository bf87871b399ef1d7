"""Signs of an interrupted call: on the stack of a real one, and in a connect whose answer was lost."""

from __future__ import annotations

import errno
import os
import signal
import socket
import struct
import subprocess
import sys

import pytest

from console.enforcement import datagrams
from console.enforcement.backend import Call, Caller
from console.enforcement.fds import OwnedFd
from console.enforcement.guard import interruption
from console.enforcement.guard.interruption import place_of_call, shows_interruption, was_interrupted
from console.errors import CallerGone
from tests.end_to_end.command import until
from tests.enforcement.guard.setting import ADDRESS, NUMBER, Setting, sockaddr

STACK, BEHIND = 0x7FFF_0000_0080, 0x4000_1002
SIZE = 16
MINUS_EINTR = (1 << 64) - errno.EINTR

READER = """
import os, signal
signal.signal(signal.SIGUSR1, lambda _number, _frame: None)
signal.siginterrupt(signal.SIGUSR1, False)
os.write(1, b".")
os.read(0, 1)
"""


class Backend:
    """Memory of any process of ours."""

    def __init__(self, *, waiting=True):
        self.waiting = waiting

    def gather(self, call, parts):
        return datagrams.gather(call.thread, parts)

    def is_waiting(self, _call):
        return self.waiting


@pytest.fixture
def reader():
    """Return a process that waits in read(2), and makes it again when it gets SIGUSR1."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", READER], **pipes) as process:
        process.stdout.read(1)
        yield process
        process.communicate(b"x")


def caller_of(process):
    directory = OwnedFd(os.open(f"/proc/{process.pid}", os.O_PATH | os.O_CLOEXEC))
    return Caller(process.pid, process.pid, OwnedFd(os.pidfd_open(process.pid)), directory, OwnedFd(os.dup(0)))


def read_of(process):
    """Return the read(2) that a process waits in; None where it does not yet."""
    with open(f"/proc/{process.pid}/syscall") as file:
        number, *arguments = file.read().split()
    if number != "0" or int(arguments[0], 16):
        return None
    return Call(1, process.pid, 0, tuple(int(argument, 16) for argument in arguments[:6]))


def test_real_call_that_was_made_again_shows_it_and_one_that_was_not_does_not(reader):
    call = until(lambda: read_of(reader), "the read")
    caller = caller_of(reader)
    assert not was_interrupted(Backend(), call, caller)
    reader.send_signal(signal.SIGUSR1)
    until(lambda: was_interrupted(Backend(), call, caller), "signs of the interruption")
    assert not was_interrupted(Backend(), call._replace(number=1), caller)
    elsewhere = call._replace(arguments=(0, *(1 + each for each in call.arguments[1:])))
    assert not was_interrupted(Backend(), elsewhere, caller)


def registers(*, arguments=(5, ADDRESS, SIZE), rax=42, rsp=STACK, rip=BEHIND - 2):
    rdi, rsi, rdx = arguments
    return struct.pack("=9Q", rdi, rsi, 7, 7, rdx, rax, 7, rsp, rip)


CALL = Call(1, 1, 42, (5, ADDRESS, SIZE, 0, 0, 0))


@pytest.mark.parametrize(
    ("stack", "shows"),
    [
        (registers(), True),
        (registers(rax=MINUS_EINTR, rip=BEHIND), True),
        (bytes(3000) + registers() + bytes(9), True),
        (registers(rip=BEHIND - 8) + registers(), True),
        (registers(rip=BEHIND), False),
        (registers(rax=MINUS_EINTR), False),
        (registers(rax=43), False),
        (registers(rsp=STACK + 8), False),
        (registers(arguments=(6, ADDRESS, SIZE)), False),
        (registers(arguments=(5, ADDRESS, SIZE + 1)), False),
        (registers()[:-1], False),
        (b"", False),
    ],
)
def test_sign_is_registers_of_the_same_call_at_the_same_place(stack, shows):
    assert shows_interruption(stack, CALL, STACK, BEHIND) is shows


@pytest.fixture
def lost(monkeypatch):
    """Return a setting in which every call shows signs of an interruption."""
    monkeypatch.setattr(interruption, "place_of_call", lambda _caller: (STACK, BEHIND))
    setting = Setting()
    frame = registers(arguments=(NUMBER, ADDRESS, SIZE))
    setting.kernel.memory[STACK - 0x80 - 0x1000] = bytes(0x1000 - len(frame)) + frame
    return setting


@pytest.fixture
def servers():
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        yield one.getsockname(), other.getsockname()


def test_connect_whose_caller_was_told_and_has_not_heard_succeeds_when_it_is_made_again(lost, servers):
    with socket.socket() as client:
        assert lost.serve(lost.connect(client, sockaddr(*servers[0]))) == 0
        assert lost.serve(lost.connect(client, sockaddr(*servers[0]))) == 0


def test_connect_to_elsewhere_on_a_connected_socket_fails_whatever_the_signs(lost, servers):
    with socket.socket() as client:
        assert lost.serve(lost.connect(client, sockaddr(*servers[0]))) == 0
        assert lost.serve(lost.connect(client, sockaddr(*servers[1]))) == errno.EISCONN


def test_connect_without_signs_on_a_connected_socket_fails(lost, servers):
    lost.kernel.memory.popitem()
    with socket.socket() as client:
        assert lost.serve(lost.connect(client, sockaddr(*servers[0]))) == 0
        assert lost.serve(lost.connect(client, sockaddr(*servers[0]))) == errno.EISCONN


@pytest.mark.parametrize("waiting", [True, False])
def test_of_a_thread_that_does_not_sleep_nothing_is_said_as_long_as_it_waits(waiting):
    process = subprocess.Popen(["true"])
    caller = caller_of(process)
    process.wait()
    assert place_of_call(caller) is None
    if waiting:
        assert not was_interrupted(Backend(), CALL, caller)
    else:
        with pytest.raises(CallerGone):
            was_interrupted(Backend(waiting=False), CALL, caller)


def test_connect_that_is_interrupted_again_while_it_is_looked_at_leaves_no_wrong_result(lost, servers, monkeypatch):
    with socket.socket() as client:
        assert lost.serve(lost.connect(client, sockaddr(*servers[0]))) == 0
        with monkeypatch.context() as patch:
            patch.setattr(interruption, "place_of_call", lambda _caller: lost.kernel.leave(again))
            again = lost.connect(client, sockaddr(*servers[0]))
            assert lost.serve(again) is None
        assert lost.serve(lost.connect(client, sockaddr(*servers[0]))) == 0
