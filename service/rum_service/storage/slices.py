"""Reads one app monitor's log in slices, so that several processes can work at once."""

from __future__ import annotations

__all__ = ["LogSlices"]

from collections.abc import Iterator

from sqlalchemy import bindparam, func, select

from rum_service.storage.database import Database
from rum_service.storage.payload import UnreadableError, content_of
from rum_service.storage.records import CommittedBatch
from rum_service.storage.schema import batches
from rum_service.storage.sql_payloads import SHORT_PAYLOAD, long_payload

_BATCHES_PER_READ = 256

# Reads only the index on app monitor and sequence.
_NUMBERED = (
    select(
        batches.c.sequence,
        func.row_number().over(order_by=batches.c.sequence).label("number"),
    )
    .where(batches.c.app_monitor == bindparam("app_monitor"))
    .where(batches.c.sequence > bindparam("after"))
    .subquery()
)
_BOUNDS = (
    select(_NUMBERED.c.sequence)
    .where(_NUMBERED.c.number % bindparam("size") == 0)
    .order_by(_NUMBERED.c.sequence)
)
_COUNT = (
    select(func.count())
    .select_from(batches)
    .where(batches.c.app_monitor == bindparam("app_monitor"))
    .where(batches.c.sequence > bindparam("after"))
)
_NEWEST = select(func.max(batches.c.sequence)).where(
    batches.c.app_monitor == bindparam("app_monitor")
)
_SLICE = (
    select(
        batches.c.sequence,
        batches.c.received_ms,
        SHORT_PAYLOAD,
        batches.c.checksum,
        batches.c.country,
    )
    .where(batches.c.app_monitor == bindparam("app_monitor"))
    .where(batches.c.sequence > bindparam("after"))
    .where(batches.c.sequence <= bindparam("through"))
    .where(batches.c.received_ms.between(bindparam("earliest"), bindparam("latest")))
    .order_by(batches.c.sequence)
    .limit(_BATCHES_PER_READ)
)


class LogSlices:
    """Reads a database while other processes may be writing to it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def bounds(self, app_monitor: int, *, after: int, size: int) -> list[int]:
        """Return the last sequences of slices with `size` batches each; the last may have fewer.

        Args:
            after: the slices begin above this sequence. Empty: no batch is above it.
        """
        with self._database.read() as connection:
            newest = connection.execute(_NEWEST, {"app_monitor": app_monitor}).scalar() or 0
            bounds = {"app_monitor": app_monitor, "after": after, "size": size}
            found = [*connection.execute(_BOUNDS, bounds).scalars()]
        if newest > after and found[-1:] < [newest]:
            found.append(newest)
        return found

    def count(self, app_monitor: int, *, after: int) -> int:
        """Return the number of batches above a sequence."""
        with self._database.read() as connection:
            bounds = {"app_monitor": app_monitor, "after": after}
            return connection.execute(_COUNT, bounds).scalar() or 0

    def read(
        self, app_monitor: int, *, after: int, through: int, earliest_ms: int, latest_ms: int
    ) -> Iterator[CommittedBatch]:
        """Yield batches in the order of commits. Damaged ones have no content.

        Args:
            after, through: the sequences above the first, up to the second.
            earliest_ms, latest_ms: only batches received in this time, both ends included.
        """
        bounds = {
            "app_monitor": app_monitor,
            "through": through,
            "earliest": earliest_ms,
            "latest": latest_ms,
        }
        while True:
            with self._database.read() as connection:
                rows = connection.execute(_SLICE, {**bounds, "after": after}).all()
            for sequence, received_ms, short_payload, expected, country in rows:
                stored = (
                    self._payload(sequence) if short_payload is None else (short_payload, expected)
                )
                if stored is None:  # it has been purged meanwhile
                    continue
                try:
                    content, is_damaged = content_of(*stored), False
                except UnreadableError:
                    content, is_damaged = b"", True
                yield CommittedBatch(
                    sequence, app_monitor, received_ms, content, country, is_damaged
                )
            if len(rows) < _BATCHES_PER_READ:
                return
            after = rows[-1].sequence

    def _payload(self, sequence: int) -> tuple[bytes, int | None] | None:
        with self._database.read() as connection:
            return long_payload(connection, sequence)
