"""Insert the rows of chunks into the tables of DuckDB, and delete the rows of old batches."""

from __future__ import annotations

__all__ = ["delete_before", "insert_error_groups", "insert_events"]

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import numpy as np
from sqlalchemy import Select, Table, column, delete, insert, select, table

from rum_projector.engines.arrays import event_arrays, run_arrays, text_and_number_arrays
from rum_projector.engines.base import (
    Chunk,
    CustomMetricRow,
    ErrorGroupRow,
)
from rum_projector.engines.dialect import run
from rum_projector.engines.duckdb_hours import remove_hours, remove_hours_of
from rum_projector.event_counts import counts_by_minute
from rum_projector.schema import (
    HOUR_MS,
    OF_BATCHES,
    PARTS,
    REQUESTS,
    VITALS,
    custom_metrics,
    error_groups,
    event_counts,
    events,
    js_errors,
    requests,
    vitals,
)
from rum_service.events.measures import Kind

_PART_NAMES = [f"part_{number}" for number in range(PARTS)]
_LISTS = " ".join(
    f"WHEN {count} THEN [{', '.join(_PART_NAMES[:count])}]" for count in range(1, PARTS + 1)
)
_INSERT_EVENTS = f"""
INSERT INTO events BY NAME
SELECT * EXCLUDE (run, part_count, {", ".join(_PART_NAMES)}), CASE part_count {_LISTS} END AS parts
FROM arrived
"""  # noqa: S608 # of constants
_INSERT_COUNTS = "INSERT INTO event_counts BY NAME SELECT * FROM arrived"
_ARRIVED = table("arrived", *(column(each.name) for each in events.c))
_OF_KINDS = {vitals: VITALS, requests: REQUESTS, js_errors: (Kind.JS_ERROR,)}
_INSERT_GROUPS = """
INSERT INTO error_groups BY NAME SELECT * FROM arrived
ON CONFLICT (monitor, fingerprint) DO UPDATE
SET first_ms = excluded.first_ms, first_release = excluded.first_release, title = excluded.title,
    sample_sequence = excluded.sample_sequence, sample_position = excluded.sample_position
WHERE (excluded.first_ms, excluded.sample_sequence, excluded.sample_position)
    < (error_groups.first_ms, error_groups.sample_sequence, error_groups.sample_position)
"""
_INSERT_METRICS = "INSERT INTO custom_metrics BY NAME SELECT * FROM arrived"
# Those of one app monitor whose sample is in a batch before a sequence.
_DELETE_EMPTY_GROUPS = """
DELETE FROM error_groups WHERE monitor = $monitor AND sample_sequence < $sequence
AND fingerprint NOT IN (
    SELECT name FROM events WHERE monitor = $monitor AND kind = $kind AND name IS NOT NULL
)
"""
_REPLACE_SAMPLES = """
UPDATE error_groups
SET title = coalesce(earliest.message, ''), sample_sequence = earliest.sequence,
    sample_position = earliest.position
FROM (
    SELECT name, arg_min({'message': message, 'sequence': sequence, 'position': position},
                         (ts, sequence, position)) AS earliest
    FROM events WHERE monitor = $monitor AND kind = $kind AND name IS NOT NULL GROUP BY name
) AS found
WHERE monitor = $monitor AND sample_sequence < $sequence AND fingerprint = found.name
"""


def insert_events(connection: duckdb.DuckDBPyConnection, chunk: Chunk) -> None:
    """Insert a chunk's events, what is derived from them, and the values of custom metrics."""
    if chunk.events:
        runs = run_arrays(chunk.runs)
        arrays = event_arrays(chunk.events, runs)
        chunk.events.clear()
        chunk.runs.clear()
        remove_hours(connection, np.unique(arrays["ts"] // HOUR_MS * HOUR_MS).tolist())
        with _registered(connection, arrived=arrays):
            connection.execute(_INSERT_EVENTS)
        with _registered(connection, arrived=counts_by_minute(arrays, runs)):
            connection.execute(_INSERT_COUNTS)
        for wanted, kinds in _OF_KINDS.items():
            # DuckDB would convert the texts of all rows before it looks at their kinds.
            rows = np.isin(arrays["kind"], kinds)
            if rows.any():
                columns = {name: arrays[name][rows] for name in wanted.c.keys()}  # noqa: SIM118
                with _registered(connection, arrived=columns):
                    _insert_from(connection, wanted, _complete(wanted))
    fields = CustomMetricRow._fields
    _insert_rows(connection, _INSERT_METRICS, custom_metrics, fields, chunk.custom_metrics)


def _insert_from(connection: duckdb.DuckDBPyConnection, into: Table, rows: Select[Any]) -> None:
    run(connection, insert(into).from_select(list(into.c), rows))


def _complete(wanted: Table) -> Select[Any]:
    """Return the rows with the columns of a table that have all required values."""
    required = [
        _ARRIVED.c[each.name].is_not(None)
        for each in wanted.c
        if not each.nullable and events.c[each.name].nullable
    ]
    return select(*(_ARRIVED.c[each.name] for each in wanted.c)).where(*required)


def insert_error_groups(connection: duckdb.DuckDBPyConnection, chunk: Chunk) -> None:
    """Insert a chunk's groups. An existing group changes if the chunk has an earlier error."""
    rows = list(chunk.error_groups.values())
    _insert_rows(connection, _INSERT_GROUPS, error_groups, ErrorGroupRow._fields, rows)


def delete_before(connection: duckdb.DuckDBPyConnection, monitor: int, sequence: int) -> None:
    """Delete what an app monitor's batches before a sequence have brought."""
    counts = event_counts.c
    remove_hours_of(connection, counts.monitor == monitor, counts.sequence < sequence)
    for each in OF_BATCHES:
        of_monitor = each.c.monitor == monitor, each.c.sequence < sequence
        run(connection, delete(each).where(*of_monitor))
    of_groups = {"monitor": monitor, "sequence": sequence, "kind": int(Kind.JS_ERROR)}
    connection.execute(_DELETE_EMPTY_GROUPS, of_groups)
    connection.execute(_REPLACE_SAMPLES, of_groups)


@contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, **tables: Any) -> Iterator[None]:
    """Let statements read arrays as tables, while the context is open."""
    for name, arrays in tables.items():
        connection.register(name, arrays)
    try:
        yield
    finally:
        for name in tables:
            connection.unregister(name)


def _insert_rows(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    into: Table,
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> None:
    if rows:
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        with _registered(connection, arrived=text_and_number_arrays(into, columns)):
            connection.execute(text)
