"""Message queues, alerts and what they have still to deliver; and the addresses that an audit entry may tell of.

An older store has no messages. Its alerts are the ready-made ones, none of them active.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_SK = "entry_type = SK AND sk_type = "
_PLAIN = {
    "active": False, "clear_condition": "", "per": "", "distinct": "", "threshold": 1, "within_s": 60, "clear_s": 0,
    "telling": "*SUMMARY", "quiet_s": 600, "severity": 40, "probe": "*NONE", "send_to": "*MSGQ", "since_number": 0,
}  # fmt: skip
_DAY_S = 86_400
_READY_MADE = (
    {"name": "REFUSED", "text": "Many refused accepts from one address", "per": "remote_address", "threshold": 10,
     "condition": f"{_SK}A AND outcome = *REJECTED"},
    {"name": "FIRSTREF", "text": "First refused connect of a user in a day", "per": "user_name", "within_s": _DAY_S,
     "quiet_s": _DAY_S, "severity": 30, "condition": f"{_SK}C AND outcome = *REJECTED"},
    {"name": "PORTSCAN", "text": "Port scan from one address", "per": "remote_address", "distinct": "local_port",
     "threshold": 5, "clear_s": 300, "probe": "SCANE", "condition": f"{_SK}A"},
    {"name": "SWEEP", "text": "Sweep by one program", "per": "user_name program",
     "distinct": "remote_address remote_port", "threshold": 50, "clear_s": 300, "probe": "XSCAN",
     "condition": f"{_SK}C"},
    {"name": "SOCKSDOWN", "text": "A SOCKS server failed", "condition": "entry_type = GR AND text = GWL0820*",
     "clear_condition": "entry_type = GR AND text = GWL0821*"},
    {"name": "GUARDLOST", "text": "The guard of a job was killed", "telling": "*EACH", "quiet_s": 0,
     "condition": "entry_type = JS AND text CONTAINS 'lost its guard'"},
    {"name": "AUDITING", "text": "Auditing was switched on or off", "telling": "*EACH", "quiet_s": 0, "severity": 60,
     "condition": "entry_type = SV AND text CONTAINS QAUDCTL"},
    {"name": "ACTIVATED", "text": "A policy was activated", "telling": "*EACH", "quiet_s": 0, "severity": 20,
     "condition": "entry_type = CD AND text = ACTSOCPCY*"},
)  # fmt: skip
"""Alerts that operators need only make active."""


def _counter() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _make_queues()
    _make_alerts()
    _make_deliveries()
    _widen_outbox()


def _make_queues() -> None:
    op.create_table(
        "queue_message",
        sa.Column("id", _counter(), primary_key=True),
        sa.Column("queue", sa.String(10), nullable=False),
        sa.Column("message_id", sa.String(7), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(1024), nullable=False),
        sa.Column("detail", sa.String(8192), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("count", _counter(), nullable=False),
        sa.Column("sent_at", _MOMENT, nullable=False),
        sa.Column("sender", sa.String(64), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_queue_message_queue", "queue_message", ["queue", "severity", "id"])
    keyed = sa.text("key != ''")
    op.create_index(
        "ix_queue_message_key",
        "queue_message",
        ["queue", "key"],
        unique=True,
        sqlite_where=keyed,
        postgresql_where=keyed,
    )
    op.create_table(
        "message_reader",
        sa.Column("queue", sa.String(10), primary_key=True),
        sa.Column("reader", sa.String(64), primary_key=True),
        sa.Column("read_id", _counter(), nullable=False),
    )


def _make_alerts() -> None:
    alerts = op.create_table(
        "alert",
        sa.Column("name", sa.String(10), primary_key=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("condition", sa.String(1024), nullable=False),
        sa.Column("clear_condition", sa.String(1024), nullable=False),
        sa.Column("per", sa.String(200), nullable=False),
        sa.Column("distinct", sa.String(200), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("within_s", sa.Integer(), nullable=False),
        sa.Column("clear_s", sa.Integer(), nullable=False),
        sa.Column("telling", sa.String(10), nullable=False),
        sa.Column("quiet_s", sa.Integer(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("probe", sa.String(10), nullable=False),
        sa.Column("send_to", sa.String(200), nullable=False),
        sa.Column("text", sa.String(50), nullable=False),
        sa.Column("since_number", _counter(), nullable=False),
    )
    op.bulk_insert(alerts, [{**_PLAIN, **each} for each in _READY_MADE])
    op.create_table(
        "alert_position",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("number", _counter(), nullable=False),
    )
    op.create_table(
        "alert_state",
        sa.Column("alert", sa.String(10), primary_key=True),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("raised_at", _MOMENT, nullable=False),
        sa.Column("last_at", _MOMENT, nullable=False),
        sa.Column("count", _counter(), nullable=False),
        sa.Column("told", _counter(), nullable=False),
        sa.Column("told_at", _MOMENT, nullable=False),
        sa.Column("first_number", _counter(), nullable=False),
        sa.Column("last_number", _counter(), nullable=False),
    )


def _make_deliveries() -> None:
    op.create_table(
        "alert_destination",
        sa.Column("name", sa.String(10), primary_key=True),
        sa.Column("channel", sa.String(10), nullable=False),
        sa.Column("target", sa.String(1024), nullable=False),
        sa.Column("server", sa.String(255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("security", sa.String(10), nullable=False),
        sa.Column("sender", sa.String(255), nullable=False),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("sealed_secret", sa.String(4096), nullable=False),
        sa.Column("time_limit_s", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(50), nullable=False),
    )
    op.create_table(
        "alert_delivery",
        sa.Column("id", _counter(), primary_key=True),
        sa.Column("delivery_id", sa.String(64), nullable=False),
        sa.Column("alert", sa.String(10), nullable=False),
        sa.Column("destination", sa.String(10), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", _MOMENT, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("error", sa.String(512), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_delivery_state", "alert_delivery", ["state", "next_try_at"])
    op.create_index("ix_alert_delivery_id", "alert_delivery", ["delivery_id", "destination"], unique=True)


def _widen_outbox() -> None:
    texts = (("sk_type", 1), ("program", 4096), ("address_family", 10), ("local_address", 46), ("remote_address", 46))
    for name, length in texts:
        # The defaults are for the rows that are there; each new row says what it has.
        op.add_column("audit_outbox", sa.Column(name, sa.String(length), nullable=False, server_default=""))
    for name in ("local_port", "remote_port"):
        op.add_column("audit_outbox", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
