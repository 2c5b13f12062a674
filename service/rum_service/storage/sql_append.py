"""Appends batches to the log, and says which of them were new.

new batches → rows → insert those with new IDs → compare the others with what is stored
"""

from __future__ import annotations

__all__ = ["LogAppender"]

from collections.abc import Sequence

from rum_service.storage.damage import DamagedBatches
from rum_service.storage.database import BatchKey, BatchRow, Database, Inserted, StoredRow
from rum_service.storage.payload import UnreadableError, checksum, is_same, stored_form
from rum_service.storage.records import Appended, Batch
from rum_service.storage.sql_imports import note_imported
from rum_service.storage.sql_repair import Restorable, restore_payloads
from rum_service.storage.unconfirmed import Unconfirmed

_ABOVE_ALL = 2**63 - 1


class LogAppender:
    """Appends to the log of one database. May be used from any thread."""

    def __init__(self, database: Database, damaged: DamagedBatches) -> None:
        self._database = database
        self._damaged = damaged
        self._unconfirmed = Unconfirmed()

    def append(self, new: Sequence[Batch]) -> list[Appended]:
        """Implements `LogStore.append`."""
        rows = [_row(batch) for batch in new]
        try:
            inserted = self._database.insert_batches(rows)
            note_imported(self._database, new, inserted)
            outcomes = self._outcomes(new, inserted)
        except Exception:
            self._unconfirmed.add(new)
            raise
        found = zip(new, outcomes, strict=True)
        self._unconfirmed.forget(batch for batch, outcome in found if outcome is Appended.STORED)
        return outcomes

    def _outcomes(self, new: Sequence[Batch], inserted: Inserted) -> list[Appended]:
        if inserted.rows == len(new):  # as nearly always
            return [Appended.STORED] * len(new)
        if inserted.again:
            self._unconfirmed.add(new)
        first = _ABOVE_ALL if inserted.first_sequence is None else inserted.first_sequence
        seen: set[BatchKey] = set()
        outcomes = []
        for batch in new:
            key = (batch.app_monitor, batch.batch_id)
            row = inserted.stored.get(key)
            if row is None:  # it was stored before, and has been purged since
                outcomes.append(Appended.DUPLICATE)
            elif (compared := self._compare(batch, row)) is not Appended.DUPLICATE:
                outcomes.append(compared)
            elif key not in seen and (
                row.sequence >= first or self._unconfirmed.take(*key, row.received_ms)
            ):
                outcomes.append(Appended.STORED)
            else:
                outcomes.append(Appended.DUPLICATE)
            seen.add(key)
        return outcomes

    def _compare(self, batch: Batch, row: StoredRow) -> Appended:
        """Compare a batch with the stored one. If the stored one is damaged, restore it."""
        try:
            is_duplicate = is_same(batch, row.payload, row.digest, row.checksum)
        except UnreadableError:
            self._damaged.note(row.sequence)
            payload, _ = stored_form(batch)
            if checksum(payload) != row.checksum:
                return Appended.DAMAGED
            restore_payloads(self._database, [Restorable(row.sequence, payload)])
            return Appended.DUPLICATE
        return Appended.DUPLICATE if is_duplicate else Appended.CONFLICT


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
