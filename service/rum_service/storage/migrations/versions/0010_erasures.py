"""Add erasures: their proofs, and the batches that they changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_NAME = sa.String(255).with_variant(postgresql.VARCHAR(255, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("key", _KEY, autoincrement=True),
        sa.Column("app_monitor", sa.BigInteger, nullable=False),
        sa.Column("app_monitor_name", _NAME, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("subject", sa.String(36)),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("erased_by", sa.String(128), nullable=False),
        sa.Column("began_ms", sa.BigInteger, nullable=False),
        sa.Column("finished_ms", sa.BigInteger),
        sa.Column("through_sequence", sa.BigInteger, nullable=False),
        sa.Column("below_sequence", sa.BigInteger, nullable=False),
        sa.Column("deleted_batches", sa.BigInteger, nullable=False),
        sa.Column("rewritten_batches", sa.BigInteger, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_erasures"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "erased_batches",
        sa.Column("change", _KEY, autoincrement=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("change", name="pk_erased_batches"),
        sqlite_autoincrement=True,
    )
