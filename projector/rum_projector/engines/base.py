"""The guarantees of every engine: a database that keeps the projection.

Methods block and may be called from any thread. A method that raises has changed nothing.
"""

from __future__ import annotations

__all__ = [
    "EVENT_COLUMNS",
    "RUN_COLUMNS",
    "BrokenError",
    "Chunk",
    "Cursor",
    "CustomMetricRow",
    "Engine",
    "EngineError",
    "ErrorGroupRow",
    "EventRow",
    "EventValues",
    "Place",
    "Query",
    "QueryTimeoutError",
    "RunValues",
]

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Event
from typing import Any, NamedTuple, Protocol, TypeAlias

from sqlalchemy import Executable

Query: TypeAlias = Callable[[Executable], Sequence[tuple[Any, ...]]]
"""Returns the rows of a SELECT."""


class EngineError(Exception):
    """The database cannot be used. The text has no data of visitors."""


class BrokenError(EngineError):
    """The files of the database are damaged: the projection has to be built again."""


class QueryTimeoutError(Exception):
    """A query took too long and was stopped."""


class EventRow(NamedTuple):
    """A row of `schema.events`, in the order of its columns."""

    sequence: int
    position: int
    monitor: int
    ts: int
    received: int
    kind: int
    type: str | None
    session: str
    user: str
    page: str
    browser: str
    browser_major: int
    os: str
    device: str
    country: str
    release: str
    value: float | None
    name: str | None
    status: int | None
    size: int | None
    message: str | None
    detail: str | None
    parts: tuple[float, ...] | None
    page_view: str | None
    bytes: int


RunValues = tuple[
    # sequence, monitor, received, session, user
    int, int, int, str, str,
    # the dimensions
    str, str, int, str, str, str, str,
]  # fmt: skip
"""What the events of a batch with the same metadata have in common, as columns of an `EventRow`."""

RUN_COLUMNS = (
    *("sequence", "monitor", "received", "session", "user"),
    *("page", "browser", "browser_major", "os", "device", "country", "release"),
)

EventValues = tuple[
    # the index of the run, position, ts, kind, type
    int, int, int, int, str | None,
    # the measure
    float | None, str | None, int | None, int | None, str | None, str | None,
    tuple[float, ...] | None, str | None,
    # bytes
    int,
]  # fmt: skip
"""The other columns of an `EventRow`. A plain tuple takes a third of the time to create. The
garbage collector also skips it."""

EVENT_COLUMNS = (
    *("run", "position", "ts", "kind", "type"),
    *("value", "name", "status", "size", "message", "detail", "parts", "page_view", "bytes"),
)


class ErrorGroupRow(NamedTuple):
    """A row of `schema.error_groups`, in the order of its columns."""

    monitor: int
    fingerprint: str
    first_ms: int
    first_release: str
    title: str
    sample_sequence: int
    sample_position: int


class CustomMetricRow(NamedTuple):
    """A row of `schema.custom_metrics`, in the order of its columns."""

    monitor: int
    definition: str
    name: str
    namespace: str
    ts: int
    value: float
    dimensions: str
    sequence: int


@dataclass(slots=True)
class Chunk:
    """The rows of consecutive batches, to be written in one transaction."""

    runs: list[RunValues] = field(default_factory=list)
    events: list[EventValues] = field(default_factory=list)
    error_groups: dict[tuple[int, str], ErrorGroupRow] = field(default_factory=dict)
    """The earliest error of each app monitor and fingerprint."""
    custom_metrics: list[CustomMetricRow] = field(default_factory=list)


class Place(NamedTuple):
    """A place in the log. A chunk may end inside a batch."""

    sequence: int
    """The last batch in the log that has events before this place. 0: none."""
    position: int = 0
    """The number of events of this batch that are before this place. 0: all of them."""

    @property
    def whole_sequence(self) -> int:
        """The last batch that has no events after this place."""
        return self.sequence - 1 if self.position else self.sequence


class Cursor(NamedTuple):
    """How far the projection is."""

    place: Place
    """It contains the events before this place."""
    events: int
    updated_ms: int
    rebuild_until: int
    """The newest batch when the projection was cleared. Below it, older events are missing."""
    erased: int
    """The last change by an erasure that the rows reflect. 0: none."""
    scrubbed: int
    """The last change whose erased bytes are not in the files any more."""


class Engine(Protocol):
    """Keeps the rows of the projection, and the cursor that belongs to them."""

    def cursor(self) -> Cursor:
        """Return how far the projection is.

        Raises:
            BrokenError: any call has found out that the files are damaged.
        """
        ...

    def write(self, chunk: Chunk, *, after: Place, until: Place, now_ms: int) -> None:
        """Add the rows and move the cursor from `after` to `until`, in one transaction.

        The chunk has no events afterwards: they would take memory while the database works.

        An existing error group keeps the earlier error. Of errors at the same time, it keeps the
        first in the log.

        Raises:
            EngineError: the cursor is not at `after`, or the database fails.
        """
        ...

    def add_up_hours(self, *, limit: int) -> bool:
        """Add up the counts of hours that are over, at most `limit` of them, oldest first.

        Return whether there are more. Queries find the same numbers with and without this, but
        sooner. Only one thread may call this and the methods that change rows.
        """
        ...

    def replace(
        self, chunk: Chunk, *, sequences: Collection[int], after: int, change: int, now_ms: int
    ) -> None:
        """Replace the rows of batches, and move `Cursor.erased` from `after` to `change`.

        All happens in one transaction. An error group whose first error was in these batches gets
        the first of the remaining errors, or is deleted. If the cursor is inside one of these
        batches, it moves to the end of the batch.

        Args:
            chunk: all rows that these batches have now.

        Raises:
            EngineError: the cursor is not at `after`, or the database fails.
        """
        ...

    def scrub(self) -> bool:
        """Overwrite what is deleted in the files, and move `Cursor.scrubbed` to `Cursor.erased`.

        Return whether that succeeded. It fails while queries run without a pause. Then try again.
        """
        ...

    def clear(self, *, rebuild_until: int, now_ms: int) -> None:
        """Delete all rows and move the cursor to the start of the log, in one transaction."""
        ...

    def app_monitors(self) -> set[int]:
        """Return the keys of the app monitors that have rows."""
        ...

    def delete_app_monitors(self, keys: Collection[int]) -> None:
        """Delete all rows of these app monitors."""
        ...

    def first_sequences(self) -> dict[int, int]:
        """Return the first batch that has rows, by the keys of app monitors."""
        ...

    def delete_before(self, sequences: Mapping[int, int]) -> None:
        """Delete the rows of earlier batches, in one transaction.

        An error group stays as long as it has errors, with the time and release of its first error.
        Its title and sample are replaced by those of the first remaining error.

        Args:
            sequences: by the keys of app monitors, the first batch that stays.
        """
        ...

    def query(self, statement: Executable, *, timeout_s: float = 5.0) -> Sequence[tuple[Any, ...]]:
        """Return the rows that a SELECT finds. Several can run at once, also during a write.

        Raises:
            QueryTimeoutError: it took longer than `timeout_s`.
        """
        ...

    def snapshot(
        self, *, timeout_s: float, alone: bool = True, stop: Event | None = None
    ) -> AbstractContextManager[Query]:
        """Return a function like `query` whose statements all see the same rows.

        They are the rows at the time of the first statement. Only one thread may use it.

        Args:
            timeout_s: how long the context may be open before a statement.
            alone: whether its statements wait for those of other such snapshots, because they
                need much memory.
            stop: setting it, on any thread, ends the statements with a QueryTimeoutError. It is
                set when the context closes.
        """
        ...

    def size_bytes(self) -> int:
        """Return the space that the projection takes on disk."""
        ...

    def close(self) -> None:
        """Close the database. Call nothing afterwards."""
        ...
