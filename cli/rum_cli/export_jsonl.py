"""Writes events to files of JSON lines. Each batch is in one file, so import can restore it."""

from __future__ import annotations

__all__ = ["COMPRESSIONS", "JsonlParts", "suffix_of"]

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

import zstandard
from isal import igzip

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_cli.event_lines import event_lines
from rum_cli.export_files import ExportedFile, PartNames, day_of
from rum_projector.flatten import event_time
from rum_service.storage.records import AppMonitorRecord, CommittedBatch


def _gzip(path: Path) -> IO[bytes]:
    opened = igzip.open(path, "wb", compresslevel=2)  # type: ignore[no-untyped-call] # isal has none
    return cast("IO[bytes]", opened)


def _zstd(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", zstandard.open(path, "wb", cctx=zstandard.ZstdCompressor(level=3)))


COMPRESSIONS: dict[str, tuple[str, Callable[[Path], IO[bytes]]]] = {
    "gzip": (".gz", _gzip),
    "zstd": (".zst", _zstd),
    "none": ("", lambda path: path.open("wb")),
}
"""The ending of the file name, and what opens a file, by the name of the compression."""


class JsonlParts:
    """Writes files of JSON lines, one part after the other.

    Each batch is written to the file for the day of its first event.

    Args:
        after_ms, before_ms: only batches whose first event is in this time, both ends included.
    """

    def __init__(
        self,
        monitor: AppMonitorRecord,
        names: PartNames,
        *,
        after_ms: int,
        before_ms: int,
        account_id: str,
        compression: str,
    ) -> None:
        self._monitor_name = monitor.name
        self._names = names
        self._after_ms = after_ms
        self._before_ms = before_ms
        self._account_id = account_id
        _, self._open = COMPRESSIONS[compression]
        self._files: dict[str, tuple[Path, IO[bytes]]] = {}
        self._events: dict[str, int] = {}

    def add(self, batch: CommittedBatch, request: PutRumEventsRequest) -> None:
        """Add the events in the batch. `request` is its content."""
        if not request.rum_events:
            return
        received = batch.received_ms
        first_ms = min(event_time(event.timestamp, received) for event in request.rum_events)
        if not self._after_ms <= first_ms <= self._before_ms:
            return
        day = day_of(first_ms)
        if day not in self._files:
            path = self._names.temporary(day, batch.sequence, batch.sequence)
            self._files[day] = path, self._open(path)
            self._events[day] = 0
        lines = [
            *event_lines(
                batch, request, monitor_name=self._monitor_name, account_id=self._account_id
            ),
            "",
        ]
        # Lone surrogates are escaped in JSON, so every line is UTF-8.
        self._files[day][1].write("\n".join(lines).encode())
        self._events[day] += len(lines) - 1

    def finish(self, first: int, last: int) -> Iterator[ExportedFile]:
        """Close the files of the part, one for each day.

        Args:
            first, last: the sequences of its batches.
        """
        for day, (path, file) in self._files.items():
            file.close()
            named = self._names.temporary(day, first, last)
            path.replace(named)
            yield self._names.exported(named, events=self._events[day])
        self._files, self._events = {}, {}

    def close(self) -> None:
        """Close the files that are not finished."""
        for _, file in self._files.values():
            file.close()


def suffix_of(compression: str) -> str:
    """Return the suffix of file names with this compression."""
    return f".jsonl{COMPRESSIONS[compression][0]}"
