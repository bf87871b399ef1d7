"""Address groups and time groups.

A migration is history: it spells its columns out and imports no table of today.
"""

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""
