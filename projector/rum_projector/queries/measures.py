"""Counts and distributions: the numbers that most answers contain."""

from __future__ import annotations

__all__ = [
    "IS_FAILED_HTTP",
    "MEASURED_KINDS",
    "SHARES",
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
from rum_projector.queries.counts import Counted, counted, keyed, visitors
from rum_projector.schema import events
from rum_service.events.measures import Kind
from rum_service.events.thresholds import WEB_VITALS

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
    """Return the value for events of this kind, NULL for other events."""
    return case((events.c.kind == kind, events.c.value))


_WHOLE: Mapping[str, Any] = {
    "events": func.count(),
    "sessions": distinct_count(events.c.session),
    "users": distinct_count(events.c.user),
    "payload_bytes": func.coalesce(func.sum(events.c.bytes), 0),
}
_SAME_NAMES = (
    "page_views",
    "js_errors",
    "http_requests",
    "http_4xx",
    "http_5xx",
    "http_no_response",
)

_VITALS = {int(kind): limits for kind, limits in WEB_VITALS.items()}
_GOOD = case({kind: limits.good for kind, limits in _VITALS.items()}, value=events.c.kind)
_POOR = case({kind: limits.poor for kind, limits in _VITALS.items()}, value=events.c.kind)


def distribution_columns(value: ColumnElement[Any] = events.c.value) -> list[Any]:
    """Return the columns that `distribution` reads: a value's samples and percentiles."""
    return [func.count(value), quantiles(value, SHARES)]


def rating_columns() -> list[Any]:
    """Return how many samples of one web vital are good, need improvement or are poor."""
    value = events.c.value
    return [
        count_of(value <= _GOOD),
        count_of(value > _GOOD, value <= _POOR),
        poor_samples(),
    ]


def poor_samples() -> Any:
    """Return how many samples of one web vital are poor."""
    return count_of(events.c.value > _POOR)


def distribution(
    samples: int, percentiles: Sequence[float] | None, *ratings: int
) -> pb.Distribution:
    """Return a message from `distribution_columns`, and of `rating_columns` for a web vital."""
    found = pb.Distribution(samples=samples)
    if samples and percentiles:
        found.p50, found.p75, found.p90, found.p99 = percentiles
    if ratings:
        rate(found, *ratings)
    return found


def rate(found: pb.Distribution, *ratings: int) -> None:
    """Add the columns of `rating_columns`."""
    found.good, found.needs_improvement, found.poor = ratings


def measures(query: Query, clauses: Sequence[ColumnElement[bool]]) -> pb.Measures:
    """Return the measures of all events that meet the clauses."""
    return measures_by(query, clauses, None).get(None) or empty()


def measures_by(
    query: Query,
    clauses: Sequence[ColumnElement[bool]],
    by: ColumnElement[Any] | None,
) -> dict[Any, pb.Measures]:
    """Return the measures for each value of `by`. For None, of all events under the key None."""
    key, group = keyed(by)
    found: dict[Any, pb.Measures] = {}
    for value, *row in query(select(key, *_WHOLE.values()).where(*clauses).group_by(*group)):
        found[value] = empty()
        for member, number in zip(_WHOLE, row, strict=True):
            setattr(found[value].counts, member, number)
    # Events may be added between the statements.
    for value, numbers in counted(query, clauses, by).items():
        _add(found.setdefault(value, empty()).counts, numbers)
    is_error = events.c.kind == Kind.JS_ERROR
    for value, sessions in visitors(query, [*clauses, is_error], by).items():
        found.setdefault(value, empty()).counts.error_sessions = sessions
    for value, kind, *columns in query(
        select(key, events.c.kind, *distribution_columns())
        .where(*clauses, events.c.kind.in_(MEASURED_KINDS.values()), events.c.value.is_not(None))
        .group_by(*group, events.c.kind)
    ):
        message = found.setdefault(value, empty())
        getattr(message, _MEMBERS[kind]).MergeFrom(distribution(*columns))
    # Apart, because resources are most events and have no ratings.
    for value, kind, *ratings in query(
        select(key, events.c.kind, *rating_columns())
        .where(*clauses, events.c.kind.in_(_VITALS), events.c.value.is_not(None))
        .group_by(*group, events.c.kind)
    ):
        message = found.setdefault(value, empty())
        rate(getattr(message, _MEMBERS[kind]), *ratings)
    return found


def empty() -> pb.Measures:
    """Return the measures of no events."""
    found = pb.Measures(counts=pb.Counts())
    for member in MEASURED_KINDS:
        getattr(found, member).SetInParent()
    return found


def _add(counts: pb.Counts, numbers: Counted) -> None:
    for member in _SAME_NAMES:
        setattr(counts, member, getattr(numbers, member))
    counts.navigations_satisfied = numbers.satisfied
    counts.navigations_tolerated = numbers.tolerated
    counts.navigations_frustrated = numbers.frustrated
    if numbers.apdex is not None:
        counts.apdex = numbers.apdex
