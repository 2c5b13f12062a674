"""Reads batches from the log: those in a time range, newest first, or all in commit order.

A read of a time range looks at the spans of blocks first, and skips the blocks of other times:
docs/decisions/0011-spans-of-blocks.md.
"""

from __future__ import annotations

__all__ = ["LogReader"]

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, bindparam, select

from rum_service.storage.damage import DamagedBatches
from rum_service.storage.database import Database
from rum_service.storage.payload import UnreadableError, content_of, decompress_damaged
from rum_service.storage.records import CommittedBatch, FoundBatches, LoggedBatch
from rum_service.storage.schema import BLOCK_BITS, batch_spans, batches
from rum_service.storage.sql_payloads import SHORT_PAYLOAD, long_payload

# A read looks at the index entries of at most 65,536 batches, some milliseconds.
_BLOCKS_PER_READ = 64
_MAX_SEQUENCE = 2**63 - 1


def _in_time_range(table: Table, *columns: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*columns)
        .where(table.c.app_monitor == bindparam("app_monitor"))
        .where(table.c.last_ms >= bindparam("after_ms"))
        .where(table.c.first_ms <= bindparam("before_ms"))
    )


# Built once: building a statement costs more than executing it.
_BLOCKS = (
    _in_time_range(batch_spans, batch_spans.c.block)
    .where(batch_spans.c.block <= bindparam("newest_block"))
    .order_by(batch_spans.c.block.desc())
    .limit(_BLOCKS_PER_READ)
)
_BATCHES = (
    _in_time_range(
        batches, batches.c.sequence, SHORT_PAYLOAD, batches.c.checksum, batches.c.country
    )
    .where(batches.c.sequence.between(bindparam("oldest"), bindparam("newest")))
    .order_by(batches.c.sequence.desc())
    .limit(bindparam("count"))
)

_IN_COMMIT_ORDER = (
    select(
        batches.c.sequence,
        batches.c.app_monitor,
        batches.c.received_ms,
        SHORT_PAYLOAD,
        batches.c.checksum,
        batches.c.country,
    )
    .where(batches.c.sequence > bindparam("sequence"))
    .order_by(batches.c.sequence)
    .limit(bindparam("count"))
)

_Found = Row[int, bytes | None, int | None, str | None]
"""Sequence, payload, checksum and country. The payload is None if it is long."""


class LogReader:
    """Reads the log of one database. May be used from any thread."""

    def __init__(self, database: Database, damaged: DamagedBatches) -> None:
        self._database = database
        self._damaged = damaged

    def read(
        self,
        app_monitor: int,
        *,
        below: int | None,
        after_ms: int,
        before_ms: int,
        limit: int,
        max_bytes: int,
        accept_damaged: bool = False,
    ) -> FoundBatches:
        """Implements `LogStore.read`."""
        newest = _MAX_SEQUENCE if below is None else below - 1
        bounds = {"app_monitor": app_monitor, "after_ms": after_ms, "before_ms": before_ms}
        with self._database.read() as connection:
            rows, below = _newest(connection, bounds, newest, limit)
            found: list[LoggedBatch] = []
            damaged: list[int] = []
            for row in rows:
                stored = _payload(connection, row.sequence, row.payload, row.checksum)
                if stored is None:  # it has been purged meanwhile
                    continue
                content = self._content(row.sequence, *stored)
                if content is None:
                    damaged.append(row.sequence)
                    content = decompress_damaged(stored[0]) if accept_damaged else None
                if content is not None:
                    found.append(LoggedBatch(row.sequence, content, row.country))
                max_bytes -= len(stored[0] if content is None else content)
                if max_bytes <= 0:
                    return FoundBatches(found, row.sequence, damaged)
        return FoundBatches(found, below, damaged)

    def after(self, sequence: int, *, limit: int, max_bytes: int) -> list[CommittedBatch]:
        """Implements `LogStore.after`."""
        found: list[CommittedBatch] = []
        with self._database.read() as connection:
            bounds = {"sequence": sequence, "count": limit}
            rows = connection.execute(_IN_COMMIT_ORDER, bounds).all()
            for number, app_monitor, received_ms, short_payload, expected, country in rows:
                stored = _payload(connection, number, short_payload, expected)
                if stored is None:  # it has been purged meanwhile
                    continue
                content = self._content(number, *stored)
                found.append(
                    CommittedBatch(
                        number,
                        app_monitor,
                        received_ms,
                        content or b"",
                        country,
                        is_damaged=content is None,
                    )
                )
                max_bytes -= len(stored[0] if content is None else content)
                if max_bytes <= 0:
                    break
        return found

    def _content(self, sequence: int, payload: bytes, expected: int | None) -> bytes | None:
        """Return a batch's content. None: it is damaged, which is counted."""
        try:
            return content_of(payload, expected)
        except UnreadableError:
            self._damaged.note(sequence)
            return None


def _newest(
    connection: Connection, bounds: Mapping[str, int], newest: int, limit: int
) -> tuple[list[_Found], int | None]:
    """Return the newest rows in the bounds, and the sequence below which there may be more."""
    rows: list[_Found] = []
    at_most = {"newest_block": newest >> BLOCK_BITS}
    blocks = connection.execute(_BLOCKS, {**bounds, **at_most}).scalars().all()
    for first, last in _runs(blocks):
        sequences = {
            "oldest": first << BLOCK_BITS,
            "newest": min(newest, ((last + 1) << BLOCK_BITS) - 1),
            "count": limit - len(rows),
        }
        rows += connection.execute(_BATCHES, {**bounds, **sequences})
        if len(rows) >= limit:
            return rows, rows[-1].sequence
    return rows, blocks[-1] << BLOCK_BITS if len(blocks) == _BLOCKS_PER_READ else None


def _payload(
    connection: Connection, sequence: int, short: bytes | None, checksum: int | None
) -> tuple[bytes, int | None] | None:
    """Return a payload and its checksum. A long payload is read. None: it does not exist."""
    return long_payload(connection, sequence) if short is None else (short, checksum)


def _runs(blocks: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last number of each run of consecutive numbers in descending order."""
    start = 0
    for end in range(1, len(blocks) + 1):
        if end == len(blocks) or blocks[end] != blocks[end - 1] - 1:
            yield blocks[end - 1], blocks[start]
            start = end
