"""Writes to standard output and standard error: messages, lines, JSON Lines. Knows no verb."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping

from console.errors import ConsoleError
from console.messages import Message, describe, line


def print_lines(lines: Iterable[str]) -> None:
    """Write lines that are safe to show to standard output."""
    for each in lines:
        sys.stdout.write(each + "\n")


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
