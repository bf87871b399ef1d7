"""Policies that must be confirmed.

A migration is history: it spells its columns out and imports no table of today.
"""

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""
