"""GetMetricData: every metric of AWS/RUM equals one computed straight from the log."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean
from typing import Any

import pytest

from rum.v1 import insight_service_pb2 as pb
from rum_projector.engines.base import Chunk, CustomMetricRow
from tests.insight.asked import Asked
from tests.insight.oracle import Seen, nearest_rank
from tests.insight.visits import HOUR_MS, START_MS

_PERIOD_MS = 4 * HOUR_MS
_FIRST = START_MS // _PERIOD_MS * _PERIOD_MS
_AFTER, _BEFORE = START_MS + 5 * HOUR_MS + 1, START_MS + 43 * HOUR_MS
_RANGE = {"after": _AFTER, "before": _BEFORE, "period_seconds": _PERIOD_MS // 1000}

_Samples = list[tuple[int, float]]
"""Times with values."""


def _each(
    kind: str, where: Callable[[Seen], bool] = lambda _: True, value: str = ""
) -> Callable[[list[Seen]], _Samples]:
    def samples(seen: list[Seen]) -> _Samples:
        return [
            (e.ts, e.details[value] if value else 1)
            for e in seen
            if e.type == kind and where(e) and _AFTER <= e.ts < _BEFORE
        ]

    return samples


def _per_session(
    kind: str, where: Callable[[Seen], bool] = lambda _: True
) -> Callable[[list[Seen]], _Samples]:
    def samples(seen: list[Seen]) -> _Samples:
        counts: dict[tuple[int, str], int] = {}
        for e in seen:
            if _AFTER <= e.ts < _BEFORE:
                key = (e.ts // _PERIOD_MS * _PERIOD_MS, e.session)
                counts[key] = counts.get(key, 0) + (e.type == kind and where(e))
        return [(period, count) for (period, _), count in counts.items()]

    return samples


def _sessions(seen: list[Seen]) -> list[list[Seen]]:
    found: dict[str, list[Seen]] = {}
    for event in sorted(seen, key=lambda e: (e.ts, e.sequence, e.position)):
        found.setdefault(event.session, []).append(event)
    return list(found.values())


def _durations(seen: list[Seen]) -> _Samples:
    return [
        (events[0].ts, events[-1].ts - events[0].ts)
        for events in _sessions(seen)
        if _AFTER <= events[0].ts < _BEFORE
    ]


def _times_on_pages(seen: list[Seen]) -> _Samples:
    found: _Samples = []
    for events in _sessions(seen):
        views = [event.ts for event in events if event.type == "page_view_event"]
        for start, end in zip(views, [*views[1:], events[-1].ts], strict=True):
            if _AFTER <= start < _BEFORE:
                found.append((start, end - start))
    return found


def _lengths(seen: list[Seen]) -> _Samples:
    return [(e.ts, e.length) for e in seen if _AFTER <= e.ts < _BEFORE]


def _is_4xx(event: Seen) -> bool:
    return event.status() // 100 == 4


def _is_5xx(event: Seen) -> bool:
    return event.status() // 100 == 5


_NAVIGATION = "performance_navigation_event"
_SAMPLES: dict[str, tuple[str, Callable[[list[Seen]], _Samples]]] = {
    "HttpStatusCodeCount": ("Count", _each("http_event", lambda e: e.status() > 0)),
    "Http4xxCount": ("Count", _each("http_event", _is_4xx)),
    "Http4xxCountPerSession": ("Count", _per_session("http_event", _is_4xx)),
    "Http5xxCount": ("Count", _each("http_event", _is_5xx)),
    "Http5xxCountPerSession": ("Count", _per_session("http_event", _is_5xx)),
    "JsErrorCount": ("Count", _each("js_error_event")),
    "JsErrorCountPerSession": ("Count", _per_session("js_error_event")),
    "NavigationSatisfiedTransaction": (
        "Count",
        _each(_NAVIGATION, lambda e: e.details["duration"] <= 2000),
    ),
    "NavigationToleratedTransaction": (
        "Count",
        _each(_NAVIGATION, lambda e: 2000 < e.details["duration"] <= 8000),
    ),
    "NavigationFrustratedTransaction": (
        "Count",
        _each(_NAVIGATION, lambda e: e.details["duration"] > 8000),
    ),
    "PageViewCount": ("Count", _each("page_view_event")),
    "PageViewCountPerSession": ("Count", _per_session("page_view_event")),
    "SessionCount": ("Count", _each("session_start_event")),
    "PerformanceNavigationDuration": ("Milliseconds", _each(_NAVIGATION, value="duration")),
    "PerformanceResourceDuration": (
        "Milliseconds",
        _each("performance_resource_event", value="duration"),
    ),
    "SessionDuration": ("Milliseconds", _durations),
    "TimeOnPage": ("Milliseconds", _times_on_pages),
    "WebVitalsLargestContentfulPaint": (
        "Milliseconds",
        _each("largest_contentful_paint_event", value="value"),
    ),
    "WebVitalsFirstInputDelay": ("Milliseconds", _each("first_input_delay_event", value="value")),
    "WebVitalsInteractionToNextPaint": (
        "Milliseconds",
        _each("interaction_to_next_paint_event", value="value"),
    ),
    "WebVitalsCumulativeLayoutShift": (
        "None",
        _each("cumulative_layout_shift_event", value="value"),
    ),
    "RumEventPayloadSize": ("Bytes", _lengths),
}
_STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Sum": sum,
    "Average": fmean,
    "Minimum": min,
    "Maximum": max,
    "SampleCount": len,
    "p50": lambda values: nearest_rank(values, "0.5"),
    "p75": lambda values: nearest_rank(values, "0.75"),
    "p99.9": lambda values: nearest_rank(values, "0.999"),
    "p100": max,
}


def _expected(samples: _Samples, statistic: str) -> dict[float, float]:
    periods: dict[float, list[float]] = {}
    for ts, value in samples:
        periods.setdefault(ts // _PERIOD_MS * _PERIOD_MS, []).append(value)
    return {
        start: pytest.approx(_STATISTICS[statistic](values), rel=1e-12)
        for start, values in sorted(periods.items())
    }


def _found(shop: Asked, name: str, statistic: str, **members: Any) -> dict[float, float]:
    request = pb.GetMetricDataRequest(
        app_monitor="shop", metric_name=name, statistic=statistic, **{**_RANGE, **members}
    )
    response = shop.ask("GetMetricData", request)
    return dict(zip(response.timestamps, response.values, strict=True))


@pytest.mark.parametrize("statistic", _STATISTICS)
@pytest.mark.parametrize("name", _SAMPLES)
def test_a_metric_is_that_of_the_log(
    shop: Asked, seen: list[Seen], name: str, statistic: str
) -> None:
    samples = _SAMPLES[name][1](seen)

    assert len(samples) > 5
    assert _found(shop, name, statistic) == _expected(samples, statistic)


@pytest.mark.parametrize("name", _SAMPLES)
def test_a_metric_has_the_unit_of_aws(shop: Asked, name: str) -> None:
    request = pb.GetMetricDataRequest(metric_name=name, statistic="Sum", **_RANGE)

    assert shop.ask("GetMetricData", request).unit == _SAMPLES[name][0]


@pytest.mark.parametrize(
    ("name", "kind", "where"),
    [
        ("JsErrorCountPerPageView", "js_error_event", lambda _: True),
        ("Http4xxCountPerPageView", "http_event", _is_4xx),
        ("Http5xxCountPerPageView", "http_event", _is_5xx),
    ],
)
def test_a_metric_per_page_view_is_a_ratio(
    shop: Asked, seen: list[Seen], name: str, kind: str, where: Any
) -> None:
    counts = _expected(_each(kind, where)(seen), "Sum")
    views = _expected(_each("page_view_event")(seen), "Sum")

    assert _found(shop, name, "SampleCount") == views
    assert _found(shop, name, "Sum") == {period: counts.get(period, 0) for period in views}
    averages = _found(shop, name, "Average")
    sums = _found(shop, name, "Sum")
    assert averages == {
        period: pytest.approx(sums[period] / _found(shop, name, "SampleCount")[period])
        for period in views
    }
    request = pb.GetMetricDataRequest(metric_name=name, statistic="p75", **_RANGE)
    assert shop.failure("GetMetricData", request).startswith("INVALID_ARGUMENT: statistic must be")


@pytest.mark.parametrize(
    ("name", "dimensions", "samples"),
    [
        (
            "HttpStatusCodeCount",
            ["event_details.response.status=404", "event_type=com.amazon.rum.http_event"],
            _each("http_event", lambda e: e.status() == 404),
        ),
        (
            "PerformanceResourceDuration",
            ["event_details.file.type=script", "application_name=shop"],
            _each(
                "performance_resource_event",
                lambda e: e.details["fileType"] == "script",
                "duration",
            ),
        ),
        (
            "JsErrorCount",
            ["BrowserName=Chrome", "CountryCode=DE", "PageId=/cart"],
            _each(
                "js_error_event",
                lambda e: (
                    e.dimensions["browser"] == "Chrome"
                    and e.dimensions["country"] == "DE"
                    and e.dimensions["page"] == "/cart"
                ),
            ),
        ),
        (
            "TimeOnPage",
            ["OSName=iOS"],
            lambda seen: _times_on_pages([e for e in seen if e.dimensions["os"] == "iOS"]),
        ),
        (
            "SessionDuration",
            ["DeviceType=mobile"],
            lambda seen: _durations([e for e in seen if e.dimensions["device"] == "mobile"]),
        ),
    ],
    ids=lambda value: "" if callable(value) else str(value),
)
def test_a_metric_is_limited_to_dimensions(
    shop: Asked, seen: list[Seen], name: str, dimensions: list[str], samples: Any
) -> None:
    expected = _expected(samples(seen), "Sum")

    assert expected
    assert _found(shop, name, "Sum", dimension=dimensions) == expected


_BASE = {**_RANGE, "metric_name": "JsErrorCount", "statistic": "Sum", "app_monitor": "shop"}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"metric_name": "Errors"}, "metricName must be one of HttpStatusCodeCount, Http4xxCount"),
        ({"statistic": "Median"}, "statistic must be Sum, Average"),
        ({"statistic": "p0"}, "statistic must be Sum, Average"),
        ({"statistic": "p101"}, "statistic must be Sum, Average"),
        ({"statistic": "p75.123"}, "statistic must be Sum, Average"),
        ({"statistic": ""}, "statistic must be Sum, Average"),
        ({"period_seconds": 0}, "periodSeconds must be a multiple of 60, at most 86400."),
        ({"period_seconds": 90}, "periodSeconds must be a multiple of 60, at most 86400."),
        ({"period_seconds": 86_460}, "periodSeconds must be a multiple of 60, at most 86400."),
        ({"period_seconds": 60}, "There must be at most 2000 periods."),
        ({"dimension": ["BrowserName"]}, "dimension[0] must be a name, = and a value."),
        ({"dimension": ["OSName=a", "OSName=b"]}, "dimension[1] has a name that is there already."),
        ({"dimension": ["Browser=Chrome"]}, "dimension must have names of dimensions"),
        ({"dimension": ["FileType=script"]}, "dimension must have names of dimensions"),
        ({"dimension": ["application_name=blog"]}, "dimension must have names of dimensions"),
        (
            {
                "metric_name": "Http4xxCount",
                "dimension": ["event_details.response.status=1e3"],
            },
            "event_details.response.status must be an HTTP status.",
        ),
        ({"before": _AFTER}, "before must be later than after."),
        ({"namespace": "n" * 256}, "namespace and metricName must have at most 255 characters."),
    ],
    ids=str,
)
def test_an_invalid_request_is_rejected(shop: Asked, members: dict[str, Any], message: str) -> None:
    request = pb.GetMetricDataRequest(**{**_BASE, **members})

    assert shop.failure("GetMetricData", request).startswith(f"INVALID_ARGUMENT: {message}")


def test_a_custom_metric_has_its_namespace_and_dimensions(shop: Asked) -> None:
    def row(value: float, dimensions: str, at: int = _AFTER) -> CustomMetricRow:
        return CustomMetricRow(1, "id", "Carts", "Shop/Web", at, value, dimensions, 1)

    rows = [
        row(1.5, '{"a/b~\\"c": "x", "tier": "gold"}'),
        row(2.0, '{"tier": "gold"}'),
        row(4.0, '{"tier": "silver"}'),
        row(8.0, "{}", _BEFORE),
    ]
    place = shop.engine.cursor().place
    shop.engine.write(Chunk(custom_metrics=rows), after=place, until=place, now_ms=0)

    def total(*dimensions: str, namespace: str = "Shop/Web", name: str = "Carts") -> list[float]:
        found = _found(shop, name, "Sum", namespace=namespace, dimension=dimensions)
        return list(found.values())

    assert total() == [7.5]
    assert total("tier=gold") == [3.5]
    assert total("tier=gold", 'a/b~"c=x') == [1.5]
    assert total("tier=' OR 1=1") == []
    assert total("name=") == []
    assert total(namespace="Other") == []
    assert total(name="Other") == []
