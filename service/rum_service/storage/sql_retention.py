"""How long the batches of app monitors are kept, and their removal, in a SQL database.

docs/decisions/0029-batches-are-kept-for-days.md gives the reasons.
"""

from __future__ import annotations

__all__ = [
    "SqlRetention",
    "delete_retention_of",
    "delete_spans_before",
    "is_free",
    "note_removed",
    "oldest_sequence",
]

from collections.abc import Mapping, Sequence
from itertools import islice
from time import perf_counter
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)

from rum_service.storage.database import Database
from rum_service.storage.records import Removed, Retention
from rum_service.storage.schema import (
    BATCH_BYTES,
    BLOCK_BITS,
    app_monitors,
    batch_spans,
    batches,
    counted_batches,
    removals,
    retention,
    stored_bytes,
)

# A step executes some statements for each app monitor while puts wait.
_MONITORS_AT_ONCE = 16
# Look at several batches, because the clock may have been wrong when the oldest was received.
_OLDEST = 16
# A claim that ends later than any service would set it was made with a wrong clock.
_LONGEST_CLAIM_MS = 3_600_000


def _retention() -> Select[int, str, int | None, int | None, int | None]:
    oldest = (
        select(batches.c.received_ms)
        .where(batches.c.app_monitor == app_monitors.c.key)
        .order_by(batches.c.sequence)
        .limit(_OLDEST)
        .correlate(app_monitors)
        .subquery()
    )
    return select(
        app_monitors.c.key,
        app_monitors.c.name,
        retention.c.days,
        retention.c.removed_before_ms,
        select(func.min(oldest.c.received_ms)).scalar_subquery(),
    ).outerjoin(retention, retention.c.app_monitor == app_monitors.c.key)


_FIRST_SEQUENCES = select(
    app_monitors.c.key,
    select(batches.c.sequence)
    .where(batches.c.app_monitor == app_monitors.c.key)
    .order_by(batches.c.sequence)
    .limit(1)
    .correlate(app_monitors)
    .scalar_subquery(),
)
# Built once: building a statement costs more than executing it.
_RETENTION = _retention()
_REMOVED_BEFORE = select(retention.c.removed_before_ms).where(
    retention.c.app_monitor == bindparam("app_monitor")
)
_OLDEST_BATCHES = (
    select(batches.c.sequence, batches.c.received_ms, func.length(batches.c.payload))
    .where(batches.c.app_monitor == bindparam("app_monitor"))
    .order_by(batches.c.sequence)
    .limit(bindparam("count"))
)
_RECEIVED_FROM = (
    select(batches.c.sequence, batches.c.received_ms)
    .where(batches.c.app_monitor == bindparam("app_monitor"))
    .where(batches.c.sequence >= bindparam("sequence"))
    .order_by(batches.c.sequence)
    .limit(1)
)
_SEQUENCES = select(func.min(batches.c.sequence), func.max(batches.c.sequence)).where(
    batches.c.app_monitor == bindparam("app_monitor")
)
_COUNT_BELOW = select(func.count()).where(
    batches.c.app_monitor == bindparam("app_monitor"),
    batches.c.sequence < bindparam("sequence"),
)
_OLDEST_SEQUENCE = (
    select(batches.c.sequence)
    .where(batches.c.app_monitor == bindparam("app_monitor"))
    .order_by(batches.c.sequence)
    .limit(1)
)


class _Chosen(NamedTuple):
    """The batches of one app monitor that a step removes."""

    app_monitor: int
    before_ms: int
    sequences: Sequence[int]
    kept_from: int
    """The app monitor keeps no batches with lower sequences."""


class SqlRetention:
    """Implements `RetentionStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.held_s = 0.0

    def read(self) -> dict[int, Retention]:
        with self._database.read() as connection:
            rows = connection.execute(_RETENTION).all()
            return {row[0]: Retention(*row[1:]) for row in rows}

    def first_sequences(self) -> dict[int, int]:
        with self._database.read() as connection:
            rows = connection.execute(_FIRST_SEQUENCES).all()
            return {key: sequence for key, sequence in rows if sequence is not None}

    def removed_before(self, app_monitor: int) -> int | None:
        with self._database.read() as connection:
            found: int | None = connection.execute(
                _REMOVED_BEFORE, {"app_monitor": app_monitor}
            ).scalar()
            return found

    def set_days(self, app_monitor: int, days: int | None) -> bool:
        key = select(app_monitors.c.key, literal(days, Integer)).where(
            app_monitors.c.key == app_monitor
        )
        insert = self._database.insert(retention).from_select(["app_monitor", "days"], key)
        change = insert.on_conflict_do_update(
            index_elements=[retention.c.app_monitor], set_={"days": insert.excluded.days}
        )
        with self._database.write() as connection:
            changed = connection.execute(change.returning(retention.c.app_monitor))
            return changed.one_or_none() is not None

    def count_before(self, app_monitor: int, before_ms: int) -> int:
        of_monitor = {"app_monitor": app_monitor}
        with self._database.read() as connection:
            low, high = connection.execute(_SEQUENCES, of_monitor).one()
            if low is None:
                return 0
            # The times follow the sequences, so halving finds the first batch that is kept.
            high += 1
            while low < high:
                middle = (low + high) // 2
                found = connection.execute(_RECEIVED_FROM, {**of_monitor, "sequence": middle})
                row = found.one_or_none()
                if row is not None and row.received_ms < before_ms:
                    low = row.sequence + 1
                else:
                    high = middle
            bounds = {**of_monitor, "sequence": low}
            return connection.execute(_COUNT_BELOW, bounds).scalar_one()

    def claim(self, *, now_ms: int, until_ms: int, held_ms: int | None) -> bool:
        until = removals.c.claimed_until_ms
        free = is_free(until, now_ms=now_ms, until_ms=until_ms, held_ms=held_ms)
        change = update(removals).where(free).values(claimed_until_ms=until_ms)
        with self._database.write() as connection:
            return connection.execute(change).rowcount == 1

    def remove(
        self, before_ms: Mapping[int, int], *, limit: int, max_bytes: int
    ) -> dict[int, Removed]:
        began_s = perf_counter()
        dropped = self._database.drop_old(before_ms)
        found = {key: Removed(*dropped[key], is_done=False) for key in before_ms if key in dropped}
        if found:
            self.held_s += perf_counter() - began_s
            return found
        # Choose the batches before taking the write lock, so that puts wait less.
        chosen: list[_Chosen] = []
        with self._database.read() as connection:
            for app_monitor, before in islice(before_ms.items(), _MONITORS_AT_ONCE):
                rows = connection.execute(
                    _OLDEST_BATCHES, {"app_monitor": app_monitor, "count": limit}
                ).all()
                sequences: list[int] = []
                kept: list[int] = []
                for sequence, received_ms, size in rows:
                    if received_ms < before and max_bytes > 0:
                        sequences.append(sequence)
                        max_bytes -= size
                    else:
                        kept.append(sequence)
                is_done = not sequences or (len(rows) < limit and max_bytes > 0)
                found[app_monitor] = Removed(is_done=is_done)
                if sequences:
                    kept_from = kept[0] if kept else sequences[-1] + 1
                    chosen.append(_Chosen(app_monitor, before, sequences, kept_from))
                limit -= len(sequences)
                if limit <= 0 or max_bytes <= 0:
                    break
        if chosen:
            with self._database.write() as connection:
                began_s = perf_counter()
                for each in chosen:
                    batches_, events = self._remove(connection, each)
                    found[each.app_monitor] = found[each.app_monitor]._replace(
                        batches=batches_, events=events
                    )
            self.held_s += perf_counter() - began_s
        return found

    def removal_ms(self, before_ms: int) -> int:
        return self._database.removal_ms(before_ms)

    def give_back_space(self) -> bool:
        began_s = perf_counter()
        try:
            return self._database.give_back_space()
        finally:
            self.held_s += perf_counter() - began_s

    def _remove(self, connection: Connection, chosen: _Chosen) -> tuple[int, int]:
        """Remove batches of one app monitor. Return how many, and how many events they had."""
        removed = connection.execute(
            delete(batches)
            .where(batches.c.sequence.in_(chosen.sequences))
            .returning(
                batches.c.sequence,
                batches.c.received_ms,
                batches.c.event_count,
                func.length(batches.c.payload),
            )
        ).all()
        if not removed:  # another service removed them
            return 0, 0
        counted = connection.execute(select(counted_batches.c.sequence)).scalar_one()
        size = sum(length + BATCH_BYTES for sequence, *_, length in removed if sequence <= counted)
        connection.execute(
            update(stored_bytes)
            .where(stored_bytes.c.app_monitor == chosen.app_monitor)
            .values(bytes=stored_bytes.c.bytes - size)
        )
        delete_spans_before(connection, chosen.app_monitor, chosen.kept_from)
        note_removed(connection, [sequence for sequence, *_ in removed])
        self._move_removed_before(connection, chosen, max(row.received_ms for row in removed) + 1)
        return len(removed), sum(row.event_count for row in removed)

    def _move_removed_before(
        self, connection: Connection, chosen: _Chosen, removed_before_ms: int
    ) -> None:
        key = select(app_monitors.c.key, literal(removed_before_ms)).where(
            app_monitors.c.key == chosen.app_monitor
        )
        insert = self._database.insert(retention).from_select(
            ["app_monitor", "removed_before_ms"], key
        )
        earlier = retention.c.removed_before_ms
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=[retention.c.app_monitor],
                set_={"removed_before_ms": insert.excluded.removed_before_ms},
                where=or_(earlier.is_(None), earlier < insert.excluded.removed_before_ms),
            )
        )


def is_free(
    claimed_until_ms: ColumnElement[int], *, now_ms: int, until_ms: int, held_ms: int | None
) -> ColumnElement[bool]:
    """Return the condition that a claim until `until_ms` is possible.

    Args:
        claimed_until_ms: when the present claim ends.
        held_ms: the end of the caller's own claim, which it may extend.
    """
    return or_(
        claimed_until_ms <= now_ms,
        claimed_until_ms > until_ms + _LONGEST_CLAIM_MS,
        claimed_until_ms == held_ms,
    )


def delete_retention_of(connection: Connection, app_monitor: int) -> None:
    """Delete an app monitor's own retention."""
    connection.execute(delete(retention).where(retention.c.app_monitor == app_monitor))


def oldest_sequence(connection: Connection, app_monitor: int) -> int | None:
    """Return the sequence of an app monitor's oldest batch. None: it has none."""
    oldest: int | None = connection.execute(_OLDEST_SEQUENCE, {"app_monitor": app_monitor}).scalar()
    return oldest


def delete_spans_before(connection: Connection, app_monitor: int, sequence: int | None) -> None:
    """Delete the spans of the blocks before the one with a sequence. None: delete all spans."""
    empty = delete(batch_spans).where(batch_spans.c.app_monitor == app_monitor)
    if sequence is not None:
        empty = empty.where(batch_spans.c.block < sequence >> BLOCK_BITS)
    connection.execute(empty)


def note_removed(connection: Connection, sequences: Sequence[int]) -> None:
    """Count removed batches, and keep their highest sequence: `newest_sequence` needs it."""
    highest = max(sequences)
    connection.execute(
        update(removals).values(
            batches=removals.c.batches + len(sequences),
            sequence=case((removals.c.sequence < highest, highest), else_=removals.c.sequence),
        )
    )
