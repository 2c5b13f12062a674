"""How many bytes the batches of each app monitor use, in a SQL database.

`stored_bytes` has the sums of the batches up to a sequence, and a read adds the later ones. So an
append writes nothing more than its batches: docs/decisions/0021-stored-bytes-are-counted-later.md.
"""

from __future__ import annotations

__all__ = ["SqlUsage", "add_usage", "delete_usage_of", "subtract_counted", "subtract_usage"]

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    bindparam,
    cast,
    delete,
    func,
    literal,
    select,
    update,
)

from rum_service.storage.database import Database
from rum_service.storage.records import Usage
from rum_service.storage.schema import (
    BATCH_BYTES,
    app_monitors,
    batches,
    counted_batches,
    stored_bytes,
)

# A read passes the batches that are not counted: 0.4 ms for so many (SQLite, 2026-11).
_UNCOUNTED = 1024
# One transaction counts so many batches. The write lock is held for 2 ms, and for as long as it
# takes to read 16 MB if nothing is in memory.
_BATCHES = 4096

_COUNTED = select(counted_batches.c.sequence).scalar_subquery()


def _sums(after: ScalarSelect[int], limit: int) -> Select[int, int]:
    """Return a query for the bytes per app monitor in the batches after a sequence."""
    # The inner query with its own limit: SQLite would read an index of all batches to group them.
    found = (
        select(batches.c.app_monitor, (func.length(batches.c.payload) + BATCH_BYTES).label("size"))
        # A constant: PostgreSQL then plans for the partitions above it only.
        .where(batches.c.sequence > after, batches.c.sequence > bindparam("known"))
        .order_by(batches.c.sequence)
        .limit(limit)
        .subquery()
    )
    total = cast(func.sum(found.c.size), BigInteger).label("bytes")
    return select(found.c.app_monitor, total).group_by(found.c.app_monitor)


def _usage() -> Select[int, str, int, int | None]:
    # One statement sees one state: another process may count in the meantime.
    new = _sums(_COUNTED, _BATCHES).subquery()
    total = func.coalesce(stored_bytes.c.bytes, 0) + func.coalesce(new.c.bytes, 0)
    return (
        select(app_monitors.c.key, app_monitors.c.name, total, stored_bytes.c.quota)
        .outerjoin(stored_bytes, stored_bytes.c.app_monitor == app_monitors.c.key)
        .outerjoin(new, new.c.app_monitor == app_monitors.c.key)
    )


# Built once: building a statement costs more than executing it.
_USAGE = _usage()
_COUNTED_SEQUENCE = select(counted_batches.c.sequence)
# The sequence of the last batch that a step counts. Sequences have gaps.
_LAST_OF_STEP = (
    select(batches.c.sequence)
    .where(batches.c.sequence > bindparam("counted"))
    .order_by(batches.c.sequence)
    .offset(_BATCHES - 1)
    .limit(1)
)


class SqlUsage:
    """Implements `UsageStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = 0
        """Batches up to this sequence are counted, and more may be."""

    def count(self) -> bool:
        with self._database.read() as connection:
            self._known = connection.execute(_COUNTED_SEQUENCE).scalar_one()
            newest = self._database.newest_stored(connection)
        if newest - self._known < _UNCOUNTED:
            return False
        with self._database.write() as connection:
            return self._count(connection)

    def read(self) -> dict[int, Usage]:
        with self._database.read() as connection:
            return {
                key: Usage(name, stored, quota)
                for key, name, stored, quota in connection.execute(_USAGE, {"known": self._known})
            }

    def set_quota(self, app_monitor: int, quota: int | None) -> bool:
        key = select(app_monitors.c.key, literal(0), literal(quota, BigInteger)).where(
            app_monitors.c.key == app_monitor
        )
        insert = self._database.insert(stored_bytes).from_select(
            ["app_monitor", "bytes", "quota"], key
        )
        change = insert.on_conflict_do_update(
            index_elements=[stored_bytes.c.app_monitor], set_={"quota": insert.excluded.quota}
        )
        with self._database.write() as connection:
            changed = connection.execute(change.returning(stored_bytes.c.app_monitor))
            return changed.one_or_none() is not None

    def _count(self, connection: Connection) -> bool:
        """Count the next step. Return whether batches remain."""
        newest = self._database.newest_stored(connection)
        counted = connection.execute(_COUNTED_SEQUENCE).scalar_one()
        last = connection.execute(_LAST_OF_STEP, {"counted": counted}).scalar()
        new = _sums(select(literal(counted)).scalar_subquery(), _BATCHES).subquery()
        # Batches of deleted app monitors are deleted soon.
        existing = select(new.c.app_monitor, new.c.bytes).where(
            new.c.app_monitor.in_(select(app_monitors.c.key))
        )
        insert = self._database.insert(stored_bytes).from_select(["app_monitor", "bytes"], existing)
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=[stored_bytes.c.app_monitor],
                set_={"bytes": stored_bytes.c.bytes + insert.excluded.bytes},
            ),
            {"known": counted},
        )
        upto = newest if last is None else last
        connection.execute(update(counted_batches).values(sequence=upto))
        return bool(upto < newest)


def delete_usage_of(connection: Connection, app_monitor: int) -> None:
    """Delete an app monitor's sum and quota."""
    connection.execute(delete(stored_bytes).where(stored_bytes.c.app_monitor == app_monitor))


def subtract_usage(
    connection: Connection, app_monitor: int, are_deleted: ColumnElement[bool]
) -> None:
    """Subtract an app monitor's batches, if they are counted. They are deleted next.

    Args:
        are_deleted: the condition that selects these batches.
    """
    size = func.sum(func.length(batches.c.payload) + BATCH_BYTES)
    deleted = select(func.coalesce(size, 0)).where(are_deleted, batches.c.sequence <= _COUNTED)
    add_usage(connection, app_monitor, -cast(deleted.scalar_subquery(), BigInteger))


def subtract_counted(
    connection: Connection, app_monitor: int, sizes: Iterable[tuple[int, int]]
) -> None:
    """Subtract an app monitor's bytes, as far as these are counted.

    Args:
        sizes: the sequence of each batch, and its bytes.
    """
    counted = connection.execute(_COUNTED_SEQUENCE).scalar_one()
    size = sum(size for sequence, size in sizes if sequence <= counted)
    add_usage(connection, app_monitor, -size)


def add_usage(connection: Connection, app_monitor: int, size: int | ColumnElement[int]) -> None:
    """Add bytes to an app monitor's sum. They may be negative."""
    connection.execute(
        update(stored_bytes)
        .where(stored_bytes.c.app_monitor == app_monitor)
        .values(bytes=stored_bytes.c.bytes + size)
    )
