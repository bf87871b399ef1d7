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
    _receiver_columns()
    op.create_table(
        "journal_checkpoint",
        sa.Column("number", _counter(), primary_key=True, autoincrement=False),
        sa.Column("sequence_number", _counter(), nullable=False),
        sa.Column("chain_hash", sa.String(64), nullable=False),
        sa.Column("made_at", _moment(), nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
    )
    op.create_table(
        "journal",
        sa.Column("name", sa.String(10), primary_key=True),
        sa.Column("threshold_kb", _counter(), nullable=False),
        sa.Column("manage_receivers", sa.String(10), nullable=False),
        sa.Column("delete_receivers", sa.String(10), nullable=False),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.Column("keep_kb", _counter(), nullable=False),
        sa.Column("warned_receiver", sa.String(10), nullable=False),
    )


def _receiver_columns() -> None:
    """Add what the defaults are right for: the one receiver of a store of before began the chain."""
    op.add_column("receiver", sa.Column("before_hash", sa.String(64), nullable=False, server_default="0" * 64))
    op.add_column("receiver", sa.Column("size_bytes", _counter(), nullable=False, server_default="0"))
    op.add_column("receiver", sa.Column("checkpoints", _counter(), nullable=False, server_default="0"))
    op.add_column("receiver", sa.Column("saved_at", _moment(), nullable=True))
    op.add_column("receiver", sa.Column("deleted_at", _moment(), nullable=True))
    op.add_column("receiver", sa.Column("purged", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("receiver", sa.Column("signature", sa.String(128), nullable=False, server_default=""))
