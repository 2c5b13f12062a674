"""Create the log of batches, the app monitors, and the row that write checks update."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_NAME = sa.String(255).with_variant(postgresql.VARCHAR(255, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "app_monitors",
        sa.Column("key", _KEY, autoincrement=True),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_app_monitors"),
        sa.UniqueConstraint("id", name="uq_app_monitors_id"),
        sa.UniqueConstraint("name", name="uq_app_monitors_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "batches",
        sa.Column("sequence", _KEY, autoincrement=True),
        sa.Column("app_monitor", sa.BigInteger, nullable=False),
        sa.Column("batch_id", sa.LargeBinary(16), nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("received_ms", sa.BigInteger, nullable=False),
        sa.Column("first_ms", sa.BigInteger, nullable=False),
        sa.Column("last_ms", sa.BigInteger, nullable=False),
        sa.Column("event_count", sa.Integer, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_batches"),
        sa.UniqueConstraint("app_monitor", "batch_id", name="uq_batches_app_monitor_batch_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_batches_app_monitor_sequence_first_ms_last_ms",
        "batches",
        ["app_monitor", "sequence", "first_ms", "last_ms"],
    )
    op.create_table(
        "write_checks",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("checks", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_write_checks"),
    )
