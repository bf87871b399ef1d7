"""What an emergency overrides, so that a policy can be activated while one lasts without ending it.

A migration is history: it spells its columns out and imports no table of today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of an emergency that lasts now `console.store.emergencies` tells it by its revisions."""
    op.add_column(
        "policy_confirmation", sa.Column("overrides", sa.String(length=100), nullable=False, server_default="")
    )
