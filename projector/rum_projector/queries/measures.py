"""Counts and distributions: the numbers that most answers contain."""

from __future__ import annotations

__all__ = [
    "MEASURED_KINDS",
    "SHARES",
    "count_of",
    "distribution",
    "distribution_columns",
    "empty",
    "is_failed_http",
    "measures",
    "measures_by",
    "poor_samples",
    "rating_columns",
]

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, func, or_

from rum.v1 import insight_service_pb2 as pb
from rum_projector.queries.base import Query, Selection, quantiles
from rum_projector.queries.counts import By, Numbers, apdex, counted, counts_of, percentiles
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


def is_failed_http(table: FromClause = events) -> ColumnElement[bool]:
    """Return whether an event is an HTTP request without a response, or with a status from 400."""
    status = table.c.status
    return and_(table.c.kind == Kind.HTTP, or_(status == 0, status >= 400))


def count_of(*clauses: ColumnElement[bool]) -> Any:
    """Return the number of events that meet the clauses."""
    return func.count().filter(*clauses)


_COUNTS = (
    "events",
    "sessions",
    "users",
    "page_views",
    "js_errors",
    "error_sessions",
    "http_requests",
    "http_4xx",
    "http_5xx",
    "http_no_response",
    "navigations_satisfied",
    "navigations_tolerated",
    "navigations_frustrated",
    "payload_bytes",
)
_RATINGS = ("good", "needs_improvement", "poor")
_RATED = {
    f"{kind.name.lower()}_{rating}": (kind, rating) for kind in WEB_VITALS for rating in _RATINGS
}

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
        found.good, found.needs_improvement, found.poor = ratings
    return found


def measures(
    query: Query, selection: Selection, members: Collection[str] = tuple(MEASURED_KINDS)
) -> pb.Measures:
    """Return the measures for the selected events.

    Args:
        members: the distributions to compute. The others are empty.
    """
    return measures_by(query, selection, None, members).get(None) or empty()


def measures_by(
    query: Query,
    selection: Selection,
    by: By | None,
    members: Collection[str] = tuple(MEASURED_KINDS),
) -> dict[Any, pb.Measures]:
    """Return the measures for each value of `by`. For None, of all events under the key None."""
    kinds = [MEASURED_KINDS[member] for member in members]
    rated = {name: rating for name, rating in _RATED.items() if rating[0] in kinds}
    found: dict[Any, pb.Measures] = {}
    for value, numbers in counted(
        query, counts_of(query, selection), (*_COUNTS, *rated), by
    ).items():
        found[value] = _measures(numbers, rated)
    for value, kind, samples, levels in percentiles(query, selection, by, kinds, SHARES):
        getattr(found[value], _MEMBERS[kind]).MergeFrom(distribution(samples, levels))
    return found


def _measures(numbers: Numbers, rated: Mapping[str, tuple[Kind, str]]) -> pb.Measures:
    found = empty()
    for member in _COUNTS:
        setattr(found.counts, member, numbers[member])
    score = apdex(numbers)
    if score is not None:
        found.counts.apdex = score
    for name, (kind, rating) in rated.items():
        setattr(getattr(found, _MEMBERS[kind]), rating, numbers[name])
    return found


def empty() -> pb.Measures:
    """Return the measures of no events."""
    found = pb.Measures(counts=pb.Counts())
    for member in MEASURED_KINDS:
        getattr(found, member).SetInParent()
    return found
