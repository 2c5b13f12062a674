"""Add how many bytes each app monitor uses.

Nothing is counted here: the service counts existing batches after its start, in small steps.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "stored_bytes",
        sa.Column("app_monitor", sa.BigInteger, autoincrement=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("quota", sa.BigInteger),
        sa.PrimaryKeyConstraint("app_monitor", name="pk_stored_bytes"),
    )
    counted = op.create_table(
        "counted_batches",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_counted_batches"),
    )
    op.bulk_insert(counted, [{"id": 1, "sequence": 0}])
