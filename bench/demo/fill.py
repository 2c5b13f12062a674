"""Writes the month into a database, through the service's own store."""

from __future__ import annotations

__all__ = ["fill"]

import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from google.protobuf.json_format import MessageToJson
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.demo.month import DAYS, batches_of_day, incident_before
from bench.demo.session import SentBatch
from bench.demo.shop import BLOG, SHOP, Monitor
from rum.v1.app_monitor_pb2 import AppMonitor, AppMonitorConfiguration, CustomEvents
from rum_service.storage import open_store
from rum_service.storage.base import Store
from rum_service.storage.records import Batch

_DAY_S = 86_400
# Long transactions: nobody waits for one of these batches.
_BATCHES_A_COMMIT = 500


def fill(url: str, events: int, *, end_s: float | None = None, seed: int = 1) -> int:
    """Write about `events` events of the 30 days that end at `end_s`. Return their number.

    Args:
        url: OPENRUM_DATABASE.
        end_s: Unix seconds; now by default. No event is later.
        seed: another one gives other visits.
    """
    end_s = time.time() if end_s is None else end_s
    incident = incident_before(end_s)
    today_s = int(end_s // _DAY_S) * _DAY_S
    store = open_store(url)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        created_s = today_s - (DAYS - 1) * _DAY_S
        keys = {monitor.id: _app_monitor(store, monitor, created_s) for monitor in (SHOP, BLOG)}
        stored = 0
        with Progress(*columns, TimeRemainingColumn()) as progress:
            task = progress.add_task("Writing 30 days of events", total=events)
            for day in range(DAYS):
                midnight_s = today_s - (DAYS - 1 - day) * _DAY_S
                made = batches_of_day(seed, day, midnight_s, events // DAYS, incident)
                past = [batch for batch in made if batch.received_s <= end_s]
                for group in _groups(past):
                    records = [_record(batch, keys[batch.monitor.id]) for batch in group]
                    store.log.append(records)
                    added = sum(record.event_count for record in records)
                    stored += added
                    progress.update(task, advance=added)
            progress.update(task, completed=stored, total=stored)
    finally:
        store.close()
    return stored


def _groups(batches: Sequence[SentBatch]) -> Iterator[Sequence[SentBatch]]:
    for start in range(0, len(batches), _BATCHES_A_COMMIT):
        yield batches[start : start + _BATCHES_A_COMMIT]


def _record(batch: SentBatch, key: int) -> Batch:
    times = [event.timestamp for event in batch.request.rum_events]
    return Batch(
        key,
        uuid.UUID(batch.request.batch_id).bytes,
        round(batch.received_s * 1000),
        round(min(times) * 1000),
        round(max(times) * 1000),
        len(times),
        batch.request.SerializeToString(),
    )


def _app_monitor(store: Store, monitor: Monitor, created_s: int) -> int:
    """Return the key of an app monitor, which is created if it does not exist."""
    record = store.monitors.by_name(monitor.name)
    if record is None:
        created = datetime.fromtimestamp(created_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        document = AppMonitor(
            created=created,
            last_modified=created,
            name=monitor.name,
            id=monitor.id,
            domain=monitor.domain,
            custom_events=CustomEvents(status="ENABLED"),
            app_monitor_configuration=AppMonitorConfiguration(session_sample_rate=1.0),
        )
        record = store.monitors.create(monitor.id, monitor.name, MessageToJson(document))
    return record.key
