"""How long the batches of app monitors are kept, and their removal, in a SQL database.

docs/decisions/0029-batches-are-kept-for-days.md gives the reasons.
"""

from __future__ import annotations

__all__ = ["SqlRetention", "delete_retention_of", "is_free"]

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
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
    app_monitors,
    batches,
    imported_batches,
    removals,
    retention,
)
from rum_service.storage.sql_imports import is_imported
from rum_service.storage.sql_removal import BatchRemoval

# Look at several batches, because the clock may have been wrong when the oldest was received.
_OLDEST = 16
# A claim that ends later than any service would set it was made with a wrong clock.
_LONGEST_CLAIM_MS = 3_600_000


def _retention() -> Select[Any]:
    oldest = (
        select(batches.c.received_ms)
        .where(batches.c.app_monitor == app_monitors.c.key)
        .order_by(batches.c.sequence)
        .limit(_OLDEST)
        .correlate(app_monitors)
        .subquery()
    )
    imported = select(func.min(imported_batches.c.received_ms)).where(
        imported_batches.c.app_monitor == app_monitors.c.key
    )
    return select(
        app_monitors.c.key,
        app_monitors.c.name,
        retention.c.days,
        retention.c.removed_before_ms,
        select(func.min(oldest.c.received_ms)).scalar_subquery(),
        imported.correlate(app_monitors).scalar_subquery(),
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
# Batches that were not imported: their times follow their sequences.
_RECEIVED_BETWEEN = (
    select(batches.c.sequence, batches.c.received_ms)
    .where(batches.c.app_monitor == bindparam("app_monitor"), ~is_imported)
    .where(batches.c.sequence >= bindparam("first"), batches.c.sequence < bindparam("end"))
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
_IMPORTED_BELOW = select(func.count()).where(
    imported_batches.c.app_monitor == bindparam("app_monitor"),
    imported_batches.c.sequence < bindparam("sequence"),
)
_OLD_IMPORTED = select(func.count()).where(
    imported_batches.c.app_monitor == bindparam("app_monitor"),
    imported_batches.c.received_ms < bindparam("before_ms"),
)


class SqlRetention:
    """Implements `RetentionStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._removal = BatchRemoval(database)
        self._giving_back_s = 0.0

    @property
    def held_s(self) -> float:
        return self._removal.held_s + self._giving_back_s

    def read(self) -> dict[int, Retention]:
        with self._database.read() as connection:
            rows = connection.execute(_RETENTION).all()
            return {
                key: Retention(name, days, removed_before_ms, _least(*oldest))
                for key, name, days, removed_before_ms, *oldest in rows
            }

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
            # Halving finds the first batch that is kept. No batch is read twice.
            high += 1
            while low < high:
                middle = (low + high) // 2
                bounds = {**of_monitor, "first": middle, "end": high}
                row = connection.execute(_RECEIVED_BETWEEN, bounds).one_or_none()
                if row is not None and row.received_ms < before_ms:
                    low = row.sequence + 1
                else:
                    high = middle
            below = {**of_monitor, "sequence": low}
            old = {**of_monitor, "before_ms": before_ms}
            return (
                connection.execute(_COUNT_BELOW, below).scalar_one()
                - connection.execute(_IMPORTED_BELOW, below).scalar_one()
                + connection.execute(_OLD_IMPORTED, old).scalar_one()
            )

    def claim(self, *, now_ms: int, until_ms: int, held_ms: int | None) -> bool:
        until = removals.c.claimed_until_ms
        free = is_free(until, now_ms=now_ms, until_ms=until_ms, held_ms=held_ms)
        change = update(removals).where(free).values(claimed_until_ms=until_ms)
        with self._database.write() as connection:
            return connection.execute(change).rowcount == 1

    def remove(
        self, before_ms: Mapping[int, int], *, limit: int, max_bytes: int
    ) -> dict[int, Removed]:
        return self._removal.remove(before_ms, limit=limit, max_bytes=max_bytes)

    def removal_ms(self, before_ms: int) -> int:
        return self._database.removal_ms(before_ms)

    def give_back_space(self) -> bool:
        began_s = perf_counter()
        try:
            return self._database.give_back_space()
        finally:
            self._giving_back_s += perf_counter() - began_s


def _least(*times: int | None) -> int | None:
    return min((each for each in times if each is not None), default=None)


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
