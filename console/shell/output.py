"""Writes to standard output and standard error: messages, lines, JSON Lines. Knows no verb."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping

from console.errors import ConsoleError, UsageError
from console.messages import Message, describe, line


def print_lines(lines: Iterable[str]) -> None:
    """Write lines that are safe to show to standard output.

    Raises:
        UsageError: Standard output is closed, or takes no more.
    """
    for each in lines:
        print_text(each + "\n")


def print_text(text: str) -> None:
    """Write text that is safe to show, or is data for a program, to standard output.

    Raises:
        UsageError: Standard output is closed, or takes no more.
        BrokenPipeError: Nobody reads it any more; `console.__main__` ends in silence.
    """
    if sys.stdout is None:
        raise UsageError("GWL0009", path="-", reason="standard output is closed")
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError("GWL0009", path="-", reason=error.strerror or str(error)) from error


def print_message(shown: Message) -> None:
    """Write a completion message to standard output."""
    print_lines([line(shown)])


def print_warning(shown: Message) -> None:
    """Write a message to standard error: its text, then what to do."""
    sys.stderr.write(f"{line(shown)}\n{shown.recovery}\n")


def print_error(error: ConsoleError, place: str = "") -> None:
    """Write an error to standard error: its text, then what to do.

    Args:
        error: The error.
        place: Where the fault is, for commands from a file; follows the text.
    """
    shown = describe(error)
    sys.stderr.write(f"{line(shown)}{place}\n{shown.recovery}\n")


def print_json(records: Iterable[Mapping[str, object]]) -> None:
    """Write JSON Lines to standard output, an object a line.

    Everything beyond ASCII is escaped: no name from outside can draw on the terminal.
    """
    print_lines(json.dumps(record, ensure_ascii=True, default=str) for record in records)
