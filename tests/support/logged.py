"""Small batches to append to a log, and functions that read them back."""

from __future__ import annotations

import uuid

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.storage.base import LogStore
from rum_service.storage.records import Batch, LoggedBatch

ALL_TIME = 2**62


def logged(number: int = 0, *, app_monitor: int = 1, version: int = 0, **times: int) -> Batch:
    """Return a batch with the ID `number` and a content that names it."""
    return Batch(
        app_monitor=app_monitor,
        batch_id=uuid.UUID(int=number).bytes,
        received_ms=times.get("received_ms", 1_000),
        first_ms=times.get("first_ms", 1_000),
        last_ms=times.get("last_ms", times.get("first_ms", 1_000)),
        event_count=1,
        content=content(number, version),
    )


def content(number: int, version: int = 0) -> bytes:
    """Return the content of the batch `logged(number, version=version)`."""
    return PutRumEventsRequest(alias=f"{number}/{version}").SerializeToString()


def contents(
    log: LogStore,
    app_monitor: int = 1,
    *,
    below: int | None = None,
    after_ms: int = -ALL_TIME,
    before_ms: int = ALL_TIME,
    limit: int = 1_000,
) -> list[bytes]:
    """Return at most `limit` contents in a log, newest first."""
    batches = read(
        log, app_monitor, below=below, after_ms=after_ms, before_ms=before_ms, limit=limit
    )
    return [batch.content for batch in batches]


def read(
    log: LogStore,
    app_monitor: int = 1,
    *,
    below: int | None = None,
    after_ms: int = -ALL_TIME,
    before_ms: int = ALL_TIME,
    limit: int = 1_000,
    max_bytes: int = ALL_TIME,
) -> list[LoggedBatch]:
    """Return at most `limit` batches in a log, newest first, with as many reads as it takes."""
    batches: list[LoggedBatch] = []
    while True:
        found = log.read(
            app_monitor,
            below=below,
            after_ms=after_ms,
            before_ms=before_ms,
            limit=limit - len(batches),
            max_bytes=max_bytes,
        )
        batches += found.batches
        if found.below is None or len(batches) == limit:
            return batches
        assert below is None or found.below < below
        below = found.below
