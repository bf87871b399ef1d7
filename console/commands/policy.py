"""The command that activates the pending policy, and what others that activate one have in common with it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta

from sqlmodel import Session

from console.commands.audit import record
from console.commands.definition import Command, Context, Parameter, Result
from console.commands.host import resolved
from console.commands.hypothetical import (
    NONE,
)
from console.commands.keywords import TEXT, number, one_of, with_special
from console.commands.listing import rules_named, shown_sequence
from console.errors import CommandError, PolicyError
from console.messages import Message, describe, message
from console.model.words import IOSYSCFG, ExitPoint, YesNo
from console.policy.address_groups import GROUP_MARK, group_intervals
from console.policy.checks import warnings
from console.policy.compiler import compile_policy
from console.policy.decide import CompiledPolicy
from console.policy.difference import Change, Subject, compare
from console.policy.emergency import Emergency
from console.policy.image import check_image, what_is_not_seen
from console.policy.own_way import refusal_of_own_way
from console.policy.routes import shadowed_entries
from console.policy.rule import Policy
from console.store.confirmation import ask_confirmation, forget_confirmation, waiting_confirmation
from console.store.emergencies import all_overridden, carry_over, lasting_overrides
from console.store.revisions import (
    activate,
    activate_policy,
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


def now_of(context: Context) -> int:
    """Return what time it is, in nanoseconds since the epoch."""
    return int(context.clock().timestamp()) * 1_000_000_000


COMMANDS: tuple[type[Command], ...] = (ActivateSocketPolicy,)
