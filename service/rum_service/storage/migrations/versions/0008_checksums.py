"""Add a checksum to each batch. Batches that are stored already keep NULL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    # A nullable column does not rewrite the table.
    op.add_column("batches", sa.Column("checksum", sa.BigInteger))
