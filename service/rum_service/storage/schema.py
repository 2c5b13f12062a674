"""The tables. Every change here needs a migration in `migrations/versions`."""

from __future__ import annotations

__all__ = [
    "BATCH_BYTES",
    "BLOCK_BITS",
    "app_monitors",
    "batch_spans",
    "batches",
    "counted_batches",
    "credentials",
    "erased_batches",
    "erasures",
    "future_batches",
    "imported_batches",
    "metadata",
    "metric_definitions",
    "metric_destinations",
    "removals",
    "retention",
    "source_map_parts",
    "source_maps",
    "stored_bytes",
    "write_checks",
]

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite generates keys only in a column whose type is exactly INTEGER.
_Key = BigInteger().with_variant(Integer, "sqlite")
# Names sort by code point in every database: the page tokens of ListAppMonitors rely on it.
_Name = String(255).with_variant(postgresql.VARCHAR(255, collation="C"), "postgresql")

app_monitors = Table(
    "app_monitors",
    metadata,
    Column("key", _Key, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("name", _Name, nullable=False, unique=True),
    Column("document", Text, nullable=False),
    Column("policy", Text),
    Column("policy_revision", String(36)),
    # AUTOINCREMENT: keys are never reused, so a new app monitor cannot inherit a deleted app
    # monitor's batches and credentials.
    sqlite_autoincrement=True,
)

batches = Table(
    "batches",
    metadata,
    Column("sequence", _Key, primary_key=True, autoincrement=True),
    Column("app_monitor", BigInteger, nullable=False),
    Column("batch_id", LargeBinary(16), nullable=False),
    # Empty unless events were dropped; `payload.py` says why.
    Column("digest", LargeBinary(16), nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("event_count", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("dropped_events", Integer, nullable=False, server_default="0"),
    # Beside the payload, so that the request stays as received and a retry equals it.
    Column("country", String(2)),
    # CRC-32 of the payload. NULL: the batch was stored by a version without checksums.
    Column("checksum", BigInteger),
    # This constraint guarantees that a batch is stored only once.
    UniqueConstraint("app_monitor", "batch_id"),
    # GetAppMonitorData reads an app monitor's batches in a time range, newest first.
    Index(None, "app_monitor", "sequence", "first_ms", "last_ms"),
    sqlite_autoincrement=True,
)
# `dropped_events` reads only this index. Batches without dropped events are not in it, so they
# cost nothing extra to append.
_has_dropped_events = batches.c.dropped_events > 0
Index(
    "ix_batches_app_monitor_dropped_events",
    batches.c.app_monitor,
    batches.c.dropped_events,
    sqlite_where=_has_dropped_events,
    postgresql_where=_has_dropped_events,
)

# With PostgreSQL, the batches whose events are at least a day later than their partition: retries
# are not searched by the time of their events. SQLite needs no rows: one index has all batches.
future_batches = Table(
    "future_batches",
    metadata,
    Column("app_monitor", BigInteger, primary_key=True, autoincrement=False),
    Column("batch_id", LargeBinary(16), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The batches that were imported. They were received before those that are next to them in the log,
# so retention does not find them by their sequence.
imported_batches = Table(
    "imported_batches",
    metadata,
    Column("app_monitor", BigInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("received_ms", BigInteger, nullable=False),
    # Retention looks for the oldest ones.
    Index(None, "app_monitor", "received_ms"),
    sqlite_with_rowid=False,
)

# The time span of an app monitor's batches in a block of 2**10 sequences. GetAppMonitorData
# skips blocks with other times. A span may be wider than its batches: it is rounded to 1,024 ms, so
# that a busy app monitor's groups seldom change it.
# Indexes of the batches by time would cost more: docs/decisions/0011-spans-of-blocks.md.
BLOCK_BITS = 10
batch_spans = Table(
    "batch_spans",
    metadata,
    Column("app_monitor", BigInteger, primary_key=True, autoincrement=False),
    # sequence >> BLOCK_BITS
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# How many bytes each app monitor uses, as far as its batches are counted: the payloads, and
# BATCH_BYTES for each batch.
stored_bytes = Table(
    "stored_bytes",
    metadata,
    Column("app_monitor", BigInteger, primary_key=True, autoincrement=False),
    Column("bytes", BigInteger, nullable=False),
    # The app monitor's own quota. NULL: the default. 0: no limit.
    Column("quota", BigInteger),
)
# A row and its index entries take 120 bytes in SQLite with one event, and 190 with ten, where
# pages are filled less well (2026-11).
BATCH_BYTES = 150

# One row: batches up to this sequence are in `stored_bytes`.
counted_batches = Table(
    "counted_batches",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
)

# How long the batches of each app monitor are kept.
retention = Table(
    "retention",
    metadata,
    Column("app_monitor", BigInteger, primary_key=True, autoincrement=False),
    # The app monitor's own retention. NULL: the default. 0: forever.
    Column("days", Integer),
    # Batches received before this time have been removed. NULL: none has.
    Column("removed_before_ms", BigInteger),
)

# One row, about all batches that were ever removed: their number and the highest sequence. Only the
# service that has claimed the work removes batches, until the claim ends.
removals = Table(
    "removals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("batches", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("claimed_until_ms", BigInteger, nullable=False),
)

# The proof of each erasure, and the progress of unfinished ones.
erasures = Table(
    "erasures",
    metadata,
    Column("key", _Key, primary_key=True, autoincrement=True),
    Column("app_monitor", BigInteger, nullable=False),
    # The proof outlives the app monitor.
    Column("app_monitor_name", _Name, nullable=False),
    # `user` or `session`.
    Column("kind", String(8), nullable=False),
    # The ID to erase. NULL: the erasure has finished, and only the digest is kept.
    Column("subject", String(36)),
    # SHA-256 of the ID in lower case.
    Column("digest", LargeBinary(32), nullable=False),
    Column("erased_by", String(128), nullable=False),
    Column("began_ms", BigInteger, nullable=False),
    Column("finished_ms", BigInteger),
    # Batches up to this sequence are searched, newest first.
    Column("through_sequence", BigInteger, nullable=False),
    # Batches from this sequence up are done.
    Column("below_sequence", BigInteger, nullable=False),
    Column("deleted_batches", BigInteger, nullable=False),
    Column("rewritten_batches", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    # How many bytes fewer the log uses.
    Column("bytes", BigInteger, nullable=False),
    # Batches whose bytes are damaged, so that they may have more to erase.
    Column("damaged_batches", BigInteger, nullable=False, server_default="0"),
    # The first of their sequences, newest first, separated by spaces.
    Column("damaged_sequences", Text, nullable=False, server_default=""),
    # The service that has claimed the erasure continues it, until the claim ends.
    Column("claimed_until_ms", BigInteger, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

# The batches that erasures changed, in the order of the commits. Projectors follow it.
erased_batches = Table(
    "erased_batches",
    metadata,
    Column("change", _Key, primary_key=True, autoincrement=True),
    Column("sequence", BigInteger, nullable=False),
    # AUTOINCREMENT: a projector continues after the last change that it knows.
    sqlite_autoincrement=True,
)

metric_destinations = Table(
    "metric_destinations",
    metadata,
    Column("key", _Key, primary_key=True, autoincrement=True),
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
    Column("sequence", _Key, primary_key=True, autoincrement=True),
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
    Column("key", _Key, primary_key=True, autoincrement=True),
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

write_checks = Table(
    "write_checks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("checks", BigInteger, nullable=False),
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
