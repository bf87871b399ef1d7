"""Address groups and time groups of the pending policy; the rules of an older store hold always.

A migration is history: it spells its columns out and imports no table of today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and the column of the rules."""
    op.add_column("pending_rule", sa.Column("time_group", sa.String(16), nullable=False, server_default="*ANY"))
    op.create_table(
        "pending_address_group",
        sa.Column("name", sa.String(10), primary_key=True),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("text", sa.String(50), nullable=False),
    )
    op.create_table(
        "pending_time_group",
        sa.Column("name", sa.String(10), primary_key=True),
        sa.Column("days", sa.String(40), nullable=False),
        sa.Column("times", sa.String(300), nullable=False),
        sa.Column("from_date", sa.String(10), nullable=False),
        sa.Column("to_date", sa.String(10), nullable=False),
        sa.Column("time_zone", sa.String(40), nullable=False),
        sa.Column("text", sa.String(50), nullable=False),
    )
