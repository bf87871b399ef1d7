"""The index of 32 blocks of the journal in one: the blocks of an older store are brought together by the worker.

A migration is history: it spells its columns out and imports no table of today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and the column that says which blocks are in it: none."""
    counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("journal_block", sa.Column("grouped", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "journal_group",
        sa.Column("number", counter, primary_key=True, autoincrement=False),
        sa.Column("field", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
    )
