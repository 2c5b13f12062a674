"""Removes old batches from a SQL database, in small transactions.

Old batches come first in the log, except those that were imported. Of these, `imported_batches` has
the times of receipt.
"""

from __future__ import annotations

__all__ = ["BatchRemoval", "delete_spans_before", "note_removed", "oldest_sequence"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from time import perf_counter

from sqlalchemy import (
    Connection,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from rum_service.storage.database import Database
from rum_service.storage.records import Removed
from rum_service.storage.schema import (
    BATCH_BYTES,
    BLOCK_BITS,
    app_monitors,
    batch_spans,
    batches,
    erased_batches,
    imported_batches,
    removals,
    retention,
)
from rum_service.storage.sql_imports import forget_imported
from rum_service.storage.sql_usage import subtract_counted

# A step executes some statements for each app monitor while puts wait.
_MONITORS_AT_ONCE = 16

# Built once: building a statement costs more than executing it.
_SIZE = func.length(batches.c.payload)
_OLDEST_BATCHES = (
    select(batches.c.sequence, batches.c.received_ms, _SIZE)
    .where(batches.c.app_monitor == bindparam("app_monitor"))
    .order_by(batches.c.sequence)
    .limit(bindparam("count"))
)
_OLD_IMPORTED = (
    select(imported_batches.c.sequence)
    .where(imported_batches.c.app_monitor == bindparam("app_monitor"))
    .where(imported_batches.c.received_ms < bindparam("before_ms"))
    .order_by(imported_batches.c.received_ms)
    .limit(bindparam("count"))
)
_SIZES = select(batches.c.sequence, _SIZE).where(
    batches.c.sequence.in_(bindparam("sequences", expanding=True))
)
_OLDEST_SEQUENCE = (
    select(batches.c.sequence)
    .where(batches.c.app_monitor == bindparam("app_monitor"))
    .order_by(batches.c.sequence)
    .limit(1)
)


@dataclass
class _Chosen:
    """The batches of one app monitor that a step removes."""

    app_monitor: int
    sequences: list[int] = field(default_factory=list)
    imported: list[int] = field(default_factory=list)
    """Imported batches, wherever they are in the log."""
    kept_from: int = 0
    """The app monitor keeps no batches with lower sequences."""
    is_done: bool = False
    """Whether no more of its batches are old."""


class BatchRemoval:
    """Removes batches, and changes the sums that depend on them in the same transactions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.held_s = 0.0
        """For how many seconds its transactions have kept others from writing."""

    def remove(
        self, before_ms: Mapping[int, int], *, limit: int, max_bytes: int
    ) -> dict[int, Removed]:
        """Implements `RetentionStore.remove`."""
        began_s = perf_counter()
        dropped = self._database.drop_old(before_ms)
        found = {key: dropped[key] for key in before_ms if key in dropped}
        if found:
            self.held_s += perf_counter() - began_s
            return found
        # Choose the batches before taking the write lock, so that puts wait less.
        chosen = self._choose(before_ms, limit, max_bytes)
        found = {each.app_monitor: Removed(is_done=each.is_done) for each in chosen}
        chosen = [each for each in chosen if each.sequences or each.imported]
        if chosen:
            with self._database.write() as connection:
                began_s = perf_counter()
                for each in chosen:
                    removed, events = self._remove(connection, each)
                    found[each.app_monitor] = Removed(removed, events, is_done=each.is_done)
            self.held_s += perf_counter() - began_s
        return found

    def _choose(self, before_ms: Mapping[int, int], limit: int, max_bytes: int) -> list[_Chosen]:
        chosen = []
        with self._database.read() as connection:
            for app_monitor, before in islice(before_ms.items(), _MONITORS_AT_ONCE):
                of_monitor = {"app_monitor": app_monitor, "count": limit}
                found = _Chosen(app_monitor)
                rows = connection.execute(_OLDEST_BATCHES, of_monitor).all()
                kept: list[int] = []
                for sequence, received_ms, size in rows:
                    if received_ms < before and max_bytes > 0:
                        found.sequences.append(sequence)
                        max_bytes -= size
                    else:
                        kept.append(sequence)
                if rows:
                    found.kept_from = kept[0] if kept else found.sequences[-1] + 1
                is_done = not found.sequences or (len(rows) < limit and max_bytes > 0)
                limit -= len(found.sequences)
                if is_done and limit > 0:
                    max_bytes = self._choose_imported(connection, found, before, limit, max_bytes)
                    limit -= len(found.imported)
                chosen.append(found)
                if limit <= 0 or max_bytes <= 0:
                    break
        return chosen

    def _choose_imported(
        self, connection: Connection, found: _Chosen, before_ms: int, limit: int, max_bytes: int
    ) -> int:
        """Choose imported batches, too. Return what is left of `max_bytes`."""
        bounds = {"app_monitor": found.app_monitor, "before_ms": before_ms, "count": limit}
        sequences = connection.execute(_OLD_IMPORTED, bounds).scalars().all()
        if sequences:
            # A batch may be gone: dropping a partition leaves the rows of its imported batches.
            sizes = dict(connection.execute(_SIZES, {"sequences": sequences}).all())
            taken = set(found.sequences)
            for sequence in sequences:
                if max_bytes > 0 and sequence not in taken:
                    found.imported.append(sequence)
                    max_bytes -= sizes.get(sequence, 0)
        found.is_done = len(sequences) < limit and max_bytes > 0
        return max_bytes

    def _remove(self, connection: Connection, chosen: _Chosen) -> tuple[int, int]:
        """Remove batches of one app monitor. Return how many, and how many events they had."""
        sequences = chosen.sequences + chosen.imported
        removed = connection.execute(
            delete(batches)
            .where(batches.c.sequence.in_(sequences))
            .returning(batches.c.sequence, batches.c.received_ms, batches.c.event_count, _SIZE)
        ).all()
        forget_imported(connection, chosen.app_monitor, sequences)
        if not removed:  # another service removed them
            return 0, 0
        sizes = ((sequence, length + BATCH_BYTES) for sequence, *_, length in removed)
        subtract_counted(connection, chosen.app_monitor, sizes)
        delete_spans_before(connection, chosen.app_monitor, chosen.kept_from)
        # The projector removes the others, because they come before the first one that is kept.
        changes = [
            {"sequence": sequence} for sequence, *_ in removed if sequence > chosen.kept_from
        ]
        if changes:
            connection.execute(insert(erased_batches), changes)
        note_removed(connection, [sequence for sequence, *_ in removed])
        self._move_removed_before(
            connection, chosen.app_monitor, max(row.received_ms for row in removed) + 1
        )
        return len(removed), sum(row.event_count for row in removed)

    def _move_removed_before(
        self, connection: Connection, app_monitor: int, removed_before_ms: int
    ) -> None:
        key = select(app_monitors.c.key, literal(removed_before_ms)).where(
            app_monitors.c.key == app_monitor
        )
        moved = self._database.insert(retention).from_select(
            ["app_monitor", "removed_before_ms"], key
        )
        earlier = retention.c.removed_before_ms
        connection.execute(
            moved.on_conflict_do_update(
                index_elements=[retention.c.app_monitor],
                set_={"removed_before_ms": moved.excluded.removed_before_ms},
                where=or_(earlier.is_(None), earlier < moved.excluded.removed_before_ms),
            )
        )


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
