from __future__ import annotations

import json
from typing import Any

import pytest

import rum_projector.definitions
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_projector.engines.base import Chunk
from rum_projector.flatten import add_batch
from rum_service.events.custom_metrics import MetricDefinition
from rum_service.events.json_text import JsonObject
from rum_service.storage.records import CommittedBatch
from tests.support.batches import message

_EVENTS = 20


@pytest.fixture
def request_() -> PutRumEventsRequest:
    """A request whose session has long metadata, and each of its events other metadata."""
    session = json.dumps({"pageTags": [[]] * 5000, "browserName": "Firefox", "domain": "a.example"})
    sent = message("a" * 36, _EVENTS, session_metadata=session)
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
    members_of = rum_projector.definitions.event_members

    def recorded(*arguments: Any, **named: Any) -> JsonObject:
        members = members_of(*arguments, **named)
        read.append(frozenset(members))
        return members

    monkeypatch.setattr(rum_projector.definitions, "event_members", recorded)
    pattern = {"event_type": ["cart"], "metadata": {"browserName": ["Firefox"]}}
    members = {
        "Name": "Carts",
        "EventPattern": json.dumps(pattern),
        "DimensionKeys": {"metadata.browserName": "Browser"},
    }
    chunk = Chunk()

    add_batch(chunk, _committed(request_), [MetricDefinition("id", json.dumps(members))])

    assert [row.dimensions for row in chunk.custom_metrics] == ['{"Browser": "Firefox"}'] * _EVENTS
    assert read == [frozenset({"event_type", "metadata"})] * _EVENTS
