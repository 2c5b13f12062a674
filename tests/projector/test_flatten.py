"""Rows of batches: what a batch costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_projector import definitions, flatten
from rum_projector.engines.base import Chunk
from rum_service.events import document
from rum_service.events.custom_metrics import MetricDefinition
from rum_service.events.json_text import JsonObject
from rum_service.storage.records import CommittedBatch
from tests.support.batches import message, new_id

_NOW_S = 1_790_000_000.0
_EVENTS = 200
_FEW_EVENTS = 20
_TYPE = "shop.order"
_PATTERN = json.dumps({"event_type": [_TYPE]})
_METRIC = json.dumps({"Name": "orders", "Namespace": "Shop", "EventPattern": _PATTERN})


def test_long_session_metadata_is_parsed_once_for_all_events_in_a_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One put of 0.9 MB with 10,000 events kept the projector busy for 27 s."""
    parsed: list[int] = []

    def counting(parse: Callable[..., Any]) -> Callable[..., Any]:
        def counted(text: str, **others: Any) -> Any:
            parsed.append(len(text))
            return parse(text, **others)

        return counted

    monkeypatch.setattr(flatten, "json_object", counting(flatten.json_object))
    # Metrics parse with this function, too.
    monkeypatch.setattr(document, "parse_object", counting(document.parse_object))
    session = {"browserName": "Firefox", **{f"attribute{number}": 0 for number in range(3000)}}
    content = PutRumEventsRequest(
        id=new_id(),
        batch_id=new_id(),
        session_metadata=json.dumps(session),
        rum_events=[
            RumEvent(
                id=new_id(), timestamp=_NOW_S, type=_TYPE, metadata=f'{{"pageId":"/{number}"}}'
            )
            for number in range(_EVENTS)
        ],
    ).SerializeToString()
    chunk = Chunk()

    batch = CommittedBatch(1, 1, round(_NOW_S * 1000), content, "DE")
    flatten.add_batch(chunk, batch, [MetricDefinition("orders", _METRIC)])

    assert {run[6] for run in chunk.runs} == {"Firefox"}
    assert {run[10] for run in chunk.runs} == {"DE"}
    assert len(chunk.custom_metrics) == _EVENTS
    assert sum(parsed) < 2 * len(content)


@pytest.fixture
def request_() -> PutRumEventsRequest:
    """A request whose session has long metadata, and each of its events other metadata."""
    session = json.dumps({"pageTags": [[]] * 5000, "browserName": "Firefox", "domain": "a.example"})
    sent = message("a" * 36, _FEW_EVENTS, session_metadata=session)
    for number, event in enumerate(sent.rum_events):
        event.type = "cart"
        event.metadata = json.dumps({"pageId": f"/page{number}"})
    return sent


def _committed(request: PutRumEventsRequest) -> CommittedBatch:
    return CommittedBatch(1, 1, 1_700_000_000_000, request.SerializeToString(), None, False)


def test_metrics_read_only_the_members_that_they_name(
    request_: PutRumEventsRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All three forms of 64 KiB of metadata, for each of 10,000 events, took 80 s."""
    read: list[frozenset[str]] = []
    members_of = definitions.event_members

    def recorded(*arguments: Any, **named: Any) -> JsonObject:
        members = members_of(*arguments, **named)
        read.append(frozenset(members))
        return members

    monkeypatch.setattr(definitions, "event_members", recorded)
    pattern = {"event_type": ["cart"], "metadata": {"browserName": ["Firefox"]}}
    members = {
        "Name": "Carts",
        "EventPattern": json.dumps(pattern),
        "DimensionKeys": {"metadata.browserName": "Browser"},
    }
    chunk = Chunk()

    flatten.add_batch(chunk, _committed(request_), [MetricDefinition("id", json.dumps(members))])

    assert [row.dimensions for row in chunk.custom_metrics] == [
        '{"Browser": "Firefox"}'
    ] * _FEW_EVENTS
    assert read == [frozenset({"event_type", "metadata"})] * _FEW_EVENTS
