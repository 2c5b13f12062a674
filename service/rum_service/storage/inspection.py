"""Read everything in a database, to check it. Nothing is changed, not even an older schema."""

from __future__ import annotations

__all__ = ["Inspection", "LogRow"]

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Integer, bindparam, case, func, literal, or_, select, text
from sqlalchemy.exc import SQLAlchemyError

from rum_service.storage.database import BatchKey, Database, reason_of
from rum_service.storage.migrate import check_current
from rum_service.storage.schema import (
    BATCH_BYTES,
    BLOCK_BITS,
    app_monitors,
    batch_spans,
    batches,
    counted_batches,
    removals,
    stored_bytes,
)
from rum_service.storage.sql_imports import is_imported

_MAX_PROBLEMS = 100


class LogRow(NamedTuple):
    """A batch, exactly as the database has it."""

    sequence: int
    app_monitor: int
    batch_id: bytes
    received_ms: int
    first_ms: int
    last_ms: int
    event_count: int
    dropped_events: int
    digest: bytes
    payload: bytes
    checksum: int | None
    """None: a version without checksums stored the batch."""
    has_span: bool
    """Whether a read by time finds the batch."""
    is_imported: bool
    """Whether it is in `imported_batches`, so that retention finds it by its time of receipt."""

    @property
    def size(self) -> int:
        """The bytes that count towards a quota."""
        return len(self.payload) + BATCH_BYTES


_SPANS = (batch_spans.c.app_monitor == batches.c.app_monitor) & (
    batch_spans.c.block == batches.c.sequence.bitwise_rshift(literal(BLOCK_BITS, Integer))
)
_IS_OUTSIDE = or_(
    batch_spans.c.block.is_(None),
    batch_spans.c.first_ms > batches.c.first_ms,
    batch_spans.c.last_ms < batches.c.last_ms,
)
_ROWS = (
    select(
        *(batches.c[name] for name in LogRow._fields[:-2]),
        case((_IS_OUTSIDE, 0), else_=1),
        case((is_imported, 1), else_=0),
    )
    .select_from(batches.outerjoin(batch_spans, _SPANS))
    .where(batches.c.sequence > bindparam("after"), batches.c.sequence <= bindparam("newest"))
    .order_by(batches.c.sequence)
    .limit(bindparam("count"))
)
_COUNTED = select(counted_batches.c.sequence).scalar_subquery()
_SUMS = select(app_monitors.c.key, func.coalesce(stored_bytes.c.bytes, 0), _COUNTED).outerjoin(
    stored_bytes, stored_bytes.c.app_monitor == app_monitors.c.key
)


_COUNT = (
    select(func.count())
    .select_from(batches)
    .where(batches.c.sequence > 0, batches.c.sequence <= bindparam("newest"))
)
_KEY = select(batches.c.app_monitor, batches.c.batch_id).where(
    batches.c.sequence == bindparam("sequence")
)


class Inspection:
    """Reads a database that exists and has the current schema.

    Raises:
        ValueError: it cannot be read, or has another schema.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        try:
            with database.read() as connection:
                check_current(connection)
        except SQLAlchemyError as error:
            raise ValueError(f"the database cannot be read: {reason_of(error)}") from None

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def newest(self) -> int:
        """Return the sequence of the newest batch, or 0."""
        with self._database.read() as connection:
            return connection.execute(select(func.max(batches.c.sequence))).scalar() or 0

    def count(self, newest: int) -> int:
        """Return the number of batches up to a sequence."""
        with self._database.read() as connection:
            return connection.execute(_COUNT, {"newest": newest}).scalar_one()

    def key(self, sequence: int) -> BatchKey | None:
        """Return a batch's app monitor and ID. None: it does not exist."""
        with self._database.read() as connection:
            row = connection.execute(_KEY, {"sequence": sequence}).one_or_none()
            return None if row is None else (row.app_monitor, row.batch_id)

    def rows(self, *, after: int, newest: int, limit: int) -> list[LogRow]:
        """Return the oldest batches above a sequence, at most `limit`, and none above `newest`."""
        with self._database.read() as connection:
            bounds = {"after": after, "newest": newest, "count": limit}
            return [
                LogRow._make((*values, bool(has_span), bool(is_noted)))
                for *values, has_span, is_noted in connection.execute(_ROWS, bounds)
            ]

    def sums(self) -> tuple[dict[int, int], int]:
        """Return the bytes of each app monitor in `stored_bytes`, and up to which sequence."""
        with self._database.read() as connection:
            found = connection.execute(_SUMS).all()
        return {key: stored for key, stored, _ in found}, found[0][2] if found else 0

    def removed(self) -> int:
        """Return how many batches were ever removed."""
        with self._database.read() as connection:
            count: int = connection.execute(select(removals.c.batches)).scalar_one()
            return count

    def damage(self) -> Sequence[str]:
        """Return what the database itself finds wrong with its files. PostgreSQL: nothing."""
        with self._database.read() as connection:
            if connection.dialect.name != "sqlite":
                return []
            lines = connection.execute(text(f"PRAGMA integrity_check({_MAX_PROBLEMS})")).scalars()
            return [line for line in lines if line != "ok"]
