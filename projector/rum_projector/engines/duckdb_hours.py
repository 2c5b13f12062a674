"""Add up the counts of whole hours in DuckDB, and take this back where events change.

An hour is added up once it is over. An event that arrives later removes the hour again, because
sessions cannot be counted without knowing which ones are there.
"""

from __future__ import annotations

__all__ = ["add_up", "missing_hours", "remove_hours", "remove_hours_of"]

from collections.abc import Collection, Sequence

import duckdb
from sqlalchemy import ColumnElement, Select, delete, func, insert, select

from rum_projector.engines.dialect import run
from rum_projector.event_counts import (
    counts_by_hour,
    hour_of,
    levels_by_hour,
    totals_by_hour,
)
from rum_projector.schema import (
    HOUR_MS,
    OF_HOURS,
    event_counts,
    hour_counts,
    hour_levels,
    hour_totals,
    hours,
    vitals,
)

# Events of an hour arrive until some minutes later. After that, few do.
_GRACE_MS = 600_000


def missing_hours(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """Return the hours that are over but not added up, oldest first."""
    ts = event_counts.c.ts
    ((first_ms, last_ms),) = run(connection, select(func.min(ts), func.max(ts)))
    if first_ms is None:
        return []
    end_ms = (last_ms - _GRACE_MS) // HOUR_MS * HOUR_MS
    known = {hour for (hour,) in run(connection, select(hours.c.ts))}
    wanted = range(first_ms // HOUR_MS * HOUR_MS, end_ms, HOUR_MS)
    return [hour for hour in wanted if hour not in known]


def add_up(connection: duckdb.DuckDBPyConnection, added: Sequence[int]) -> None:
    """Add up the counts of hours in ascending order. They must not be added up yet."""
    counts = event_counts.c
    within = counts.ts >= added[0], counts.ts < added[-1] + HOUR_MS
    rows = counts_by_hour(*within, hour_of(counts.ts).in_(added))
    run(connection, insert(hour_counts).from_select(list(hour_counts.c), rows))
    totals = totals_by_hour(hour_counts.c.ts.in_(added))
    run(connection, insert(hour_totals).from_select(list(hour_totals.c), totals))
    within = vitals.c.ts >= added[0], vitals.c.ts < added[-1] + HOUR_MS
    levels = levels_by_hour(*within, hour_of(vitals.c.ts).in_(added))
    run(connection, insert(hour_levels).from_select(list(hour_levels.c), levels))
    run(connection, insert(hours).values([{"ts": hour} for hour in added]))


def remove_hours(connection: duckdb.DuckDBPyConnection, changed: Collection[int]) -> None:
    """Remove the sums of hours whose events change."""
    removed = run(connection, delete(hours).where(hours.c.ts.in_(changed)).returning(hours.c.ts))
    if removed:
        for table in OF_HOURS:
            rows = table.c.ts.in_([hour for (hour,) in removed])
            run(connection, delete(table).where(rows))


def remove_hours_of(connection: duckdb.DuckDBPyConnection, *clauses: ColumnElement[bool]) -> None:
    """Remove the sums of all hours that have a row of `event_counts` that meets the clauses."""
    changed: Select[int] = select(hour_of(event_counts.c.ts)).where(*clauses).distinct()
    remove_hours(connection, [hour for (hour,) in run(connection, changed)])
