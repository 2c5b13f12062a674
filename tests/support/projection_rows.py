"""Rows of a projection, for tests of engines and queries."""

from __future__ import annotations

from typing import Any

from rum_projector.engines.base import EVENT_COLUMNS, RUN_COLUMNS, Chunk, ErrorGroupRow, EventRow
from rum_service.events.measures import Kind


def event_row(sequence: int = 1, position: int = 0, **members: Any) -> EventRow:
    """Return a page view, with `members` replaced."""
    row = EventRow(
        sequence=sequence,
        position=position,
        monitor=1,
        ts=1_000,
        received=2_000,
        kind=Kind.PAGE_VIEW,
        type=None,
        session="session",
        user="user",
        page="/",
        browser="Firefox",
        browser_major=145,
        os="Linux",
        device="desktop",
        country="DE",
        release="1.0",
        page_view=None,
        value=None,
        name=None,
        status=None,
        size=None,
        message=None,
        detail=None,
        parts=None,
        bytes=20,
    )
    return row._replace(**members)


def error_group(**members: Any) -> ErrorGroupRow:
    """Return a group of errors, with `members` replaced."""
    row = ErrorGroupRow(
        monitor=1,
        fingerprint="f",
        first_ms=1_000,
        first_release="1.0",
        title="TypeError: x",
        sample_sequence=1,
        sample_position=0,
    )
    return row._replace(**members)


def chunk(*rows: EventRow | ErrorGroupRow) -> Chunk:
    """Return a chunk of these rows."""
    found = Chunk()
    for row in rows:
        if isinstance(row, EventRow):
            _add(found, row)
        else:
            found.error_groups[row.monitor, row.fingerprint] = row
    return found


def _add(found: Chunk, row: EventRow) -> None:
    values: dict[str, Any] = {**row._asdict(), "run": len(found.runs)}
    found.runs.append(tuple(values[name] for name in RUN_COLUMNS))  # type: ignore[arg-type]
    found.events.append(tuple(values[name] for name in EVENT_COLUMNS))  # type: ignore[arg-type]
