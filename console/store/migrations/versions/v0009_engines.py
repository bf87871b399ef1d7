"""Which engine a worker has besides the guards.

A migration is history: it spells its columns out and imports no table of today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the workers that there were had none."""
    op.add_column("worker", sa.Column("cgroup", sa.String(4096), nullable=False, server_default=""))
