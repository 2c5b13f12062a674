"""Repair a log in a SQL database, in small transactions, while it may be in use.

Repaired and removed batches are noted in `erased_batches`, so that projectors replace their rows.
"""

from __future__ import annotations

__all__ = ["LogRepair", "Restorable", "restore_payloads"]

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from rum_service.storage.database import Database
from rum_service.storage.payload import checksum
from rum_service.storage.schema import batches, erased_batches, future_batches
from rum_service.storage.sql_imports import forget_imported, note_received
from rum_service.storage.sql_removal import delete_spans_before, note_removed, oldest_sequence
from rum_service.storage.sql_rewrite import widen_spans
from rum_service.storage.sql_usage import add_usage, subtract_usage

# Puts wait for each transaction.
_NOTES_AT_ONCE = 500


class Restorable(NamedTuple):
    """A damaged batch, and the payload that was stored."""

    sequence: int
    payload: bytes


def restore_payloads(database: Database, found: Iterable[Restorable]) -> None:
    """Replace damaged payloads, in one transaction. Their checksums stay."""
    with database.write() as connection:
        for each in found:
            _restore(connection, each)


def _restore(connection: Connection, found: Restorable) -> None:
    # The sum of the stored bytes has the length from before the damage.
    change = (
        update(batches)
        .where(batches.c.sequence == found.sequence)
        .where(batches.c.checksum == checksum(found.payload))
        .values(payload=found.payload)
    )
    if connection.execute(change).rowcount:  # else it has been removed or erased meanwhile
        connection.execute(insert(erased_batches).values(sequence=found.sequence))


class LogRepair:
    """Removes batches, and corrects what depends on them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def columns(self, sequence: int) -> Mapping[str, Any] | None:
        """Return a batch's columns. None: it does not exist."""
        query = select(batches).where(batches.c.sequence == sequence)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().one_or_none()
            return None if row is None else dict(row)

    def remove(self, columns: Mapping[str, Any]) -> bool:
        """Delete a batch if it still has these columns. Return whether that succeeded."""
        sequence, app_monitor = columns["sequence"], columns["app_monitor"]
        is_it = (batches.c.sequence == sequence) & (batches.c.payload == columns["payload"])
        with self._database.write() as connection:
            subtract_usage(connection, app_monitor, is_it)
            if not connection.execute(delete(batches).where(is_it)).rowcount:
                return False
            # Otherwise a retry would be taken for a duplicate.
            connection.execute(delete(future_batches).where(future_batches.c.sequence == sequence))
            forget_imported(connection, app_monitor, [sequence])
            note_removed(connection, [sequence])
            oldest = oldest_sequence(connection, app_monitor)
            delete_spans_before(connection, app_monitor, oldest)
            connection.execute(insert(erased_batches).values(sequence=sequence))
            return True

    def widen_span(self, app_monitor: int, sequence: int, first_ms: int, last_ms: int) -> None:
        """Let reads by time find a batch."""
        with self._database.write() as connection:
            widen_spans(self._database, connection, app_monitor, [(sequence, first_ms, last_ms)])

    def note_receipts(self, app_monitor: int, sequences: Sequence[int]) -> None:
        """Let retention find batches by their time of receipt."""
        for start in range(0, len(sequences), _NOTES_AT_ONCE):
            with self._database.write() as connection:
                some = sequences[start : start + _NOTES_AT_ONCE]
                note_received(self._database, connection, app_monitor, some)

    def correct_sum(self, app_monitor: int, difference: int) -> None:
        """Add to an app monitor's stored bytes."""
        with self._database.write() as connection:
            add_usage(connection, app_monitor, difference)
