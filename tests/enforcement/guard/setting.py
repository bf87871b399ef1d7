"""A supervisor on a fake kernel: real sockets, real compiled policies, and a list instead of a journal."""

from __future__ import annotations

import dataclasses
import errno
import socket
import struct

from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.enforcement.fake import FakeBackend
from console.enforcement.guard.accept import AcceptPoint
from console.enforcement.guard.connect import ConnectPoint
from console.enforcement.guard.listen import handle_listen
from console.enforcement.guard.protocols import handle_socket, handle_upgrade
from console.enforcement.guard.sending import SendPoint
from console.enforcement.guard.supervisor import Supervisor
from console.enforcement.guard.waiting import WaitingRoom
from console.model.words import ExitPoint, Mode
from console.policy.checks import default_rule, make_policy, make_rule
from console.policy.compiler import compile_policy
from tests.end_to_end.command import until

PATIENCE_S = 10.0
ADDRESS = 0x7000_0000
LENGTH = 0x7000_1000
PEER = 0x7000_2000
SENDS = (k.SYS_SENDTO, k.SYS_SENDMSG, k.SYS_SENDMMSG)
NUMBER = 5
"""The descriptor that calls name, where nothing else is said."""


def policy(*rules, modes=None, revision=1, **settings):
    every = dict.fromkeys(ExitPoint, Mode.ENFORCE) | (modes or {})
    made = make_policy(every, [*rules, *map(default_rule, ExitPoint)])
    return compile_policy(dataclasses.replace(made, **settings), revision)


def reject(exit_point, sequence=10, **fields):
    return make_rule(exit_point=exit_point, sequence=sequence, action="*REJECT", **fields)


def sockaddr(host, port):
    return struct.pack("=H", socket.AF_INET) + struct.pack(">H", port) + socket.inet_aton(host) + bytes(8)


class Setting:
    """What one test has: its kernel, its supervisor, and what was recorded."""

    def __init__(self, *rules, modes=None, room=False, **settings):
        self.kernel = FakeBackend()
        self.recorded = []
        self.turned_away = 0
        self.notes = []
        self.told = []
        self.supervisor = Supervisor(self.kernel, policy(*rules, modes=modes, **settings), self)
        self.waiting = []
        self.woken = []
        self.connect_point = ConnectPoint()
        self.send_point = SendPoint()
        self.room = WaitingRoom() if room else None
        if self.room is None:
            self.accept_point = AcceptPoint(self.waiting.append, lambda: self.woken.append(True))
        else:
            self.accept_point = AcceptPoint(self.room.add, self.room.wake)
        self.supervisor.handlers = {
            k.SYS_CONNECT: (ExitPoint.CONNECT, self.connect_point.handle),
            k.SYS_LISTEN: (ExitPoint.LISTEN, handle_listen),
            k.SYS_ACCEPT: (ExitPoint.ACCEPT, self.accept_point.handle),
            k.SYS_ACCEPT4: (ExitPoint.ACCEPT, self.accept_point.handle),
            k.SYS_SOCKET: (ExitPoint.CONNECT, handle_socket),
            k.SYS_SETSOCKOPT: (ExitPoint.CONNECT, handle_upgrade),
            k.SYS_GETPEERNAME: (ExitPoint.CONNECT, self.connect_point.router.peer_names.handle),
            **dict.fromkeys(SENDS, (ExitPoint.CONNECT, self.send_point.handle)),
        }
        if self.room is not None:
            self.room.start(self.supervisor, self.accept_point)

    full = False

    def record(self, decided):
        if decided.decision.journal:
            self.recorded.append(decided)

    def tell(self, seen):
        self.told.append(seen)

    def turn_away(self):
        self.turned_away += 1

    def note(self, text):
        self.notes.append(text)

    @property
    def outcomes(self):
        return [(decided.decision.outcome.value, decided.text) for decided in self.recorded]

    def serve(self, call):
        """Let the supervisor serve a call; returns the errno it was answered with, or None."""
        self.supervisor.serve(call)
        return self.kernel.result(call)

    def connect(self, endpoint, address, length=None, **more):
        self.kernel.descriptors[NUMBER] = endpoint.fileno()
        self.kernel.memory[ADDRESS] = address
        return self.kernel.call(k.SYS_CONNECT, NUMBER, ADDRESS, len(address) if length is None else length, **more)

    def listen(self, endpoint, backlog=5, **more):
        self.kernel.descriptors[NUMBER] = endpoint.fileno()
        return self.kernel.call(k.SYS_LISTEN, NUMBER, backlog, **more)

    def accept(self, endpoint, *, flags=None, room=None, **more):
        """Return an accept; with `room`, one that wants the peer's address."""
        self.kernel.descriptors[NUMBER] = endpoint.fileno()
        arguments = [NUMBER, 0, 0]
        if room is not None:
            self.kernel.memory[LENGTH] = struct.pack("=i", room)
            self.kernel.memory[PEER] = b"\xaa" * 128
            arguments = [NUMBER, PEER, LENGTH]
        if flags is None:
            return self.kernel.call(k.SYS_ACCEPT, *arguments, **more)
        return self.kernel.call(k.SYS_ACCEPT4, *arguments, flags, **more)


def hears(server):
    """Wait until somebody stands in the queue of a listener; on a busy machine the kernel takes its time."""
    until(lambda: syscalls.is_readable(server.fileno()), "the listener to be readable", PATIENCE_S)


def ended(client):
    """Return what a client reads: octets, b"" for an end, or the name of the errno."""
    client.settimeout(PATIENCE_S)
    try:
        return client.recv(16)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
