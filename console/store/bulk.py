"""Many rows into a table at once, past SQLAlchemy's work on each value of each of them.

A statement inserts `GROUP` rows at once, which spares SQLite a start and an end for each; a value that is the same in
all of them can be handed over once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Table, insert

GROUP = 32
"""Rows of a statement: more are hardly faster, and SQLite's limit on values was 999 once (sqlite.org/limits.html)."""

Shape = tuple[int, ...]
"""Columns, in ascending order, whose values come once for all rows of a statement, before the others."""


class Together(NamedTuple):
    """Rows as they go to a driver that takes values by position."""

    runs: list[tuple[Shape, list[tuple[object, ...]]]]
    """Shapes, and the values of each `GROUP` rows that have it."""
    rest: list[tuple[object, ...]]
    """The rows after those, fewer than `GROUP`."""


def shapes_of(columns: tuple[str, ...], *alike: tuple[str, ...]) -> tuple[Shape, ...]:
    """Return the shapes of rows some of whose columns often have the same value in all of them.

    Args:
        columns: Names, in the order of the values.
        alike: Of those columns; the most comes first. Rows that have nothing in common come last.
    """
    return (*(tuple(sorted(map(columns.index, names))) for names in alike), ())


def insert_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Sequence[object]]
) -> None:
    """Insert rows.

    SQLAlchemy prepares each value of each row in Python, which takes longer than SQLite needs to store it. Where the
    driver takes parameters by position they go to it as they are.

    Args:
        connection: Where to.
        table: What into.
        columns: Names, in the order of the values.
        rows: Values as the driver takes them: numbers, texts, octets. Lists and tuples.
    """
    if not rows:
        return
    if not connection.dialect.positional:
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])
        return
    whole = len(rows) - len(rows) % GROUP
    groups = [tuple(chain.from_iterable(rows[at : at + GROUP])) for at in range(0, whole, GROUP)]
    runs: list[tuple[Shape, list[tuple[object, ...]]]] = [((), groups)] if groups else []
    insert_together(connection, table, columns, Together(runs, list(map(tuple, rows[whole:]))))


def insert_together(connection: Connection, table: Table, columns: tuple[str, ...], rows: Together) -> None:
    """Insert rows that were put together.

    Args:
        connection: Where to; its driver takes parameters by position.
        table: What into.
        columns: Names, in the order of the values.
        rows: Values as the driver takes them.
    """
    for shape, groups in rows.runs:
        connection.exec_driver_sql(_grouped(connection.dialect, table, columns, shape), groups)
    if rows.rest:
        connection.exec_driver_sql(_statement(connection.dialect, table, columns), rows.rest)


@cache
def _grouped(dialect: Dialect, table: Table, columns: tuple[str, ...], shape: Shape) -> str:
    """Return the statement for a group of rows: the values that come once are numbered first."""
    head, found, _ = _statement(dialect, table, columns).partition(" VALUES ")
    if not found:
        raise ValueError(f"no statement to insert several rows into {table.name} with")
    number = len(shape)
    made = []
    for _ in range(GROUP):
        row = []
        for column in range(len(columns)):
            number += column not in shape
            row.append(f"?{shape.index(column) + 1 if column in shape else number}")
        made.append(f"({', '.join(row)})")
    return f"{head} VALUES {', '.join(made)}"


@cache
def _statement(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    compiled_insert: Any = insert(table).compile(dialect=dialect, column_keys=list(columns))
    order = tuple(compiled_insert.positiontup or ())
    if order != columns:
        raise ValueError(f"the columns of {table.name} are not in the order of the values: {order}")
    return str(compiled_insert)
