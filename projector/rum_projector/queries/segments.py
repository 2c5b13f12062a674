"""ListSegments: measures for each value of one dimension."""

from __future__ import annotations

__all__ = ["MAX_SEGMENTS", "ORDERS", "Segments", "segments"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Double, cast, func, or_, select

from rum.v1 import insight_service_pb2 as pb
from rum_projector.queries.base import DIMENSIONS, Query, Selection, distinct_count, quantile
from rum_projector.queries.measures import (
    count_of,
    empty,
    measures,
    measures_by,
    value_of,
)
from rum_projector.schema import events
from rum_service.events.measures import Kind
from rum_service.events.thresholds import APDEX_SATISFIED_MS, APDEX_TOLERATED_MS, WEB_VITALS

MAX_SEGMENTS = 1000
"""A dimension can have more values, such as the pages of a site. The others are one segment."""

_NAVIGATION = value_of(Kind.NAVIGATION)
_SATISFIED = count_of(_NAVIGATION <= APDEX_SATISFIED_MS)
_TOLERATED = count_of(_NAVIGATION > APDEX_SATISFIED_MS, _NAVIGATION <= APDEX_TOLERATED_MS)
_APDEX = (_SATISFIED + _TOLERATED * 0.5) / cast(func.nullif(func.count(_NAVIGATION), 0), Double)
_PAGE_VIEWS = count_of(events.c.kind == Kind.PAGE_VIEW)

ORDERS: Mapping[str, Any] = {
    "page_views": _PAGE_VIEWS.desc(),
    "sessions": distinct_count(events.c.session).desc(),
    "js_errors": count_of(events.c.kind == Kind.JS_ERROR).desc(),
    "http_5xx": count_of(events.c.kind == Kind.HTTP, events.c.status.between(500, 599)).desc(),
    "lcp_p75": quantile(value_of(Kind.LCP), "0.75").desc().nulls_last(),
    "inp_p75": quantile(value_of(Kind.INP), "0.75").desc().nulls_last(),
    "cls_p75": quantile(value_of(Kind.CLS), "0.75").desc().nulls_last(),
    "apdex": _APDEX.asc().nulls_last(),
    "worst": count_of(
        or_(value_of(Kind.LCP) > WEB_VITALS[Kind.LCP].poor, events.c.kind == Kind.JS_ERROR)
    ).desc(),
}
"""How segments can be sorted. Page views and the value decide between equal ones."""


@dataclass(frozen=True, slots=True)
class Segments:
    """A page of segments."""

    segments: list[pb.Segment]
    other: pb.Segment | None
    """The values after the first 1,000, if there are more."""
    has_more: bool


def segments(
    query: Query,
    selection: Selection,
    dimension: str,
    *,
    order: str,
    offset: int,
    limit: int,
    compared: Selection | None,
) -> Segments:
    """Return the segments from `offset` on, in the order with this name.

    Args:
        compared: the selection in the time range to compare with.
    """
    column = DIMENSIONS[dimension]
    ranked = [
        value
        for (value,) in query(
            select(column)
            .where(*selection.clauses())
            .group_by(column)
            .order_by(ORDERS[order], _PAGE_VIEWS.desc(), column)
            .limit(MAX_SEGMENTS + 1)
        )
    ]
    has_other = len(ranked) > MAX_SEGMENTS
    ranked = ranked[:MAX_SEGMENTS]
    shown = ranked[offset : offset + limit]
    # Without a condition that keeps everything, the database reads fewer columns.
    values = [column.in_(shown)] if len(shown) < len(ranked) or has_other else []
    found = measures_by(query, [*selection.clauses(), *values], column) if shown else {}
    before = (
        measures_by(query, [*compared.clauses(), column.in_(shown)], column)
        if compared and shown
        else {}
    )
    return Segments(
        [_segment(value, found, before, compared is not None) for value in shown],
        _other(query, selection, column, ranked, compared) if has_other else None,
        has_more=offset + limit < len(ranked),
    )


def _segment(
    value: str,
    found: Mapping[str, pb.Measures],
    before: Mapping[str, pb.Measures],
    is_compared: bool,
) -> pb.Segment:
    segment = pb.Segment(value=value, measures=found.get(value) or empty())
    if is_compared:
        segment.compared.CopyFrom(before.get(value) or empty())
    return segment


def _other(
    query: Query,
    selection: Selection,
    column: ColumnElement[str],
    ranked: list[str],
    compared: Selection | None,
) -> pb.Segment:
    rest = column.not_in(ranked)
    other = pb.Segment(measures=measures(query, [*selection.clauses(), rest]))
    if compared:
        other.compared.CopyFrom(measures(query, [*compared.clauses(), rest]))
    return other
