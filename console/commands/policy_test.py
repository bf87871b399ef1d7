"""The command that asks the policy which rule would decide a call, and why."""

from __future__ import annotations

from collections.abc import Mapping

from console.commands.definition import Command, Context, Parameter, Result
from console.commands.host import groups_of, resolved
from console.commands.hypothetical import CURRENT, NONE, one_address, one_port, one_program, one_user, port_number
from console.commands.keywords import EXIT_POINT, one_of
from console.commands.listing import RULE_COLUMNS, Column, rule_row, shown_sequence, table
from console.commands.policy import ACTIVE, PENDING, now_of
from console.errors import CommandError
from console.journal.moments import LONGEST, check_moment, span_of
from console.messages import Message, message
from console.model.words import ExitPoint, YesNo
from console.policy.address_groups import GROUP_MARK
from console.policy.checks import KEYWORDS
from console.policy.explain import Explanation, explain
from console.policy.fields import address_intervals
from console.policy.request import Request
from console.policy.rule import Policy, Rule
from console.store.revisions import active_policy, pending_policy

_TRIED = slice(1, 10)
"""What is told of each rule that was tried."""
_TRIED_COLUMNS = (*RULE_COLUMNS[_TRIED], Column("Why"))


def _one_time(value: str) -> str:
    return CURRENT if value.upper() == CURRENT else check_moment(value, "TIME")


class TestSocketRules(Command):
    """Says which rule would decide a call."""

    name = "TSTSOCRUL"
    text = "Test Socket Rules"
    authority = ()
    parameters = (
        EXIT_POINT,
        Parameter("USRPRF", "User profile", one_user("USRPRF"), length=33, default=CURRENT, special=(CURRENT,),
                  choices="Name, *CURRENT"),
        Parameter("LCLADR", "Local address", one_address("LCLADR"), length=39, default=NONE, special=(NONE,),
                  choices="Address, *NONE", quoted=True),
        Parameter("LCLPORT", "Local port", one_port("LCLPORT"), length=32, default=NONE, special=(NONE,),
                  choices="1-65535, service, *NONE", monocase=False),
        Parameter("RMTADR", "Remote address", one_address("RMTADR"), length=39, default=NONE, special=(NONE,),
                  choices="Address, *NONE", quoted=True),
        Parameter("RMTPORT", "Remote port", one_port("RMTPORT"), length=32, default=NONE, special=(NONE,),
                  choices="1-65535, service, *NONE", monocase=False),
        Parameter("PGM", "Program", one_program("PGM"), length=128, default=NONE, special=(NONE,),
                  choices="Path, *NONE", monocase=False, quoted=True),
        Parameter("POLICY", "Policy", one_of("POLICY", (PENDING, ACTIVE)), default=PENDING,
                  special=(PENDING, ACTIVE)),
        Parameter("TIME", "Time of the call", _one_time, length=LONGEST, default=CURRENT, special=(CURRENT,),
                  choices="yyyy-mm-dd hh:mm, *CURRENT", quoted=True, additional=True),
    )  # fmt: skip

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Try the rules one by one."""
        request, explanation = ask(context, values)
        messages = (
            _verdict(request, explanation),
            *by_members(values, explanation),
            *_asked_after(request, explanation),
        )
        return Result(messages, _tried(explanation), "DisplayTest", dict(values))


def ask(context: Context, values: Mapping[str, str]) -> tuple[Request, Explanation]:
    """Return the call that the values of TSTSOCRUL describe, and how the policy answers it.

    Raises:
        ConsoleError: The call makes no sense, or the policy cannot be asked.
    """
    request = _request(context, values)
    return request, explain(asked_policy(context, values["POLICY"]), request, time_of(context, values["TIME"]))


def time_of(context: Context, value: str) -> int:
    """Return a time that TSTSOCRUL asks about, in nanoseconds since the epoch."""
    if value == CURRENT:
        return now_of(context)
    return int(span_of(value, context.clock()).start.timestamp()) * 1_000_000_000


def by_members(values: Mapping[str, str], explanation: Explanation) -> tuple[Message, ...]:
    """Return by which members of its address groups the deciding rule matched, a message each."""
    rule = explanation.rule
    return tuple(
        message(
            "GWL02CC",
            keyword=KEYWORDS[field],
            value=values[KEYWORDS[field]],
            name=getattr(rule, field).removeprefix(GROUP_MARK),
            member=member,
        )
        for field, member in explanation.members.items()
    )


def asked_policy(context: Context, which: str) -> Policy:
    """Return the pending or the active policy, with the ports of its services and the time zone of this system.

    Raises:
        ConsoleError: It cannot be read, or this system does not know a service.
    """
    with context.opened() as session:
        if which == ACTIVE:
            return active_policy(session)[1]
        pending = pending_policy(session)
    return resolved(pending)


def _request(context: Context, values: Mapping[str, str]) -> Request:
    exit_point = ExitPoint(values["EXITPNT"])
    _check_remote(exit_point, values)
    user = context.user if values["USRPRF"] == CURRENT else values["USRPRF"]
    return Request(
        exit_point=exit_point,
        user=user,
        groups=groups_of(user),
        program="" if values["PGM"] == NONE else values["PGM"],
        local_address=_number(values["LCLADR"]),
        local_port=port_number("LCLPORT", values["LCLPORT"]),
        remote_address=_number(values["RMTADR"]),
        remote_port=port_number("RMTPORT", values["RMTPORT"]),
    )


def _check_remote(exit_point: ExitPoint, values: Mapping[str, str]) -> None:
    if exit_point is not ExitPoint.LISTEN:
        if values["RMTADR"] == NONE:
            raise CommandError("GWL0122", keyword="RMTADR", exit_point=exit_point)
        return
    for keyword in ("RMTADR", "RMTPORT"):
        if values[keyword] != NONE:
            raise CommandError("GWL0123", keyword=keyword, value=values[keyword], exit_point=exit_point)


def _number(address: str) -> int:
    return 0 if address == NONE else address_intervals(address)[0][0]


def _verdict(request: Request, explanation: Explanation) -> Message:
    rule, decision = explanation.rule, explanation.decision
    if rule is None:
        return message("GWL014B", exit_point=request.exit_point)
    return message(
        "GWL014A",
        exit_point=request.exit_point,
        sequence=shown_sequence(rule.sequence),
        outcome=decision.outcome,
        journalled="journalled" if decision.journal else "not journalled",
        user=request.user,
        groups=", ".join(sorted(request.groups)) or "none",
    )


def _asked_after(request: Request, explanation: Explanation) -> tuple[Message, ...]:
    found = explanation.exit_programs
    if not found:
        return ()
    programs = ", ".join(program.program for program in found)
    return (message("GWL014C", exit_point=request.exit_point, programs=programs),)


def _tried(explanation: Explanation) -> tuple[str, ...]:
    rows = [_row(passed.rule, _why(passed.rule, passed.dimension)) for passed in explanation.earlier]
    if explanation.rule is not None:
        rows.append(_row(explanation.rule, "decides"))
    return table(_TRIED_COLUMNS, rows, f"(The exit point is {explanation.mode}: no rule is asked)")


def _why(rule: Rule, dimension: str) -> str:
    return "is not active" if rule.active is YesNo.NO else f"{KEYWORDS[dimension]} does not match"


def _row(rule: Rule, why: str) -> tuple[object, ...]:
    return (*rule_row(rule)[_TRIED], why)


COMMANDS: tuple[type[Command], ...] = (TestSocketRules,)
