"""Export one slice of the log in a worker process."""

from __future__ import annotations

__all__ = ["Exported", "Slice", "SliceExport", "begin_worker", "export_slice"]

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import NamedTuple, Protocol

import duckdb
from google.protobuf.message import DecodeError

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_cli.export_files import ExportedFile, PartNames
from rum_cli.export_jsonl import JsonlParts, suffix_of
from rum_cli.export_parquet import ParquetParts
from rum_service.storage import read_slices
from rum_service.storage.records import AppMonitorRecord, CommittedBatch

# Limits of a part: its events have to fit into memory, and each day has an open file.
_PART_EVENTS = 250_000
_PART_BYTES = 128 << 20
_PART_DAYS = 24
_DAY_MS = 86_400_000
_MAX_DELAY_MS = 7 * _DAY_MS
_COUNT_EVERY = 64
_NICE = 10
_PARENT_CHECK_S = 0.5


@dataclass(frozen=True)
class SliceExport:
    """The settings of an export that are the same for all slices."""

    database_url: str
    folder: Path
    monitor: AppMonitorRecord
    format: str
    """`parquet` or `jsonl`."""
    compression: str
    """The compression of JSON lines: gzip, zstd or none."""
    account_id: str
    after_ms: int
    before_ms: int


class Slice(NamedTuple):
    """The batches of the log above the sequence `after`, up to `through`."""

    after: int
    through: int


class Exported(NamedTuple):
    """The files that one slice was exported to."""

    files: list[ExportedFile]
    last_batch: str
    """The ID of the last batch, or empty if there is none."""
    damaged: list[int]
    """The sequences of damaged batches, which are not in the files."""


class _Parts(Protocol):
    """Writes files in one format."""

    def add(self, batch: CommittedBatch, request: PutRumEventsRequest) -> None: ...

    def finish(self, first: int, last: int) -> Iterator[ExportedFile]: ...

    def close(self) -> None: ...


_progress: Synchronized[int]


def begin_worker(progress: Synchronized[int], parent: int) -> None:
    """Prepare a process for `export_slice`.

    Args:
        progress: the number of batches that all processes have read.
        parent: the process of the command. It may have ended already.
    """
    global _progress  # noqa: PLW0603 # a pool passes a shared number in no other way
    _progress = progress
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command
    os.nice(_NICE)
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()


def export_slice(export: SliceExport, part: Slice) -> Exported:
    """Write a slice to files with temporary names.

    Raises:
        OSError: the files cannot be written.
    """
    store, slices = read_slices(export.database_url)
    with closing(store), closing(_parts(export)) as parts:
        batches = slices.read(
            export.monitor.key,
            after=part.after,
            through=part.through,
            # An event is at most seven days older than its batch.
            earliest_ms=export.after_ms,
            latest_ms=export.before_ms + _MAX_DELAY_MS,
        )
        try:
            return _written(parts, batches, part)
        except duckdb.Error as error:
            raise _os_error(error) from None


def _os_error(error: duckdb.Error) -> OSError:
    # The lines below the first may show values. It can contain JSON with the number of the error.
    text = str(error).partition("\n")[0]
    found = re.search(r'"errno":"(\d+)"', text)
    if found is None:
        return OSError(text)
    number = int(found[1])
    return OSError(number, os.strerror(number))


def _written(parts: _Parts, batches: Iterator[CommittedBatch], part: Slice) -> Exported:
    files: list[ExportedFile] = []
    last_batch, sequence = "", part.after
    first = events = size = counted = 0
    damaged: list[int] = []
    days: set[int] = set()
    for batch in batches:
        counted += 1
        if counted == _COUNT_EVERY:
            _count(counted)
            counted = 0
        request = _request(batch)
        if request is None:
            damaged.append(batch.sequence)
            continue
        sequence = batch.sequence
        parts.add(batch, request)
        first = first or sequence
        last_batch = request.batch_id
        events += len(request.rum_events)
        size += len(batch.content)
        days.add(batch.received_ms // _DAY_MS)
        if events >= _PART_EVENTS or size >= _PART_BYTES or len(days) >= _PART_DAYS:
            files += parts.finish(first, sequence)
            first = events = size = 0
            days.clear()
    if first:
        files += parts.finish(first, sequence)
    _count(counted)
    return Exported(files, last_batch, damaged)


def _request(batch: CommittedBatch) -> PutRumEventsRequest | None:
    """Return a batch's request. None: the batch is damaged."""
    if batch.is_damaged:
        return None
    try:
        return PutRumEventsRequest.FromString(batch.content)
    except DecodeError:  # damaged, and stored by a version without checksums
        return None


def _parts(export: SliceExport) -> _Parts:
    unique = f"{os.getpid()}-{time.monotonic_ns()}"
    if export.format == "parquet":
        names = PartNames(export.folder, ".parquet", unique)
        return ParquetParts(
            export.monitor, names, after_ms=export.after_ms, before_ms=export.before_ms
        )
    names = PartNames(export.folder, suffix_of(export.compression), unique)
    return JsonlParts(
        export.monitor,
        names,
        after_ms=export.after_ms,
        before_ms=export.before_ms,
        account_id=export.account_id,
        compression=export.compression,
    )


def _count(batches: int) -> None:
    with _progress.get_lock():
        _progress.value += batches


def _end_with_parent(parent: int) -> None:
    """End this process when the command is gone: a pool would wait for it forever."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_S)
    os._exit(1)
