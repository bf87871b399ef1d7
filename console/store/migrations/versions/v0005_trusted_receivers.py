"""Receivers that are sealed, checkpoints, and what finds entries in a large journal.

A migration is history: it spells its columns out and imports no table of today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_REPLACED = ("type", "outcome", "user_name", "remote_address")


def _counter() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, and remove the indexes that they replace. The worker fills them, block by block."""
    for name in _REPLACED:
        op.drop_index(f"ix_journal_entry_{name}", "journal_entry")
    op.create_table(
        "journal_block",
        sa.Column("block", _counter(), primary_key=True, autoincrement=False),
        sa.Column("first_time", _moment(), nullable=True),
        sa.Column("last_time", _moment(), nullable=True),
    )
    op.create_table(
        "journal_index",
        sa.Column("block", _counter(), primary_key=True, autoincrement=False),
        sa.Column("field", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
