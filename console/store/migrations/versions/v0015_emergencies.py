"""Revisions that override rules in an emergency: taken back as unconfirmed ones are, and never confirmed.

A migration is history: it spells its columns out and imports no table of today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what waits to be confirmed is no emergency.

    There are stores that were made while 0012 was still empty; they get its table here.
    """
    column = sa.Column("emergency", sa.Boolean(), nullable=False, server_default=sa.false())
    if sa.inspect(op.get_bind()).has_table("policy_confirmation"):
        op.add_column("policy_confirmation", column)
        return
    op.create_table(
        "policy_confirmation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("return_to", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        column,
        sa.PrimaryKeyConstraint("id"),
    )
