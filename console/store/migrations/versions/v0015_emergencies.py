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
    """Add the column; what waits to be confirmed is no emergency."""
    op.add_column(
        "policy_confirmation", sa.Column("emergency", sa.Boolean(), nullable=False, server_default=sa.false())
    )
