"""One life of an exit program's process, seen from the guard: started, asked, ended.

The process gets one end of a pair of sockets and the log of its kind as its error output, and nothing else of ours: no
listener, no link to the worker, no terminal. It runs as the guard's user, in a session and a process group of its own,
and not under the job's filter. It is known by its pidfd, which goes on meaning it after somebody else has reaped it:
the guard, as the subreaper of its job, reaps whatever ends.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import select
import signal
import socket
import subprocess
import sys
import time

from console.enforcement.fds import OwnedFd
from console.enforcement.guard import exit_program_host
from console.enforcement.guard.exit_program_log import log_path, open_log
from console.enforcement.guard.exit_program_wire import (
    LONGEST_MESSAGE,
    Message,
    Question,
    Ready,
    Reply,
    decode,
    encode,
)
from console.exit_request import ExitRequest
from console.store.location import Location

START_LIMIT_S = 10.0
"""How long a module may take to be imported; some open a database or read a list."""
_END_LIMIT_S = 1.0
"""How long a process may take to end when it is told to, before it is killed."""
_KILLED_S = 1.0
_WHOLE_GROUP = 4
"""PIDFD_SIGNAL_PROCESS_GROUP, Linux 6.9 (linux/pidfd.h)."""


class NoAnswer(Exception):  # noqa: N818 -- an outcome, named as what it is
    """An exit program gave no answer, and its process is of no more use; the text says what it did instead."""


class NotAsked(NoAnswer):
    """The process ended before it had read the question: the exit program knows nothing of it, and cannot be at fault.

    A process may end by itself at any moment, and be on its way out, with nothing to be seen yet, when a question is
    put to it. The kernel tells this from an end that the question may have led to: it resets the connection of an end
    that is closed with something unread.
    """


class ExitProgramProcess:
    """A running exit program.

    Threads: one at a time. It must be made by a thread that lives as long as it should: the kernel kills it with that.
    """

    def __init__(self, entry_point: str, location: Location) -> None:
        """Start the process; it is ready later.

        Raises:
            OSError: It cannot be started.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._pid, self._pidfd = _start(theirs.fileno(), entry_point, location)
            except OSError:
                ours.close()
                raise
        self._line = ours
        self._ready_by = time.monotonic() + START_LIMIT_S
        self._is_ready = False
        self._asked = 0

    @property
    def ended_idle(self) -> bool:
        """Whether the process was ready for questions once, and has ended without being asked."""
        return self._is_ready and _is_readable(self._pidfd.number, 0.0)

    def ask(self, request: ExitRequest, limit_ms: int) -> Reply:
        """Put a question; waits first, if need be, until the program was loaded, which its limit does not count.

        Raises:
            NotAsked: It may be put to another process.
            NoAnswer: There is none.
        """
        self._await_ready()
        self._asked += 1
        try:
            self._line.send(encode(Question(self._asked, request)), socket.MSG_DONTWAIT)
        except ConnectionError as error:  # EPIPE: its end is closed
            raise NotAsked("ended") from error
        except OSError as error:
            raise NoAnswer("ended") from error
        reply = self._receive(time.monotonic() + limit_ms / 1000, f"did not answer within {limit_ms} ms")
        if not isinstance(reply, Reply) or reply.number != self._asked:
            raise NoAnswer("wrote what is no answer")
        return reply

    def _await_ready(self) -> None:
        if self._is_ready:
            return
        ready = self._receive(self._ready_by, f"did not start within {START_LIMIT_S:g} s")
        if not isinstance(ready, Ready):
            raise NoAnswer("wrote what is no answer")
        if ready.problem:
            raise NoAnswer(ready.problem)
        self._is_ready = True

    def _receive(self, deadline: float, late: str) -> Message:
        """Wait for what it says next.

        Source: net/unix/af_unix.c, unix_release_sock (ECONNRESET), unix_dgram_recvmsg.

        Raises:
            NotAsked: It ended without having read what was said to it.
            NoAnswer: It says nothing in time, ended, or said what is no message.
        """
        poll = select.poll()
        poll.register(self._line, select.POLLIN)
        poll.register(self._pidfd.number, select.POLLIN)
        if not poll.poll(max(0, math.ceil((deadline - time.monotonic()) * 1000))):
            raise NoAnswer(late)
        try:
            octets = self._line.recv(LONGEST_MESSAGE, socket.MSG_DONTWAIT)
        except ConnectionResetError as error:
            raise NotAsked("ended") from error
        except OSError:  # nothing to read, so it is the process that has ended
            octets = b""
        if not octets:
            # The end of what there is to read shows a moment before the error that says why.
            error_number = self._line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            raise (NotAsked if error_number == errno.ECONNRESET else NoAnswer)("ended")
        try:
            return decode(octets)
        except ValueError as error:
            raise NoAnswer("wrote what is no answer") from error

    def end(self) -> None:
        """Let the process end, for a second; then kill it, and what it has left behind in its process group."""
        self._line.close()
        _is_readable(self._pidfd.number, _END_LIMIT_S)
        self.kill()

    def terminate(self) -> None:
        """Kill the process while another thread may be asking it; that one then finds that it has ended."""
        with contextlib.suppress(ProcessLookupError, ValueError):  # ValueError: the other has cleared it away
            _kill_group(self._pid, self._pidfd.number)
            signal.pidfd_send_signal(self._pidfd.number, signal.SIGKILL)

    def kill(self) -> None:
        """Kill the process and what it has started, but for what has left its process group; clear it away."""
        self._line.close()
        self.terminate()
        if _is_readable(self._pidfd.number, _KILLED_S):
            with contextlib.suppress(ChildProcessError):  # the guard was faster
                os.waitid(os.P_PIDFD, self._pidfd.number, os.WEXITED)
        self._pidfd.close()


def _start(line: int, entry_point: str, location: Location) -> tuple[int, OwnedFd]:
    """Start the process; returns its id, and a pidfd of it.

    Raises:
        OSError: It cannot be started.
    """
    # -P and -E: neither the directory that a job is started in nor PYTHONPATH may supply our modules; -B: the
    # directory of exit programs is not ours to write to.
    command = [sys.executable, "-P", "-E", "-B", "-m", exit_program_host.__name__]
    arguments = [str(line), str(os.getpid()), str(location.directory), location.name, entry_point]
    with OwnedFd(open_log(log_path(location))) as log:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log.number,
            pass_fds=[line],
            start_new_session=True,
        )
    # Who reaps children is settled elsewhere: left to itself, Popen would wait for this number, which may then be
    # another process's.
    process.returncode = 0
    try:
        return process.pid, OwnedFd(os.pidfd_open(process.pid))
    except ProcessLookupError as error:  # it has ended and was reaped already
        raise OSError(errno.ECHILD, os.strerror(errno.ECHILD)) from error


def _kill_group(pid: int, pidfd: int) -> None:
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL, None, _WHOLE_GROUP)
    except (ProcessLookupError, PermissionError):  # none is left, or what is left became another user
        return
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # Before Linux 6.9: by number, and only while the process is there to whom it belongs.
        if not _is_readable(pidfd, 0.0):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)


def _is_readable(descriptor: int, limit_s: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(math.ceil(limit_s * 1000)))
