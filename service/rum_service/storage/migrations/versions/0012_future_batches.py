"""Add the batches whose events are later than their partition."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "future_batches",
        sa.Column("app_monitor", sa.BigInteger, autoincrement=False),
        sa.Column("batch_id", sa.LargeBinary(16)),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("app_monitor", "batch_id", name="pk_future_batches"),
        sqlite_with_rowid=False,
    )
