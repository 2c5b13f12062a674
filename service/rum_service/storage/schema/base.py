"""The metadata that all tables share, and types that differ between databases."""

from __future__ import annotations

__all__ = ["Key", "Name", "metadata"]

from sqlalchemy import BigInteger, Integer, MetaData, String
from sqlalchemy.dialects import postgresql

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite generates keys only in a column whose type is exactly INTEGER.
Key = BigInteger().with_variant(Integer, "sqlite")
# Names sort by code point in every database: the page tokens of ListAppMonitors rely on it.
Name = String(255).with_variant(postgresql.VARCHAR(255, collation="C"), "postgresql")
