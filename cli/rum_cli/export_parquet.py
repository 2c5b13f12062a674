"""Events as Parquet files: one row for each event, with typed columns."""

from __future__ import annotations

__all__ = ["ParquetParts"]

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_cli.export_files import ExportedFile, PartNames
from rum_projector.engines.arrays import event_arrays, run_arrays
from rum_projector.engines.base import Chunk
from rum_projector.flatten import add_batch
from rum_service.storage.records import AppMonitorRecord, CommittedBatch

# Rows wait as objects of Python, which take ten times the memory.
_ROWS_AT_ONCE = 20_000
_BYTES_AT_ONCE = 32 << 20
_MEMORY_BYTES = 400_000_000

# The columns of the files, and where the values come from. The names agree with the projection.
_COLUMNS = """
    make_timestamp(ts * 1000) AS event_time,
    make_timestamp(received * 1000) AS received_time,
    client_timestamp,
    event_id, event_type, session_id, user_id,
    app_monitor_id, app_monitor_name, application_name, application_version,
    nullif(page, '') AS page,
    nullif(browser, '') AS browser,
    nullif(browser_major, 0)::USMALLINT AS browser_major,
    nullif(os, '') AS os,
    nullif(device, '') AS device,
    nullif(country, '') AS country,
    nullif(release, '') AS release,
    value, name, status::USMALLINT AS status, size::BIGINT AS size, message, detail, page_view,
    metadata, session_metadata, details,
    batch_id, sequence, position::UINTEGER AS position
"""
_ROWS = f"SELECT {_COLUMNS} FROM arrived WHERE ts BETWEEN $after AND $before"  # noqa: S608
_DAYS = "SELECT event_time::DATE AS day, count(*) FROM rows GROUP BY day ORDER BY day"
_COPY = """
COPY (SELECT * FROM rows WHERE event_time::DATE = $day ORDER BY event_time, sequence, position)
TO '{file}' (FORMAT parquet, COMPRESSION zstd)
"""
_TEXTS = (
    "event_id",
    "event_type",
    "metadata",
    "details",
    "session_id",
    "user_id",
    "application_name",
    "application_version",
    "session_metadata",
    "batch_id",
)


class ParquetParts:
    """Writes Parquet files, one part after the other.

    Args:
        after_ms, before_ms: only events in this time, both ends included.
    """

    suffix = ".parquet"

    def __init__(
        self, monitor: AppMonitorRecord, names: PartNames, *, after_ms: int, before_ms: int
    ) -> None:
        self._monitor = monitor
        self._names = names
        self._range = {"after": after_ms, "before": before_ms}
        self._connection = duckdb.connect(
            config={
                "memory_limit": f"{_MEMORY_BYTES}B",
                "threads": 1,
                # Rows that do not fit into the memory go to a file.
                "temp_directory": str(names.folder / f".spill-{names.unique}"),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                # Arrays of objects are texts. DuckDB would derive another type from the first ones.
                "pandas_analyze_sample": 0,
            }
        )
        self._clear()

    def add(self, batch: CommittedBatch, request: PutRumEventsRequest) -> None:
        """Add the events in the batch. `request` is its content."""
        add_batch(self._chunk, batch)
        user, application = request.user_details, request.app_monitor_details
        shared = (
            _text(user, "session_id"),
            _text(user, "user_id"),
            _text(application, "name"),
            _text(application, "version"),
            _text(request, "session_metadata"),
            request.batch_id,
        )
        for event in request.rum_events:
            self._timestamps.append(event.timestamp)
            row = event.id, event.type, _text(event, "metadata"), event.details, *shared
            self._texts.extend(row)
        self._bytes += len(batch.content)
        if len(self._timestamps) >= _ROWS_AT_ONCE or self._bytes >= _BYTES_AT_ONCE:
            self._store()

    def finish(self, first: int, last: int) -> Iterator[ExportedFile]:
        """Write the files of the part, one for each day.

        Args:
            first, last: the sequences of its batches.
        """
        self._store()
        for day, events in self._connection.execute(_DAYS).fetchall():
            file = self._names.temporary(day.isoformat(), first, last)
            statement = _COPY.format(file=str(file).replace("'", "''"))
            self._connection.execute(statement, {"day": day})
            yield self._names.exported(file, events=events)
        self._clear()

    def close(self) -> None:
        """Free the memory, and delete the temporary files."""
        self._connection.close()

    def _clear(self) -> None:
        self._chunk = Chunk()
        self._timestamps: list[float] = []
        self._texts: list[str | None] = []
        self._bytes = 0
        self._connection.execute("DROP TABLE IF EXISTS rows")
        self._is_new = True

    def _store(self) -> None:
        """Move the rows into the database in memory."""
        width = len(_TEXTS)
        arrays: dict[str, Any] = event_arrays(self._chunk.events, run_arrays(self._chunk.runs))
        for index, name in enumerate(_TEXTS):
            arrays[name] = np.array(self._texts[index::width], dtype=object)
        arrays["client_timestamp"] = np.array(self._timestamps)
        ids = {"app_monitor_id": self._monitor.id, "app_monitor_name": self._monitor.name}
        for name, text in ids.items():
            arrays[name] = np.full(len(self._timestamps), text, dtype=object)
        self._connection.register("arrived", arrays)
        begin = "CREATE TABLE rows AS" if self._is_new else "INSERT INTO rows BY NAME"
        self._connection.execute(f"{begin} {_ROWS}", self._range)
        self._connection.unregister("arrived")
        self._chunk, self._timestamps, self._texts, self._bytes = Chunk(), [], [], 0
        self._is_new = False


def _text(message: Any, field: str) -> str | None:
    return str(getattr(message, field)) if message.HasField(field) else None
