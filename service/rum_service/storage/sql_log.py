"""The log of batches in a SQL database.

Source of the layout: docs/decisions/0001-the-log-then-projections.md.
"""

from __future__ import annotations

__all__ = ["SqlLog"]

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from rum_service.storage.damage import DamagedBatches
from rum_service.storage.database import BatchKey, BatchRow, Database, Inserted, StoredRow
from rum_service.storage.payload import (
    UnreadableError,
    checksum,
    content_of,
    decompress_damaged,
    is_same,
    stored_form,
)
from rum_service.storage.records import (
    Appended,
    Batch,
    CommittedBatch,
    FoundBatches,
    LoggedBatch,
)
from rum_service.storage.schema import (
    BLOCK_BITS,
    app_monitors,
    batch_spans,
    batches,
    removals,
    write_checks,
)
from rum_service.storage.sql_imports import forget_imported, note_imported
from rum_service.storage.sql_removal import delete_spans_before, note_removed
from rum_service.storage.sql_repair import Restorable, restore_payloads
from rum_service.storage.sql_usage import subtract_usage
from rum_service.storage.unconfirmed import Unconfirmed

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
# The payloads of 64 batches may have 2 GB together. So long payloads are read one by one, as long
# as there is room.
_SHORT_PAYLOAD_BYTES = 64 << 10
_SHORT_PAYLOAD = case(
    (func.length(batches.c.payload) <= _SHORT_PAYLOAD_BYTES, batches.c.payload)
).label("payload")
_BATCHES = (
    _in_time_range(
        batches, batches.c.sequence, _SHORT_PAYLOAD, batches.c.checksum, batches.c.country
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
        _SHORT_PAYLOAD,
        batches.c.checksum,
        batches.c.country,
    )
    .where(batches.c.sequence > bindparam("sequence"))
    .order_by(batches.c.sequence)
    .limit(bindparam("count"))
)
_NEXT_RECEIVED = (
    select(batches.c.received_ms)
    .where(batches.c.sequence > bindparam("sequence"))
    .order_by(batches.c.sequence)
    .limit(1)
)
_NEWEST_REMOVED = select(removals.c.sequence)
_OLDEST = (
    select(batches.c.sequence)
    .where(batches.c.app_monitor == bindparam("app_monitor"))
    .order_by(batches.c.sequence)
    .limit(bindparam("count"))
)

# An erasure may change both together.
_PAYLOAD = select(batches.c.payload, batches.c.checksum).where(
    batches.c.sequence == bindparam("sequence")
)


def _deleted_app_monitors() -> Select[int]:
    """Return a query that seeks the next app monitor in the index, instead of reading all of it."""
    key = func.min(batches.c.app_monitor).label("key")
    keys = select(key).cte("keys", recursive=True)
    following = select(key).where(batches.c.app_monitor > keys.c.key).scalar_subquery()
    keys = keys.union_all(select(following).where(keys.c.key.is_not(None)))
    exists_still = exists().where(app_monitors.c.key == keys.c.key)
    return select(keys.c.key).where(keys.c.key.is_not(None), ~exists_still).order_by(keys.c.key)


_DELETED = _deleted_app_monitors()

# No app monitor has key 0.
_PROBE = {
    "app_monitor": 0,
    "batch_id": bytes(16),
    "digest": b"",
    "received_ms": 0,
    "first_ms": 0,
    "last_ms": 0,
    "event_count": 0,
    "payload": b"",
    "dropped_events": 1,
    "country": None,
    "checksum": 0,
}

_Found = Row[int, bytes | None, int | None, str | None]
"""Sequence, payload, checksum and country. The payload is None if it is long."""


class SqlLog:
    """Implements `LogStore`."""

    def __init__(self, database: Database, damaged: DamagedBatches) -> None:
        self._database = database
        self._damaged = damaged
        self._unconfirmed = Unconfirmed()
        sequence = database.probe_sequence
        self._probe_sequence = {} if sequence is None else {"sequence": sequence}

    def maintain(self, now_ms: int | None = None) -> None:
        self._database.maintain(now_ms)

    def append(self, new: Sequence[Batch]) -> list[Appended]:
        rows = [_row(batch) for batch in new]
        try:
            inserted = self._database.insert_batches(rows)
        except Exception:
            self._unconfirmed.add(new)
            raise
        try:
            note_imported(self._database, new, inserted)
        except Exception:
            self._unconfirmed.add(new)
            raise
        if inserted.rows == len(new):
            self._unconfirmed.forget(new)
            return [Appended.STORED] * len(new)
        try:
            outcomes = self._outcomes(new, rows, inserted)
        except Exception:
            self._unconfirmed.add(new)
            raise
        found = zip(new, outcomes, strict=True)
        self._unconfirmed.forget(batch for batch, outcome in found if outcome is Appended.STORED)
        return outcomes

    def _outcomes(
        self, new: Sequence[Batch], rows: Sequence[BatchRow], inserted: Inserted
    ) -> list[Appended]:
        if inserted.again:
            self._unconfirmed.add(new)
        first = _MAX_SEQUENCE if inserted.first_sequence is None else inserted.first_sequence
        seen: set[BatchKey] = set()
        outcomes = []
        for batch, values in zip(new, rows, strict=True):
            key = (batch.app_monitor, batch.batch_id)
            row = inserted.stored.get(key)
            if row is None:  # it was stored before, and has been purged since
                outcomes.append(Appended.DUPLICATE)
            elif (compared := self._compare(batch, values, row)) is not Appended.DUPLICATE:
                outcomes.append(compared)
            elif key not in seen and (
                row.sequence >= first or self._unconfirmed.take(*key, row.received_ms)
            ):
                outcomes.append(Appended.STORED)
            else:
                outcomes.append(Appended.DUPLICATE)
            seen.add(key)
        return outcomes

    def _compare(self, batch: Batch, values: BatchRow, row: StoredRow) -> Appended:
        """Return what a batch is to the one in the log. If that one is damaged, restore it.

        Args:
            values: the row that the batch would have.
        """
        try:
            is_duplicate = is_same(batch, row.payload, row.digest, row.checksum)
        except UnreadableError:
            self._damaged.note(row.sequence)
            payload, expected = values[7], values[10]
            if expected != row.checksum:
                return Appended.DAMAGED
            found = Restorable(row.sequence, payload)
            restore_payloads(self._database, [found])
            return Appended.DUPLICATE
        return Appended.DUPLICATE if is_duplicate else Appended.CONFLICT

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
        """Return the content of a batch. None: it is damaged, which is counted."""
        try:
            return content_of(payload, expected)
        except UnreadableError:
            self._damaged.note(sequence)
            return None

    def received_after(self, sequence: int) -> int | None:
        with self._database.read() as connection:
            received: int | None = connection.execute(
                _NEXT_RECEIVED, {"sequence": sequence}
            ).scalar()
            return received

    def newest_sequence(self) -> int:
        with self._database.read() as connection:
            removed: int = connection.execute(_NEWEST_REMOVED).scalar_one()
            return max(removed, self._database.newest_stored(connection))

    def purge(self, app_monitor: int, *, limit: int) -> int:
        # Choose the batches before taking the write lock. With a year of partitions, PostgreSQL
        # needs 0.2 s to plan a statement that does not name sequences (2026-11).
        bounds = {"app_monitor": app_monitor, "count": limit + 1}
        with self._database.read() as connection:
            sequences = connection.execute(_OLDEST, bounds).scalars().all()
        oldest, kept = sequences[:limit], sequences[limit:]
        with self._database.write() as connection:
            purged: Sequence[int] = ()
            if oldest:
                are_oldest = (batches.c.app_monitor == app_monitor) & batches.c.sequence.between(
                    oldest[0], oldest[-1]
                )
                subtract_usage(connection, app_monitor, are_oldest)
                deletion = delete(batches).where(are_oldest).returning(batches.c.sequence)
                purged = connection.execute(deletion).scalars().all()
            if purged:
                note_removed(connection, purged)
                forget_imported(connection, app_monitor, purged)
            delete_spans_before(connection, app_monitor, kept[0] if kept else None)
        # Not what was purged: another process may purge the same batches, and end too early.
        return len(oldest)

    def dropped_events(self, app_monitors: Sequence[int]) -> dict[int, int]:
        # The partial index has both columns of the condition, so no batch is read.
        query = (
            select(batches.c.app_monitor, func.sum(batches.c.dropped_events))
            .where(batches.c.app_monitor.in_(app_monitors), batches.c.dropped_events > 0)
            .group_by(batches.c.app_monitor)
        )
        with self._database.read() as connection:
            return {key: int(dropped) for key, dropped in connection.execute(query)}

    def dropped_from(self, sequences: Sequence[int]) -> int:
        query = select(func.coalesce(func.sum(batches.c.dropped_events), 0)).where(
            batches.c.sequence.in_(sequences)
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def deleted_app_monitors(self) -> list[int]:
        with self._database.read() as connection:
            return list(connection.execute(_DELETED).scalars())

    def check_writable(self) -> None:
        first = self._database.insert(write_checks).values(id=1, checks=0).on_conflict_do_nothing()
        with self._database.write() as connection:
            # The row and the entries of all indexes. No other transaction sees it.
            probe = insert(batches).values({**_PROBE, **self._probe_sequence})
            sequence = connection.execute(probe.returning(batches.c.sequence)).scalar_one()
            connection.execute(delete(batches).where(batches.c.sequence == sequence))
            connection.execute(first)
            connection.execute(update(write_checks).values(checks=write_checks.c.checks + 1))


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
    connection: Connection, sequence: int, payload: bytes | None, expected: int | None
) -> tuple[bytes, int | None] | None:
    """Return a payload and its checksum. A long payload is read. None: it does not exist."""
    if payload is not None:
        return payload, expected
    row = connection.execute(_PAYLOAD, {"sequence": sequence}).one_or_none()
    return None if row is None else (row.payload, row.checksum)


def _runs(blocks: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last number of each run of consecutive numbers in descending order."""
    start = 0
    for end in range(1, len(blocks) + 1):
        if end == len(blocks) or blocks[end] != blocks[end - 1] - 1:
            yield blocks[end - 1], blocks[start]
            start = end


def _row(batch: Batch) -> BatchRow:
    payload, digest = stored_form(batch)
    return (
        batch.app_monitor,
        batch.batch_id,
        digest,
        batch.received_ms,
        batch.first_ms,
        batch.last_ms,
        batch.event_count,
        payload,
        batch.dropped_events,
        batch.country,
        checksum(payload),
    )
