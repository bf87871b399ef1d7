"""Column types that several tables share; knows no table."""

from enum import StrEnum

from sqlalchemy import BigInteger, Enum, Integer
from sqlalchemy.types import TypeEngine

COUNTER: TypeEngine[int] = BigInteger().with_variant(Integer, "sqlite")
"""A number that grows for ever. On SQLite the type must read INTEGER, or a primary key is not the row id."""


def words(vocabulary: type[StrEnum]) -> Enum:
    """Return a column type that stores the operator's words.

    SQLAlchemy would store the names of the members (``ACCEPT``); exports and people who read the file with other tools
    want the words themselves (``*ACCEPT``).
    """
    return Enum(
        vocabulary,
        values_callable=lambda members: [member.value for member in members],
        native_enum=False,
        create_constraint=False,
        length=10,
    )
