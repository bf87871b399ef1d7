"""The commands that ask about the policy as a whole and activate it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta

from sqlmodel import Session

from console.commands.audit import record
from console.commands.definition import Command, Context, Parameter, Result
from console.commands.host import groups_of, resolved
from console.commands.hypothetical import (
    CURRENT,
    NONE,
    one_address,
    one_port,
    one_program,
    one_user,
    port_number,
)
from console.commands.keywords import EXIT_POINT, TEXT, number, one_of, with_special
from console.commands.listing import RULE_COLUMNS, Column, rules_named, shown_sequence, table
from console.errors import CommandError, PolicyError
from console.journal.moments import LONGEST, check_moment, span_of
from console.messages import Message, describe, message
from console.model.words import IOSYSCFG, ExitPoint, YesNo
from console.policy.address_groups import GROUP_MARK, group_intervals
from console.policy.checks import KEYWORDS, warnings
from console.policy.compiler import compile_policy
from console.policy.decide import CompiledPolicy
from console.policy.difference import Change, Subject, compare
from console.policy.emergency import Emergency
from console.policy.explain import Explanation, explain
from console.policy.fields import address_intervals
from console.policy.image import check_image, what_is_not_seen
from console.policy.own_way import refusal_of_own_way
from console.policy.request import Request
from console.policy.routes import shadowed_entries
from console.policy.rule import Policy, Rule
from console.store.confirmation import ask_confirmation, forget_confirmation, waiting_confirmation
from console.store.emergencies import all_overridden, carry_over, lasting_overrides
from console.store.revisions import (
    activate,
    activate_policy,
    active_policy,
    fingerprint,
    lasting_policy,
    pending_policy,
    revision_policy,
)
from console.store.secrets import unseal_policy
from console.store.workers import is_in_kernel, is_running

PENDING = "*PENDING"
"""Special value of a policy: the one that is edited."""
ACTIVE = "*ACTIVE"
"""The one that decides."""

_SUBJECTS: Mapping[Subject, str] = {
    Subject.RULE: "rules",
    Subject.ADDRESS_GROUP: "address groups",
    Subject.TIME_GROUP: "time groups",
    Subject.EXIT_PROGRAM: "exit programs",
    Subject.SOCKS_ENTRY: "SOCKS entries",
    Subject.MODE: "modes",
    Subject.SETTING: "settings",
}
"""What `summary` counts, in this order, and what it calls several of them."""

_TRIED_COLUMNS = (*RULE_COLUMNS[1:10], Column("Why"))


def _one_time(value: str) -> str:
    return CURRENT if value.upper() == CURRENT else check_moment(value, "TIME")


_LONGEST_WAIT_MIN = 1440
ACTIVATION = (
    Parameter(
        "CONFIRM", "Minutes to confirm in", with_special(number("CONFIRM", 1, _LONGEST_WAIT_MIN), NONE), length=5,
        default=NONE, special=(NONE,), choices="1-1440, *NONE",
    ),
    Parameter("FORCE", "Keep yourself out", one_of("FORCE", tuple(YesNo)), default=YesNo.NO, special=tuple(YesNo),
              additional=True),
)  # fmt: skip
"""What commands that activate have in common."""


_GOES_ON = "The emergency goes on"
"""Text of the revision that overrides another one in an emergency that began before it."""


class ActivateSocketPolicy(Command):
    """Makes the pending policy the active one."""

    name = "ACTSOCPCY"
    text = "Activate Socket Policy"
    authority = (IOSYSCFG,)
    parameters = (TEXT, *ACTIVATION)
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Activate it, whole or not at all."""
        return activate_pending(context, values)


def activate_pending(context: Context, values: Mapping[str, str]) -> Result:
    """Make the pending policy the active one, whole or not at all.

    Args:
        context: Of the running command, its transaction open.
        values: TEXT, FORCE and CONFIRM.

    Raises:
        ConsoleError: It cannot be put in force as it is; nothing was changed.
    """
    with context.opened() as session:
        old_number, old = lasting_policy(session)
        new = resolved(pending_policy(session))
        compiled = compile_policy(new)  # what cannot be compiled must not become a revision that no guard can take
        unseen: tuple[str, ...] = ()
        if is_in_kernel(session):
            unseen = what_is_not_seen(compiled)
            check_image(compiled)  # nor one that the kernel engine of this store's worker would leave out
            if values["FORCE"] == YesNo.NO:
                check_own_way(compiled.at(now_of(context)), about=fingerprint(new))
        if context.answered_for not in ("", fingerprint(new)):
            raise CommandError("GWL0716")  # somebody has changed the policy between the question and the answer
        overrides = _overrides(session, values["CONFIRM"])
        unseal_policy(context.store.location, new)  # nor what holds a password that no worker can read
        changes = compare(old, new)
        if not changes and (dict(old.services), old.time_zone) == (dict(new.services), new.time_zone):
            return Result(messages=(message("GWL0149", revision=old_number),), changed=False)
        made = activate(
            session,
            services=new.services,
            user=context.user,
            at=context.clock(),
            text=values["TEXT"],
            time_zone=new.time_zone,
        )
        told = summary(changes)
        if overrides:
            done = _go_on_overriding(context, session, made, overrides, told)
        else:
            asked = _ask_confirmation(context, session, made, old_number, values["CONFIRM"])
            done = (*asked, message("GWL0148", revision=made, changes=told))
    record(
        context,
        f"Revision {made} activated: {told}",
        revision=made,
        before={"revision": old_number},
        after={
            "revision": made,
            "text": values["TEXT"],
            "confirm_minutes": values["CONFIRM"],
            "changes": [_as_data(change) for change in changes],
        },
    )
    return Result(messages=(*done, *map(message, unseen), *shadowed_messages(new)))


def _overrides(session: Session, confirm_minutes: str) -> dict[ExitPoint, Emergency]:
    """Return what the emergency overrides that lasts; what is activated in it is not to be confirmed, too.

    Raises:
        CommandError: It is: a store has one time limit.
    """
    row, overrides = waiting_confirmation(session), lasting_overrides(session)
    if row is not None and overrides and confirm_minutes != NONE:
        raise CommandError("GWL02A5", keyword="CONFIRM", time=f"{row.until.astimezone():%H:%M:%S}")
    return overrides


def _go_on_overriding(
    context: Context, session: Session, made: int, overrides: Mapping[ExitPoint, Emergency], told: str
) -> tuple[Message, ...]:
    """Have the emergency that lasts go on over a revision that was just made, which is in force after it."""
    policy = all_overridden(revision_policy(session, made), overrides)
    if is_in_kernel(session):
        check_image(compile_policy(policy))
    number = activate_policy(session, policy, user=context.user, at=context.clock(), text=_GOES_ON)
    until = carry_over(session, number=number, return_to=made)
    time = f"{until.astimezone():%H:%M:%S}"
    return (message("GWL02A6", number=made, override=number, time=time, changes=told),)


def _ask_confirmation(
    context: Context, session: Session, made: int, old_number: int, minutes: str
) -> tuple[Message, ...]:
    """Have the revision taken back unless it is confirmed, if that is wanted; else what waits is confirmed by this."""
    if minutes == NONE:
        forget_confirmation(session)
        return ()
    until = context.clock() + timedelta(minutes=int(minutes))
    return_to = ask_confirmation(session, number=made, return_to=old_number, until=until, user=context.user)
    check_return(session, return_to)
    time = f"{until.astimezone():%H:%M:%S}"
    if is_running(context.store, context.clock()):
        return (message("GWL0290", number=made, time=time, return_to=return_to),)
    return (message("GWL0291", number=made, time=time, return_to=return_to),)


def check_return(session: Session, number: int) -> None:
    """Check that a revision can be put in force everywhere when another is taken back, and nobody is there to ask.

    Raises:
        CommandError: The kernel engine of this store could not hold it.
    """
    if not is_in_kernel(session):
        return
    try:
        check_image(compile_policy(revision_policy(session, number)))
    except PolicyError as error:
        raise CommandError("GWL049E", number=number, reason=describe(error).text) from error


def check_own_way(compiled: CompiledPolicy, about: str = "") -> None:
    """Check that a policy for the whole system would let its operator come back.

    Args:
        compiled: The policy.
        about: What the console asks about instead of refusing; it comes back as `Context.answered_for`.

    Raises:
        CommandError: It would not.
    """
    connection = os.environ.get("SSH_CONNECTION", "")
    found = refusal_of_own_way(compiled, connection)
    if found is not None:
        exit_point, decision = found
        sequence = shown_sequence(decision.sequence)
        raise CommandError("GWL0487", sequence=sequence, exit_point=exit_point, connection=connection, about=about)


def summary(changes: Iterable[Change]) -> str:
    """Return what changed as one phrase: ``2 rules added, 1 rule changed``."""
    order = list(_SUBJECTS)
    counts = Counter((order.index(change.subject), change.kind.value) for change in changes)
    phrases = [
        f"{count} {order[at] if count == 1 else _SUBJECTS[order[at]]} {kind}"
        for (at, kind), count in sorted(counts.items())
    ]
    return ", ".join(phrases) or "services have other ports"


def _as_data(change: Change) -> dict[str, str]:
    return {"what": change.what, "kind": change.kind.value, "before": change.before, "after": change.after}


def shadowed_messages(policy: Policy) -> list[Message]:
    """Return a message for each rule that can never decide, and each SOCKS entry that no connection can take.

    And one for each address group without members that a rule names.

    Raises:
        PolicyError: A service name that is not among the services of the policy.
    """
    rules = [
        message("GWL021B", value=found.rule.sequence, exit_point=found.rule.exit_point, by=found.by.sequence)
        for found in warnings(policy)
    ]
    entries = [
        message("GWL024E", value=hidden.entry.sequence, by=hidden.by.sequence)
        for hidden in shadowed_entries(policy.socks, policy.services)
    ]
    return [*rules, *entries, *_empty_groups(policy)]


def _empty_groups(policy: Policy) -> list[Message]:
    found = []
    for group in policy.address_groups:
        said = GROUP_MARK + group.name
        rules = [rule for rule in policy.rules if said in (rule.local_address, rule.remote_address)]
        if rules and not group_intervals(group):
            found.append(message("GWL02C0", name=group.name, rules=rules_named(rules)))
    return found


def unused_groups(policy: Policy) -> list[Message]:
    """Return a message for each group that no rule names."""
    addresses = {value for rule in policy.rules for value in (rule.local_address, rule.remote_address)}
    times = {rule.time_group for rule in policy.rules}
    unused = [("Address", group.name) for group in policy.address_groups if GROUP_MARK + group.name not in addresses]
    unused += [("Time", group.name) for group in policy.time_groups if group.name not in times]
    return [message("GWL02CD", kind=kind, name=name) for kind, name in unused]


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


def now_of(context: Context) -> int:
    """Return what time it is, in nanoseconds since the epoch."""
    return time_of(context, CURRENT)


def time_of(context: Context, value: str) -> int:
    """Return a time that TSTSOCRUL asks about, in nanoseconds since the epoch."""
    now = context.clock()
    moment = now if value == CURRENT else span_of(value, now).start
    return int(moment.timestamp()) * 1_000_000_000


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
    return (
        shown_sequence(rule.sequence),
        rule.user,
        rule.local_address,
        rule.local_port,
        rule.remote_address,
        rule.remote_port,
        rule.program,
        rule.time_group,
        rule.action,
        why,
    )


COMMANDS: tuple[type[Command], ...] = (ActivateSocketPolicy, TestSocketRules)
