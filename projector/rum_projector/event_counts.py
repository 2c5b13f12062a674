"""The rows of `schema.event_counts` and of the tables of whole hours. Pure.

A batch belongs to one session, and most of its events have the same dimensions: 12 events of the
demo share a row. Rows differ from events only in their time, so they meet every condition that
their events meet.
"""

from __future__ import annotations

__all__ = [
    "LEVELS",
    "counts_by_hour",
    "counts_by_minute",
    "counts_of_events",
    "hour_of",
    "levels_by_hour",
    "totals_by_hour",
]

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    and_,
    cast,
    func,
    literal_column,
    select,
    true,
    tuple_,
)

from rum_projector.schema import (
    COUNTERS,
    HOUR_MS,
    MINUTE_MS,
    event_counts,
    events,
    hour_counts,
    hour_totals,
    vitals,
)
from rum_service.events.measures import Kind
from rum_service.events.thresholds import APDEX_SATISFIED_MS, APDEX_TOLERATED_MS, WEB_VITALS

LEVELS = (Kind.LCP, Kind.INP, Kind.CLS)
"""The kinds of values that `schema.hour_levels` has."""


class _Counter(NamedTuple):
    """Which events a counter counts: those of a kind, with a number in a range."""

    kind: Kind | None = None
    column: str = "value"
    above: float = -math.inf
    up_to: float = math.inf


_SATISFIED, _TOLERATED = APDEX_SATISFIED_MS, APDEX_TOLERATED_MS
_COUNTERS: Mapping[str, _Counter] = {
    "events": _Counter(),
    "page_views": _Counter(Kind.PAGE_VIEW),
    "js_errors": _Counter(Kind.JS_ERROR),
    "http_requests": _Counter(Kind.HTTP),
    "http_4xx": _Counter(Kind.HTTP, "status", 399, 499),
    "http_5xx": _Counter(Kind.HTTP, "status", 499, 599),
    "http_no_response": _Counter(Kind.HTTP, "status", -1, 0),
    "navigations_satisfied": _Counter(Kind.NAVIGATION, up_to=_SATISFIED),
    "navigations_tolerated": _Counter(Kind.NAVIGATION, above=_SATISFIED, up_to=_TOLERATED),
    "navigations_frustrated": _Counter(Kind.NAVIGATION, above=_TOLERATED),
    **{
        f"{kind.name.lower()}_{rating}": _Counter(kind, above=above, up_to=up_to)
        for kind, limits in WEB_VITALS.items()
        for rating, above, up_to in (
            ("good", -math.inf, limits.good),
            ("needs_improvement", limits.good, limits.poor),
            ("poor", limits.poor, math.inf),
        )
    },
}


def _condition(counter: _Counter) -> ColumnElement[bool]:
    clauses = [] if counter.kind is None else [events.c.kind == counter.kind]
    number = events.c[counter.column]
    if counter.above > -math.inf:
        clauses.append(number > counter.above)
    if counter.up_to < math.inf:
        clauses.append(number <= counter.up_to)
    return and_(true(), *clauses)


def counts_by_minute(arrays: Mapping[str, Any], runs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rows of new events as arrays, one for each column of the table.

    A tenth of the time that a GROUP BY with all counters takes.

    Args:
        arrays: the events, with the index of their run.
        runs: the common values of events with the same batch and dimensions.
    """
    minutes = arrays["ts"] // MINUTE_MS
    first, span = minutes.min(), minutes.max() - minutes.min() + 1
    keys, group = np.unique(arrays["run"] * span + (minutes - first), return_inverse=True)
    numbers = {name: np.ma.filled(arrays[name], math.nan) for name in ("value", "status")}
    found = {
        "ts": (keys % span + first) * MINUTE_MS,
        "payload_bytes": _sums(group, len(keys), arrays["bytes"]),
    }
    of_kinds = {kind: np.flatnonzero(arrays["kind"] == kind) for kind in _KINDS}
    for name in COUNTERS:
        counter = _COUNTERS[name]
        rows = slice(None) if counter.kind is None else of_kinds[counter.kind]
        groups = group[rows]
        if counter.above > -math.inf or counter.up_to < math.inf:
            values = numbers[counter.column][rows]
            groups = groups[(values > counter.above) & (values <= counter.up_to)]
        found[name] = np.bincount(groups, minlength=len(keys))
    of_run = keys // span
    return {
        column.name: found[column.name] if column.name in found else runs[column.name][of_run]
        for column in event_counts.c
    }


_KINDS = {counter.kind for counter in _COUNTERS.values() if counter.kind is not None}


def _sums(group: Any, groups: int, values: Any) -> Any:
    # Sums of floats: exact up to 2**53.
    return np.bincount(group, weights=values, minlength=groups).astype(np.int64)


def counts_by_hour(*clauses: ColumnElement[bool]) -> Select[Any]:
    """Return the rows of the hours that meet the clauses about `event_counts`."""
    counts = event_counts.c
    sums = ("payload_bytes", *COUNTERS)
    columns: Mapping[str, Any] = {
        **{column.name: counts[column.name] for column in hour_counts.c if column.name not in sums},
        "ts": hour_of(counts.ts).label("hour"),
        **{name: func.sum(counts[name]) for name in sums},
    }
    keys = [columns[column.name] for column in hour_counts.c if column.name not in (*sums, "ts")]
    return (
        select(*(columns[column.name] for column in hour_counts.c))
        .where(*clauses)
        .group_by(*keys, literal_column("hour"))
    )


def totals_by_hour(*clauses: ColumnElement[bool]) -> Select[Any]:
    """Return the rows of `schema.hour_totals` for the rows of `hour_counts` that meet clauses."""
    counts = hour_counts.c
    session = func.nullif(counts.session, "").distinct()
    columns: Mapping[str, Any] = {
        **{name: counts[name] for name in ("monitor", "ts", "page")},
        "sessions": func.count(session),
        "error_sessions": func.count(session).filter(counts.js_errors > 0),
        **{name: func.sum(counts[name]) for name in COUNTERS},
    }
    hour, page = (counts.monitor, counts.ts), (counts.monitor, counts.ts, counts.page)
    return (
        select(*(columns[column.name] for column in hour_totals.c))
        .where(*clauses)
        .group_by(func.grouping_sets(tuple_(*hour), tuple_(*page)))
    )


def levels_by_hour(*clauses: ColumnElement[bool]) -> Select[Any]:
    """Return the rows of `schema.hour_levels` for the rows of `vitals` that meet the clauses."""
    value = vitals.c.value
    return (
        select(
            vitals.c.monitor,
            hour_of(vitals.c.ts).label("hour"),
            vitals.c.kind,
            func.count(),
            func.quantile_disc(value, literal_column("0.75")),
        )
        .where(*clauses, vitals.c.kind.in_(LEVELS))
        .group_by(vitals.c.monitor, literal_column("hour"), vitals.c.kind)
    )


def hour_of(ts: ColumnElement[int]) -> ColumnElement[int]:
    """Return the start of the hour that contains a time."""
    # As text: GROUP BY does not recognize an expression with parameters. `/` would not round.
    length: ColumnElement[int] = literal_column(str(HOUR_MS))
    number: ColumnElement[int] = ts.op("//", precedence=10, return_type=BigInteger())(length)
    return number * length


def counts_of_events(*clauses: ColumnElement[bool]) -> Select[Any]:
    """Return a row of `hour_counts` for each event that meets the clauses, with its own time."""
    columns: Mapping[str, Any] = {
        **{column.name: column for column in events.c},
        "payload_bytes": events.c.bytes,
        **{name: cast(_condition(_COUNTERS[name]), Integer) for name in COUNTERS},
    }
    return select(*(columns[column.name].label(column.name) for column in hour_counts.c)).where(
        *clauses
    )
