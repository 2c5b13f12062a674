"""Batches of events that real browsers sent, about 1.2 KB per event, with new batch IDs."""

from __future__ import annotations

__all__ = ["json_batches", "message_batches"]

import random
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent, UserDetails
from tests.support.traffic import NAMES, load

_BATCH_ID = str(uuid.UUID(int=0))
_SIZES = range(800, 2000)
"""Bytes of JSON per event. Within these bounds, the captured events have a mean of 1.2 KB."""
_DISTINCT = 32
"""Number of batches with different events. They repeat with new batch IDs."""


def json_batches(events: int) -> Iterator[bytes]:
    """Yield bodies of PutRumEvents without end."""
    return _with_new_ids([orjson.dumps(_document(events, seed)) for seed in range(_DISTINCT)])


def message_batches(events: int, monitor_id: str) -> Iterator[bytes]:
    """Yield serialized PutRumEventsRequests without end, with the events of `json_batches`."""
    messages = [_message(_document(events, seed), monitor_id) for seed in range(_DISTINCT)]
    return _with_new_ids([message.SerializeToString() for message in messages])


def _with_new_ids(batches: list[bytes]) -> Iterator[bytes]:
    # All IDs have the same length, so the length prefixes in a message stay valid.
    parts = [batch.split(_BATCH_ID.encode()) for batch in batches]
    while True:
        for part in parts:
            yield str(uuid.uuid4()).encode().join(part)


@cache
def _events() -> list[dict[str, Any]]:
    return [
        event
        for name in NAMES
        if name.startswith("web-")
        for request in load(name)
        if isinstance(request.document, dict)
        for event in request.document.get("RumEvents", [])
        if len(orjson.dumps(event)) in _SIZES
    ]


def _document(events: int, seed: int) -> dict[str, Any]:
    rng = random.Random(seed)
    return {
        "BatchId": _BATCH_ID,
        "AppMonitorDetails": {"name": "bench", "version": "1.0.0"},
        "UserDetails": {
            "userId": str(uuid.UUID(int=rng.getrandbits(128))),
            "sessionId": str(uuid.UUID(int=rng.getrandbits(128))),
        },
        "RumEvents": [
            {**event, "id": str(uuid.UUID(int=rng.getrandbits(128)))}
            for event in rng.choices(_events(), k=events)
        ],
    }


def _message(document: dict[str, Any], monitor_id: str) -> PutRumEventsRequest:
    user = document["UserDetails"]
    return PutRumEventsRequest(
        id=monitor_id,
        batch_id=document["BatchId"],
        app_monitor_details=document["AppMonitorDetails"],
        user_details=UserDetails(user_id=user["userId"], session_id=user["sessionId"]),
        rum_events=[RumEvent(**event) for event in document["RumEvents"]],
    )
