"""The numbers of events and visitors that measures are made of, and percentiles.

Whole hours are read from `hour_counts`, as far as it has them, and other whole minutes from
`event_counts`, which has a tenth of the rows of `events`. Partial minutes at both ends of the time
range are counted event by event. Percentiles of web vitals and navigations read `vitals`, which has
a sixth of the rows of `events`.
"""

from __future__ import annotations

__all__ = [
    "By",
    "Numbers",
    "apdex",
    "counted",
    "counts_of",
    "counts_of_parts",
    "keyed",
    "number",
    "percentiles",
    "percentiles_75",
]

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from rum_projector.event_counts import counts_of_events
from rum_projector.queries.base import (
    Query,
    Selection,
    distinct_count,
    is_kind,
    quantiles,
)
from rum_projector.schema import (
    HOUR_MS,
    MINUTE_MS,
    VITALS,
    event_counts,
    events,
    hour_counts,
    hours,
    vitals,
)
from rum_service.events.measures import Kind

By: TypeAlias = Callable[[Any], ColumnElement[Any]]
"""Returns what to group by, from the columns of `events` or `event_counts`."""

Numbers: TypeAlias = Mapping[str, int]
"""The names are those of `event_counts`, and `sessions`, `users` and `error_sessions`."""

_KEY = "key"


def counts_of(query: Query, selection: Selection, *, unit_ms: int = HOUR_MS) -> FromClause:
    """Return a table with the columns of `hour_counts` for the selected events.

    Args:
        unit_ms: a divisor of an hour. A row may have the start of its unit as its time.
    """
    first_ms, last_ms = _whole(selection, MINUTE_MS)
    if unit_ms % MINUTE_MS or first_ms >= last_ms:
        return counts_of_events(*selection.clauses()).subquery("counts")
    minutes = selection.between(first_ms, last_ms)
    parts = _partial_minutes(selection, minutes)
    others = [(first_ms, last_ms)] if unit_ms % HOUR_MS else _without_sums(query, minutes)
    if others != [(first_ms, last_ms)]:
        of_hours = selection.between(*_whole(selection, HOUR_MS))
        parts.append(select(hour_counts).where(*of_hours.clauses(hour_counts)))
    if others:
        within = [event_counts.c.ts.between(start_ms, end_ms - 1) for start_ms, end_ms in others]
        columns = (event_counts.c[column.name] for column in hour_counts.c)
        parts.append(select(*columns).where(*minutes.clauses(event_counts), or_(*within)))
    return union_all(*parts).subquery("counts")


def counts_of_parts(parts: Sequence[Selection], names: Sequence[str]) -> FromClause:
    """Return a table like `counts_of` for several short selections.

    It has a column `part`, and of the other columns those that time, page and the numbers need.

    Args:
        names: of the numbers.
    """
    needed = {"ts", "page", "session", "js_errors", *names}
    found = []
    for index, selection in enumerate(parts):
        part: ColumnElement[int] = literal_column(str(index)).label("part")
        for rows in _of_minutes(selection):
            columns = [each for each in rows.selected_columns if each.name in needed]
            found.append(rows.with_only_columns(part, *columns))
    return union_all(*found).subquery("counts")


def _of_minutes(selection: Selection) -> list[Select[Any]]:
    first_ms, last_ms = _whole(selection, MINUTE_MS)
    if first_ms >= last_ms:
        return [counts_of_events(*selection.clauses())]
    minutes = selection.between(first_ms, last_ms)
    columns = (event_counts.c[column.name] for column in hour_counts.c)
    rows = select(*columns).where(*minutes.clauses(event_counts))
    return [rows, *_partial_minutes(selection, minutes)]


def _partial_minutes(selection: Selection, minutes: Selection) -> list[Select[Any]]:
    """Return the events before and after the whole minutes in a selection.

    A SELECT for each end: DuckDB does not skip rows by alternatives.
    """
    ends = (
        selection.between(selection.after_ms, minutes.after_ms),
        selection.between(minutes.before_ms, selection.before_ms),
    )
    return [counts_of_events(*end.clauses()) for end in ends if end.length_ms]


def _whole(selection: Selection, unit_ms: int) -> tuple[int, int]:
    """Return the start of the first whole unit in a selection, and the end of the last one."""
    return -(-selection.after_ms // unit_ms) * unit_ms, selection.before_ms // unit_ms * unit_ms


def _without_sums(query: Query, minutes: Selection) -> list[tuple[int, int]]:
    """Return the times that `hour_counts` does not have, as starts and ends in order."""
    first_ms, last_ms = minutes.after_ms, minutes.before_ms
    start_ms, end_ms = _whole(minutes, HOUR_MS)
    known = (
        select(hours.c.ts).where(hours.c.ts >= start_ms, hours.c.ts < end_ms).order_by(hours.c.ts)
    )
    found = []
    for (hour,) in query(known):
        if first_ms < hour:
            found.append((first_ms, hour))
        first_ms = hour + HOUR_MS
    if first_ms < last_ms:
        found.append((first_ms, last_ms))
    return found


def number(counts: FromClause, name: str) -> Any:
    """Return an aggregate over a table from `counts_of`."""
    if name == "sessions":
        return distinct_count(counts.c.session)
    if name == "users":
        return distinct_count(counts.c.user)
    if name == "error_sessions":
        return distinct_count(counts.c.session).filter(counts.c.js_errors > 0)
    # A sum has 128 bits, which take Python ten times as long to read.
    return cast(func.coalesce(func.sum(counts.c[name]), 0), BigInteger)


def counted(
    query: Query, counts: FromClause, names: Sequence[str], by: By | None = None
) -> dict[Any, Numbers]:
    """Return numbers for each value of `by`. For None, of all events under the key None."""
    key, group = keyed(counts.c, by)
    columns = [number(counts, name).label(name) for name in names]
    rows = query(select(key, *columns).select_from(counts).group_by(*group))
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


def apdex(found: Numbers) -> float | None:
    """Return (satisfied + tolerated / 2) / navigations. None without navigations."""
    satisfied, tolerated = found["navigations_satisfied"], found["navigations_tolerated"]
    navigations = satisfied + tolerated + found["navigations_frustrated"]
    return (satisfied + tolerated / 2) / navigations if navigations else None


def percentiles(
    query: Query, selection: Selection, by: By | None, kinds: Sequence[Kind], shares: Sequence[str]
) -> Iterator[tuple[Any, int, int, Sequence[float]]]:
    """Yield a value of `by`, a kind, its samples and the percentiles. Without samples, nothing."""
    for table in (vitals, events):
        in_table = [kind for kind in kinds if (kind in VITALS) == (table is vitals)]
        if not in_table:
            continue
        key, group = keyed(table.c, by)
        value = table.c.value
        rows = query(
            select(key, table.c.kind, func.count(value), quantiles(value, shares))
            .where(*selection.clauses(table), is_kind(in_table, table), value.is_not(None))
            .group_by(*group, table.c.kind)
        )
        yield from ((row[0], row[1], row[2], row[3]) for row in rows)


def percentiles_75(
    query: Query, selection: Selection, by: By, kinds: Sequence[Kind]
) -> dict[Any, dict[int, tuple[int, float]]]:
    """Return samples and 75th percentile by kind, for each value of `by`."""
    found: dict[Any, dict[int, tuple[int, float]]] = {}
    for value, kind, samples, (percentile,) in percentiles(query, selection, by, kinds, ("0.75",)):
        found.setdefault(value, {})[kind] = (samples, percentile)
    return found


def keyed(columns: Any, by: By | None) -> tuple[Any, list[ColumnElement[Any]]]:
    """Return a statement's first column, and the columns that it groups by.

    For None the column is NULL, and there is one group: grouping by NULL would take longer.
    """
    if by is None:
        return null().label(_KEY), []
    return by(columns).label(_KEY), [literal_column(_KEY)]
