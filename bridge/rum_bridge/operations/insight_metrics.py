"""The measures of app monitors for Prometheus, at /insight-metrics."""

from __future__ import annotations

__all__ = [
    "INSIGHT_METRICS",
    "METRICS",
    "METRICS_PATH",
    "PERCENTILES",
    "RATINGS",
    "REASONS",
    "VITALS",
]

import asyncio
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor
from starlette.requests import Request
from starlette.responses import Response

from rum.v1 import insight_service_pb2 as pb
from rum_bridge.errors import validation_error
from rum_bridge.operations.query_members import query_members
from rum_bridge.operations.transcode import RestForm
from rum_endpoint.metrics_page import CONTENT_TYPE, Metric, Sample, exposition

METRICS_PATH = "/insight-metrics"

_MONITOR = ("app_monitor",)
_PERCENTILE = ("app_monitor", "percentile")


def _gauge(name: str, text: str, labels: tuple[str, ...] = _MONITOR) -> Metric:
    return Metric(f"openrum_rum_{name}", "gauge", text, labels)


_COUNTS = {
    "events": _gauge("events", "Events."),
    "sessions": _gauge("sessions", "Distinct sessions."),
    "users": _gauge("users", "Distinct users."),
    "page_views": _gauge("page_views", "Page views."),
    "js_errors": _gauge("js_errors", "JavaScript errors."),
    "error_sessions": _gauge("error_sessions", "Sessions with at least one JavaScript error."),
    "http_requests": _gauge("http_requests", "HTTP requests that pages reported."),
}
_HTTP_FAILURES = _gauge(
    "http_failures",
    "HTTP requests that failed. reason is 4xx, 5xx or no_response.",
    ("app_monitor", "reason"),
)
_APDEX = _gauge("apdex", "Apdex of navigations, from 0 to 1. Absent without navigations.")
_NAVIGATION = _gauge(
    "navigation_duration_seconds",
    "Time that navigations took. percentile is 50, 75, 90 or 99.",
    _PERCENTILE,
)
_VITAL = _gauge(
    "web_vital_seconds",
    "Time of web vitals. vital is lcp, inp, fcp, ttfb or fid; percentile is 50, 75, 90 or 99.",
    ("app_monitor", "vital", "percentile"),
)
_CLS = _gauge(
    "cumulative_layout_shift",
    "Cumulative Layout Shift. percentile is 50, 75, 90 or 99.",
    _PERCENTILE,
)
_SAMPLES = _gauge(
    "web_vital_samples",
    "Samples for each web vital and rating. rating is good, needs_improvement or poor.",
    ("app_monitor", "vital", "rating"),
)
_LAG = _gauge(
    "projection_lag_seconds", "Age of the oldest batch that the other values do not include.", ()
)
_DAMAGED = _gauge(
    "projection_damaged_batches",
    "How often the projector has met a damaged batch since it started. Such batches are skipped.",
    (),
)

METRICS = (
    *_COUNTS.values(),
    _HTTP_FAILURES,
    _APDEX,
    _NAVIGATION,
    _VITAL,
    _CLS,
    _SAMPLES,
    _LAG,
    _DAMAGED,
)
"""Most are about the last minutes: 5, unless the query has `minutes`."""

VITALS = ("lcp", "inp", "fcp", "ttfb", "fid")
PERCENTILES = ("50", "75", "90", "99")
RATINGS = ("good", "needs_improvement", "poor")
REASONS = ("4xx", "5xx", "no_response")


_PAGE = {"maxResults": 1000}
"""The most that a response has. Prometheus reads all app monitors at once."""


def _query(message: Descriptor, request: Request) -> dict[str, Any]:
    members = query_members(message, request)
    for name in ("maxResults", "nextToken"):
        if name in members:
            raise validation_error(f"{name} is not a member of the query.")
    return {**members, **_PAGE}


async def _respond(_: Request, __: Descriptor, content: bytes) -> Response:
    page = await asyncio.to_thread(_page, content)
    return Response(page, headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE)


def _page(content: bytes) -> bytes:
    return exposition(_samples(pb.ListCurrentValuesResponse.FromString(content)))


def _samples(response: pb.ListCurrentValuesResponse) -> Iterator[Sample]:
    for value in response.values:
        yield from _of_monitor(value.app_monitor, value.measures)
    yield Sample(_LAG, response.freshness.lag_ms / 1000)
    yield Sample(_DAMAGED, response.freshness.damaged_batches)


def _of_monitor(name: str, measures: pb.Measures) -> Iterator[Sample]:
    counts = measures.counts
    for member, metric in _COUNTS.items():
        yield Sample(metric, getattr(counts, member), (name,))
    for reason in REASONS:
        yield Sample(_HTTP_FAILURES, getattr(counts, f"http_{reason}"), (name, reason))
    if counts.HasField("apdex"):
        yield Sample(_APDEX, counts.apdex, (name,))
    for percentile, value in _percentiles(measures.navigation):
        yield Sample(_NAVIGATION, value / 1000, (name, percentile))
    for vital in VITALS:
        for percentile, value in _percentiles(getattr(measures, vital)):
            yield Sample(_VITAL, value / 1000, (name, vital, percentile))
    for percentile, value in _percentiles(measures.cls):
        yield Sample(_CLS, value, (name, percentile))
    for vital in (*VITALS, "cls"):
        for rating in RATINGS:
            samples = getattr(getattr(measures, vital), rating)
            yield Sample(_SAMPLES, samples, (name, vital, rating))


def _percentiles(distribution: pb.Distribution) -> Iterator[tuple[str, float]]:
    for percentile in PERCENTILES:
        if distribution.HasField(f"p{percentile}"):  # type: ignore[arg-type] # one of its members
            yield percentile, getattr(distribution, f"p{percentile}")


INSIGHT_METRICS = RestForm(_query, _respond, is_whole=True)
"""The second form of ListCurrentValues."""
