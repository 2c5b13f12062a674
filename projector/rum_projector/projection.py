"""Projects a log: reads the batches after its cursor and writes their rows."""

from __future__ import annotations

__all__ = ["Freshness", "Projection"]

from collections.abc import Callable, Collection
from dataclasses import dataclass

import structlog
from google.protobuf.message import DecodeError

from rum_projector.definitions import Definitions
from rum_projector.engines.base import Chunk, Engine, Place
from rum_projector.flatten import Added, add_batch
from rum_service.storage.base import Store
from rum_service.storage.records import CommittedBatch

logger = structlog.get_logger()

# A read holds the payloads of its batches in memory.
_BATCHES_PER_READ = 256
_BYTES_PER_READ = 4 << 20
_MONITORS_PER_PAGE = 1000
# New events wait while hours are added up.
_HOURS_PER_SUM = 24
# A transaction replaces the rows of so many batches.
_BATCHES_PER_REPLACEMENT = 256
# What DuckDB compresses together. It writes whole groups to the file at once, which takes 0.8 µs an
# event; 25,000 events at a time take 2.2 (2026-11). It keeps the rest of a chunk as a group of its
# own, which every later checkpoint merges with others. So a chunk has exactly these events.
_ROW_GROUP = 122_880


@dataclass(frozen=True, slots=True)
class Freshness:
    """How current the projection is."""

    projected_sequence: int
    """The last batch that it contains completely."""
    log_sequence: int
    """The last batch in the log."""
    lag_ms: int
    """How long the oldest batch that it lacks has been in the log. 0 if it lacks none."""
    rebuilding: bool
    """Whether it is being built, so that older events are missing."""
    events: int
    """The number of events that it contains."""
    updated_ms: int
    """When it was changed last."""


class Projection:
    """Keeps an engine in step with a log. One thread may call `step` and the like.

    Args:
        clock: Unix seconds.
        chunk_events: how many events are written in one transaction.
        chunk_bytes: how many bytes of content are read for one transaction, or a few more.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        *,
        clock: Callable[[], float],
        chunk_events: int = _ROW_GROUP,
        chunk_bytes: int = 96 << 20,
    ) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._chunk_events = chunk_events
        self._chunk_bytes = chunk_bytes
        self._definitions = Definitions(store.metrics, clock)
        self._known: set[int] = set()
        self._deleted: set[int] = set()

    def start(self) -> None:
        """Compare the projection with the log. One that is ahead belongs to an older log."""
        if self._is_ahead():
            logger.warning("the log is shorter than its projection, which is built again")
            self.rebuild()
        self.delete_absent()
        self.delete_removed()

    def step(self) -> bool:
        """Write the rows of the next batches, if there are any. Return whether there may be more.

        Follows erasures first: the batches that are read afterwards are as the erasures left them.

        Raises:
            EngineError: the rows cannot be written.
        """
        self._follow_erasures()
        after = self._engine.cursor().place
        newest = self._store.log.newest_sequence()
        chunk, until, more = self._read(after)
        if newest > until.whole_sequence and not more and self._received_after(until) is None:
            # The batches at the end of the log were removed before they were read. It is asked
            # again: a read omits batches that are removed meanwhile, and may then be empty.
            until = Place(newest)
        if until != after:
            self._engine.write(chunk, after=after, until=until, now_ms=self._now_ms())
        return more

    def _read(self, after: Place) -> tuple[Chunk, Place, bool]:
        """Return the next rows, the place after them, and whether there may be more."""
        chunk, until = Chunk(), after
        read_bytes, unreadable, more = 0, 0, True
        missing = self._chunk_events
        while more and missing and read_bytes < self._chunk_bytes:
            limit = min(missing, _BATCHES_PER_READ)
            batches = self._store.log.after(
                until.whole_sequence, limit=limit, max_bytes=_BYTES_PER_READ
            )
            for batch in batches:
                start = until.position if batch.sequence == until.sequence else 0
                added = self._add(chunk, batch, start=start, limit=missing)
                until = Place(batch.sequence, added.position)
                unreadable += added.unreadable
                read_bytes += len(batch.content)
                missing = self._chunk_events - len(chunk.events)
                if not missing:
                    break
            more = bool(batches)
        if unreadable:
            logger.warning("events could not be read", events=unreadable, sequence=until.sequence)
        return chunk, until, more

    def _is_ahead(self) -> bool:
        """Return whether the projection knows batches or erasures that the log does not have."""
        cursor = self._engine.cursor()
        if cursor.place.sequence > self._store.log.newest_sequence():
            return True
        last = self._store.erasures.changed_after(cursor.erased - 1, limit=1)
        return cursor.erased > 0 and not last

    def _follow_erasures(self) -> None:
        """Replace the rows of batches that erasures have changed."""
        cursor = self._engine.cursor()
        erased = cursor.erased
        while changes := self._store.erasures.changed_after(erased, limit=_BATCHES_PER_REPLACEMENT):
            change = changes[-1].change
            # Later ones are not projected yet.
            last = cursor.place.sequence
            sequences = {each.sequence for each in changes if each.sequence <= last}
            self._engine.replace(
                self._chunk_of(sequences),
                sequences=sequences,
                after=erased,
                change=change,
                now_ms=self._now_ms(),
            )
            erased = change
        if erased > cursor.scrubbed and not self._store.erasures.unfinished():
            self._engine.scrub()

    def _chunk_of(self, sequences: Collection[int]) -> Chunk:
        """Return the current rows of batches. A batch that was purged has none."""
        chunk = Chunk()
        for sequence in sorted(sequences):
            for batch in self._store.log.after(sequence - 1, limit=1, max_bytes=1):
                if batch.sequence == sequence:
                    self._add(chunk, batch)
        return chunk

    def _add(self, chunk: Chunk, batch: CommittedBatch, **part: int) -> Added:
        """Add a batch's rows, or a part as for `add_batch`.

        A damaged batch has no rows: those after it must not wait for its repair.
        """
        if batch.is_damaged or not self._exists(batch):
            return Added()
        try:
            return add_batch(chunk, batch, self._definitions.of(batch.app_monitor), **part)
        except DecodeError:  # damaged, and stored by a version without checksums
            self._store.damaged.note(batch.sequence)
            return Added()

    def rebuild(self) -> None:
        """Delete all rows, so that the next steps write them again."""
        newest = self._store.log.newest_sequence()
        self._engine.clear(rebuild_until=newest, now_ms=self._now_ms())

    def add_up_hours(self) -> bool:
        """Add up the counts of some hours that are over. Return whether there are more."""
        return self._engine.add_up_hours(limit=_HOURS_PER_SUM)

    def delete_absent(self) -> None:
        """Delete the rows of app monitors that do not exist any more."""
        self._known = self._existing()
        if absent := self._engine.app_monitors() - self._known:
            self._engine.delete_app_monitors(absent)

    def delete_removed(self) -> None:
        """Delete the rows of batches that have been removed from the log."""
        # All rows are of batches up to the cursor. The log is read after it, so a batch that is
        # before the first one of its app monitor, or whose app monitor has none, was removed.
        after_all = self._engine.cursor().place.sequence + 1
        first = self._engine.first_sequences()
        kept = self._store.retention.first_sequences()
        moved = {
            key: kept.get(key, after_all)
            for key, sequence in first.items()
            if sequence < kept.get(key, after_all)
        }
        if moved:
            self._engine.delete_before(moved)

    def freshness(self) -> Freshness:
        """Return how current the projection is. Any thread may call this."""
        cursor = self._engine.cursor()
        newest = max(self._store.log.newest_sequence(), cursor.place.sequence)
        received_ms = self._received_after(cursor.place)
        lag_ms = 0 if received_ms is None else max(0, self._now_ms() - received_ms)
        return Freshness(
            projected_sequence=cursor.place.whole_sequence,
            log_sequence=newest,
            lag_ms=lag_ms,
            rebuilding=cursor.place.whole_sequence < cursor.rebuild_until,
            events=cursor.events,
            updated_ms=cursor.updated_ms,
        )

    def _received_after(self, place: Place) -> int | None:
        """Return the time of receipt of the first batch that has events after a place."""
        return self._store.log.received_after(place.whole_sequence)

    def _exists(self, batch: CommittedBatch) -> bool:
        """Return whether a batch's app monitor exists."""
        key = batch.app_monitor
        if key not in self._known and key not in self._deleted:
            self._known = self._existing()
            if key not in self._known:  # keys are never reused
                self._deleted.add(key)
        return key in self._known

    def _existing(self) -> set[int]:
        """Return the keys of all app monitors."""
        keys: set[int] = set()
        after = ""
        while page := self._store.monitors.list(after=after, limit=_MONITORS_PER_PAGE):
            keys.update(record.key for record in page)
            after = page[-1].name
        return keys

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)
