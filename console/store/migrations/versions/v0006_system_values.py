"""System values of auditing, and the audit levels of users.

An older store wrote every entry there was, and goes on doing so: it gets the levels that say so.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_VALUES = {
    "QAUDCTL": "*AUDLVL",
    "QAUDENDACN": "*REFUSE",
    "QAUDFRCLVL": "*SYS",
    "QAUDLVL": "*ATNEVT *AUTFAIL *CMD *JOBDTA *NETFAIL *NETSCK *NETTELSVR *SECURITY *SYSMGT",
    "QAUDLVL2": "*NONE",
}


def upgrade() -> None:
    """Make the tables, and fill the first."""
    values = op.create_table(
        "system_value",
        sa.Column("name", sa.String(10), primary_key=True),
        sa.Column("value", sa.String(2000), nullable=False),
    )
    op.create_table(
        "user_audit",
        sa.Column("user", sa.String(64), primary_key=True),
        sa.Column("levels", sa.String(2000), nullable=False),
    )
    op.bulk_insert(values, [{"name": name, "value": value} for name, value in _VALUES.items()])
