"""Recognises the plain forms of ``greenwall run`` without the option parser.

Loading the parser takes about a tenth of a second, and `run` stands in front of every guarded command. What is not
recognised here, wrong options and ``--help`` above all, goes to the parser, whose answer is the one that counts; a test
holds the two to the same result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

VERB = "run"
_BEFORE_VERB = ("--store",)
_BEHIND_VERB = ("--name", "--user")


@dataclass(frozen=True, slots=True)
class QuickRun:
    """What `greenwall run` was asked for."""

    command: tuple[str, ...]
    store: str = ""
    """As named by the option; empty when it is not given."""
    name: str = ""
    user: str = ""


def recognise(arguments: Sequence[str]) -> QuickRun | None:
    """Return what is asked for, or None to leave it to the option parser.

    Args:
        arguments: Those of greenwall, without its own name.
    """
    before, rest = _options(arguments, _BEFORE_VERB)
    if not rest or rest[0] != VERB:
        return None
    behind, command = _options(rest[1:], _BEHIND_VERB)
    if command[:1] == ("--",):
        command = command[1:]
    elif command[:1] and command[0].startswith("-"):
        return None
    if not command or before.get("--store") == "":
        return None
    return QuickRun(command, before.get("--store", ""), behind.get("--name", ""), behind.get("--user", ""))


def _options(arguments: Sequence[str], known: Sequence[str]) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return the options in front, as ``--option value`` or ``--option=value``, and what follows them."""
    found: dict[str, str] = {}
    rest = tuple(arguments)
    while rest:
        option, equals, value = rest[0].partition("=")
        if option not in known:
            break
        if not equals:
            if len(rest) == 1:
                break
            value = rest[1]
        found[option] = value
        rest = rest[1 if equals else 2 :]
    return found, rest
