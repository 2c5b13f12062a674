"""GetOverview: measures over time. ListCurrentValues: those of all app monitors."""

from __future__ import annotations

__all__ = ["current_values", "series"]

from functools import partial
from math import gcd
from typing import Any

from sqlalchemy import ColumnElement

from rum.v1 import insight_service_pb2 as pb
from rum_projector.queries.base import Query, Selection, step_of
from rum_projector.queries.counts import apdex, counted, counts_of, percentiles_75
from rum_projector.queries.measures import MEASURED_KINDS, measures_by
from rum_projector.schema import HOUR_MS

_COUNTS = (
    "sessions",
    "page_views",
    "js_errors",
    "http_requests",
    "http_4xx",
    "http_5xx",
    "http_no_response",
)
_NAVIGATIONS = ("navigations_satisfied", "navigations_tolerated", "navigations_frustrated")
_VITALS = {name: MEASURED_KINDS[name] for name in ("lcp", "inp", "cls")}
_NONE = -1.0
"""In the place of a percentile or an Apdex without samples."""


def series(query: Query, selection: Selection, *, first_ms: int, step_ms: int) -> pb.Series:
    """Return the selection's measures over time. Every step has a value.

    Args:
        first_ms: the start of the first step, at most one step before the selection.
    """
    steps = -((first_ms - selection.before_ms) // step_ms)
    columns = {
        **{name: [0.0] * steps for name in _COUNTS},
        **{name: [_NONE] * steps for name in ("apdex", *(f"{vital}_p75" for vital in _VITALS))},
    }
    unit_ms = gcd(first_ms, step_ms, HOUR_MS)
    counts = counts_of(query, selection, unit_ms=unit_ms)
    by = partial(_step, first_ms, step_ms)
    for number, numbers in counted(query, counts, (*_COUNTS, *_NAVIGATIONS), by).items():
        for name in _COUNTS:
            columns[name][number] = numbers[name]
        score = apdex(numbers)
        if score is not None:
            columns["apdex"][number] = score
    found = percentiles_75(query, selection, by, [*_VITALS.values()])
    for number, percentiles in found.items():
        for vital, kind in _VITALS.items():
            if kind in percentiles:
                columns[f"{vital}_p75"][number] = percentiles[kind][1]
    return pb.Series(first_ms=first_ms, step_ms=step_ms, **columns)


def _step(first_ms: int, step_ms: int, columns: Any) -> ColumnElement[int]:
    return step_of(first_ms, step_ms, columns.ts)


def current_values(query: Query, *, after_ms: int, before_ms: int) -> dict[int, pb.Measures]:
    """Return the measures of each app monitor that has events in the time range, by its key."""
    selection = Selection(None, after_ms, before_ms)
    return measures_by(query, selection, lambda columns: columns.monitor)
