"""The command that compares two policies: what an activation would change, and what one did change."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlmodel import Session

from console.commands.definition import Command, Context, Parameter, Result
from console.commands.keywords import with_special
from console.commands.listing import Column, table
from console.commands.policy import ACTIVE, PENDING, summary
from console.errors import CommandError
from console.messages import message
from console.policy.difference import compare
from console.policy.fields import whole_number
from console.policy.rule import Policy
from console.store.revisions import active_policy, pending_policy, revision_policy

_LAST_NUMBER = 2_147_483_647
_COLUMNS = (Column("Change"), Column("What"), Column("Before"), Column("After"))


def one_policy(keyword: str) -> Callable[[str], str]:
    """Return the check of a revision's number, or of a word for a policy."""

    def check(value: str) -> str:
        found = whole_number(value, 1, _LAST_NUMBER)
        if found is None:
            allowed = f"{ACTIVE}, {PENDING}, 1-{_LAST_NUMBER}"
            raise CommandError("GWL0113", keyword=keyword, value=value, allowed=allowed)
        return found

    return with_special(check, ACTIVE, PENDING)


def _policy_parameter(keyword: str, prompt: str, default: str) -> Parameter:
    return Parameter(
        keyword, prompt, one_policy(keyword), default=default, special=(ACTIVE, PENDING),
        choices="Revision, *ACTIVE, *PENDING",
    )  # fmt: skip


class CompareSocketPolicies(Command):
    """Says what changes from one policy to another."""

    name = "CMPSOCPCY"
    text = "Compare Socket Policies"
    authority = ()
    parameters = (
        _policy_parameter("FROM", "From policy", ACTIVE),
        _policy_parameter("TO", "To policy", PENDING),
    )
    positional = 2

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Compare them."""
        with context.opened() as session:
            (old_name, old), (new_name, new) = (named_policy(session, values[keyword]) for keyword in ("FROM", "TO"))
        changes = compare(old, new)
        if not changes and (PENDING in values.values() or dict(old.services) == dict(new.services)):
            told = "nothing differs"
        else:
            told = summary(changes)
        rows = [(change.kind.value.capitalize(), change.what, change.before, change.after) for change in changes]
        lines = table(_COLUMNS, rows) if rows else ()
        done = message("GWL017B", old=old_name, new=new_name, changes=told)
        return Result((done,), lines, "DisplayComparison" if rows else "", dict(values))


def named_policy(session: Session, which: str) -> tuple[str, Policy]:
    """Return a policy, and what a message calls it.

    Raises:
        StoreError: There is no such revision, or it cannot be read.
    """
    if which == PENDING:
        return "the pending policy", pending_policy(session)
    number, policy = active_policy(session) if which == ACTIVE else (int(which), revision_policy(session, int(which)))
    return f"revision {number}", policy


COMMANDS: tuple[type[Command], ...] = (CompareSocketPolicies,)
