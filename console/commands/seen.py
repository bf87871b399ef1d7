"""Lists to choose from that are made of what there is: values seen in the journal, services, users of this system.

What the journal has seen is shown only to those who may read the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from console.commands.definition import Choice, Context
from console.printable import printable
from console.store.journal_seen import seen_values

_AUDIT = "*AUDIT"
_MOST = 300
"""Values of one list: with position-to, as many as anybody looks through."""
_SERVICES = Path("/etc/services")

ListValues = Callable[[Context], Sequence[Choice]]


def seen_in_journal(field: str, *first: Choice) -> ListValues:
    """Return a list of the values of a field in the newest entries, behind those given.

    Args:
        field: A field of the journal.
        first: Values that are always there.
    """

    def choices(context: Context) -> Sequence[Choice]:
        return (*first, *_seen(context, field))

    return choices


def ports_seen(field: str, *first: Choice) -> ListValues:
    """Return a list of the ports in the newest entries, then of the services that the system has names for."""

    def choices(context: Context) -> Sequence[Choice]:
        return (*first, *_seen(context, field), *services())

    return choices


def joined(*lists: ListValues) -> ListValues:
    """Return a list made of others, each value once."""

    def choices(context: Context) -> Sequence[Choice]:
        found: dict[str, Choice] = {}
        for listed in lists:
            for choice in listed(context):
                found.setdefault(choice.value, choice)
        return tuple(found.values())

    return choices


def _seen(context: Context, field: str) -> Sequence[Choice]:
    if _AUDIT not in context.authorities:
        return ()
    with context.opened() as session:
        found = seen_values(session, field)[:_MOST]
    return [Choice(value, f"Seen in {count:,} recent entries") for value, count in found if printable(value) == value]


@cache
def services() -> Sequence[Choice]:
    """Return the names of TCP services (services(5)) with their ports, by port; none where there is no such file."""
    try:
        lines = _SERVICES.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    found: dict[str, int] = {}
    for line in lines:
        name, _, rest = line.partition("#")[0].strip().partition("\t")
        words = f"{name} {rest}".split()
        if len(words) > 1 and words[1].endswith("/tcp") and words[1][:-4].isdecimal():
            found.setdefault(words[0].lower(), int(words[1][:-4]))
    ordered = sorted(found.items(), key=lambda item: item[1])
    return tuple(Choice(name, f"Port {port}") for name, port in ordered if printable(name) == name)
