"""Who may use the console, and as what.

A store from before has no user profile; whoever opens it next becomes its security officer, as with a fresh one.
A migration is history: it spells its columns out and imports no table of today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

_VALUES = {
    "QINACTITV": "*NONE",
    "QMAXSGNACN": "3",
    "QMAXSIGN": "3",
    "QPWDEXPITV": "*NOMAX",
    "QPWDMINLEN": "8",
    "QPWDRQDDIF": "5",
}


def upgrade() -> None:
    """Make the tables, and add the system values of signing on."""
    op.create_table(
        "user_profile",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("text", sa.String(50), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("old_hashes", sa.String(8192), nullable=False),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("password_expired", sa.Boolean, nullable=False),
        sa.Column("user_class", sa.String(10), nullable=False),
        sa.Column("special_authorities", sa.String(200), nullable=False),
        sa.Column("limited", sa.String(10), nullable=False),
        sa.Column("group", sa.String(32), nullable=False),
        sa.Column("supplementary_groups", sa.String(495), nullable=False),
        sa.Column("initial_menu", sa.String(10), nullable=False),
        sa.Column("theme", sa.String(10), nullable=False),
        sa.Column("keymap", sa.String(10), nullable=False),
        sa.Column("previous_sign_on", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("sealed_code_key", sa.String(512), nullable=False),
        sa.Column("last_code", _COUNTER, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "user_key",
        sa.Column("id", _COUNTER, primary_key=True),
        sa.Column("user", sa.String(32), sa.ForeignKey("user_profile.name", ondelete="CASCADE"), nullable=False),
        sa.Column("key", sa.String(8192), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("comment", sa.String(64), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(64), nullable=False),
    )
    op.create_index("ix_user_key_user", "user_key", ["user", "fingerprint"], unique=True)
    values = sa.table("system_value", sa.column("name", sa.String), sa.column("value", sa.String))
    op.bulk_insert(values, [{"name": name, "value": value} for name, value in _VALUES.items()])
