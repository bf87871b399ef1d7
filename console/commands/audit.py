"""What administration leaves in the audit journal: GR entries with the values before and after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from console.commands.definition import Context
from console.policy.checks import rule_fields
from console.policy.difference import Kind
from console.policy.rule import Rule
from console.store.outbox import add_audit

GR_TYPES: Mapping[Kind, str] = MappingProxyType({Kind.ADDED: "A", Kind.CHANGED: "R", Kind.REMOVED: "D"})
"""What happened to an exit program -> type of its GR entry. Source: QASYGRJ5, entry type."""


def record_rule(context: Context, text: str, *, before: Rule | None, after: Rule | None) -> None:
    """Record that a rule was added, changed or removed.

    Args:
        context: That of the running command.
        text: One line for people.
        before: The rule as it was, None if it was not.
        after: The rule as it is, None if it is no more.
    """
    rule = after or before
    record(
        context,
        text,
        exit_point="" if rule is None else rule.exit_point.value,
        before=rule_fields(before) if before is not None else None,
        after=rule_fields(after) if after is not None else None,
    )


def record(
    context: Context,
    text: str,
    *,
    exit_point: str = "",
    revision: int = 0,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    gr_type: str = "",
) -> None:
    """Record a change with its values; they become the entry's detail, as JSON with the names of the policy document.

    Args:
        context: That of the running command, its transaction open: without one the entry would be lost.
        text: One line for people.
        exit_point: The exit point concerned, if it is one.
        revision: The revision concerned, if it is one.
        before: What it was.
        after: What it is.
        gr_type: Type of the GR entry, where IBM i has one for such a change: ``A`` exit program added.
    """
    if context.session is None:
        raise RuntimeError("what is recorded needs the transaction of the change")
    detail = {**({"type": gr_type} if gr_type else {}), "before": before, "after": after}
    add_audit(
        context.session,
        "GR",
        at=context.clock(),
        user=context.user,
        job=context.job,
        text=text,
        detail=json.dumps(detail, ensure_ascii=False),
        exit_point=exit_point,
        revision=revision,
    )
