"""The first tables: pending policy, revisions, journal, jobs, workers, audit outbox.

A migration is history: it spells its columns out and imports no table of today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
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
    _policy_tables()
    _journal_tables()
    _running_tables()


def _policy_tables() -> None:
    op.create_table(
        "pending_rule",
        sa.Column("exit_point", _word(), primary_key=True),
        sa.Column("sequence", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("local_address", sa.String(96), nullable=False),
        sa.Column("local_port", sa.String(32), nullable=False),
        sa.Column("remote_address", sa.String(96), nullable=False),
        sa.Column("remote_port", sa.String(32), nullable=False),
        sa.Column("program", sa.String(4096), nullable=False),
        sa.Column("action", _word(), nullable=False),
        sa.Column("fail", _word(), nullable=False),
        sa.Column("audit", _word(), nullable=False),
        sa.Column("message", _word(), nullable=False),
        sa.Column("active", _word(), nullable=False),
        sa.Column("text", sa.String(50), nullable=False),
    )
    op.create_table(
        "pending_exit_point",
        sa.Column("exit_point", _word(), primary_key=True),
        sa.Column("mode", _word(), nullable=False),
    )
    op.create_table(
        "revision",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("made_at", _moment(), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("text", sa.String(50), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
    )
    op.create_table(
        "active_revision",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), sa.ForeignKey("revision.number"), nullable=False),
    )


def _journal_tables() -> None:
    op.create_table(
        "journal_entry",
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
    number = "sequence_number"
    op.create_index("ix_journal_entry_type", "journal_entry", ["entry_type", "sk_type", number])
    op.create_index("ix_journal_entry_outcome", "journal_entry", ["outcome", number])
    op.create_index("ix_journal_entry_user_name", "journal_entry", ["user_name", number])
    op.create_index("ix_journal_entry_remote_address", "journal_entry", ["remote_address", number])
    op.create_table(
        "receiver",
        sa.Column("name", sa.String(10), primary_key=True),
        sa.Column("attached_at", _moment(), nullable=False),
        sa.Column("detached_at", _moment(), nullable=True),
        sa.Column("first_sequence", _counter(), nullable=False),
        sa.Column("last_sequence", _counter(), nullable=False),
        sa.Column("last_hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "audit_outbox",
        sa.Column("id", _counter(), primary_key=True),
        sa.Column("entry_timestamp", _moment(), nullable=False),
        sa.Column("entry_type", sa.String(2), nullable=False),
        sa.Column("user_name", sa.String(64), nullable=False),
        sa.Column("qualified_job_name", sa.String(96), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("exit_point", sa.String(10), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
    )


def _running_tables() -> None:
    op.create_table(
        "guard",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("guard_id", sa.String(32), nullable=False, unique=True),
        sa.Column("job_number", sa.Integer(), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("job_name", sa.String(10), nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started", _moment(), nullable=False),
        sa.Column("ended", _moment(), nullable=True),
        sa.Column("exit_status", sa.Integer(), nullable=True),
        sa.Column("last_number", _counter(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
    )
    op.create_index("ix_guard_job_number", "guard", ["job_number"])
    op.create_index("ix_guard_ended", "guard", ["ended"])
    op.create_table(
        "worker",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("started", _moment(), nullable=False),
        sa.Column("heartbeat", _moment(), nullable=False),
        sa.Column("ended", _moment(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
    )
