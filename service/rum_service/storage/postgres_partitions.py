"""The partitions of the log in PostgreSQL, and the statement that inserts into one.

    batches                  partitioned by sequence
    ├── batches_0            the batches from before the log was partitioned
    ├── batches_20261129     sequences from 20786 << 32, the number of the day since 1970
    └── batches_20261130

A batch is stored once although each partition has its own unique index: a statement looks for its
rows in the earlier partitions in which their events can be, and in `future_batches`, which has the
batches whose events are later than their partition. A batch without events can be in all of them.
docs/decisions/0032-partitions-are-ranges-of-sequences.md.
"""

from __future__ import annotations

__all__ = ["DAY_BITS", "DAY_MS", "Layout", "Partition", "read_layout"]

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

# Sequences stay below 2**53, so that each is exact as a double, until the year 7700.
DAY_BITS = 32
DAY_MS = 86_400_000
# A retry is recognized in this number of partitions before the newest one. A group with a batch
# from 1970 searches all of them, which takes 5 ms of the server's CPU (2026-11).
_MAX_EARLIER = 366
# Batches of devices whose clock is ahead by more than this are in `future_batches`.
_CLOCK_ERROR_MS = DAY_MS
_TABLE = "batches"

_COLUMNS = sql.SQL(
    "app_monitor, batch_id, digest, received_ms, first_ms, last_ms, event_count, payload,"
    " dropped_events, country, checksum"
)
# One statement, so one round trip, in autocommit: write lock, insertion and commit. The lock comes
# first: no sequence is taken before the row of `lock` exists. Its snapshot is older than the lock.
# ON CONFLICT sees what has been committed since. The searches in earlier partitions do not, so
# nothing is inserted unless the day is still the one that the caller has read: since then, all
# commits went to the newest partition. pg_sequence_last_value has no snapshot.
# OFFSET 0 prevents a join, which could change the order of the rows.
# %b sends arrays in binary form: 20 µs of CPU per batch of 50 events, in groups of 16; one
# statement per row costs 58, and %s costs thousands (2026-11).
_INSERT = sql.SQL("""
WITH
lock AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(%b::bigint)
),
newest AS MATERIALIZED (
    SELECT coalesce(pg_sequence_last_value('batches_sequence_seq'), 0) >> {bits} AS day FROM lock
),
stored AS (
    INSERT INTO {newest} ({columns})
    SELECT new.*
    FROM newest, unnest(%b::bigint[], %b::bytea[], %b::bytea[], %b::bigint[], %b::bigint[],
                        %b::bigint[], %b::integer[], %b::bytea[], %b::integer[], %b::text[],
                        %b::bigint[]) AS new ({columns})
    WHERE newest.day = {day}{unless_stored}
    ON CONFLICT DO NOTHING
    RETURNING app_monitor, batch_id, sequence, first_ms, last_ms
),
noted AS (
    INSERT INTO future_batches (app_monitor, batch_id, sequence)
    SELECT app_monitor, batch_id, sequence FROM stored WHERE last_ms >= {future_ms}
    ON CONFLICT DO NOTHING
),
widened AS (
    INSERT INTO batch_spans (app_monitor, block, first_ms, last_ms)
    SELECT app_monitor, sequence >> 10, min(first_ms) & ~1023, max(last_ms) | 1023
    FROM stored GROUP BY 1, 2
    ON CONFLICT (app_monitor, block) DO UPDATE
    SET first_ms = least(batch_spans.first_ms, excluded.first_ms),
        last_ms = greatest(batch_spans.last_ms, excluded.last_ms)
    WHERE excluded.first_ms < batch_spans.first_ms OR excluded.last_ms > batch_spans.last_ms
)
SELECT count(*), min(sequence), (SELECT day FROM newest) FROM stored
""")
_UNLESS_NOTED = sql.SQL("""
      AND NOT EXISTS (
          SELECT FROM future_batches AS old
          WHERE old.app_monitor = new.app_monitor AND old.batch_id = new.batch_id OFFSET 0)""")
_UNLESS_STORED = sql.SQL("""
      AND NOT ((new.last_ms < {before_ms} OR new.event_count = 0) AND EXISTS (
          SELECT FROM {earlier} AS old
          WHERE old.app_monitor = new.app_monitor AND old.batch_id = new.batch_id OFFSET 0))""")
_ALWAYS_MS = 2**63 - 1

_LAYOUT = """
SELECT coalesce(pg_sequence_last_value('batches_sequence_seq'), 0) >> %s,
       array(SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
             WHERE inhparent = 'batches'::regclass AND NOT inhdetachpending)
"""


class Partition(NamedTuple):
    """A table with a range of sequences. Sorts by them."""

    day: int
    """Days since 1970. Its sequences start at `day << DAY_BITS`. 0: the oldest partition."""
    table: str

    @classmethod
    def of_day(cls, day: int) -> Partition:
        """Return the partition for a day."""
        return cls(day, f"{_TABLE}_{datetime.fromtimestamp(day * DAY_MS / 1000, UTC):%Y%m%d}")

    @classmethod
    def of_table(cls, table: str) -> Partition:
        """Return the partition with this name."""
        suffix = table.rpartition("_")[2]
        if suffix == "0":
            return cls(0, table)
        start = datetime.strptime(suffix, "%Y%m%d").replace(tzinfo=UTC)
        return cls(round(start.timestamp() * 1000) // DAY_MS, table)

    @property
    def first_sequence(self) -> int:
        return self.day << DAY_BITS


@dataclass(frozen=True)
class Layout:
    """The partitions of the log, as read at some time."""

    day: int
    """The day of the newest sequence."""
    partitions: Sequence[Partition]
    """In the order of their sequences. Empty: the log is not partitioned."""

    _insertions: dict[int, bytes] = field(default_factory=dict)
    """The statements by the number of earlier partitions that they search."""

    def insertion(self, oldest_ms: int) -> tuple[bytes, int]:
        """Return a statement that inserts batches, and the lowest sequence that it searches.

        Args:
            oldest_ms: the lowest `last_ms` of the batches; 0 if one of them has no events.
        """
        searched = sum(oldest_ms < before_ms for before_ms in self._searched_before_ms)
        if searched > 1:
            # Few statements, so that the server keeps their plans. A partition that no batch can
            # be in is opened, which takes some µs for each group, and not searched.
            searched = min(1 << (searched - 1).bit_length(), len(self._searched_before_ms))
        statement = self._insertions.get(searched)
        if statement is None:
            statement = self._insertions[searched] = self._insertion(searched)
        return statement, self.started[-1 - searched].first_sequence

    @cached_property
    def started(self) -> Sequence[Partition]:
        """The partitions that can have batches, the newest one last."""
        started = self.partitions[: bisect_left(self.partitions, (self.day + 1,))]
        return started or [Partition(0, _TABLE)]

    @cached_property
    def _searched_before_ms(self) -> Sequence[int]:
        """For each earlier partition, newest first: search it for batches that end before this.

        All batches in a partition were received before the next one started. So their events are
        older, too, except for clock errors.
        """
        following = self.started[:0:-1][:_MAX_EARLIER]
        return [
            _future_ms(following[position]) if position else _ALWAYS_MS
            for position in range(len(following))
        ]

    def _insertion(self, searched: int) -> bytes:
        earlier = zip(self._searched_before_ms, self.started[-2::-1], strict=False)
        conditions = [
            _UNLESS_STORED.format(
                before_ms=sql.Literal(before_ms), earlier=sql.Identifier(partition.table)
            )
            for before_ms, partition in islice(earlier, searched)
        ]
        newest = self.started[-1]
        following = self.partitions[len(self.started) :]
        end = following[0] if following else Partition(newest.day + 1, "")
        return _INSERT.format(
            bits=sql.Literal(DAY_BITS),
            newest=sql.Identifier(newest.table),
            columns=_COLUMNS,
            day=sql.Literal(self.day),
            # Without partitions, the unique index has all batches.
            future_ms=sql.Literal(_future_ms(end) if self.partitions else _ALWAYS_MS),
            unless_stored=sql.Composed([_UNLESS_NOTED, *conditions] if conditions else []),
        ).as_bytes(None)


def _future_ms(following: Partition) -> int:
    """Return from when on batches are in the future of the partition before `following`."""
    return following.day * DAY_MS + _CLOCK_ERROR_MS


def read_layout(connection: psycopg.Connection[Any]) -> Layout:
    """Read which partitions there are."""
    day, tables = connection.execute(_LAYOUT, [DAY_BITS]).fetchone() or (0, [])
    return Layout(day, sorted(map(Partition.of_table, tables)))
