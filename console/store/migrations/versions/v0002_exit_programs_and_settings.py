"""Exit programs and settings of the pending policy; an older store has no programs, and the settings it acted by."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the two tables, the one row of the settings in it."""
    op.create_table(
        "pending_exit_program",
        sa.Column("exit_point", sa.String(10), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("program", sa.String(128), nullable=False),
        sa.Column("time_limit_ms", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(50), nullable=False),
    )
    settings = op.create_table(
        "pending_settings",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("udp", sa.String(10), nullable=False),
        sa.Column("raw_sockets", sa.String(10), nullable=False),
    )
    op.bulk_insert(settings, [{"id": 1, "udp": "*IGNORE", "raw_sockets": "*REFUSE"}])
