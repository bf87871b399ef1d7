"""How far the journal was forwarded, and journals read from elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _counter() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def _word() -> sa.String:
    return sa.String(10)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "forward_target",
        sa.Column("name", sa.String(10), primary_key=True),
        sa.Column("protocol", _word(), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("format", _word(), nullable=False),
        sa.Column("ca_file", sa.String(4096), nullable=False),
        sa.Column("active", _word(), nullable=False),
        sa.Column("position", _counter(), nullable=False),
        sa.Column("state", _word(), nullable=False),
        sa.Column("state_since", _moment(), nullable=False),
        sa.Column("last_error", sa.String(512), nullable=False),
        sa.Column("text", sa.String(50), nullable=False),
    )
    op.create_table(
        "imported_journal",
        sa.Column("name", sa.String(10), primary_key=True),
        sa.Column("imported_at", _moment(), nullable=False),
        sa.Column("imported_by", sa.String(64), nullable=False),
        sa.Column("source", sa.String(4096), nullable=False),
        sa.Column("form", sa.String(20), nullable=False),
        sa.Column("entries", _counter(), nullable=False),
        sa.Column("text", sa.String(50), nullable=False),
    )
    op.create_table(
        "imported_entry",
        sa.Column("journal_name", sa.String(10), primary_key=True),
        sa.Column("sequence_number", _counter(), primary_key=True, autoincrement=False),
        sa.Column("entry_timestamp", _moment(), nullable=False),
        sa.Column("receiver_name", sa.String(10), nullable=False),
        sa.Column("journal_code", sa.String(1), nullable=False),
        sa.Column("entry_type", sa.String(2), nullable=False),
        sa.Column("sk_type", sa.String(1), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("exit_point", sa.String(10), nullable=False),
        sa.Column("rule_sequence", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("user_name", sa.String(64), nullable=False),
        sa.Column("qualified_job_name", sa.String(96), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("program", sa.String(4096), nullable=False),
        sa.Column("address_family", sa.String(10), nullable=False),
        sa.Column("local_address", sa.String(46), nullable=False),
        sa.Column("local_port", sa.Integer(), nullable=False),
        sa.Column("remote_address", sa.String(46), nullable=False),
        sa.Column("remote_port", sa.Integer(), nullable=False),
        sa.Column("socks_server", sa.String(96), nullable=False),
        sa.Column("decision_us", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("guard_id", sa.String(32), nullable=False),
        sa.Column("guard_number", _counter(), nullable=False),
        sa.Column("chain_hash", sa.String(64), nullable=False),
    )
