"""Add the time spans of blocks of batches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "batch_spans",
        sa.Column("app_monitor", sa.BigInteger, autoincrement=False),
        sa.Column("block", sa.BigInteger, autoincrement=False),
        sa.Column("first_ms", sa.BigInteger, nullable=False),
        sa.Column("last_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("app_monitor", "block", name="pk_batch_spans"),
        sqlite_with_rowid=False,
    )
    # The index on app_monitor, sequence, first_ms and last_ms has all columns, so no batch is read.
    op.execute(
        "INSERT INTO batch_spans (app_monitor, block, first_ms, last_ms)"
        " SELECT app_monitor, sequence >> 10, min(first_ms) & ~1023, max(last_ms) | 1023"
        " FROM batches GROUP BY app_monitor, sequence >> 10"
    )
