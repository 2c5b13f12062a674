"""Add the batches that were imported."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "imported_batches",
        sa.Column("app_monitor", sa.BigInteger, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, autoincrement=False),
        sa.Column("received_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("app_monitor", "sequence", name="pk_imported_batches"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_imported_batches_app_monitor_received_ms",
        "imported_batches",
        ["app_monitor", "received_ms"],
    )
