"""The kernel engine: up to where its ring buffers are written, where its rules hold, and what it does.

A migration is history: it spells its columns out and imports no table of today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables. An engine that was attached before has enforced its policy, and goes on so."""
    op.create_table(
        "kernel_ring",
        sa.Column("ring", sa.String(64), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("ring"),
    )
    op.create_table(
        "kernel_cgroup",
        sa.Column("cgroup", sa.String(4096), nullable=False),
        sa.PrimaryKeyConstraint("cgroup"),
    )
    op.add_column("worker", sa.Column("kernel", sa.String(500), nullable=False, server_default=""))
    op.execute("INSERT INTO kernel_cgroup (cgroup) SELECT DISTINCT cgroup FROM worker WHERE cgroup <> ''")
