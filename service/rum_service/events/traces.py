"""The HTTP request that an X-Ray trace event of aws-rum-web describes. Pure.

Source: aws-rum-web, createXRayTraceEvent and createXRaySubsegment. The request is in the first
subsegment, whose times are in Unix seconds. aws-rum-web measures no other duration of requests.
"""

from __future__ import annotations

__all__ = ["TracedRequest", "traced_request"]

from typing import NamedTuple

from rum_service.events.json_text import JsonObject, object_in, text_in
from rum_service.events.routes import method_and_url

_MAX_TIME_S = 1e10


class TracedRequest(NamedTuple):
    """The request that an X-Ray trace event describes."""

    target: str | None
    """Method and URL pattern."""
    status: object
    duration_ms: float | None


def traced_request(details: JsonObject, page_host: str) -> TracedRequest:
    """Return the request of an X-Ray trace event, as far as its details describe one."""
    subsegments = details.get("subsegments")
    first = subsegments[0] if isinstance(subsegments, list) and subsegments else None
    sent = first if isinstance(first, dict) else {}
    http = object_in(sent, "http")
    request = object_in(http, "request")
    url = text_in(request, "url")
    return TracedRequest(
        method_and_url(text_in(request, "method"), url, page_host) if url else None,
        object_in(http, "response").get("status"),
        _duration_ms(sent.get("start_time"), sent.get("end_time")),
    )


def _duration_ms(start: object, end: object) -> float | None:
    # NaN compares as false.
    if not isinstance(start, float | int) or not isinstance(end, float | int):
        return None
    return round((end - start) * 1000, 3) if 0 < start <= end < _MAX_TIME_S else None
