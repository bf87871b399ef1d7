"""Receivers that are sealed, checkpoints, and what finds entries in a large journal."""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
