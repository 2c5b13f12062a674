"""The tables of the control plane: app monitors, and what belongs to them."""

from __future__ import annotations

__all__ = [
    "app_monitors",
    "credentials",
    "metric_definitions",
    "metric_destinations",
    "source_map_parts",
    "source_maps",
]

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from rum_service.storage.schema.base import Key, Name, metadata

app_monitors = Table(
    "app_monitors",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("name", Name, nullable=False, unique=True),
    Column("document", Text, nullable=False),
    Column("policy", Text),
    Column("policy_revision", String(36)),
    # AUTOINCREMENT: keys are never reused, so a new app monitor cannot inherit a deleted app
    # monitor's batches and credentials.
    sqlite_autoincrement=True,
)

metric_destinations = Table(
    "metric_destinations",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("app_monitor", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("arn", Text, nullable=False),
    # 16-byte digest of kind and ARN: an ARN can be too long for a PostgreSQL index.
    Column("digest", LargeBinary(16), nullable=False),
    Column("iam_role_arn", Text),
    # Keeps destinations unique. ListRumMetricsDestinations uses the index too.
    UniqueConstraint("app_monitor", "digest"),
    sqlite_autoincrement=True,
)

metric_definitions = Table(
    "metric_definitions",
    metadata,
    Column("sequence", Key, primary_key=True, autoincrement=True),
    Column("destination", BigInteger, nullable=False),
    Column("id", String(36), nullable=False, unique=True),
    Column("digest", LargeBinary(16), nullable=False),
    Column("document", Text, nullable=False),
    # Keeps definitions unique. BatchGetRumMetricDefinitions uses the index too.
    UniqueConstraint("destination", "digest"),
    sqlite_autoincrement=True,
)

source_maps = Table(
    "source_maps",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("app_monitor", BigInteger, nullable=False),
    Column("release", String(200), nullable=False),
    Column("file", String(400), nullable=False),
    # The last segment of `file`.
    Column("base_name", String(400), nullable=False),
    Column("began_ms", BigInteger, nullable=False),
    # NULL: the upload is in progress.
    Column("size", BigInteger),
    Column("stored_bytes", BigInteger),
    # GetSourceMap looks for a script's file name.
    Index(None, "app_monitor", "base_name", "release"),
    sqlite_autoincrement=True,
)

source_map_parts = Table(
    "source_map_parts",
    metadata,
    Column("source_map", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # UTF-8, compressed with zstd.
    Column("content", LargeBinary, nullable=False),
)

credentials = Table(
    "credentials",
    metadata,
    # Authentication looks up a credential by kind and ID.
    Column("kind", String(8), primary_key=True),
    Column("id", String(128), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("access", String(32), nullable=False),
    Column("app_monitor", BigInteger, nullable=True),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=True),
    Column("revoked_ms", BigInteger, nullable=True),
)
