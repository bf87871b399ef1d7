"""Delivers by command: starts a program with the payload as JSON on its standard input.

The program runs as the worker does, with all that the worker may do, and never through a shell. Its arguments are those
that the operator wrote and nothing else; what comes from journal entries reaches it as data, on standard input and in
environment variables (``GREENWALL_ALERT``, ``GREENWALL_KEY``, ...). It is killed with its children when its time is
over. Delivered is what it ends with status 0 for.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from console.alerts.place import Place, refused, undelivered
from console.printable import printable

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_VARIABLES = (
    "id", "system", "alert", "event", "severity", "message", "key", "count", "more", "at", "raised_at", "lasted_s",
    "first_number", "last_number",
)  # fmt: skip
_LONGEST_VALUE = 4096


def check(place: Place) -> None:
    """Refuse a destination that cannot work.

    Raises:
        AlertError: The target is no command with an absolute path.
    """
    valid = "an absolute path and its arguments, quoted as in a shell"
    try:
        words = shlex.split(place.target)
    except ValueError as error:
        raise refused(place, "TARGET", place.target, valid) from error
    if not words or not words[0].startswith("/") or "\0" in place.target:
        raise refused(place, "TARGET", place.target, valid)


def deliver(place: Place, payload: Mapping[str, Any]) -> str:
    """Start the program and wait for it.

    Returns:
        Nothing.

    Raises:
        AlertError: It could not be started, ended with another status than 0, or took too long.
    """
    try:
        process = subprocess.Popen(
            shlex.split(place.target),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(payload),
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise undelivered(place, error) from error
    try:
        process.communicate(json.dumps(payload).encode("ascii"), timeout=place.time_limit_s)
    except subprocess.TimeoutExpired as error:
        # Not reaped yet, so that the number is still that of its group.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise undelivered(place, f"it did not end within {place.time_limit_s} seconds") from error
    finally:
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
    if process.returncode:
        raise undelivered(place, f"it ended with status {process.returncode}")
    return ""


def _environment(payload: Mapping[str, Any]) -> dict[str, str]:
    told = {f"GREENWALL_{name.upper()}": printable(str(payload[name]))[:_LONGEST_VALUE] for name in _VARIABLES}
    return {"PATH": _PATH, "LANG": "C.UTF-8", **told}
