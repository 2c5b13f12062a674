"""What `openrum stats NAME` asks InsightService. The page at /ui/ asks the same."""

from __future__ import annotations

__all__ = ["Overview", "as_document", "fetch"]

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.json_format import MessageToDict

from rum.v1.insight_service_pb2 import (
    DIMENSION_PAGE,
    Change,
    ErrorGroup,
    GetOverviewRequest,
    GetOverviewResponse,
    ListChangesRequest,
    ListErrorGroupsRequest,
    ListSegmentsRequest,
    Segment,
)
from rum_cli.client import Client

_WEEK = timedelta(days=7)
_ROWS = 8
_STEPS = 24  # a chart of one character each leaves room for numbers in 80 columns


@dataclass(frozen=True)
class Overview:
    """The service's responses for one time range."""

    name: str
    after: datetime
    before: datetime
    weeks: int
    """How many weeks earlier the time that it is compared with begins."""
    overview: GetOverviewResponse
    changes: Sequence[Change]
    pages: Sequence[Segment]
    errors: Sequence[ErrorGroup]


def fetch(client: Client, name: str, length: timedelta, filters: Sequence[str] = ()) -> Overview:
    """Return the overview of the time range of this length that ends now.

    Args:
        filters: conditions that events must meet, such as "browser=Firefox".
    """
    before_s = time.time()
    after_s = before_s - length.total_seconds()
    after_ms, before_ms = round(after_s * 1000), round(before_s * 1000)
    # Whole weeks, so that the weekdays are the same, and enough of them that no event counts twice.
    weeks = max(1, math.ceil(length / _WEEK))
    selected: dict[str, Any] = {
        "app_monitor": name,
        "after": after_ms,
        "before": before_ms,
        "filter": filters,
    }
    insight = client.insight
    overview = GetOverviewRequest(
        **selected,
        step_ms=max(60_000, round(length.total_seconds() * 1000 / _STEPS)),
        compare_after=after_ms - weeks * _WEEK.total_seconds() * 1000,
    )
    pages = ListSegmentsRequest(**selected, by=DIMENSION_PAGE, order="worst", max_results=_ROWS)
    errors = ListErrorGroupsRequest(**selected, max_results=_ROWS)
    return Overview(
        name,
        datetime.fromtimestamp(after_s, UTC),
        datetime.fromtimestamp(before_s, UTC),
        weeks,
        insight.GetOverview(overview),
        insight.ListChanges(ListChangesRequest(**selected)).changes,
        insight.ListSegments(pages).segments,
        insight.ListErrorGroups(errors).groups,
    )


def as_document(found: Overview) -> dict[str, Any]:
    """Return the overview as one JSON object."""
    parts = {
        "Changes": found.changes,
        "Pages": found.pages,
        "Errors": found.errors,
    }
    return {
        "AppMonitorName": found.name,
        "After": found.after.isoformat(),
        "Before": found.before.isoformat(),
        "Overview": _json(found.overview),
        **{name: [_json(message) for message in messages] for name, messages in parts.items()},
    }


def _json(message: Any) -> dict[str, Any]:
    return MessageToDict(message, always_print_fields_with_no_presence=True)
