"""A sample batch, as aws-rum-web 3 sends it for a visit with an error. Pure."""

from __future__ import annotations

__all__ = ["sample_batch", "single_event"]

import json
from collections.abc import Callable
from typing import Any

JsonObject = dict[str, Any]

_PAGE = "/checkout"
_SITE = "https://shop.example"
_SESSION_METADATA = {
    "version": "1.0.0",
    "domain": "shop.example",
    "browserLanguage": "en-GB",
    "browserName": "Firefox",
    "browserVersion": "145",
    "osName": "Linux",
    "deviceType": "desktop",
    "platformType": "web",
    "aws:client": "arw-module",
    "aws:clientVersion": "3.2.1",
}
_EVENT_METADATA = {"title": "Checkout", "pageId": _PAGE, "interaction": 0}
_EVENTS: list[tuple[str, JsonObject]] = [
    ("session_start_event", {}),
    (
        "page_view_event",
        {"pageId": _PAGE, "interaction": 0, "pageInteractionId": f"{_PAGE}-0"},
    ),
    (
        "largest_contentful_paint_event",
        {"value": 1840, "attribution": {"element": "#cart>img", "timeToFirstByte": 210.5}},
    ),
    (
        "http_event",
        {
            "request": {"method": "POST", "url": f"{_SITE}/api/orders"},
            "response": {"status": 503, "statusText": "Service Unavailable"},
        },
    ),
    (
        "js_error_event",
        {
            "type": "TypeError",
            "message": "Cannot read properties of undefined (reading 'total')",
            "filename": f"{_SITE}/assets/checkout.js",
            "lineno": 42,
            "colno": 17,
            "stack": "TypeError: Cannot read properties of undefined (reading 'total')\n"
            f"    at pay ({_SITE}/assets/checkout.js:42:17)",
        },
    ),
]


def sample_batch(
    monitor_id: str, monitor_name: str, *, now: float, new_id: Callable[[], str]
) -> JsonObject:
    """Return a PutRumEvents body with five events from one visit.

    Args:
        now: When the events happen, in Unix seconds; aws-rum-web sends whole seconds.
        new_id: Returns a new UUID.
    """
    events = [_event(name, details, _EVENT_METADATA, now, new_id) for name, details in _EVENTS]
    batch = _batch(monitor_id, monitor_name, events, new_id)
    return {**batch, "SessionMetadata": _dumps(_SESSION_METADATA)}


def single_event(
    monitor_id: str, monitor_name: str, *, now: float, new_id: Callable[[], str]
) -> JsonObject:
    """Return a PutRumEvents body with one page view, short enough to paste."""
    page = {"pageId": "/"}
    metadata = {"version": "1.0.0", **page}
    events = [_event("page_view_event", page, metadata, now, new_id)]
    return _batch(monitor_id, monitor_name, events, new_id)


def _batch(
    monitor_id: str, monitor_name: str, events: list[JsonObject], new_id: Callable[[], str]
) -> JsonObject:
    return {
        "BatchId": new_id(),
        "AppMonitorDetails": {"name": monitor_name, "id": monitor_id, "version": "1.0.0"},
        "UserDetails": {"userId": new_id(), "sessionId": new_id()},
        "RumEvents": events,
    }


def _event(
    name: str, details: JsonObject, metadata: JsonObject, now: float, new_id: Callable[[], str]
) -> JsonObject:
    return {
        "id": new_id(),
        "timestamp": int(now),
        "type": f"com.amazon.rum.{name}",
        "metadata": _dumps(metadata),
        "details": _dumps({"version": "1.0.0", **details}),
    }


def _dumps(value: JsonObject) -> str:
    return json.dumps(value, separators=(",", ":"))
