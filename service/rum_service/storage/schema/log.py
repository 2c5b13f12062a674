"""The tables of the log: the batches, and what is known about all of them."""

from __future__ import annotations

__all__ = [
    "BATCH_BYTES",
    "BLOCK_BITS",
    "batch_spans",
    "batches",
    "counted_batches",
    "erased_batches",
    "erasures",
    "future_batches",
    "imported_batches",
    "removals",
    "retention",
    "stored_bytes",
    "write_checks",
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

batches = Table(
    "batches",
    metadata,
    Column("sequence", Key, primary_key=True, autoincrement=True),
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
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("app_monitor", BigInteger, nullable=False),
    # The proof outlives the app monitor.
    Column("app_monitor_name", Name, nullable=False),
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
    Column("change", Key, primary_key=True, autoincrement=True),
    Column("sequence", BigInteger, nullable=False),
    # AUTOINCREMENT: a projector continues after the last change that it knows.
    sqlite_autoincrement=True,
)

# One row: health checks change it, as they insert and delete a batch.
write_checks = Table(
    "write_checks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("checks", BigInteger, nullable=False),
)
