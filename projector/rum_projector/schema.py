"""The tables of the projection. A change needs a new `VERSION`, which rebuilds it from the log.

`events` has one row for each event, without its details: the log has them, by sequence and
position. A column is NULL, or '' for a dimension, where the event does not say it.

`event_counts` has the numbers of these events, so that most questions read a tenth of the rows.
`hour_counts` has the same numbers for each session and hour, which is a third of those rows, and
`hour_totals` for each page and hour.
`vitals`, `requests` and `js_errors` have the rows of some kinds of events, so that questions about
them do not search all rows of `events`.
"""

from __future__ import annotations

__all__ = [
    "COUNTERS",
    "HOUR_MS",
    "MINUTE_MS",
    "OF_BATCHES",
    "OF_HOURS",
    "PARTS",
    "REQUESTS",
    "VERSION",
    "VITALS",
    "cursors",
    "custom_metrics",
    "error_groups",
    "event_counts",
    "events",
    "hour_counts",
    "hour_levels",
    "hour_totals",
    "hours",
    "js_errors",
    "metadata",
    "requests",
    "vitals",
]

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Column, Double, Integer, MetaData, String, Table
from sqlalchemy.ext.compiler import compiles

from rum_service.events.measures import Kind
from rum_service.events.thresholds import WEB_VITALS

VERSION = 10
"""Increase it whenever a table changes, or the meaning of a column."""

PARTS = 7
"""The longest `events.parts`."""

MINUTE_MS = 60_000
HOUR_MS = 3_600_000

COUNTERS = (
    "events",
    "page_views",
    "js_errors",
    "http_requests",
    "http_4xx",
    "http_5xx",
    "http_no_response",
    "navigations_satisfied",
    "navigations_tolerated",
    "navigations_frustrated",
    *(
        f"{kind.name.lower()}_{rating}"
        for kind in WEB_VITALS
        for rating in ("good", "needs_improvement", "poor")
    ),
)
"""The columns of `event_counts` that count events: see `rum_projector.event_counts`."""


VITALS = (Kind.NAVIGATION, *WEB_VITALS)
"""The kinds of events that have a row in `vitals` if they have a value."""
REQUESTS = (Kind.HTTP, Kind.XRAY_TRACE)
"""The kinds of events that have a row in `requests` if they have a name. aws-rum-web measures the
latency of a request only in the event of its trace."""


class _UTinyInt(Integer):
    """An integer from 0 to 255."""


class _USmallInt(Integer):
    """An integer from 0 to 65,535."""


class _UInteger(Integer):
    """An integer from 0 to 2**32 - 1."""


_NAMES = {_UTinyInt: "UTINYINT", _USmallInt: "USMALLINT", _UInteger: "UINTEGER"}


@compiles(_UTinyInt)
@compiles(_USmallInt)
@compiles(_UInteger)
def _name(column_type: Integer, _compiler: object, **_: Any) -> str:
    return _NAMES[type(column_type)]


metadata = MetaData()

events = Table(
    "events",
    metadata,
    # The batch in the log, and the index of the event in the batch.
    Column("sequence", BigInteger, nullable=False),
    Column("position", _UInteger, nullable=False),
    # The key of the app monitor.
    Column("monitor", Integer, nullable=False),
    # The time of the event, which is at most seven days before `received` and not after it.
    Column("ts", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    # rum_service.events.measures.Kind
    Column("kind", _UTinyInt, nullable=False),
    # The type of the event, only where the kind is OTHER.
    Column("type", String),
    Column("session", String, nullable=False),
    Column("user", String, nullable=False),
    # rum_service.events.dimensions.Dimensions
    Column("page", String, nullable=False),
    Column("browser", String, nullable=False),
    Column("browser_major", _USmallInt, nullable=False),
    Column("os", String, nullable=False),
    Column("device", String, nullable=False),
    Column("country", String, nullable=False),
    Column("release", String, nullable=False),
    # rum_service.events.measures.Measure
    Column("value", Double),
    Column("name", String),
    Column("status", _USmallInt),
    Column("size", BigInteger),
    Column("message", String),
    Column("detail", String),
    Column("parts", ARRAY(Double)),
    Column("page_view", String),
    # The length of details and metadata.
    Column("bytes", Integer, nullable=False),
)


_DIMENSIONS = ("page", "browser", "os", "device", "country", "release")


def _counts() -> Iterator[Column[Any]]:
    """Yield the columns that tables of counts share."""
    yield Column("monitor", Integer, nullable=False)
    # The start of the minute, or of the hour.
    yield Column("ts", BigInteger, nullable=False)
    yield Column("session", String, nullable=False)
    yield Column("user", String, nullable=False)
    yield from (Column(name, String, nullable=False) for name in _DIMENSIONS)
    yield Column("payload_bytes", BigInteger, nullable=False)
    yield from (Column(name, Integer, nullable=False) for name in COUNTERS)


# How many events a batch has in a minute, for each combination of dimensions. If they are written
# in several transactions, each adds a row.
event_counts = Table(
    "event_counts", metadata, Column("sequence", BigInteger, nullable=False), *_counts()
)

# The rows of `event_counts` in some hours, added up by session and dimensions.
hour_counts = Table("hour_counts", metadata, *_counts())

# The hours that `OF_HOURS` have, completely. A later event of an hour removes it here and there.
hours = Table(
    "hours",
    metadata,
    Column("ts", BigInteger, nullable=False),
)

# The sums of `hour_counts` for each page, and for all pages where `page` is NULL.
hour_totals = Table(
    "hour_totals",
    metadata,
    Column("monitor", Integer, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("page", String),
    Column("sessions", Integer, nullable=False),
    # Sessions with a JavaScript error.
    Column("error_sessions", Integer, nullable=False),
    *(Column(name, Integer, nullable=False) for name in COUNTERS),
)

# The 75th percentiles of all values of a kind in these hours.
hour_levels = Table(
    "hour_levels",
    metadata,
    Column("monitor", Integer, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("kind", _UTinyInt, nullable=False),
    Column("samples", Integer, nullable=False),
    Column("level", Double, nullable=False),
)


def _of_events(name: str, *columns: str, required: str) -> Table:
    """Return a table with the columns of `events` that most queries need, and some others.

    Args:
        required: a column that has a value in each row of this table.
    """
    names = ("sequence", "monitor", "ts", *_DIMENSIONS, *columns)
    others = (events.c[each] for each in names)
    return Table(
        name,
        metadata,
        *(Column(each.name, each.type, nullable=each.nullable) for each in others),
        Column(required, events.c[required].type, nullable=False),
    )


# The values of web vitals and the durations of navigations.
vitals = _of_events("vitals", "kind", required="value")

# HTTP requests, and the traces that have their latency.
requests = _of_events("requests", "kind", "session", "status", "value", required="name")

# JavaScript errors.
js_errors = _of_events("js_errors", "position", "session", "user", "detail", required="name")

# The first error of each group. When it has been removed, its time and release stay, and the rest
# is that of the first error that is left. An erasure leaves nothing of the error.
error_groups = Table(
    "error_groups",
    metadata,
    Column("monitor", Integer, primary_key=True, autoincrement=False),
    Column("fingerprint", String, primary_key=True),
    Column("first_ms", BigInteger, nullable=False),
    Column("first_release", String, nullable=False),
    Column("title", String, nullable=False),
    Column("sample_sequence", BigInteger, nullable=False),
    Column("sample_position", _UInteger, nullable=False),
)

# The values of metrics that app monitors define.
custom_metrics = Table(
    "custom_metrics",
    metadata,
    Column("monitor", Integer, nullable=False),
    Column("definition", String, nullable=False),
    Column("name", String, nullable=False),
    Column("namespace", String, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("value", Double, nullable=False),
    # A JSON object with the dimensions in alphabetical order.
    Column("dimensions", String, nullable=False),
    # The batch of the event.
    Column("sequence", BigInteger, nullable=False),
)

OF_BATCHES = (events, event_counts, vitals, requests, js_errors, custom_metrics)
"""The tables whose rows belong to one batch each."""

OF_HOURS = (hour_counts, hour_totals, hour_levels)
"""The tables that are derived from the others for the hours that `hours` lists."""

# How far the projection is. It moves in the transaction that inserts the rows.
cursors = Table(
    "cursors",
    metadata,
    Column("name", String, primary_key=True),
    Column("version", Integer, nullable=False),
    # The last batch that has events in `events`.
    Column("sequence", BigInteger, nullable=False),
    # How many of its events, or 0 if all.
    Column("position", _UInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
)
