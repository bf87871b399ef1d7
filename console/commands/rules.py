"""The commands on socket rules; they change the pending policy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from console.commands.audit import record, record_rule
from console.commands.definition import Command, Context, Parameter, Result
from console.commands.keywords import (
    EXIT_POINT,
    NEW_SEQUENCE,
    NEXT,
    RULE_VALUES,
    SEQUENCE,
    as_it_is,
    checked,
    exit_point_check,
    number,
    required,
    rule_of,
    values_of,
    with_special,
)
from console.commands.listing import rule_details, rule_list
from console.errors import CommandError
from console.messages import Message, message
from console.model.words import DEFAULT_SEQUENCE, IOSYSCFG, ExitPoint
from console.policy.fields import DFT
from console.policy.rule import Rule
from console.store import rules as pending
from console.store.groups import check_groups

_FROM = "*EXITPNT"
"""Special value of TOEXITPNT: the exit point that is copied from."""


def _sequence(value: str) -> int:
    return DEFAULT_SEQUENCE if value == DFT else int(value)


def _new_sequence(context: Context, exit_point: ExitPoint, value: str) -> int:
    """Return the number that a new rule gets."""
    if value == DFT:
        raise CommandError("GWL0120", exit_point=exit_point)
    if value != NEXT:
        return int(value)
    with context.opened() as session:
        return pending.next_sequence(session, exit_point)


def _read(context: Context, values: Mapping[str, str]) -> Rule:
    with context.opened() as session:
        return pending.get_rule(session, ExitPoint(values["EXITPNT"]), _sequence(values["SEQNBR"]))


def _done(message_id: str, rule: Rule) -> Message:
    return message(message_id, sequence=rule.sequence, exit_point=rule.exit_point)


class AddSocketRule(Command):
    """Adds a rule."""

    name = "ADDSOCRUL"
    text = "Add Socket Rule"
    authority = (IOSYSCFG,)
    parameters = (EXIT_POINT, NEW_SEQUENCE, *required(RULE_VALUES, "ACTION"))
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Add it."""
        sequence = _new_sequence(context, ExitPoint(values["EXITPNT"]), values["SEQNBR"])
        rule = rule_of(values, sequence=sequence)
        with context.opened() as session:
            check_groups(session, rule)
            pending.add_rule(session, rule)
        record_rule(context, f"Rule {rule.sequence} of {rule.exit_point} added", before=None, after=rule)
        return Result(messages=(_done("GWL0140", rule),))


class ChangeSocketRule(Command):
    """Changes a rule, also what a default rule answers."""

    name = "CHGSOCRUL"
    text = "Change Socket Rule"
    authority = (IOSYSCFG,)
    parameters = (EXIT_POINT, SEQUENCE, *as_it_is(RULE_VALUES))
    positional = 2
    changes = True

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the rule as it is."""
        return values_of(_read(context, values))

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change it."""
        before = _read(context, values)
        after = rule_of(values)
        if after == before:
            return Result(messages=(_done("GWL0142", after),), changed=False)
        with context.opened() as session:
            check_groups(session, after)
            pending.change_rule(session, after)
        record_rule(context, f"Rule {after.sequence} of {after.exit_point} changed", before=before, after=after)
        return Result(messages=(_done("GWL0141", after),))


class CopySocketRule(Command):
    """Copies a rule to another place."""

    name = "CPYSOCRUL"
    text = "Copy Socket Rule"
    authority = (IOSYSCFG,)
    parameters = (
        EXIT_POINT,
        SEQUENCE,
        Parameter(
            "TOEXITPNT",
            "To exit point",
            exit_point_check("TOEXITPNT", _FROM),
            length=16,
            default=_FROM,
            special=(_FROM, *ExitPoint),
        ),
        replace(
            NEW_SEQUENCE,
            keyword="TOSEQNBR",
            prompt="To sequence number",
            check=with_special(checked("sequence", "TOSEQNBR"), NEXT),
        ),
    )
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Copy it."""
        source = _read(context, values)
        wanted = values["TOEXITPNT"]
        exit_point = source.exit_point if wanted == _FROM else ExitPoint(wanted)
        sequence = _new_sequence(context, exit_point, values["TOSEQNBR"])
        rule = rule_of(values_of(source), exit_point=exit_point, sequence=sequence)
        with context.opened() as session:
            pending.add_rule(session, rule)
        text = f"Rule {rule.sequence} of {rule.exit_point} copied from {source.sequence} of {source.exit_point}"
        record_rule(context, text, before=None, after=rule)
        done = message(
            "GWL0143",
            sequence=source.sequence,
            exit_point=source.exit_point,
            to_sequence=rule.sequence,
            to_exit_point=rule.exit_point,
        )
        return Result(messages=(done,))


class RemoveSocketRule(Command):
    """Removes a rule."""

    name = "RMVSOCRUL"
    text = "Remove Socket Rule"
    authority = (IOSYSCFG,)
    parameters = (EXIT_POINT, SEQUENCE)
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Remove it."""
        rule = _read(context, values)
        with context.opened() as session:
            pending.remove_rule(session, rule.exit_point, rule.sequence)
        record_rule(context, f"Rule {rule.sequence} of {rule.exit_point} removed", before=rule, after=None)
        return Result(messages=(_done("GWL0144", rule),))


class DisplaySocketRule(Command):
    """Shows a rule."""

    name = "DSPSOCRUL"
    text = "Display Socket Rule"
    authority = ()
    parameters = (EXIT_POINT, SEQUENCE)
    positional = 2

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        rule = _read(context, values)
        return Result(lines=rule_details(rule), panel="DisplayRule", arguments=dict(values))


class RenumberSocketRules(Command):
    """Numbers the rules of an exit point anew."""

    name = "RNBSOCRUL"
    text = "Renumber Socket Rules"
    authority = (IOSYSCFG,)
    parameters = (
        EXIT_POINT,
        Parameter("START", "First sequence number", number("START", 1, DEFAULT_SEQUENCE - 1), length=5, default="10",
                  choices="1-99998"),
        Parameter("STEP", "Step", number("STEP", 1, 10000), length=5, default="10", choices="1-10000"),
    )  # fmt: skip
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Renumber them."""
        exit_point = ExitPoint(values["EXITPNT"])
        with context.opened() as session:
            before = [rule.sequence for rule in pending.list_rules(session, exit_point)]
            count = pending.renumber_rules(session, exit_point, start=int(values["START"]), step=int(values["STEP"]))
            after = [rule.sequence for rule in pending.list_rules(session, exit_point)]
        done = message("GWL0145", count=count, exit_point=exit_point)
        if after == before:
            return Result(messages=(done,), changed=False)
        record(
            context,
            f"{count} rules of {exit_point} renumbered",
            exit_point=exit_point.value,
            before={"sequences": before},
            after={"sequences": after},
        )
        return Result(messages=(done,))


class WorkWithSocketRules(Command):
    """Shows the rules of an exit point."""

    name = "WRKSOCRUL"
    text = "Work with Socket Rules"
    authority = ()
    parameters = (replace(EXIT_POINT, default=ExitPoint.CONNECT),)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them; the panel reads them itself."""
        if context.has_panels:
            return Result(panel="WorkWithRules", arguments=dict(values))
        with context.opened() as session:
            rules = pending.list_rules(session, ExitPoint(values["EXITPNT"]))
        return Result(lines=rule_list(rules), panel="WorkWithRules", arguments=dict(values))


COMMANDS: tuple[type[Command], ...] = (
    AddSocketRule,
    ChangeSocketRule,
    CopySocketRule,
    RemoveSocketRule,
    DisplaySocketRule,
    RenumberSocketRules,
    WorkWithSocketRules,
)
