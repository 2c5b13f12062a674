"""Add the damaged batches that an erasure finds, and which service continues it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for column in (
        sa.Column("damaged_batches", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("damaged_sequences", sa.Text, nullable=False, server_default=""),
        sa.Column("claimed_until_ms", sa.BigInteger, nullable=False, server_default="0"),
    ):
        op.add_column("erasures", column)
