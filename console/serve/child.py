"""A session's child: the console as a process of its own, on a terminal of its own.

Nothing is shared between two operators but the store: a console that hangs, or is taken over, is one session's. The
child's environment is made here, and nothing in it comes from the client but the terminal type, which was checked.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import tty
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from console.serve.seat import Seat, pack

_KEPT = ("HOME", "NO_COLOR", "TZ")
_DATABASE = "PG"
"""Begins the names of the variables by which PostgreSQL's library finds passwords and certificates (libpq)."""
_LFLAG, _OFLAG = 3, 1
"""Places in what tcgetattr returns (termios(3))."""


@dataclass(frozen=True, slots=True)
class Child:
    """A child that runs. Who holds it owns both descriptors."""

    process: subprocess.Popen[bytes]
    master: int
    """The server's end of the terminal; not blocking."""
    pidfd: int
    """Readable when the child has ended."""

    @property
    def pid(self) -> int:
        """Return the process id, which is that of the child's session and process group as well."""
        return self.process.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the child and what it has started; nothing happens when all of them have ended."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def has_ended(self) -> bool:
        """Say whether the child has ended; it is reaped then."""
        return self.process.poll() is not None

    def ended_by(self) -> int:
        """Return the exit status, negative for a signal; only of one that has ended."""
        return self.process.returncode

    def wait(self, seconds: float) -> bool:
        """Wait for the end; say whether it came."""
        ended = select.poll()
        ended.register(self.pidfd, select.POLLIN)
        return bool(ended.poll(int(seconds * 1000))) and self.has_ended()


def environment(terminal: str, connection: str, ours: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child.

    Args:
        terminal: Checked terminal type.
        connection: Both ends of the connection, as sshd says it: by it a policy is known that cuts the operator off.
        ours: The server's own environment: little of it is handed on.
    """
    kept = {name: value for name, value in ours.items() if name in _KEPT or name.startswith(_DATABASE)}
    return {
        **kept,
        "TERM": terminal,
        "SSH_CONNECTION": connection,
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        # A line is slower than a terminal on the desk, and nothing here moves by itself.
        "TEXTUAL_ANIMATIONS": "none",
        # Milliseconds after which an Escape is a key by itself. The octets of a function key may come apart on the way;
        # and Escape begins a function key here in any case, so that nobody waits for it.
        "ESCDELAY": "500",
    }


def start(seat: Seat, variables: Mapping[str, str], size: tuple[int, int], directory: Path) -> Child:
    """Start the console.

    Args:
        seat: Who sits there.
        variables: The child's environment.
        size: Columns and rows.
        directory: The child's working directory: a file that an operator names without one is there.

    Raises:
        OSError: No terminal, no process, or no descriptors are left.
    """
    master, slave = pty.openpty()
    try:
        resize(master, size)
        _be_quiet(slave)
        os.set_blocking(master, False)
        process = _spawn(seat, variables, slave, directory)
    except OSError:
        os.close(master)
        raise
    finally:
        os.close(slave)
    return Child(process, master, os.pidfd_open(process.pid))


def resize(master: int, size: tuple[int, int]) -> None:
    """Tell a terminal its size, columns and rows; whoever runs on it gets SIGWINCH."""
    columns, rows = size
    with contextlib.suppress(OSError):
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _be_quiet(slave: int) -> None:
    """Make a terminal raw, but for its output.

    What is typed before the console is there must not be echoed, nor Ctrl+C be a signal; and a line that is written
    when the console has ended begins at the left.
    """
    tty.setraw(slave, termios.TCSANOW)
    modes = termios.tcgetattr(slave)
    modes[_OFLAG] |= termios.OPOST | termios.ONLCR
    termios.tcsetattr(slave, termios.TCSANOW, modes)


def _spawn(seat: Seat, variables: Mapping[str, str], slave: int, directory: Path) -> subprocess.Popen[bytes]:
    reader, writer = os.pipe()
    try:
        os.write(writer, pack(seat))
    finally:
        os.close(writer)
    try:
        return subprocess.Popen(
            # -P, -E: neither the working directory nor the environment can supply our modules.
            [sys.executable, "-P", "-E", "-m", "console", "ssh-session", str(reader)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            pass_fds=(reader,),
            env=variables,
            cwd=directory,
            start_new_session=True,
        )
    finally:
        os.close(reader)
