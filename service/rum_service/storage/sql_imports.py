"""The imported batches: the log does not have them in the order of their receipt.

Their receipt was on another server, often days before those that are next to them in the log.
Retention finds them here: docs/decisions/0029-batches-are-kept-for-days.md.
"""

from __future__ import annotations

__all__ = ["forget_imported", "is_imported", "note_imported", "note_received"]

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, exists, select

from rum_service.storage.database import Database, Inserted
from rum_service.storage.records import Batch
from rum_service.storage.schema import batches, imported_batches

_IDS_PER_STATEMENT = 500
_COLUMNS = (batches.c.app_monitor, batches.c.sequence, batches.c.received_ms)
_STORED = select(*_COLUMNS).where(
    batches.c.app_monitor == bindparam("app_monitor"),
    batches.c.batch_id.in_(bindparam("batch_ids", expanding=True)),
    batches.c.sequence >= bindparam("first"),
)

is_imported = exists().where(
    imported_batches.c.app_monitor == batches.c.app_monitor,
    imported_batches.c.sequence == batches.c.sequence,
)
"""The condition that a batch is in `imported_batches`."""


def note_imported(database: Database, new: Sequence[Batch], inserted: Inserted) -> None:
    """Note the imported ones of some batches that are in the log. Idempotent.

    Args:
        inserted: what inserting `new` returned.
    """
    ids: dict[int, list[bytes]] = {}
    for batch in new:
        if batch.is_imported:
            ids.setdefault(batch.app_monitor, []).append(batch.batch_id)
    if not ids:
        return
    rows = [
        (key, row.sequence, row.received_ms)
        for (key, batch_id), row in inserted.stored.items()
        if batch_id in ids.get(key, ())
    ]
    if not inserted.stored:
        rows = _inserted(database, ids, inserted.first_sequence or 0)
    note = database.insert(imported_batches).on_conflict_do_nothing()
    values = [
        {"app_monitor": key, "sequence": sequence, "received_ms": received_ms}
        for key, sequence, received_ms in rows
    ]
    if values:
        with database.write() as connection:
            connection.execute(note, values)


def _inserted(
    database: Database, ids: dict[int, list[bytes]], first: int
) -> list[tuple[int, int, int]]:
    """Return app monitor, sequence and time of receipt of batches that have just been inserted.

    Args:
        first: none of them has a lower sequence. With PostgreSQL, this is the newest partition.
    """
    rows: list[tuple[int, int, int]] = []
    with database.read() as connection:
        for key, batch_ids in ids.items():
            for start in range(0, len(batch_ids), _IDS_PER_STATEMENT):
                some = batch_ids[start : start + _IDS_PER_STATEMENT]
                bounds = {"app_monitor": key, "batch_ids": some, "first": first}
                rows += [tuple(row) for row in connection.execute(_STORED, bounds)]
    return rows


def note_received(
    database: Database, connection: Connection, app_monitor: int, sequences: Sequence[int]
) -> None:
    """Note batches in the log that were received before those that come first. Idempotent."""
    stored = select(*_COLUMNS).where(
        batches.c.app_monitor == app_monitor, batches.c.sequence.in_(sequences)
    )
    columns = ["app_monitor", "sequence", "received_ms"]
    note = database.insert(imported_batches).from_select(columns, stored)
    connection.execute(note.on_conflict_do_nothing())


def forget_imported(connection: Connection, app_monitor: int, sequences: Sequence[int]) -> None:
    """Delete the notes about removed batches."""
    connection.execute(
        delete(imported_batches).where(
            imported_batches.c.app_monitor == app_monitor,
            imported_batches.c.sequence.in_(sequences),
        )
    )
