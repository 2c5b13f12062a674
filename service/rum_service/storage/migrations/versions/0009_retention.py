"""Add the retention of batches.

App monitors that exist keep their batches forever, as before: an upgrade must not delete anything.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    retention = op.create_table(
        "retention",
        sa.Column("app_monitor", sa.BigInteger, autoincrement=False),
        sa.Column("days", sa.Integer),
        sa.Column("removed_before_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("app_monitor", name="pk_retention"),
    )
    monitors = sa.table("app_monitors", sa.column("key"))
    op.execute(
        sa.insert(retention).from_select(
            ["app_monitor", "days"], sa.select(monitors.c.key, sa.literal(0))
        )
    )
    removals = op.create_table(
        "removals",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("batches", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("claimed_until_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_removals"),
    )
    op.bulk_insert(removals, [{"id": 1, "batches": 0, "sequence": 0, "claimed_until_ms": 0}])
