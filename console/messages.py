"""The catalogue of messages: id -> severity, text, cause and recovery, from data/messages.

Ids are GWL and four hexadecimal digits; KBD and four digits for keying errors. Hundreds by subject: 00 shell, 01
command language, 02 policy and rules, 03 store, 04 kernel and guard, 05 worker, 06 journal, 07 console. Each subject is
one file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import yaml

from console.errors import ConsoleError
from console.printable import printable
from console.resources import data_path

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C one reads the catalogue in a hundredth of a second instead of a tenth, in front of every message."""


@dataclass(frozen=True, slots=True)
class Template:
    """A message before its blanks are filled."""

    message_id: str
    severity: int
    """0 information or completion, 10 warning, 20 error, 30 severe error, 40 and up: the operator must act."""
    text: str
    """One line; blanks are names in braces."""
    cause: str
    recovery: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is shown: blanks filled, outside strings made safe to show."""

    message_id: str
    severity: int
    text: str
    cause: str = ""
    recovery: str = ""


@cache
def catalogue() -> Mapping[str, Template]:
    """Return all messages by id."""
    found: dict[str, Template] = {}
    for path in sorted(data_path("messages").glob("*.yaml")):
        entries = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader, both of them
        for message_id, entry in entries.items():
            if message_id in found:
                raise ValueError(f"{path}: {message_id} is there twice")
            found[message_id] = Template(message_id=message_id, **entry)
    return found


def message(message_id: str, /, **values: object) -> Message:
    """Fill the blanks of a message.

    Args:
        message_id: Key into data/messages.
        values: A value for each blank; strings are made safe to show.

    Raises:
        KeyError: No such message, or a blank without a value: a bug, held off by tests/test_documented.py.
    """
    template = catalogue()[message_id]
    safe = {name: printable(str(value)) for name, value in values.items()}
    return Message(
        message_id,
        template.severity,
        template.text.format_map(safe),
        template.cause.format_map(safe),
        template.recovery.format_map(safe),
    )


def describe(error: ConsoleError) -> Message:
    """Return the message of an error."""
    return message(error.message_id, **error.values)


def line(shown: Message) -> str:
    """Return a message as one line for a terminal or a log: id and text."""
    return f"{shown.message_id} {shown.text}"
