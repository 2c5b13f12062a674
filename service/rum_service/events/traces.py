"""The HTTP request that an X-Ray trace event of aws-rum-web describes. Pure.

Source: aws-rum-web, createXRayTraceEvent and createXRaySubsegment. The request is in the first
subsegment, whose times are in Unix seconds. aws-rum-web measures no other duration of requests.
"""

from __future__ import annotations

__all__ = ["TracedRequest", "traced_request"]

from typing import Any, NamedTuple

from rum_service.events.routes import method_and_url

_MAX_TIME_S = 1e10
_NOTHING: dict[str, Any] = {}


class TracedRequest(NamedTuple):
    """The request that an X-Ray trace event describes."""

    target: str | None
    """Method and URL pattern."""
    status: object
    duration_ms: float | None


def traced_request(details: dict[str, Any], page_host: str) -> TracedRequest:
    """Return the request of an X-Ray trace event, as far as its details describe one."""
    subsegments = details.get("subsegments")
    first = subsegments[0] if isinstance(subsegments, list) and subsegments else None
    sent = first if isinstance(first, dict) else _NOTHING
    http = _object(sent, "http")
    request = _object(http, "request")
    url = _text(request, "url")
    return TracedRequest(
        method_and_url(_text(request, "method"), url, page_host) if url else None,
        _object(http, "response").get("status"),
        _duration_ms(sent.get("start_time"), sent.get("end_time")),
    )


def _duration_ms(start: object, end: object) -> float | None:
    # NaN compares as false.
    if not isinstance(start, float | int) or not isinstance(end, float | int):
        return None
    return round((end - start) * 1000, 3) if 0 < start <= end < _MAX_TIME_S else None


def _object(details: dict[str, Any], name: str) -> dict[str, Any]:
    value = details.get(name)
    return value if isinstance(value, dict) else _NOTHING


def _text(details: dict[str, Any], name: str) -> str:
    value = details.get(name)
    return value if isinstance(value, str) else ""
