"""Batches to put: events that real browsers sent, about 1.2 KB each, with new batch IDs."""

from __future__ import annotations

__all__ = ["json_batches", "message_batches", "samples", "timed_batches"]

import random
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent, UserDetails
from tests.support.traffic import NAMES, load

_BATCH_ID = str(uuid.UUID(int=0))
# Bytes of an event's JSON. With these bounds, the mean of the captured traffic is 1.2 KB.
_SIZES = range(800, 2000)
# The number of batches whose events differ. The batch IDs of all batches differ.
_TEMPLATES = 32


def json_batches(events: int) -> Iterator[bytes]:
    """Yield bodies of PutRumEvents without end."""
    return _with_new_ids(_json_templates(events))


def message_batches(events: int, monitor_id: str) -> Iterator[bytes]:
    """Yield serialized PutRumEventsRequests with the events of `json_batches`, without end."""
    return _with_new_ids(_message_templates(events, monitor_id))


def timed_batches(events: int, monitor_id: str, start_s: float) -> Iterator[bytes]:
    """Yield the same as `message_batches`, with one second between the times of two batches."""
    messages = _messages(events, monitor_id)
    while True:
        for message in messages:
            message.batch_id = str(uuid.uuid4())
            for event in message.rum_events:
                event.timestamp = start_s
            start_s += 1
            yield message.SerializeToString()


def samples(events: int, count: int, *, half: int) -> list[bytes]:
    """Return serialized PutRumEventsRequests from one half of the captured events, 0 or 1.

    What a compressor learns from one half is tested on the other.
    """
    pool = _events()[half::2]
    rng = random.Random(half)
    return [
        _message(_document(events, rng.getrandbits(32), pool), _BATCH_ID).SerializeToString()
        for _ in range(count)
    ]


def _with_new_ids(batches: list[bytes]) -> Iterator[bytes]:
    # All IDs have the same length, so the lengths inside a message do not change.
    parts = [batch.split(_BATCH_ID.encode()) for batch in batches]
    while True:
        for part in parts:
            yield _new_id().join(part)


def _new_id() -> bytes:
    # A fifth of the time of uuid4: load generators share the CPU with the server.
    digits = b"%032x" % random.getrandbits(128)
    return b"-".join(
        (digits[:8], digits[8:12], b"4" + digits[13:16], b"a" + digits[17:20], digits[20:])
    )


@cache
def _json_templates(events: int) -> list[bytes]:
    return [orjson.dumps(_document(events, seed, _put())) for seed in range(_TEMPLATES)]


@cache
def _message_templates(events: int, monitor_id: str) -> list[bytes]:
    return [message.SerializeToString() for message in _messages(events, monitor_id)]


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


def _put() -> list[dict[str, Any]]:
    """Return the events to put: the service's dictionary was trained on the others."""
    return _events()[1::2]


def _document(events: int, seed: int, pool: list[dict[str, Any]]) -> dict[str, Any]:
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
            for event in rng.choices(pool, k=events)
        ],
    }


def _messages(events: int, monitor_id: str) -> list[PutRumEventsRequest]:
    return [_message(_document(events, seed, _put()), monitor_id) for seed in range(_TEMPLATES)]


def _message(document: dict[str, Any], monitor_id: str) -> PutRumEventsRequest:
    user = document["UserDetails"]
    return PutRumEventsRequest(
        id=monitor_id,
        batch_id=document["BatchId"],
        app_monitor_details=document["AppMonitorDetails"],
        user_details=UserDetails(user_id=user["userId"], session_id=user["sessionId"]),
        rum_events=[RumEvent(**event) for event in document["RumEvents"]],
    )
