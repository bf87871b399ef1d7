"""RELP, the Reliable Event Logging Protocol: frames and answers; pure.

Layout: TXNR SP COMMAND SP DATALEN [SP DATA] LF; numbers as decimal digits. The answer to a frame has its number, the
command ``rsp`` and data that begin with a code of three digits, 200 for success.
Source: rsyslog.com, "RELP - The Reliable Event Logging Protocol", version 0.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_ANSWER = 4096
OFFER = b"relp_version=0\nrelp_software=greenwall\ncommands=syslog"

_HEADER = re.compile(rb"([0-9]{1,9}) ([a-z]{1,32}) ([0-9]{1,9})(?: |(?=\n))")
_CODE = 3
_SUCCESS = b"200"


class RelpError(ValueError):
    """What came is no frame, or more than an answer can be."""


class Answer(NamedTuple):
    """A frame from the server."""

    number: int
    command: str
    data: bytes

    @property
    def is_success(self) -> bool:
        """Say whether it acknowledges."""
        return self.command == "rsp" and self.data[:_CODE] == _SUCCESS


def frame(number: int, command: str, data: bytes = b"") -> bytes:
    """Return a frame."""
    return b"%d %b %d%b%b\n" % (number, command.encode("ascii"), len(data), b" " if data else b"", data)


def read_answer(buffer: bytes) -> tuple[Answer, int] | None:
    """Read one frame from the front of a buffer.

    Args:
        buffer: Octets received and not yet used.

    Returns:
        The frame and how many octets it took, or None if more are needed.

    Raises:
        RelpError: No further octets can make this a frame.
    """
    header = _HEADER.match(buffer)
    if header is None:
        if b"\n" in buffer or len(buffer) > LONGEST_ANSWER:
            raise RelpError(buffer[: _CODE * 20])
        return None
    length = int(header[3])
    if length > LONGEST_ANSWER:
        raise RelpError(header[0])
    end = header.end() + length
    if len(buffer) <= end:
        return None
    if buffer[end] != ord("\n"):
        raise RelpError(header[0])
    return Answer(int(header[1]), header[2].decode("ascii"), buffer[header.end() : end]), end + 1
