"""Many rows into a table at once, past SQLAlchemy's work on each value of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import Connection, Dialect, Table, insert


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
        rows: Values as the driver takes them: numbers, texts, octets.
    """
    if not rows:
        return
    if not connection.dialect.positional:
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])
        return
    # SQLAlchemy takes nothing but tuples.
    connection.exec_driver_sql(_statement(connection.dialect, table, columns), list(map(tuple, rows)))


@cache
def _statement(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    compiled = insert(table).compile(dialect=dialect, column_keys=list(columns))
    order = tuple(compiled.positiontup or ())
    if order != columns:
        raise ValueError(f"the columns of {table.name} are not in the order of the values: {order}")
    return str(compiled)
