"""GetOverview: measures in total and over time. ListCurrentValues: those of all app monitors."""

from __future__ import annotations

__all__ = ["current_values", "series", "totals"]

from sqlalchemy import literal_column, select

from rum.v1 import insight_service_pb2 as pb
from rum_projector.queries.base import Query, Selection, distinct_count, quantile, step_of
from rum_projector.queries.measures import (
    NAVIGATIONS,
    apdex,
    count_of,
    measures,
    measures_by,
    value_of,
)
from rum_projector.schema import events
from rum_service.events.measures import Kind

_IS_HTTP = events.c.kind == Kind.HTTP
_COLUMNS = {
    "page_views": count_of(events.c.kind == Kind.PAGE_VIEW),
    "sessions": distinct_count(events.c.session),
    "js_errors": count_of(events.c.kind == Kind.JS_ERROR),
    "http_4xx": count_of(_IS_HTTP, events.c.status.between(400, 499)),
    "http_5xx": count_of(_IS_HTTP, events.c.status.between(500, 599)),
    "http_no_response": count_of(_IS_HTTP, events.c.status == 0),
    "http_requests": count_of(_IS_HTTP),
}
_PERCENTILES = {
    "lcp_p75": quantile(value_of(Kind.LCP), "0.75"),
    "inp_p75": quantile(value_of(Kind.INP), "0.75"),
    "cls_p75": quantile(value_of(Kind.CLS), "0.75"),
}
_NONE = -1.0
"""In the place of a percentile or an Apdex without samples."""


def totals(query: Query, selection: Selection) -> pb.Measures:
    """Return the measures of a selection."""
    return measures(query, selection.clauses())


def series(query: Query, selection: Selection, *, first_ms: int, step_ms: int) -> pb.Series:
    """Return the measures of a selection over time. Every step has a value.

    Args:
        first_ms: the start of the first step, at most one step before the selection.
    """
    steps = -((first_ms - selection.before_ms) // step_ms)
    step = step_of(first_ms, step_ms).label("step")
    statement = (
        select(step, *_COLUMNS.values(), *_PERCENTILES.values(), *NAVIGATIONS)
        .where(*selection.clauses())
        .group_by(literal_column("step"))
    )
    columns = {
        **{name: [0.0] * steps for name in _COLUMNS},
        **{name: [_NONE] * steps for name in (*_PERCENTILES, "apdex")},
    }
    for number, *row in query(statement):
        *values, satisfied, tolerated, frustrated = row
        for name, value in zip((*_COLUMNS, *_PERCENTILES), values, strict=True):
            if value is not None:
                columns[name][number] = value
        score = apdex(satisfied, tolerated, frustrated)
        if score is not None:
            columns["apdex"][number] = score
    return pb.Series(first_ms=first_ms, step_ms=step_ms, **columns)


def current_values(query: Query, *, after_ms: int, before_ms: int) -> dict[int, pb.Measures]:
    """Return the measures of each app monitor that has events in the time range, by its key."""
    clauses = [events.c.ts >= after_ms, events.c.ts < before_ms]
    return measures_by(query, clauses, events.c.monitor)
