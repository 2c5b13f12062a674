"""Rows of batches: what a batch costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_projector import flatten
from rum_projector.engines.base import Chunk
from rum_service.events.custom_metrics import MetricDefinition
from rum_service.storage.records import CommittedBatch
from tests.support.batches import new_id

_NOW_S = 1_790_000_000.0
_EVENTS = 200
_TYPE = "shop.order"
_PATTERN = json.dumps({"event_type": [_TYPE]})
_METRIC = json.dumps({"Name": "orders", "Namespace": "Shop", "EventPattern": _PATTERN})


def test_long_session_metadata_is_parsed_once_for_all_events_in_a_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One put of 0.9 MB with 10,000 events kept the projector busy for 27 s."""
    parsed: list[int] = []

    def counting(parse: Callable[..., Any], length_of: Callable[[Any], int]) -> Callable[..., Any]:
        def counted(content: Any, *others: Any) -> Any:
            parsed.append(length_of(content))
            return parse(content, *others)

        return counted

    monkeypatch.setattr(flatten, "json_object", counting(flatten.json_object, len))
    parse_session = counting(flatten.parse_session_metadata, lambda put: len(put.session_metadata))
    monkeypatch.setattr(flatten, "parse_session_metadata", parse_session)
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
