"""Conditions on texts that operators give: whole, or generic, with ``*`` at the end."""

from __future__ import annotations

from sqlalchemy import ColumnElement, SQLColumnExpression

WILD = "*"
ESCAPE = "\\"


def matches(column: SQLColumnExpression[str], value: str) -> ColumnElement[bool]:
    """Return the condition that a column has a value, or begins as a generic one does."""
    # "*ALLOWED" begins with the wild character: only one at the end makes a value generic.
    if len(value) > 1 and value.endswith(WILD):
        return column.like(literal(value[:-1]) + "%", escape=ESCAPE)
    return column == value


def literal(text: str) -> str:
    """Return a text as it stands in a LIKE pattern, for itself."""
    return text.replace(ESCAPE, ESCAPE * 2).replace("%", "\\%").replace("_", "\\_")
