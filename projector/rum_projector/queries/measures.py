"""Counts and distributions: the numbers that most answers contain."""

from __future__ import annotations

__all__ = [
    "IS_FAILED_HTTP",
    "MEASURED_KINDS",
    "NAVIGATIONS",
    "SHARES",
    "apdex",
    "count_of",
    "distribution",
    "distribution_columns",
    "empty",
    "measures",
    "measures_by",
    "poor_samples",
    "rating_columns",
    "value_of",
]

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from rum.v1 import insight_service_pb2 as pb
from rum_projector.queries.base import Query, distinct_count, quantiles
from rum_projector.schema import events
from rum_service.events.measures import Kind
from rum_service.events.thresholds import APDEX_SATISFIED_MS, APDEX_TOLERATED_MS, WEB_VITALS

SHARES = ("0.5", "0.75", "0.9", "0.99")
"""The percentiles of a distribution."""

MEASURED_KINDS: Mapping[str, Kind] = {
    "lcp": Kind.LCP,
    "inp": Kind.INP,
    "cls": Kind.CLS,
    "fcp": Kind.FCP,
    "ttfb": Kind.TTFB,
    "fid": Kind.FID,
    "navigation": Kind.NAVIGATION,
    "resource": Kind.RESOURCE,
}
"""The kinds of the distributions in `Measures`, by member."""

_MEMBERS = {int(kind): member for member, kind in MEASURED_KINDS.items()}

_IS_HTTP = events.c.kind == Kind.HTTP
IS_FAILED_HTTP = and_(_IS_HTTP, or_(events.c.status == 0, events.c.status >= 400))
"""Whether an event is an HTTP request with a status of 400 or higher, or without a response."""


def count_of(*clauses: ColumnElement[bool]) -> Any:
    """Return the number of events that meet the clauses."""
    return func.count().filter(*clauses)


def value_of(kind: Kind) -> Any:
    """Return the value of events of a kind, NULL for others."""
    return case((events.c.kind == kind, events.c.value))


def _navigations(*clauses: ColumnElement[bool]) -> Any:
    return count_of(events.c.kind == Kind.NAVIGATION, *clauses)


NAVIGATIONS = (
    _navigations(events.c.value <= APDEX_SATISFIED_MS),
    _navigations(events.c.value > APDEX_SATISFIED_MS, events.c.value <= APDEX_TOLERATED_MS),
    _navigations(events.c.value > APDEX_TOLERATED_MS),
)
"""The numbers of satisfied, tolerated and frustrated navigations."""

_COUNTS: Mapping[str, Any] = {
    "events": func.count(),
    "sessions": distinct_count(events.c.session),
    "users": distinct_count(events.c.user),
    "page_views": count_of(events.c.kind == Kind.PAGE_VIEW),
    "js_errors": count_of(events.c.kind == Kind.JS_ERROR),
    "error_sessions": distinct_count(events.c.session).filter(events.c.kind == Kind.JS_ERROR),
    "http_requests": count_of(_IS_HTTP),
    "http_4xx": count_of(_IS_HTTP, events.c.status.between(400, 499)),
    "http_5xx": count_of(_IS_HTTP, events.c.status.between(500, 599)),
    "http_no_response": count_of(_IS_HTTP, events.c.status == 0),
    **dict(
        zip(
            ("navigations_satisfied", "navigations_tolerated", "navigations_frustrated"),
            NAVIGATIONS,
            strict=True,
        )
    ),
    "payload_bytes": func.coalesce(func.sum(events.c.bytes), 0),
}

_VITALS = {int(kind): limits for kind, limits in WEB_VITALS.items()}
_GOOD = case({kind: limits.good for kind, limits in _VITALS.items()}, value=events.c.kind)
_POOR = case({kind: limits.poor for kind, limits in _VITALS.items()}, value=events.c.kind)


def distribution_columns(value: ColumnElement[Any] = events.c.value) -> list[Any]:
    """Return the columns that `distribution` reads: samples and percentiles of a value."""
    return [func.count(value), quantiles(value, SHARES)]


def rating_columns() -> list[Any]:
    """Return the numbers of samples of a web vital that are good, need improvement or are poor."""
    value = events.c.value
    return [
        count_of(value <= _GOOD),
        count_of(value > _GOOD, value <= _POOR),
        poor_samples(),
    ]


def poor_samples() -> Any:
    """Return the number of samples of a web vital that are poor."""
    return count_of(events.c.value > _POOR)


def distribution(
    samples: int, percentiles: Sequence[float] | None, *ratings: int
) -> pb.Distribution:
    """Return a message from the columns of `distribution_columns`, with ratings or without."""
    found = pb.Distribution(samples=samples)
    if samples and percentiles:
        found.p50, found.p75, found.p90, found.p99 = percentiles
    if ratings:
        found.good, found.needs_improvement, found.poor = ratings
    return found


def apdex(satisfied: float, tolerated: float, frustrated: float) -> float | None:
    """Return (satisfied + tolerated / 2) / all. None without navigations."""
    total = satisfied + tolerated + frustrated
    return (satisfied + tolerated / 2) / total if total else None


def measures(query: Query, clauses: Sequence[ColumnElement[bool]]) -> pb.Measures:
    """Return the measures of all events that meet the clauses."""
    return measures_by(query, clauses, None).get(None) or empty()


def measures_by(
    query: Query,
    clauses: Sequence[ColumnElement[bool]],
    by: ColumnElement[Any] | None,
) -> dict[Any, pb.Measures]:
    """Return the measures for each value of `by`. For None, of all events under the key None."""
    group = [] if by is None else [by]
    counts = select(*group, *_COUNTS.values()).where(*clauses).group_by(*group)
    distributions = (
        select(*group, events.c.kind, *distribution_columns(), *rating_columns())
        .where(*clauses, events.c.kind.in_(MEASURED_KINDS.values()), events.c.value.is_not(None))
        .group_by(*group, events.c.kind)
    )
    found: dict[Any, pb.Measures] = {}
    for row in query(counts):
        key = row[0] if group else None
        found[key] = _with_counts(row[len(group) :])
    for row in query(distributions):
        kind, *columns = row[len(group) :]
        # Events may have been added between both statements.
        message = found.setdefault(row[0] if group else None, empty())
        getattr(message, _MEMBERS[kind]).CopyFrom(distribution(*columns))
    return found


def empty() -> pb.Measures:
    """Return the measures of no events."""
    return _with_counts((0,) * len(_COUNTS))


def _with_counts(values: Sequence[float]) -> pb.Measures:
    found = pb.Measures(counts=pb.Counts(**dict(zip(_COUNTS, values, strict=True))))
    for member in MEASURED_KINDS:
        getattr(found, member).SetInParent()
    counts = found.counts
    value = apdex(
        counts.navigations_satisfied, counts.navigations_tolerated, counts.navigations_frustrated
    )
    if value is not None:
        counts.apdex = value
    return found
