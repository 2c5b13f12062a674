"""Drops partitions of the log when the retention of all their batches has ended.

A drop has steps, so that no put waits for a table:

    mark → detach → subtract from the sums, mark again → drop

A process may end after each. The next call finishes what it finds.
"""

from __future__ import annotations

__all__ = ["drop_partition"]

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from rum_service.storage.postgres_partitions import Partition, read_layout
from rum_service.storage.records import Removed
from rum_service.storage.schema import BATCH_BYTES, BLOCK_BITS

_Connection = psycopg.Connection[Any]

# The comments of tables that were partitions.
_DETACHED = "OpenRUM: to be subtracted and dropped"
_SUBTRACTED = "OpenRUM: to be dropped"

# Seeks the next app monitor in the index, instead of reading all of it. The batches of deleted app
# monitors are removed anyway.
_MONITORS = sql.SQL("""
WITH RECURSIVE keys AS (
    SELECT min(app_monitor) AS key FROM {table}
    UNION ALL
    SELECT (SELECT min(app_monitor) FROM {table} WHERE app_monitor > key) FROM keys
    WHERE key IS NOT NULL
)
SELECT app_monitors.key FROM keys JOIN app_monitors USING (key)
""")
_NEWEST_RECEIVED = sql.SQL("""
SELECT app_monitor, max(received_ms) FROM {table} JOIN app_monitors ON key = app_monitor GROUP BY 1
""")
_IS_COUNTED = sql.SQL("""
SELECT coalesce(max({table}.sequence), 0) <= (SELECT sequence FROM counted_batches) FROM {table}
""")
_SUMS = sql.SQL("""
SELECT app_monitor, count(*), sum(event_count), max(received_ms) + 1,
       sum(length(payload) + {batch_bytes})::bigint,
       min(sequence) >> {block_bits}, max(sequence) >> {block_bits}, max(sequence)
FROM {table} GROUP BY 1 ORDER BY 1
""")
_SUBTRACT = """
WITH dropped AS MATERIALIZED (
    SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[])
                  AS dropped (key, received_ms, size, first_block, last_block)
),
smaller AS (
    UPDATE stored_bytes SET bytes = bytes - size FROM dropped WHERE app_monitor = key
),
spans AS (
    DELETE FROM batch_spans USING dropped
    WHERE app_monitor = key AND block BETWEEN first_block AND last_block
)
INSERT INTO retention (app_monitor, removed_before_ms)
SELECT key, received_ms FROM dropped JOIN app_monitors USING (key)
ON CONFLICT (app_monitor) DO UPDATE SET removed_before_ms =
    greatest(coalesce(retention.removed_before_ms, 0), excluded.removed_before_ms)
"""
# Sequences of other partitions are in other blocks.
_FORGET = "DELETE FROM future_batches WHERE sequence BETWEEN %s AND %s"
_NOTE = "UPDATE removals SET batches = batches + %s, sequence = greatest(sequence, %s)"
_PENDING = """
SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'batches'::regclass AND inhdetachpending
"""
_LEFT = """
SELECT relname::text, obj_description(oid, 'pg_class') FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND NOT relispartition
  AND starts_with(relname, 'batches_') AND obj_description(oid, 'pg_class') = ANY(%s)
"""


def drop_partition(
    connection: _Connection, before_ms: Mapping[int, int], *, write_lock: int
) -> dict[int, Removed] | None:
    """Drop the oldest partition with old batches only.

    Return what was removed, by app monitor. None: no partition has only old batches.

    Args:
        connection: in autocommit mode. Its statements wait for locks briefly.
        before_ms: by app monitor, its batches received before this time are old.
        write_lock: the advisory lock of transactions that write.
    """
    found = _finish(connection, write_lock)
    if found:
        return found
    earlier = read_layout(connection).started[:-1]
    table = next((each.table for each in earlier if _is_old(connection, each, before_ms)), None)
    if table is None:
        return None
    _mark(connection, table, _DETACHED)
    name = sql.Identifier(table)
    connection.execute(sql.SQL("ALTER TABLE batches DETACH PARTITION {} CONCURRENTLY").format(name))
    return _finish(connection, write_lock)


def _is_old(connection: _Connection, partition: Partition, before_ms: Mapping[int, int]) -> bool:
    table = sql.Identifier(partition.table)
    # An index answers this. Most often it rules the partition out.
    monitors = connection.execute(_MONITORS.format(table=table)).fetchall()
    if any(key not in before_ms for (key,) in monitors):
        return False
    ((is_counted,),) = connection.execute(_IS_COUNTED.format(table=table)).fetchall()
    newest = connection.execute(_NEWEST_RECEIVED.format(table=table)) if is_counted else ()
    return bool(is_counted) and all(received < before_ms.get(key, 0) for key, received in newest)


def _finish(connection: _Connection, write_lock: int) -> dict[int, Removed]:
    """Finish the drop of partitions that are detached, or that are being detached."""
    found: dict[int, Removed] = {}
    for (table,) in connection.execute(_PENDING).fetchall():
        finalize = sql.SQL("ALTER TABLE batches DETACH PARTITION {} FINALIZE")
        connection.execute(finalize.format(sql.Identifier(table)))
    for table, comment in connection.execute(_LEFT, [[_DETACHED, _SUBTRACTED]]).fetchall():
        if comment == _DETACHED:
            found |= _subtract(connection, table, write_lock)
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(table)))
    return found


def _subtract(connection: _Connection, table: str, write_lock: int) -> dict[int, Removed]:
    """Subtract a detached partition's batches from all sums, in one transaction."""
    sums = _SUMS.format(
        table=sql.Identifier(table),
        batch_bytes=sql.Literal(BATCH_BYTES),
        block_bits=sql.Literal(BLOCK_BITS),
    )
    rows = connection.execute(sums).fetchall()
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [write_lock])
        if rows:
            keys, counts, _, received, sizes, first, last, newest = map(
                list, zip(*rows, strict=True)
            )
            connection.execute(_SUBTRACT, [keys, received, sizes, first, last])
            connection.execute(_NOTE, [sum(counts), max(newest)])
            connection.execute(_FORGET, [min(first) << BLOCK_BITS, max(newest)])
        _mark(connection, table, _SUBTRACTED)
    return {key: Removed(batches, events, is_done=False) for key, batches, events, *_ in rows}


def _mark(connection: _Connection, table: str, comment: str) -> None:
    connection.execute(
        sql.SQL("COMMENT ON TABLE {} IS {}").format(sql.Identifier(table), sql.Literal(comment))
    )
