"""The generated month of `make demo`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from bench.demo.fill import fill
from bench.demo.month import DAYS, RELEASE_DAY, batches_of_day, incident_before
from bench.demo.session import SentBatch
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.ingest.validation import validate
from rum_service.storage import open_store

_MIDNIGHT_S = 1_790_000_000 // 86_400 * 86_400
_NEVER = range(0)


def _events(batches: Sequence[SentBatch], kind: str) -> list[tuple[float, Any]]:
    """Return times and details of the events of one type."""
    return [
        (event.timestamp, orjson.loads(event.details))
        for batch in batches
        for event in batch.request.rum_events
        if event.type == f"com.amazon.rum.{kind}"
    ]


def test_a_day_is_the_same_each_time_and_in_the_order_of_receipt() -> None:
    first = batches_of_day(1, 3, _MIDNIGHT_S, 2_000, _NEVER)
    second = batches_of_day(1, 3, _MIDNIGHT_S, 2_000, _NEVER)

    assert [batch.request for batch in first] == [batch.request for batch in second]
    assert [batch.received_s for batch in first] == sorted(batch.received_s for batch in first)
    assert batches_of_day(2, 3, _MIDNIGHT_S, 2_000, _NEVER)[0].request != first[0].request


def test_the_api_fails_and_the_new_error_appears_when_the_module_says_so() -> None:
    hours = incident_before(_MIDNIGHT_S + 19 * 3600)
    incident = batches_of_day(1, 3, _MIDNIGHT_S, 20_000, hours)
    failing: Counter[bool] = Counter()
    calls: Counter[bool] = Counter()
    for timestamp, details in _events(incident, "http_event"):
        calls[int(timestamp) in hours] += 1
        failing[int(timestamp) in hours] += details.get("response", {}).get("status") == 503
    before = batches_of_day(1, RELEASE_DAY - 1, _MIDNIGHT_S, 20_000, _NEVER)
    after = batches_of_day(1, RELEASE_DAY, _MIDNIGHT_S, 20_000, _NEVER)
    seen = [
        any("coupons" in details["message"] for _, details in _events(day, "js_error_event"))
        for day in (before, after)
    ]

    assert failing[True] / calls[True] > 10 * failing[False] / calls[False]
    assert seen == [False, True]


def test_the_database_has_every_event_and_all_of_them_are_valid(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/demo.sqlite3"

    count = fill(url, 3_000, end_s=_MIDNIGHT_S + 40_000)

    store = open_store(url)
    try:
        monitors = {record.name: record for record in store.monitors.list(after="", limit=9)}
        found = [
            (record, PutRumEventsRequest.FromString(batch.content))
            for record in monitors.values()
            for batch in store.log.read(
                record.key, below=None, after_ms=0, before_ms=2**50, limit=9_999, max_bytes=1 << 30
            ).batches
        ]
    finally:
        store.close()
    assert set(monitors) == {"shop", "blog"}
    assert count == sum(len(request.rum_events) for _, request in found) > 2_000
    assert all(request.id == record.id for record, request in found)
    for _, request in found:
        validate(request, max_events=500)
    times = [event.timestamp for _, request in found for event in request.rum_events]
    assert max(times) - min(times) > (DAYS - 3) * 86_400
