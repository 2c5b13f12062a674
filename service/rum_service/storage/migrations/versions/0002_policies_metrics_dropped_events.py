"""Add resource policies, metric destinations and definitions, and counts of dropped events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    # Plain ADD COLUMN does not rewrite the table, so it is fast for a log of any size.
    op.add_column("app_monitors", sa.Column("policy", sa.Text))
    op.add_column("app_monitors", sa.Column("policy_revision", sa.String(36)))
    op.add_column(
        "batches", sa.Column("dropped_events", sa.Integer, nullable=False, server_default="0")
    )
    has_dropped_events = sa.text("dropped_events > 0")
    op.create_index(
        "ix_batches_app_monitor_dropped_events",
        "batches",
        ["app_monitor", "dropped_events"],
        sqlite_where=has_dropped_events,
        postgresql_where=has_dropped_events,
    )
    op.create_table(
        "metric_destinations",
        sa.Column("key", _KEY, autoincrement=True),
        sa.Column("app_monitor", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("arn", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("iam_role_arn", sa.Text),
        sa.PrimaryKeyConstraint("key", name="pk_metric_destinations"),
        sa.UniqueConstraint(
            "app_monitor", "digest", name="uq_metric_destinations_app_monitor_digest"
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "metric_definitions",
        sa.Column("sequence", _KEY, autoincrement=True),
        sa.Column("destination", sa.BigInteger, nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_metric_definitions"),
        sa.UniqueConstraint("id", name="uq_metric_definitions_id"),
        sa.UniqueConstraint(
            "destination", "digest", name="uq_metric_definitions_destination_digest"
        ),
        sqlite_autoincrement=True,
    )
