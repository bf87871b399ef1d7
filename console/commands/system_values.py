"""The commands on the system values. A change holds at once, for what is decided from then on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from sqlmodel import Session

from console.commands.audit_values import warnings
from console.commands.definition import Choice, Command, Context, Parameter, Result
from console.commands.keywords import as_it_is, one_of
from console.commands.listing import Column, labelled, table
from console.commands.system_value_kinds import KINDS, TYPES, authority_of
from console.errors import CommandError
from console.messages import message
from console.store.outbox import add_audit
from console.store.system_values import get_auditing, get_values, set_value

ALL = "*ALL"
LONGEST_VALUE = 480
_COLUMNS = (Column("System value"), Column("Type"), Column("Description"), Column("Value"))


def matching(pattern: str) -> Iterator[str]:
    """Yield the names that WRKSYSVAL shows for a name, a generic name, a type or *ALL."""
    return (
        name
        for name, kind in KINDS.items()
        if pattern in (ALL, name, kind.type) or (pattern.endswith("*") and name.startswith(pattern[:-1]))
    )


def _check_pattern(value: str) -> str:
    upper = value.upper()
    if not list(matching(upper)):
        raise CommandError("GWL0113", keyword="SYSVAL", value=value, allowed=", ".join((ALL, *TYPES, *KINDS)))
    return upper


def _check_words(value: str) -> str:
    return " ".join(value.upper().split())


SYSTEM_VALUE = Parameter(
    "SYSVAL",
    "System value",
    one_of("SYSVAL", tuple(KINDS)),
    choices="F4 for list",
    list_values=lambda context: [Choice(name, kind.text) for name, kind in KINDS.items()],
)


class WorkWithSystemValues(Command):
    """Shows the system values."""

    name = "WRKSYSVAL"
    text = "Work with System Values"
    authority = ()
    parameters = (
        Parameter(
            "SYSVAL", "System value", _check_pattern, default=ALL, special=(ALL, *TYPES),
            choices="Name, generic*, *ALL, *SEC, *SYSCTL",
        ),
    )  # fmt: skip

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        with context.opened() as session:
            held = get_values(session)
        rows = [(name, KINDS[name].type, KINDS[name].text, held[name]) for name in matching(values["SYSVAL"])]
        return Result(lines=table(_COLUMNS, rows), panel="WorkWithSystemValues", arguments=dict(values))


class DisplaySystemValue(Command):
    """Shows one system value."""

    name = "DSPSYSVAL"
    text = "Display System Value"
    authority = ()
    parameters = (SYSTEM_VALUE,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        name = values["SYSVAL"]
        with context.opened() as session:
            held = get_values(session)[name]
        lines = labelled(
            (
                ("System value", name),
                ("Description", KINDS[name].text),
                ("Value", held),
                ("What may be written", KINDS[name].shown),
            )
        )
        return Result(lines=lines, panel="DisplaySystemValue", arguments=dict(values))


class ChangeSystemValue(Command):
    """Changes a system value."""

    name = "CHGSYSVAL"
    text = "Change System Value"
    authority = ()
    parameters = (
        SYSTEM_VALUE,
        *as_it_is(
            (
                Parameter(
                    "VALUE",
                    "New value",
                    _check_words,
                    length=LONGEST_VALUE,
                    choices="Words, *SAME; F4 for list",
                    many=True,
                    list_for=("SYSVAL", lambda context, name: KINDS[name].choices),
                ),
            )
        ),
    )
    positional = 2
    changes = True

    @classmethod
    def further_authority(cls, context: Context, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return what this system value needs."""
        return authority_of(values["SYSVAL"])

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the value as it is."""
        with context.opened() as session:
            return {"SYSVAL": values["SYSVAL"], "VALUE": get_values(session)[values["SYSVAL"]]}

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change it."""
        name = values["SYSVAL"]
        after = KINDS[name].check(values["VALUE"])
        with context.opened() as session:
            before = get_values(session)[name]
            if before == after:
                return Result(messages=(message("GWL068B", name=name, value=after),), changed=False)
            was = get_auditing(session)
            change(session, context, name, before, after)
            said = warnings(was, get_auditing(session))
        return Result(messages=(message("GWL068A", name=name, before=before, after=after), *said))


def change(session: Session, context: Context, name: str, before: str, after: str) -> None:
    """Change a system value, and record that: an SV entry of type A, whatever is to be audited."""
    set_value(session, name, after)
    add_audit(
        session,
        "SV",
        at=context.clock(),
        user=context.user,
        job=context.job,
        text=f"System value {name} changed from {before} to {after}",
        detail=json.dumps({"type": "A", "name": name, "before": before, "after": after}),
    )


COMMANDS: tuple[type[Command], ...] = (WorkWithSystemValues, DisplaySystemValue, ChangeSystemValue)
