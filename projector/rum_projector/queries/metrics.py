"""GetMetricData: the metrics of the AWS/RUM namespace, and custom metrics, over time.

A metric is a set of samples, each at a time. A statistic is computed of the samples in a period.

    per event          most: a value of the event, or 1 for a count
    per session        ...PerSession: the count in each session that has an event in the period
    per page view      ...PerPageView: a count divided by the number of page views
    per visit          SessionDuration and TimeOnPage: the time between two events

Source: "CloudWatch metrics that you can collect with CloudWatch RUM", Amazon CloudWatch User Guide.
"""

from __future__ import annotations

__all__ = ["METRICS", "Metric", "custom", "data"]

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Subquery, and_, func, literal_column, select

from rum_projector.queries.base import Query, quantile
from rum_projector.queries.measures import count_of
from rum_projector.queries.samples import (
    Clauses,
    Dimensions,
    Periods,
    equal,
    per_event,
    per_session,
    session_duration,
    time_on_page,
)
from rum_projector.schema import custom_metrics, events
from rum_service.events.measures import Kind
from rum_service.events.thresholds import APDEX_SATISFIED_MS, APDEX_TOLERATED_MS

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,2})?|100)")

_STATISTICS: Mapping[str, Callable[[ColumnElement[Any]], Any]] = {
    "Sum": func.sum,
    "Average": func.avg,
    "Minimum": func.min,
    "Maximum": func.max,
    "SampleCount": func.count,
}
"""All but percentiles."""
_OF_RATIOS = ("Sum", "Average", "SampleCount")

Samples = Callable[[Periods, Dimensions], Subquery]


@dataclass(frozen=True)
class Metric:
    """A metric of the AWS/RUM namespace."""

    unit: str
    samples: Samples | None
    """Returns a table with the samples. None: the metric is a number per page view."""
    clauses: Clauses = ()
    """Which events count, for a number per page view."""
    kind: Kind | None = None
    """The kind of its events, if it has one."""


def _statistic(name: str) -> Callable[[ColumnElement[Any]], Any] | None:
    """Return the expression for a statistic. None: the name is unknown."""
    if name in _STATISTICS:
        return _STATISTICS[name]
    found = _PERCENTILE.fullmatch(name)
    if found is None or not Decimal(found[1]):
        return None
    share = f"{Decimal(found[1]) / 100:.4f}"
    return lambda value: quantile(value, share)


def data(
    query: Query, metric: Metric, periods: Periods, dimensions: Dimensions, statistic: str
) -> list[tuple[int, float]] | None:
    """Return start and value of the periods that have one. None: no such statistic."""
    if metric.samples is None:
        return _per_page_view(query, metric, periods, dimensions, statistic=statistic)
    compute = _statistic(statistic)
    if compute is None:
        return None
    return _computed(query, periods, metric.samples(periods, dimensions), compute)


def custom(
    query: Query,
    periods: Periods,
    namespace: str,
    name: str,
    *,
    dimensions: Mapping[str, str],
    statistic: str,
) -> list[tuple[int, float]] | None:
    """Return the same as `data` for a metric that an app monitor defines."""
    compute = _statistic(statistic)
    if compute is None:
        return None
    table = custom_metrics.c
    samples = (
        select(periods.step(table.ts), table.value.label("value"))
        .where(
            *periods.clauses(table),
            table.namespace == namespace,
            table.name == name,
            *(
                func.json_extract_string(table.dimensions, _pointer(dimension)) == value
                for dimension, value in dimensions.items()
            ),
        )
        .subquery("samples")
    )
    return _computed(query, periods, samples, compute)


def _pointer(name: str) -> str:
    """Return the JSON pointer to an object's member."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _computed(
    query: Query,
    periods: Periods,
    samples: FromClause,
    compute: Callable[[ColumnElement[Any]], Any],
) -> list[tuple[int, float]]:
    rows = query(
        select(samples.c.step, compute(samples.c.value))
        .group_by(samples.c.step)
        .order_by(samples.c.step)
    )
    return [
        (periods.first_ms + step * periods.period_ms, float(value))
        for step, value in rows
        if value is not None
    ]


def _per_page_view(
    query: Query, metric: Metric, periods: Periods, dimensions: Dimensions, *, statistic: str
) -> list[tuple[int, float]] | None:
    if statistic not in _OF_RATIOS:
        return None
    rows = query(
        select(
            periods.step(),
            count_of(*metric.clauses),
            count_of(events.c.kind == Kind.PAGE_VIEW),
        )
        .where(*periods.clauses(events.c), *equal(events, dimensions))
        .group_by(literal_column("step"))
        .order_by(literal_column("step"))
    )
    return [
        (periods.first_ms + step * periods.period_ms, _ratio(statistic, count, views))
        for step, count, views in rows
        if views
    ]


def _ratio(statistic: str, count: int, views: int) -> float:
    if statistic == "Average":
        return count / views
    return float(count if statistic == "Sum" else views)


_IS_HTTP = events.c.kind == Kind.HTTP
_4XX = and_(_IS_HTTP, events.c.status.between(400, 499))
_5XX = and_(_IS_HTTP, events.c.status.between(500, 599))
_RESPONSE = and_(_IS_HTTP, events.c.status > 0)
_ERROR = events.c.kind == Kind.JS_ERROR
_VIEW = events.c.kind == Kind.PAGE_VIEW
_NAVIGATION = events.c.kind == Kind.NAVIGATION


def _count(clause: ColumnElement[bool], kind: Kind) -> Metric:
    return Metric("Count", partial(per_event, clauses=(clause,)), kind=kind)


def _value(kind: Kind, unit: str = "Milliseconds") -> Metric:
    samples = partial(per_event, clauses=(events.c.kind == kind,), value=events.c.value)
    return Metric(unit, samples, kind=kind)


def _of_sessions(clause: ColumnElement[bool]) -> Metric:
    return Metric("Count", partial(per_session, clauses=(clause,)))


def _of_page_views(clause: ColumnElement[bool]) -> Metric:
    return Metric("Count", None, (clause,))


METRICS: Mapping[str, Metric] = {
    "HttpStatusCodeCount": _count(_RESPONSE, Kind.HTTP),
    "Http4xxCount": _count(_4XX, Kind.HTTP),
    "Http4xxCountPerSession": _of_sessions(_4XX),
    "Http4xxCountPerPageView": _of_page_views(_4XX),
    "Http5xxCount": _count(_5XX, Kind.HTTP),
    "Http5xxCountPerSession": _of_sessions(_5XX),
    "Http5xxCountPerPageView": _of_page_views(_5XX),
    "JsErrorCount": _count(_ERROR, Kind.JS_ERROR),
    "JsErrorCountPerSession": _of_sessions(_ERROR),
    "JsErrorCountPerPageView": _of_page_views(_ERROR),
    "NavigationSatisfiedTransaction": _count(
        and_(_NAVIGATION, events.c.value <= APDEX_SATISFIED_MS), Kind.NAVIGATION
    ),
    "NavigationToleratedTransaction": _count(
        and_(
            _NAVIGATION,
            events.c.value > APDEX_SATISFIED_MS,
            events.c.value <= APDEX_TOLERATED_MS,
        ),
        Kind.NAVIGATION,
    ),
    "NavigationFrustratedTransaction": _count(
        and_(_NAVIGATION, events.c.value > APDEX_TOLERATED_MS), Kind.NAVIGATION
    ),
    "PageViewCount": _count(_VIEW, Kind.PAGE_VIEW),
    "PageViewCountPerSession": _of_sessions(_VIEW),
    "SessionCount": _count(events.c.kind == Kind.SESSION_START, Kind.SESSION_START),
    "PerformanceNavigationDuration": _value(Kind.NAVIGATION),
    "PerformanceResourceDuration": _value(Kind.RESOURCE),
    "SessionDuration": Metric("Milliseconds", session_duration),
    "TimeOnPage": Metric("Milliseconds", time_on_page),
    "WebVitalsLargestContentfulPaint": _value(Kind.LCP),
    "WebVitalsFirstInputDelay": _value(Kind.FID),
    "WebVitalsInteractionToNextPaint": _value(Kind.INP),
    "WebVitalsCumulativeLayoutShift": _value(Kind.CLS, "None"),
    "RumEventPayloadSize": Metric("Bytes", partial(per_event, clauses=(), value=events.c.bytes)),
}
"""By their names in CloudWatch."""
