"""Sessions of the console over SSH, and the level that writes connections to it.

A store whose levels are those it was made with gets *NETSECURE among them, as a fresh one has; what an administrator
has chosen stays. A migration is history: it spells its columns out and imports no table of today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_BEFORE = "*ATNEVT *AUTFAIL *CMD *JOBDTA *NETFAIL *NETSCK *NETTELSVR *SECURITY *SYSMGT"
_NOW = "*ATNEVT *AUTFAIL *CMD *JOBDTA *NETFAIL *NETSCK *NETSECURE *NETTELSVR *SECURITY *SYSMGT"


def upgrade() -> None:
    """Make the table, and change the level."""
    op.create_table(
        "ssh_session",
        sa.Column("id", _COUNTER, primary_key=True),
        sa.Column("job", sa.String(96), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("remote_address", sa.String(46), nullable=False),
        sa.Column("remote_port", sa.Integer, nullable=False),
        sa.Column("method", sa.String(40), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("server_pid", sa.Integer, nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_input", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_requested_by", sa.String(64), nullable=False),
    )
    values = sa.table("system_value", sa.column("name"), sa.column("value"))
    named = sa.and_(values.c.name == "QAUDLVL", values.c.value == _BEFORE)
    op.execute(values.update().where(named).values(value=_NOW))
