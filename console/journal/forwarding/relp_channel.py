"""RELP: the server itself says of each message that it has taken it."""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence

from console.errors import JournalError
from console.journal.forwarding.places import Numbered, Place, Stopped, failures, receive, send_all
from console.journal.forwarding.relp import OFFER, Answer, RelpError, frame, read_answer

_WINDOW = 128
"""Messages that may be under way; what librelp takes."""
_PATIENCE_S = 60.0
"""For a server that is busy with what it was sent."""
_OPEN_S = 10.0
_CLOSE_S = 2.0
_STEP_MS = 200
_LAST_NUMBER = 999_999_999


class RelpChannel:
    """A session.

    An entry counts as delivered when the server has acknowledged it, and the connection has lived on for a while: a
    server may acknowledge what it has only in its memory yet, as rsyslog does unless told otherwise.
    """

    def __init__(self, place: Place, endpoint: socket.socket, is_stopped: Callable[[], bool], settle_s: float) -> None:
        self._place = place
        self._endpoint = endpoint
        self._is_stopped = is_stopped
        self._settle_s = settle_s
        self._buffer = b""
        self._number = 0
        self._under_way: deque[tuple[int, int]] = deque()
        """Number of a frame, and of the entry in it."""
        self._acknowledged: deque[tuple[float, int]] = deque()
        """When, and the number of the entry."""
        self._settled = 0
        self._finished = False
        self._answered = True
        try:
            self._open()
        except BaseException:
            endpoint.close()
            raise

    def send(self, messages: Sequence[Numbered]) -> None:
        """Send messages, as many at a time as may be under way.

        Raises:
            JournalError: The connection is broken, or the server refused one.
            Stopped: Nobody wants more, and the server takes none.
        """
        rest = deque(messages)
        with failures(self._place):
            while rest:
                if len(self._under_way) >= _WINDOW:
                    self._wait_until(lambda: len(self._under_way) < _WINDOW // 2)
                count = min(len(rest), _WINDOW - len(self._under_way))
                self._say_all([rest.popleft() for _ in range(count)])
            self._take_answers()

    def settled(self) -> int:
        """Return the number up to which the server has acknowledged everything, long enough ago.

        Raises:
            JournalError: The connection is broken, or the server refused a message.
        """
        if self._finished:
            return self._settled
        with failures(self._place):
            self._take_answers()
        now = time.monotonic()
        while self._acknowledged and now - self._acknowledged[0][0] >= self._settle_s:
            self._settled = self._acknowledged.popleft()[1]
        return self._settled

    def has_answered(self) -> bool:
        """Say whether the server has acknowledged any of what was sent; yes if nothing was."""
        return self._answered

    def close(self) -> None:
        """Close the connection, however it is."""
        self._endpoint.close()

    def finish(self) -> None:
        """Wait for what is under way, and end the session."""
        with failures(self._place):
            self._wait_until(lambda: not self._under_way, patience_s=_CLOSE_S)
            if self._acknowledged:
                self._settled = self._acknowledged[-1][1]
            self._say("close")
        self._finished = True

    def _open(self) -> None:
        with failures(self._place):
            self._under_way.append((self._say("open", OFFER), 0))
            self._wait_until(lambda: not self._under_way, patience_s=_OPEN_S)
        self._acknowledged.clear()

    def _say(self, command: str, data: bytes = b"") -> int:
        number = self._next_number()
        send_all(self._endpoint, frame(number, command, data), self._is_stopped)
        return number

    def _say_all(self, messages: Sequence[Numbered]) -> None:
        """Send messages in one go."""
        frames = []
        for number, octets in messages:
            self._under_way.append((self._next_number(), number))
            frames.append(frame(self._number, "syslog", octets))
        self._answered = False
        send_all(self._endpoint, b"".join(frames), self._is_stopped)

    def _next_number(self) -> int:
        self._number = self._number % _LAST_NUMBER + 1
        return self._number

    def _wait_until(self, is_so: Callable[[], bool], patience_s: float = _PATIENCE_S) -> None:
        """Take answers until something is so.

        Raises:
            TimeoutError: The server says nothing.
        """
        poll = select.poll()
        poll.register(self._endpoint, select.POLLIN)
        ends = time.monotonic() + patience_s
        while not is_so():
            if time.monotonic() > ends:
                raise TimeoutError
            poll.poll(_STEP_MS)
            self._take_answers()
            if self._is_stopped() and not is_so() and patience_s != _CLOSE_S:
                raise Stopped

    def _take_answers(self) -> None:
        self._buffer += receive(self._endpoint)
        while True:
            try:
                found = read_answer(self._buffer)
            except RelpError as error:
                raise JournalError("GWL0662", reason="it does not speak RELP") from error
            if found is None:
                return
            answer, used = found
            self._buffer = self._buffer[used:]
            self._take(answer)

    def _take(self, answer: Answer) -> None:
        """Note an answer; they come in the order of what was said."""
        if answer.command == "serverclose":
            raise ConnectionResetError(104, "it ended the session")
        expected = self._under_way.popleft() if self._under_way else None
        if expected is None or answer.number != expected[0] or not answer.is_success:
            said = answer.data[:80].decode("utf-8", "replace")
            raise JournalError("GWL0662", reason=f"it refused a message: {said}")
        self._answered = True
        self._acknowledged.append((time.monotonic(), expected[1]))
