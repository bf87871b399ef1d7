"""The commands on revisions: which there are, what one holds, going back to one, confirming one, a policy to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from console.commands.audit import record
from console.commands.authority import lacking
from console.commands.definition import Choice, Command, Context, Parameter, Result
from console.commands.jobs import moment
from console.commands.keywords import TEXT, number, one_of, with_special
from console.commands.listing import Column, program_list, rule_list, socks_list, table
from console.commands.output_file import REPLACE, TO_FILE, output_path, written
from console.commands.policy import ACTIVATION, ACTIVE, PENDING, activate_pending, summary
from console.commands.policy_compare import named_policy, one_policy
from console.errors import CommandError
from console.messages import message
from console.model.words import ALLOBJ, IOSYSCFG, YesNo
from console.policy.difference import compare
from console.policy.document import render
from console.policy.rule import Policy
from console.printable import printable
from console.store.confirmation import forget_confirmation, waiting_confirmation
from console.store.revisions import (
    RevisionHead,
    active_number,
    active_policy,
    list_revisions,
    pending_policy,
    revision_policy,
    set_pending,
)
from console.store.secrets import unseal_policy

CONFIRM, OVERRIDE = "*CONFIRM", "*OVERRIDE"
_PREVIOUS = "*PRV"
_LAST_NUMBER = 2_147_483_647
_COLUMNS = (Column("Revision", right=True), Column("Status"), Column("Made"), Column("By"), Column("Text"))


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """One revision, as lists show it."""

    head: RevisionHead
    status: str
    """``*ACTIVE``; ``*CONFIRM`` while it is active and waits to be confirmed, ``*OVERRIDE`` while it is active in an
    emergency; empty for all others."""


def revision_rows(context: Context) -> tuple[list[RevisionRow], datetime | None]:
    """Return the revisions, newest first, and when the active one is taken back, if it is.

    Raises:
        StoreError: The store cannot be read.
    """
    with context.opened() as session:
        active = active_number(session)
        waiting = waiting_confirmation(session)
        status = ACTIVE if waiting is None else OVERRIDE if waiting.emergency else CONFIRM
        rows = [RevisionRow(head, status if head.number == active else "") for head in list_revisions(session)]
        return rows, None if waiting is None else waiting.until


def _revisions(context: Context) -> list[Choice]:
    rows, _ = revision_rows(context)
    return [Choice(str(row.head.number), printable(f"{moment(row.head.made_at)} {row.head.text}")) for row in rows]


class WorkWithSocketPolicies(Command):
    """Shows the revisions of the policy."""

    name = "WRKSOCPCY"
    text = "Work with Socket Policies"
    authority = ()

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        rows, _ = revision_rows(context)
        cells = [
            (row.head.number, row.status, moment(row.head.made_at), row.head.made_by, row.head.text) for row in rows
        ]
        return Result(lines=table(_COLUMNS, cells), panel="WorkWithPolicies", arguments=dict(values))


class DisplaySocketPolicy(Command):
    """Shows what a revision holds."""

    name = "DSPSOCPCY"
    text = "Display Socket Policy"
    authority = ()
    parameters = (
        Parameter(
            "POLICY", "Policy", one_policy("POLICY"), default=ACTIVE, special=(ACTIVE, PENDING),
            choices="Revision, *ACTIVE, *PENDING", list_values=_revisions,
        ),
    )  # fmt: skip

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        head, policy = headed_policy(context, values["POLICY"])
        return Result(lines=(head, *policy_lines(policy)), panel="DisplayPolicy", arguments=dict(values))


def headed_policy(context: Context, which: str) -> tuple[str, Policy]:
    """Return a policy, and in a line which it is, when it was made, by whom and what for.

    Args:
        context: Reads the store.
        which: ``*ACTIVE``, ``*PENDING``, or the number of a revision.

    Raises:
        StoreError: There is no such revision, or it cannot be read.
    """
    with context.opened() as session:
        name, policy = named_policy(session, which)
        heads = {f"revision {head.number}": head for head in list_revisions(session)}
    head = heads.get(name)
    made = "" if head is None else f", made {moment(head.made_at)} by {head.made_by}: {head.text}".rstrip(": ")
    return printable(f"{name.capitalize()}{made}"), policy


def policy_lines(policy: Policy) -> tuple[str, ...]:
    """Return what a policy holds as a readable list: modes, settings, groups, rules, exit programs, SOCKS entries."""
    modes = ", ".join(f"{point} {mode}" for point, mode in sorted(policy.modes.items()))
    groups = [
        printable(f"Address group {group.name}: {', '.join(map(str, group.members))}")
        for group in policy.address_groups
    ]
    groups += [printable(f"Time group {group.name}: {group.text}".removesuffix(": ")) for group in policy.time_groups]
    return (
        f"Modes: {modes}. Datagrams: UDP({policy.udp.value}). Raw sockets: {policy.raw_sockets.value}.",
        *groups,
        "",
        *rule_list(policy.rules),
        *(("", *program_list(policy.exit_programs)) if policy.exit_programs else ()),
        *(("", *socks_list(policy.socks)) if policy.socks else ()),
    )


class RollBackSocketPolicy(Command):
    """Makes what an older revision holds the pending policy, and activates it."""

    name = "RBKSOCPCY"
    text = "Roll Back Socket Policy"
    authority = (IOSYSCFG,)
    parameters = (
        Parameter(
            "REVISION", "Revision to go back to", with_special(number("REVISION", 1, _LAST_NUMBER), _PREVIOUS),
            default=_PREVIOUS, special=(_PREVIOUS,), choices="Number, *PRV, F4 for list", list_values=_revisions,
        ),
        Parameter(
            "ACTIVATE", "Activate it", one_of("ACTIVATE", tuple(YesNo)), default=YesNo.YES, special=tuple(YesNo),
        ),
        TEXT,
        *ACTIVATION,
    )  # fmt: skip
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Go back to it, whole or not at all."""
        with context.opened() as session:
            wanted = _before(active_number(session)) if values["REVISION"] == _PREVIOUS else int(values["REVISION"])
            policy, before = revision_policy(session, wanted), pending_policy(session)
            _check_programs(context, policy, (before, active_policy(session)[1]))
            changes = compare(before, policy)
            set_pending(session, replace(policy, services={}))
        if changes:
            record(
                context,
                f"Pending policy made what revision {wanted} is: {summary(changes)}",
                before={"changes": [f"{change.what}: {change.before}" for change in changes]},
                after={"revision": wanted},
            )
        loaded = message("GWL0292", number=wanted, changes=summary(changes) if changes else "nothing changed")
        if values["ACTIVATE"] == YesNo.NO:
            return Result(messages=(loaded,), changed=bool(changes))
        text = values["TEXT"] or f"Revision {wanted} again"
        done = activate_pending(context, {**values, "TEXT": text})
        return replace(done, messages=(*done.messages, loaded), changed=bool(changes) or done.changed)


def _check_programs(context: Context, policy: Policy, there: Sequence[Policy]) -> None:
    """Check that who brings exit programs back may add them: they are code that runs as the users of jobs do, or root.

    Args:
        context: Whose.
        policy: That is gone back to.
        there: The pending and the active one, whose exit programs somebody with that authority has added.

    Raises:
        AuthorityError: There is one that is in neither, and *ALLOBJ is missing.
    """
    known = {(each.exit_point, each.program) for other in there for each in other.exit_programs}
    is_new = any((each.exit_point, each.program) not in known for each in policy.exit_programs)
    if is_new and ALLOBJ not in context.authorities:
        raise lacking(RollBackSocketPolicy.name, (ALLOBJ,))


def _before(active: int) -> int:
    """Return the number of the revision before the active one.

    Raises:
        CommandError: There is none.
    """
    if active <= 1:
        raise CommandError("GWL0293", keyword="REVISION")
    return active - 1


class ConfirmSocketPolicy(Command):
    """Lets the active revision stay, which would be taken back otherwise."""

    name = "CFMSOCPCY"
    text = "Confirm Socket Policy"
    authority = (IOSYSCFG,)
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Confirm it."""
        del values
        with context.opened() as session:
            waiting = waiting_confirmation(session)
            if waiting is None:
                raise CommandError("GWL0295")
            if waiting.emergency:
                raise CommandError("GWL02A4", number=waiting.number)
            revision, return_to = waiting.number, waiting.return_to
            forget_confirmation(session)
        record(
            context,
            f"Revision {revision} confirmed",
            revision=revision,
            before={"return_to": return_to},
            after={"revision": revision},
        )
        return Result(messages=(message("GWL0296", number=revision),))


class ExportSocketPolicy(Command):
    """Writes a policy to a file, as ``greenwall policy export`` does."""

    name = "EXPSOCPCY"
    text = "Export Socket Policy"
    authority = ()
    parameters = (
        replace(TO_FILE, additional=False),
        Parameter(
            "POLICY", "Policy", one_policy("POLICY"), default=PENDING, special=(PENDING, ACTIVE),
            choices="Revision, *PENDING, *ACTIVE", list_values=_revisions,
        ),
        replace(REPLACE, additional=False),
        Parameter("SECRETS", "With passwords, in clear", one_of("SECRETS", tuple(YesNo)), default=YesNo.NO,
                  special=tuple(YesNo), additional=True),
    )  # fmt: skip
    positional = 2
    changes = True

    @classmethod
    def further_authority(cls, context: Context, values: Mapping[str, str]) -> tuple[str, ...]:
        """Passwords in clear are for who may set them, and more."""
        del context
        return (ALLOBJ, IOSYSCFG) if values["SECRETS"] == YesNo.YES else ()

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Write the file; that passwords left the store is audited."""
        has_secrets = values["SECRETS"] == YesNo.YES
        with context.opened() as session:
            name, policy = named_policy(session, values["POLICY"])
        if has_secrets:
            policy = unseal_policy(context.store.location, policy)
        path = output_path(context, values, "yaml")
        with written(path, replace=values["REPLACE"] == YesNo.YES) as file:
            file.write(render(replace(policy, modes=dict(policy.modes)), secrets=has_secrets))
        done = message("GWL0297", path=path, name=name, count=len(policy.rules))
        return Result(messages=(done,), changed=has_secrets)


COMMANDS: tuple[type[Command], ...] = (
    WorkWithSocketPolicies,
    DisplaySocketPolicy,
    RollBackSocketPolicy,
    ConfirmSocketPolicy,
    ExportSocketPolicy,
)
