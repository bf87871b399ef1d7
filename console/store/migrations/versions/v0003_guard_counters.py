"""What guards have decided so far, and requests to end a job.

A migration is history: it spells its columns out and imports no table of today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _counter() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns."""
    for name in ("decided", "refused", "decision_us"):
        # The default is for the rows that are there; each new row says what it has.
        op.add_column("guard", sa.Column(name, _counter(), nullable=False, server_default="0"))
    op.add_column("guard", sa.Column("end_requested", sa.String(20), nullable=True))
