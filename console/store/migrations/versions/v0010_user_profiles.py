"""Who may use the console, and as what.

A migration is history: it spells its columns out and imports no table of today.
"""

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""
