"""A database's batches in parts: chunks to copy, and ranges to compare by their sums."""

from __future__ import annotations

__all__ = ["IN_RANGE", "Bounds", "Chunk", "Totals", "chunks", "ranges", "totals_of"]

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Row, bindparam, func, select

from rum_service.storage.database import Database
from rum_service.storage.schema import batches

Bounds: TypeAlias = dict[str, int]
"""The parameters of `IN_RANGE`."""

# One transaction. A payload can have some MB, and a chunk is in memory twice.
_CHUNK_ROWS = 5_000
_CHUNK_BYTES = 16 << 20
# The comparison reads this number of batches at once.
_RANGE_ROWS = 16_384


class Chunk(NamedTuple):
    """Batches that are copied in one transaction."""

    first: int
    last: int
    """The rows are all batches from `first` to `last`."""
    rows: list[dict[str, Any]]


class Totals(NamedTuple):
    """Sums over an app monitor's batches. Equal batches have equal sums."""

    batches: int = 0
    events: int = 0
    dropped_events: int = 0
    payload_bytes: int = 0
    checksums: int = 0
    sequences: int = 0

    def __add__(self, other: tuple[Any, ...]) -> Totals:
        return Totals(*(mine + its for mine, its in zip(self, other, strict=True)))


_SIZES = (
    select(batches.c.sequence, func.length(batches.c.payload))
    .where(batches.c.sequence > bindparam("after"), batches.c.sequence <= bindparam("newest"))
    .order_by(batches.c.sequence)
    .limit(_CHUNK_ROWS)
)
IN_RANGE = batches.c.sequence.between(bindparam("first"), bindparam("last"))
"""The batches from `first` to `last`."""
_ROWS = select(batches).where(IN_RANGE).order_by(batches.c.sequence)
_TOTALS = (
    select(
        batches.c.app_monitor,
        func.count(),
        func.sum(batches.c.event_count),
        func.sum(batches.c.dropped_events),
        func.sum(func.length(batches.c.payload)),
        func.sum(func.coalesce(batches.c.checksum, 0)),
        func.sum(batches.c.sequence),
    )
    .where(IN_RANGE)
    .group_by(batches.c.app_monitor)
)
_RANGE_END = (
    select(batches.c.sequence)
    .where(batches.c.sequence >= bindparam("first"))
    .order_by(batches.c.sequence)
    .offset(_RANGE_ROWS - 1)
    .limit(1)
)


def chunks(source: Database, after: int, newest: int) -> Iterator[Chunk]:
    """Yield the batches above a sequence, up to `newest`, in chunks of one transaction."""
    while True:
        with source.read() as connection:
            sizes = connection.execute(_SIZES, {"after": after, "newest": newest}).all()
            if not sizes:
                return
            last = _last_of_chunk(sizes)
            bounds = {"first": after + 1, "last": last}
            rows = [dict(row) for row in connection.execute(_ROWS, bounds).mappings()]
        if rows:
            yield Chunk(after + 1, last, rows)
        after = last


def _last_of_chunk(sizes: Sequence[Row[int, int]]) -> int:
    """Return the last sequence whose payloads fit in a chunk, at least the first one."""
    room = _CHUNK_BYTES
    last: int = sizes[0][0]
    for sequence, size in sizes:
        room -= size
        if room < 0:
            break
        last = sequence
    return last


def ranges(source: Database, target: Database, newest: int) -> Iterator[Bounds]:
    """Yield ranges of sequences that cover all batches of both databases up to `newest`."""
    first = last = 0
    while last < newest:
        with source.read() as one, target.read() as other:
            ends = [
                connection.execute(_RANGE_END, {"first": first}).scalar()
                for connection in (one, other)
            ]
        last = min(end for end in (*ends, newest) if end is not None)
        yield {"first": first, "last": last}
        first = last + 1


def totals_of(connection: Connection, bounds: Bounds) -> dict[int, Totals]:
    """Return the sums over the batches in a range, by the key of the app monitor."""
    # PostgreSQL's sums are decimals.
    return {row[0]: Totals(*map(int, row[1:])) for row in connection.execute(_TOTALS, bounds)}
