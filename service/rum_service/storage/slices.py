"""Reads one app monitor's log in slices, so that several processes can work at once."""

from __future__ import annotations

__all__ = ["LogSlices"]

from collections.abc import Iterator

from sqlalchemy import bindparam, case, func, select

from rum_service.storage.database import Database
from rum_service.storage.payload import decompress
from rum_service.storage.records import CommittedBatch
from rum_service.storage.schema import batches

_BATCHES_PER_READ = 256
# The payloads of 256 batches may have gigabytes together. So long ones are read one by one.
_SHORT_PAYLOAD_BYTES = 64 << 10
_SHORT_PAYLOAD = case((func.length(batches.c.payload) <= _SHORT_PAYLOAD_BYTES, batches.c.payload))

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
    select(batches.c.sequence, batches.c.received_ms, _SHORT_PAYLOAD, batches.c.country)
    .where(batches.c.app_monitor == bindparam("app_monitor"))
    .where(batches.c.sequence > bindparam("after"))
    .where(batches.c.sequence <= bindparam("through"))
    .where(batches.c.received_ms.between(bindparam("earliest"), bindparam("latest")))
    .order_by(batches.c.sequence)
    .limit(_BATCHES_PER_READ)
)
_PAYLOAD = select(batches.c.payload).where(batches.c.sequence == bindparam("sequence"))


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
        """Yield batches in the order of commits.

        Args:
            after, through: the sequences above the first, up to the second.
            earliest_ms, latest_ms: only batches received in this time, both ends included.

        Raises:
            UnreadableError: a payload is damaged.
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
            for sequence, received_ms, short_payload, country in rows:
                payload = short_payload or self._payload(sequence)
                if payload is not None:  # else it has been purged meanwhile
                    content = decompress(payload)
                    yield CommittedBatch(sequence, app_monitor, received_ms, content, country)
            if len(rows) < _BATCHES_PER_READ:
                return
            after = rows[-1].sequence

    def _payload(self, sequence: int) -> bytes | None:
        with self._database.read() as connection:
            return connection.execute(_PAYLOAD, {"sequence": sequence}).scalar()
