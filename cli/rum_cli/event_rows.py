"""Event documents as table rows, with a summary for each event type. Pure.

Source: the event schemas of aws-rum-web; the thresholds of web-vitals 4.
"""

from __future__ import annotations

__all__ = ["event_row", "full_types", "short_type", "summary"]

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

JsonObject = dict[str, Any]

_PREFIXES = ("com.amazon.rum.", "com.amazon.")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_SUMMARY = 200
# Short name, the highest value that is good, the highest that is not poor, unit.
_VITALS = {
    "largest_contentful_paint_event": ("LCP", 2500, 4000, " ms"),
    "interaction_to_next_paint_event": ("INP", 200, 500, " ms"),
    "cumulative_layout_shift_event": ("CLS", 0.1, 0.25, ""),
    "first_contentful_paint_event": ("FCP", 1800, 3000, " ms"),
    "first_input_delay_event": ("FID", 100, 300, " ms"),
    "time_to_first_byte_event": ("TTFB", 800, 1800, " ms"),
}


def event_row(event: JsonObject) -> list[str]:
    """Return the table row for an event: time, type, page, session id, summary."""
    metadata = event["metadata"] if isinstance(event["metadata"], dict) else {}
    return [
        f"{_EPOCH + timedelta(milliseconds=event['event_timestamp']):%Y-%m-%d %H:%M:%S}",
        short_type(event["event_type"]),
        _text(metadata.get("pageId")),
        event["sessionId"],
        summary(event["event_type"], event["event_details"]),
    ]


def short_type(event_type: str) -> str:
    """Return an event type without the prefix of AWS's types."""
    for prefix in _PREFIXES:
        if event_type.startswith(prefix):
            return event_type.removeprefix(prefix)
    return event_type


def full_types(types: Iterable[str]) -> list[str]:
    """Return the event types that the names given by a user can mean.

    A name without a dot can be a custom type, or an AWS type that lacks its prefix and maybe its
    suffix `_event`.
    """
    full: list[str] = []
    for name in types:
        full.append(name)
        if "." not in name:
            full += [f"{prefix}{name}" for prefix in _PREFIXES]
            if not name.endswith("_event"):
                full += [f"{prefix}{name}_event" for prefix in _PREFIXES]
    return full


def summary(event_type: str, details: object) -> str:
    """Return an event's main content in at most 200 characters."""
    name = short_type(event_type)
    summarize = _SUMMARIES.get(name) if name != event_type else None
    text = ""
    if isinstance(details, dict):
        if name in _VITALS and name != event_type:
            text = _vital(name, details)
        elif summarize is not None:
            text = summarize(details)
        else:
            text = _as_json(details)
    else:
        text = _text(details)
    return text if len(text) <= _MAX_SUMMARY else f"{text[: _MAX_SUMMARY - 1]}…"


def _js_error(details: JsonObject) -> str:
    return ": ".join(filter(None, (_text(details.get("type")), _text(details.get("message")))))


def _http(details: JsonObject) -> str:
    request, response = _object(details, "request"), _object(details, "response")
    error = _object(details, "error")
    status = _text(response.get("status")) or ("failed" if error else "")
    reason = "" if response else _js_error(error)
    return _joined(request.get("method"), status, request.get("url"), reason)


def _vital(name: str, details: JsonObject) -> str:
    short, good, poor, unit = _VITALS[name]
    value = details.get("value")
    if not _is_number(value):
        return _as_json(details)
    rating = "good" if value <= good else "needs improvement" if value <= poor else "poor"
    return f"{short} {_rounded(value)}{unit}, {rating}"


def _page_view(details: JsonObject) -> str:
    return _joined(details.get("pageId"), details.get("referrer") and f"from {details['referrer']}")


def _navigation(details: JsonObject) -> str:
    return _joined(_milliseconds(details), details.get("initiatorType"), details.get("targetUrl"))


def _resource(details: JsonObject) -> str:
    return _joined(_milliseconds(details), details.get("fileType"), details.get("targetUrl"))


def _dom(details: JsonObject) -> str:
    names = ("interactionId", "elementId", "cssLocator")
    target = next((details[name] for name in names if details.get(name)), None)
    return _joined(details.get("event"), details.get("element"), target)


def _recording(details: JsonObject) -> str:
    events = details.get("events")
    count = details.get("eventCount", len(events) if isinstance(events, list) else None)
    return f"{_text(count)} recorded events"


def _milliseconds(details: JsonObject) -> str:
    duration = details.get("duration")
    return f"{_rounded(duration)} ms" if _is_number(duration) else ""


_SUMMARIES: dict[str, Callable[[JsonObject], str]] = {
    "session_start_event": lambda _: "",
    "page_view_event": _page_view,
    "js_error_event": _js_error,
    "http_event": _http,
    "performance_navigation_event": _navigation,
    "performance_resource_event": _resource,
    "dom_event": _dom,
    "rrweb_event": _recording,
    "xray_trace_event": lambda details: _text(details.get("name")),
}


def _object(details: JsonObject, name: str) -> JsonObject:
    value = details.get(name)
    return value if isinstance(value, dict) else {}


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rounded(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2f}".rstrip("0").rstrip(".")


def _joined(*values: object) -> str:
    return " ".join(filter(None, map(_text, values)))


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _as_json(value)


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
