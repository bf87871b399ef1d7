"""One session: octets between a client's channel and the terminal of the console's process, and the end of both.

Either end may be slow, stop, or vanish. What the console writes is read only as fast as the line takes it, so that the
console waits and not our memory; what the client sends is taken only as fast as the console reads. When one end goes,
the other does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncssh

from console.messages import message
from console.printable import printable
from console.serve.child import Child, resize
from console.serve.terminals import LEAVE, size_of, terminal_type

_READ_BYTES = 16 * 1024
_BUFFERED_BYTES = 32 * 1024
"""Output that may wait for the client's window; the line's own buffer has as much again."""
_MOST_INPUT_BYTES = 64 * 1024
"""Input that may wait for the console; then the client's window is not opened again until it has been read."""
_GRACE_S = 3.0
"""From the hang-up to SIGKILL: the console may be in the middle of a transaction."""

SIGNED_OFF, HUNG_UP, FAILED = "GWL1080", "GWL1081", "GWL1086"


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a session ended."""

    message_id: str
    values: tuple[tuple[str, object], ...] = ()

    def text(self) -> str:
        """Return it for people."""
        return message(self.message_id, **dict(self.values)).text


Start = Callable[["ConsoleSession", str, tuple[int, int]], Awaitable[Child]]
"""Starts the console of a session on a terminal of a type and size; raises ServeError or StoreError."""


class ConsoleSession(asyncssh.SSHServerSession[bytes]):
    """The session of one channel.

    Threads: The event loop's only.
    """

    def __init__(self, begin: Callable[[ConsoleSession], None], end: Callable[[ConsoleSession], None]) -> None:
        """Make a session.

        Args:
            begin: Called when the client wants the console; must call `attach` or `refuse`, soon.
            end: Called once when channel and console have gone, if there was a console.
        """
        self._begin = begin
        self._on_end = end
        self._loop = asyncio.get_running_loop()
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._child: Child | None = None
        self._waiting = bytearray()
        """Input that the console has not read."""
        self._pauses = 0
        """Who wants output held back: the channel, the connection, or both."""
        self._killer: asyncio.TimerHandle | None = None
        self._is_over = False
        self.terminal = ""
        """Terminal type; empty until the client has asked for one."""
        self.size = (80, 24)
        self.last_input_s = self._loop.time()
        """When the client has sent something last."""
        self.ending: Ending | None = None
        """Why it ends, as soon as that is known."""

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """Take the channel."""
        self._channel = chan
        chan.set_write_buffer_limits(high=_BUFFERED_BYTES, low=_BUFFERED_BYTES // 4)

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:
        """Grant a terminal that can show the console. The modes are ours to set, not the client's."""
        del term_modes
        self.terminal = terminal_type(term_type)
        self.size = size_of(*term_size[:2])
        return bool(self.terminal)

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """Pass a new size on."""
        del pixwidth, pixheight
        self.size = size_of(width, height)
        if self._child is not None:
            resize(self._child.master, self.size)

    def shell_requested(self) -> bool:
        """Grant the console where there is a terminal."""
        return bool(self.terminal)

    def session_started(self) -> None:
        """Have the console started."""
        self._begin(self)

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Hand keys to the console."""
        del datatype
        self.last_input_s = self._loop.time()
        self._waiting += data
        self._write_input()

    def eof_received(self) -> bool:
        """Hang up: a terminal without anybody at it."""
        self.finish(Ending(HUNG_UP))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Hang up: the channel or the connection has gone."""
        del exc
        self._channel = None
        self.finish(Ending(HUNG_UP))

    def pause_writing(self) -> None:
        """Read no more of the console's output."""
        self._pauses += 1
        if self._pauses == 1 and self._child is not None and not self._is_over:
            self._loop.remove_reader(self._child.master)

    def resume_writing(self) -> None:
        """Go on reading it."""
        self._pauses = max(0, self._pauses - 1)
        if not self._pauses and self._child is not None and not self._is_over:
            self._loop.add_reader(self._child.master, self._on_output)

    def attach(self, child: Child) -> None:
        """Take the console's process; the session owns its descriptors from here on."""
        self._child = child
        resize(child.master, self.size)
        self._loop.add_reader(child.pidfd, self._on_death)
        if not self._pauses:
            self._loop.add_reader(child.master, self._on_output)
        self._write_input()
        if self.ending is not None:
            self._hang_up()

    def refuse(self, reason: str) -> None:
        """Say why there is no console, and close."""
        self._say_and_close(f"{printable(reason)}\r\n".encode(), 1)

    def finish(self, ending: Ending) -> None:
        """End the session; the first reason counts."""
        if self.ending is None:
            self.ending = ending
            self._hang_up()

    def _hang_up(self) -> None:
        if self._child is None or self._is_over or self._killer is not None:
            return
        self._child.send(signal.SIGHUP)
        self._child.send(signal.SIGCONT)
        self._killer = self._loop.call_later(_GRACE_S, self._child.send, signal.SIGKILL)

    def _on_output(self) -> None:
        if (octets := self._read()) and self._channel is not None:
            self._channel.write(octets)

    def _read(self) -> bytes:
        """Return what the console has written; nothing when there is nothing, or never will be."""
        if self._child is None:
            return b""
        try:
            return os.read(self._child.master, _READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            # EIO: nobody has the terminal open any more. The process is about to end, or has closed what it was given.
            self._loop.remove_reader(self._child.master)
            return b""

    def _write_input(self) -> None:
        """Write to the console what it takes, and the rest later; hold the client back when that is much."""
        if self._child is None:
            return
        try:
            while self._waiting:
                del self._waiting[: os.write(self._child.master, self._waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self._waiting.clear()
        if self._waiting:
            self._loop.add_writer(self._child.master, self._write_input)
        else:
            self._loop.remove_writer(self._child.master)
        self._hold_client_back()

    def _hold_client_back(self) -> None:
        if self._channel is None:
            return
        if len(self._waiting) > _MOST_INPUT_BYTES:
            self._channel.pause_reading()
        else:
            self._channel.resume_reading()

    def _on_death(self) -> None:
        """The console has ended: show what it said last, put the client's terminal back, and close."""
        child = self._child
        if child is None:
            return
        # What it has started and left behind goes too. Before it is reaped: its number cannot be another's until then.
        child.send(signal.SIGKILL)
        if not child.has_ended():
            return
        self._is_over = True
        for descriptor in (child.pidfd, child.master):
            self._loop.remove_reader(descriptor)
        self._loop.remove_writer(child.master)
        if self._killer is not None:
            self._killer.cancel()
        last = self._last_words(child)
        os.close(child.master)
        os.close(child.pidfd)
        status = child.ended_by()
        if self.ending is None:
            self.ending = Ending(FAILED, (("status", status),)) if status else Ending(SIGNED_OFF)
        self._child = None
        words = b"" if self.ending.message_id == SIGNED_OFF else f"{self.ending.text()}\r\n".encode()
        self._say_and_close(last + (LEAVE if status < 0 else b"") + words, int(bool(status)))
        self._on_end(self)

    def _last_words(self, child: Child) -> bytes:
        """Return what is left in the terminal, as far as a client that reads nothing may have it."""
        found = b""
        with contextlib.suppress(OSError):
            while len(found) < _BUFFERED_BYTES and (octets := os.read(child.master, _READ_BYTES)):
                found += octets
        return found

    def _say_and_close(self, words: bytes, status: int) -> None:
        channel, self._channel = self._channel, None
        if channel is None or channel.is_closing():
            return
        with contextlib.suppress(OSError):
            channel.write(words)
            channel.exit(status)
