"""ListSegments: measures for each value of one dimension."""

from __future__ import annotations

__all__ = ["MAX_SEGMENTS", "ORDERS", "Segments", "segments"]

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Double, FromClause, Subquery, cast, func, select

from rum.v1 import insight_service_pb2 as pb
from rum_projector.queries.base import Condition, Query, Selection, quantile
from rum_projector.queries.counts import counts_of, number
from rum_projector.queries.measures import empty, measures, measures_by
from rum_projector.schema import vitals
from rum_service.events.measures import Kind

MAX_SEGMENTS = 1000
"""A dimension can have more values, such as the pages of a site. The others are one segment."""

_Rank: TypeAlias = Callable[[FromClause], Any]


def _most(name: str) -> _Rank:
    return lambda counts: number(counts, name).desc()


def _worst(counts: FromClause) -> Any:
    return (func.sum(counts.c.lcp_poor) + func.sum(counts.c.js_errors)).desc()


def _lowest_apdex(counts: FromClause) -> Any:
    satisfied, tolerated, frustrated = (
        number(counts, f"navigations_{name}") for name in ("satisfied", "tolerated", "frustrated")
    )
    navigations = satisfied + tolerated + frustrated
    score = (satisfied + tolerated * 0.5) / cast(func.nullif(navigations, 0), Double)
    return score.asc().nulls_last()


_RANKS: Mapping[str, _Rank] = {
    **{name: _most(name) for name in ("page_views", "sessions", "js_errors", "http_5xx")},
    "apdex": _lowest_apdex,
    "worst": _worst,
}
_LEVELS = {"lcp_p75": Kind.LCP, "inp_p75": Kind.INP, "cls_p75": Kind.CLS}
ORDERS = (*_RANKS, *_LEVELS)
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
    members: Collection[str],
) -> Segments:
    """Return the segments from `offset` on, in the order with this name.

    Args:
        compared: the selection in the time range to compare with.
        members: the distributions to compute.
    """
    ranked = _ranked(query, selection, dimension, order)
    has_other = len(ranked) > MAX_SEGMENTS
    ranked = ranked[:MAX_SEGMENTS]
    shown = ranked[offset : offset + limit]
    only = Condition(dimension, tuple(shown))
    # Without a condition that keeps everything, the database reads fewer columns.
    is_all = len(shown) == len(ranked) and not has_other
    measured = partial(measures_by, query, by=partial(_value, dimension), members=members)
    found = measured(selection if is_all else selection.having(only)) if shown else {}
    before = measured(compared.having(only)) if shown and compared else {}
    rest = Condition(dimension, tuple(ranked), excluded=True)
    return Segments(
        [_segment(value, found, before, compared is not None) for value in shown],
        _other(query, selection, rest, compared, members) if has_other else None,
        has_more=offset + limit < len(ranked),
    )


def _ranked(query: Query, selection: Selection, dimension: str, order: str) -> list[str]:
    """Return the dimension's values in order, one more than there are segments."""
    counts = counts_of(query, selection)
    value = counts.c[dimension]
    statement = select(value).group_by(value).limit(MAX_SEGMENTS + 1)
    if order in _LEVELS:
        levels = _levels(selection, dimension, _LEVELS[order])
        statement = statement.select_from(
            counts.outerjoin(levels, levels.c.value == value)
        ).group_by(levels.c.level)
        rank = levels.c.level.desc().nulls_last()
    else:
        rank = _RANKS[order](counts)
    views = number(counts, "page_views").desc()
    return [found for (found,) in query(statement.order_by(rank, views, value))]


def _levels(selection: Selection, dimension: str, kind: Kind) -> Subquery:
    """Return the 75th percentile for each value of the dimension."""
    value = vitals.c[dimension]
    return (
        select(value.label("value"), quantile(vitals.c.value, "0.75").label("level"))
        .where(*selection.clauses(vitals), vitals.c.kind == kind)
        .group_by(value)
        .subquery("levels")
    )


def _value(dimension: str, columns: Any) -> ColumnElement[str]:
    value: ColumnElement[str] = columns[dimension]
    return value


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
    rest: Condition,
    compared: Selection | None,
    members: Collection[str],
) -> pb.Segment:
    other = pb.Segment(measures=measures(query, selection.having(rest), members))
    if compared:
        other.compared.CopyFrom(measures(query, compared.having(rest), members))
    return other
