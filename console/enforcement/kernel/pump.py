"""Moves octets between pairs of sockets, in both directions, without looking at them: splice(2), by way of a pipe.

No octet comes into this process's memory. A pipe belongs to a direction only while it has octets in it: a connection
that says nothing costs its two sockets.

An end is passed on as an end, so that the other direction goes on (shutdown(2)); a connection that is broken breaks the
other with a reset.

Source: splice(2), epoll(7).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import struct
from collections.abc import Iterable

_PIPE_SIZE = 1 << 20
"""Octets; what an unprivileged user may have at most (/proc/sys/fs/pipe-max-size)."""
_MOST_SPARE = 64
"""Pipes that are kept for the next direction that needs one."""
_TURNS = 16
"""Times that one direction moves octets before the others have their turn."""
_FLAGS = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER at 0: a close resets (socket(7))."""


def reset(end: socket.socket) -> None:
    """Close a connection so that its peer hears that it is broken."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.close()


class _Pipes:
    """Pipes that are empty, to be used again."""

    def __init__(self) -> None:
        self._spare: list[tuple[int, int]] = []

    def take(self) -> tuple[int, int]:
        if self._spare:
            return self._spare.pop()
        ends = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):  # less is enough, too
            fcntl.fcntl(ends[0], fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        return ends

    def put(self, ends: tuple[int, int], *, is_empty: bool) -> None:
        if is_empty and len(self._spare) < _MOST_SPARE:
            self._spare.append(ends)
            return
        for each in ends:
            os.close(each)


class _Direction:
    """From one socket to another."""

    __slots__ = ("ended", "pending", "pipe", "source", "target")

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source, self.target = source, target
        self.pipe: tuple[int, int] | None = None
        self.pending = 0
        """Octets in the pipe."""
        self.ended = False
        """Whether the source has said its end, and the target was told."""


class _Pair:
    """Two sockets, and both directions between them."""

    __slots__ = ("directions", "ends")

    def __init__(self, ends: tuple[socket.socket, socket.socket]) -> None:
        self.ends = ends
        self.directions = (_Direction(*ends), _Direction(ends[1], ends[0]))

    def wanted(self, end: socket.socket) -> int:
        """Return what has to happen at one of the sockets before there is something to do."""
        found = 0
        for each in self.directions:
            if each.source is end and not each.pending and not each.ended:
                found |= select.EPOLLIN
            if each.target is end and each.pending:
                found |= select.EPOLLOUT
        return found


class Pump:
    """All connections that are relayed.

    Threads: one.
    """

    def __init__(self) -> None:
        self.epoll = select.epoll()
        """Others may watch what is theirs here."""
        self._pairs: dict[int, _Pair] = {}
        """Descriptor of either socket -> its pair."""
        self._watched: dict[int, int] = {}
        self._pipes = _Pipes()

    def __len__(self) -> int:
        """Return how many connections there are."""
        return len(self._pairs) // 2

    def add(self, ends: tuple[socket.socket, socket.socket]) -> None:
        """Relay between two connected sockets, and close them in the end."""
        pair = _Pair(ends)
        for end in ends:
            end.setblocking(False)
            with contextlib.suppress(OSError):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._pairs[end.fileno()] = pair
        self._watch(pair)

    def move(self, numbers: Iterable[int]) -> None:
        """Move what there is at sockets at which something has happened."""
        for number in numbers:
            pair = self._pairs.get(number)
            if pair is not None:
                self._move(pair)

    def close(self) -> None:
        """Break all connections."""
        for pair in set(self._pairs.values()):
            self._break(pair)
        self.epoll.close()

    def _move(self, pair: _Pair) -> None:
        try:
            for each in pair.directions:
                self._move_one(each)
        except OSError:
            self._break(pair)
            return
        if all(each.ended for each in pair.directions):
            self._forget(pair)
            for end in pair.ends:
                end.close()
        else:
            self._watch(pair)

    def _move_one(self, way: _Direction) -> None:
        """Move what can be moved without waiting.

        Raises:
            OSError: One of the two is broken.
        """
        for _ in range(_TURNS):
            if way.ended or not (way.pending or self._fill(way)):
                return
            if not self._empty(way):
                return

    def _fill(self, way: _Direction) -> bool:
        """Take octets from the source; say whether there were any."""
        if way.pipe is None:
            way.pipe = self._pipes.take()
        try:
            way.pending = os.splice(way.source.fileno(), way.pipe[1], _PIPE_SIZE, flags=_FLAGS)
        except BlockingIOError:
            self._give_pipe_back(way)
            return False
        if not way.pending:
            self._give_pipe_back(way)
            way.ended = True
            way.target.shutdown(socket.SHUT_WR)
        return bool(way.pending)

    def _empty(self, way: _Direction) -> bool:
        """Hand octets to the target; say whether it took them all."""
        while way.pending and way.pipe is not None:
            try:
                way.pending -= os.splice(way.pipe[0], way.target.fileno(), way.pending, flags=_FLAGS)
            except BlockingIOError:
                return False
        return True

    def _give_pipe_back(self, way: _Direction) -> None:
        if way.pipe is not None:
            self._pipes.put(way.pipe, is_empty=not way.pending)
            way.pipe = None

    def _watch(self, pair: _Pair) -> None:
        """Wait at each socket for what is needed there; at one that nothing is needed of, for nothing.

        One that has said its end and has been told ours is reported all the time otherwise (EPOLLHUP).
        """
        for end in pair.ends:
            number, wanted = end.fileno(), pair.wanted(end)
            watched = self._watched.get(number, 0)
            if wanted == watched:
                continue
            if not watched:
                self.epoll.register(number, wanted)
            elif not wanted:
                self.epoll.unregister(number)
            else:
                self.epoll.modify(number, wanted)
            self._watched[number] = wanted

    def _forget(self, pair: _Pair) -> None:
        for end in pair.ends:
            number = end.fileno()
            self._pairs.pop(number, None)
            if self._watched.pop(number, 0):
                self.epoll.unregister(number)
        for each in pair.directions:
            self._give_pipe_back(each)

    def _break(self, pair: _Pair) -> None:
        self._forget(pair)
        for end in pair.ends:
            reset(end)
