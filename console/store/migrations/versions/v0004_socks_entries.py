"""SOCKS entries of the pending policy; an older store has none, and its connections all go directly."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "pending_socks_entry",
        sa.Column("sequence", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("remote_address", sa.String(96), nullable=False),
        sa.Column("remote_port", sa.String(32), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("type", sa.String(10), nullable=False),
        sa.Column("servers", sa.String(2400), nullable=False),
        sa.Column("version", sa.String(10), nullable=False),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("sealed_password", sa.String(1024), nullable=False),
        sa.Column("time_limit_ms", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(50), nullable=False),
    )
