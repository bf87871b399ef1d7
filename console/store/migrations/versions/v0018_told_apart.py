"""Which blocks of the journal have an index that tells picked ports apart: the worker makes that of the others anew.

A migration is history: it spells its columns out and imports no table of today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: in an older store it is none of them."""
    op.add_column("journal_block", sa.Column("form", sa.Integer(), nullable=False, server_default="0"))
