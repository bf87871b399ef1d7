"""Runs a command on a terminal of its own and hands it what is typed octet by octet, with a pause after each.

As a program: MILLISECONDS COMMAND ARG...
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
import tty


def main() -> int:
    """Run the command; return its exit status."""
    pause_s = int(sys.argv[1]) / 1000
    size = fcntl.ioctl(0, termios.TIOCGWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
    before = termios.tcgetattr(0)
    pid, master = pty.fork()
    if not pid:
        os.execvp(sys.argv[2], sys.argv[2:])
    fcntl.ioctl(master, termios.TIOCSWINSZ, size)
    tty.setraw(0)
    try:
        _copy(master, pause_s)
    finally:
        termios.tcsetattr(0, termios.TCSANOW, before)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _copy(master: int, pause_s: float) -> None:
    while True:
        ready, _, _ = select.select([0, master], [], [])
        if master in ready:
            try:
                octets = os.read(master, 65536)
            except OSError:
                return
            os.write(1, octets)
        if 0 in ready:
            for octet in os.read(0, 65536):
                os.write(master, bytes([octet]))
                time.sleep(pause_s)


if __name__ == "__main__":
    sys.exit(main())
