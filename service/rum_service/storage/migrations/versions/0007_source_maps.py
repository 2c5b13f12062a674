"""Add source maps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "source_maps",
        sa.Column("key", _KEY, autoincrement=True),
        sa.Column("app_monitor", sa.BigInteger, nullable=False),
        sa.Column("release", sa.String(200), nullable=False),
        sa.Column("file", sa.String(400), nullable=False),
        sa.Column("base_name", sa.String(400), nullable=False),
        sa.Column("began_ms", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger),
        sa.Column("stored_bytes", sa.BigInteger),
        sa.PrimaryKeyConstraint("key", name="pk_source_maps"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_source_maps_app_monitor_base_name_release",
        "source_maps",
        ["app_monitor", "base_name", "release"],
    )
    op.create_table(
        "source_map_parts",
        sa.Column("source_map", sa.BigInteger, autoincrement=False),
        sa.Column("number", sa.Integer, autoincrement=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("source_map", "number", name="pk_source_map_parts"),
    )
