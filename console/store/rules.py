"""The rules of the pending policy: read, add, change, remove, renumber. Values arrive checked and canonical."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from typing import Any, overload

import sqlalchemy
from sqlalchemy import Enum, String, delete, func, type_coerce
from sqlmodel import Session, col, select

from console.errors import StoreError
from console.model.pending import PendingRule
from console.model.words import DEFAULT_SEQUENCE, ExitPoint
from console.policy.rule import Rule
from console.store.session import unchanged_mark

STEP = 10
"""Between the sequence numbers that are given out, so that a rule can be put between two others."""

_COLUMNS = [PendingRule.metadata.tables["pending_rule"].c[field.name] for field in fields(Rule)]
_WORDS: Sequence[tuple[int, dict[str, object]]] = [
    (place, {str(word.value): word for word in column.type.enum_class})
    for place, column in enumerate(_COLUMNS)
    if isinstance(column.type, Enum) and column.type.enum_class is not None
]
"""Place of a field that holds a word -> what the word stands for."""
# Columns and not rows, and words as text: a panel wants a page out of ten thousand rules. SQLAlchemy would track each
# row for changes, and look every word up.
_VALUES = [type_coerce(column, String()) if isinstance(column.type, Enum) else column for column in _COLUMNS]
_Values = tuple[object, ...]
_KEPT = "greenwall_rule_rows"
"""Where a connection keeps the rules that were last read over it."""


class RuleRows(Sequence[Rule]):
    """Rules as they were read; each is made when it is asked for."""

    def __init__(self, values: Sequence[_Values], url: str) -> None:
        self._values = values
        self._url = url
        """Of the store, to say where a damaged row is."""

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, index: int) -> Rule: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Rule]: ...
    def __getitem__(self, index: int | slice) -> Rule | Sequence[Rule]:
        if isinstance(index, slice):
            return [_rule_of(values, self._url) for values in self._values[index]]
        return _rule_of(self._values[index], self._url)

    def __iter__(self) -> Iterator[Rule]:
        return (_rule_of(values, self._url) for values in self._values)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, RuleRows) and self._values == other._values)

    def __hash__(self) -> int:
        return hash(len(self._values))

    def of(self, exit_point: ExitPoint) -> RuleRows:
        """Return the rules of one exit point."""
        wanted = exit_point.value
        return RuleRows([values for values in self._values if values[0] == wanted], self._url)


def rule_rows(session: Session) -> RuleRows:
    """Return the pending rules in order, to look at some of them or to compare all with what they were."""
    mark = unchanged_mark(session)
    kept = session.connection().connection.info
    before: tuple[object, RuleRows] | None = kept.get(_KEPT)
    if before is not None and mark is not None and before[0] == mark:
        return before[1]
    query = sqlalchemy.select(*_VALUES).order_by(col(PendingRule.exit_point), col(PendingRule.sequence))
    rows = RuleRows(list(map(tuple, session.connection().execute(query))), _url(session))
    if mark is not None:
        kept[_KEPT] = (mark, rows)
    return rows


def count_rules(session: Session) -> dict[ExitPoint, int]:
    """Return how many pending rules each exit point has, default rules included."""
    query = select(PendingRule.exit_point, func.count()).group_by(col(PendingRule.exit_point))
    return {ExitPoint(point): count for point, count in session.exec(query)}


def list_rules(session: Session, exit_point: ExitPoint | None = None) -> list[Rule]:
    """Return the pending rules in order, of one exit point or of all; default rules included.

    Raises:
        StoreError: A row is damaged.
    """
    query = sqlalchemy.select(*_VALUES).order_by(col(PendingRule.exit_point), col(PendingRule.sequence))
    if exit_point is not None:
        query = query.where(col(PendingRule.exit_point) == exit_point)
    url = _url(session)
    return [_rule_of(values, url) for values in session.execute(query)]


def _url(session: Session) -> str:
    return session.get_bind().engine.url.render_as_string(hide_password=True)


def _rule_of(values: Iterable[object], url: str) -> Rule:
    made: list[Any] = list(values)
    for place, words in _WORDS:
        word = words.get(made[place])
        if word is None:
            raise StoreError("GWL0310", url=url, reason=f"a row in it is damaged: {made[place]!r} is none of its words")
        made[place] = word
    return Rule(*made)


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
