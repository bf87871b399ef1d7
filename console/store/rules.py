"""The rules of the pending policy: read, add, change, remove, renumber. Values arrive checked and canonical."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields

import sqlalchemy
from sqlalchemy import delete
from sqlmodel import Session, col, select

from console.errors import StoreError
from console.model.pending import PendingRule
from console.model.words import DEFAULT_SEQUENCE, ExitPoint
from console.policy.rule import Rule

STEP = 10
"""Between the sequence numbers that are given out, so that a rule can be put between two others."""

_COLUMNS = [PendingRule.metadata.tables["pending_rule"].c[field.name] for field in fields(Rule)]


def list_rules(session: Session, exit_point: ExitPoint | None = None) -> list[Rule]:
    """Return the pending rules in order, of one exit point or of all; default rules included."""
    # Columns and not rows: of ten thousand rules a panel wants values, and SQLAlchemy would track each row for changes.
    query = sqlalchemy.select(*_COLUMNS).order_by(col(PendingRule.exit_point), col(PendingRule.sequence))
    if exit_point is not None:
        query = query.where(col(PendingRule.exit_point) == exit_point)
    return [Rule(*values) for values in session.execute(query)]


def get_rule(session: Session, exit_point: ExitPoint, sequence: int) -> Rule:
    """Return a pending rule.

    Raises:
        StoreError: There is no such rule.
    """
    return _rule(_row(session, exit_point, sequence))


def next_sequence(session: Session, exit_point: ExitPoint) -> int:
    """Return the first multiple of ten after the last rule of an exit point.

    Raises:
        StoreError: There is none before the default rule.
    """
    query = (
        select(PendingRule.sequence)
        .where(col(PendingRule.exit_point) == exit_point, col(PendingRule.sequence) < DEFAULT_SEQUENCE)
        .order_by(col(PendingRule.sequence).desc())
        .limit(1)
    )
    last = session.exec(query).first() or 0
    following = (last // STEP + 1) * STEP
    if following >= DEFAULT_SEQUENCE:
        raise StoreError("GWL0323", exit_point=exit_point)
    return following


def add_rule(session: Session, rule: Rule) -> None:
    """Add a rule to the pending policy.

    Raises:
        StoreError: There is one with its sequence number.
    """
    if session.get(PendingRule, (rule.exit_point, rule.sequence)) is not None:
        raise StoreError("GWL0320", exit_point=rule.exit_point, sequence=rule.sequence)
    session.add(_new_row(rule))
    session.flush()


def change_rule(session: Session, rule: Rule) -> None:
    """Replace the pending rule that has the same exit point and sequence number.

    Raises:
        StoreError: There is no such rule.
    """
    _row(session, rule.exit_point, rule.sequence)
    session.merge(_new_row(rule))
    session.flush()


def remove_rule(session: Session, exit_point: ExitPoint, sequence: int) -> None:
    """Remove a rule from the pending policy.

    Raises:
        StoreError: There is no such rule, or it is the default rule.
    """
    row = _row(session, exit_point, sequence)
    if sequence == DEFAULT_SEQUENCE:
        raise StoreError("GWL0322", exit_point=exit_point)
    session.delete(row)
    session.flush()


def renumber_rules(session: Session, exit_point: ExitPoint, *, start: int = STEP, step: int = STEP) -> int:
    """Number the rules of an exit point anew, in their order; the default rule keeps its number.

    Args:
        session: An open transaction.
        exit_point: Whose rules.
        start: Number of the first.
        step: From each to the next.

    Returns:
        How many rules have another number now.

    Raises:
        StoreError: The last would reach the default rule.
    """
    rules = [rule for rule in list_rules(session, exit_point) if rule.sequence != DEFAULT_SEQUENCE]
    numbers = range(start, start + step * len(rules), step)
    if rules and numbers[-1] >= DEFAULT_SEQUENCE:
        raise StoreError("GWL0324", exit_point=exit_point, start=start, step=step, last=numbers[-1])
    query = delete(PendingRule).where(
        col(PendingRule.exit_point) == exit_point, col(PendingRule.sequence) != DEFAULT_SEQUENCE
    )
    session.execute(query, execution_options={"synchronize_session": "fetch"})
    for rule, number in zip(rules, numbers, strict=True):
        session.add(PendingRule.model_validate({**asdict(rule), "sequence": number}))
    session.flush()
    return sum(rule.sequence != number for rule, number in zip(rules, numbers, strict=True))


def replace_rules(session: Session, rules: Iterable[Rule]) -> None:
    """Make these the pending rules; the caller sees to it that each exit point has its default rule."""
    session.execute(delete(PendingRule), execution_options={"synchronize_session": "fetch"})
    session.add_all(_new_row(rule) for rule in rules)
    session.flush()


def _row(session: Session, exit_point: ExitPoint, sequence: int) -> PendingRule:
    row = session.get(PendingRule, (exit_point, sequence))
    if row is None:
        raise StoreError("GWL0321", exit_point=exit_point, sequence=sequence)
    return row


def _new_row(rule: Rule) -> PendingRule:
    return PendingRule.model_validate(asdict(rule))


def _rule(row: PendingRule) -> Rule:
    return Rule(**row.model_dump())
