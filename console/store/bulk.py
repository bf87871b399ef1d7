"""Many rows into a table at once, past SQLAlchemy's work on each value of each of them.

A statement inserts `_GROUP` rows at once, which spares SQLite a start and an end for each; a value that is the same in
all of them is handed over once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table, insert

from console import compiled

_GROUP = 32
"""Rows of a statement: more are hardly faster, and SQLite's limit on values was 999 once (sqlite.org/limits.html)."""

Alike = tuple[tuple[str, ...], ...]
"""Columns that often have the same value in many rows: sets that are tried one after the other."""


def insert_rows(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[Sequence[object]],
    *,
    alike: Alike = (),
) -> None:
    """Insert rows.

    SQLAlchemy prepares each value of each row in Python, which takes longer than SQLite needs to store it. Where the
    driver takes parameters by position they go to it as they are.

    Args:
        connection: Where to.
        table: What into.
        columns: Names, in the order of the values.
        rows: Values as the driver takes them: numbers, texts, octets. Lists and tuples.
        alike: Columns that often have the same value in many rows.
    """
    if not rows:
        return
    if not connection.dialect.positional:
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])
        return
    whole = len(rows) - len(rows) % _GROUP
    for shape, group in groupby(_groups(rows, whole, columns, alike), itemgetter(0)):
        # SQLAlchemy takes nothing but tuples.
        connection.exec_driver_sql(_grouped(connection.dialect, table, columns, shape), [each for _, each in group])
    if whole < len(rows):
        rest = list(map(tuple, rows[whole:]))
        connection.exec_driver_sql(_statement(connection.dialect, table, columns), rest)


def _groups(
    rows: Sequence[Sequence[object]], whole: int, columns: tuple[str, ...], alike: Alike
) -> Iterator[tuple[tuple[int, ...], tuple[object, ...]]]:
    """Yield the columns whose values come once, and the values, of each group of rows."""
    native = compiled.journalling
    if native is None or not isinstance(rows, list):
        for at in range(0, whole, _GROUP):
            yield (), tuple(chain.from_iterable(rows[at : at + _GROUP]))
        return
    shapes = [*_places(columns, alike), ()]
    for at in range(0, whole, _GROUP):
        for shape in shapes:
            values = native.flat(rows, at, _GROUP, len(columns), shape)
            if values is not None:
                yield shape, values
                break


@cache
def _places(columns: tuple[str, ...], alike: Alike) -> list[tuple[int, ...]]:
    return [tuple(sorted(map(columns.index, names))) for names in alike]


@cache
def _grouped(dialect: Dialect, table: Table, columns: tuple[str, ...], shape: tuple[int, ...]) -> str:
    """Return the statement for a group of rows: the values that come once are numbered first."""
    head, found, _ = _statement(dialect, table, columns).partition(" VALUES ")
    if not found:
        raise ValueError(f"no statement to insert several rows into {table.name} with")
    number = len(shape)
    made = []
    for _ in range(_GROUP):
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
