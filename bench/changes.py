"""Counts what the detector of changes finds in generated months: `python -m bench.changes`.

Each month has a release with a new error, and two hours in which the API fails and the checkout is
slow. ListChanges is called for each of the last 23 days of both app monitors. A change is a hit if
one of these causes explains it, and a false alarm otherwise. The same options find the same.
"""

from __future__ import annotations

__all__ = ["DayOfMonitor", "Month", "changes_table", "measured"]

import argparse
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.demo.fill import fill
from bench.demo.month import DAYS, RELEASE_DAY, incident_before
from bench.demo.shop import BLOG, SHOP
from bench.page import write_part
from rum.v1 import insight_service_pb2 as pb
from rum_projector.engines.base import Engine
from rum_projector.insight.call import Call
from rum_projector.insight.documents import Documents
from rum_projector.insight.unusual import list_changes
from rum_projector.projection import Projection
from rum_projector.runner import collect_rarely
from rum_projector.server import open_projection
from rum_projector.settings import ProjectorSettings
from rum_service.storage.base import Store

_PAGE = Path(__file__).parents[1] / "docs" / "reference" / "insight.md"
_DAY_S = 86_400
_FIRST_DAY = 7
# Sunday, 29 November 2026, 19:30 UTC.
_END_S = 1_795_980_600
_SECTION = "/checkout"
_SLOW_PAGES = 3
# Afterwards, the week before has the new error too.
_DAYS_WITH_ERRORS = 7


@dataclass(frozen=True)
class DayOfMonitor:
    """What was found on one day of an app monitor."""

    monitor: str
    day: int
    changes: Sequence[pb.Change]


@dataclass(frozen=True)
class Month:
    """A generated month, and what was found in it."""

    events: int
    days: Sequence[DayOfMonitor]


def measured(events: int, seed: int) -> Month:
    """Generate a month, and return the changes that are found on its last days."""
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{name}/log.sqlite3"
        written = fill(url, events, end_s=_END_S, seed=seed)
        settings = ProjectorSettings(database_url=url, projection=f"{name}/insight.duckdb")
        with open_projection(settings) as (store, engine, projection, _):
            projection.start()
            while projection.step():
                pass
            while projection.add_up_hours():
                pass
            days = [
                _day(store, engine, projection, monitor, day)
                for monitor in (SHOP.name, BLOG.name)
                for day in range(_FIRST_DAY, DAYS)
            ]
    return Month(written, days)


def _day(
    store: Store, engine: Engine, projection: Projection, monitor: str, day: int
) -> DayOfMonitor:
    record = store.monitors.by_name(monitor)
    assert record is not None  # `fill` has created it
    with engine.snapshot(timeout_s=60) as query:
        call = Call(
            query=query,
            documents=Documents(
                store.log, monitor_name=monitor, account_id="", stop=threading.Event()
            ),
            monitor=record.key,
            now_ms=_END_S * 1000,
            store=store,
            freshness=projection.freshness(),
            removed_before_ms=0,
        )
        request = pb.ListChangesRequest(
            after=_midnight_s(day) * 1000, before=min(_midnight_s(day + 1), _END_S) * 1000
        )
        return DayOfMonitor(monitor, day, list(list_changes(call, request).changes))


def _midnight_s(day: int) -> int:
    return (_END_S // _DAY_S - (DAYS - 1 - day)) * _DAY_S


def _is_new_error(day: int, change: pb.Change) -> bool:
    is_named = "coupons" in change.title and change.release == "1.5.0"
    return change.measure == "new_error" and is_named and day == RELEASE_DAY


def _is_error_rate(day: int, change: pb.Change) -> bool:
    is_measure = change.measure == "js_error_rate" and change.worse
    return is_measure and 0 <= day - RELEASE_DAY < _DAYS_WITH_ERRORS


def _is_incident(change: pb.Change) -> bool:
    incident = incident_before(_END_S)
    return (
        change.worse
        and change.after < incident.stop * 1000
        and (change.before > incident.start * 1000)
    )


def _is_failure(_: int, change: pb.Change) -> bool:
    return change.measure == "http_5xx_rate" and _is_incident(change)


def _is_slow_page(_: int, change: pb.Change) -> bool:
    is_slow = change.measure in ("lcp_p75", "inp_p75", "apdex")
    return is_slow and change.page.startswith(_SECTION) and _is_incident(change)


_CAUSES: Sequence[Callable[[int, pb.Change], bool]] = (
    _is_new_error,
    _is_error_rate,
    _is_failure,
    _is_slow_page,
)


def changes_table(months: Sequence[Month]) -> str:
    """Return a table of hits and false alarms, with a column for each month."""
    titles = " | ".join(f"{month.events:,} events" for month in months)
    lines = [f"| in the generated events | {titles} |", "|---" * (len(months) + 1) + "|"]
    columns = [_cells(month) for month in months]
    lines += [
        f"| {label} | {' | '.join(column[label] for column in columns)} |" for label in columns[0]
    ]
    return "\n".join(lines) + "\n"


def _cells(month: Month) -> Mapping[str, str]:
    def days(is_caused: Callable[[int, pb.Change], bool]) -> list[DayOfMonitor]:
        return [
            each for each in month.days if any(is_caused(each.day, found) for found in each.changes)
        ]

    slow = {
        found.page
        for each in month.days
        for found in each.changes
        if found.measure == "lcp_p75" and _is_slow_page(each.day, found)
    }
    false = [
        found
        for each in month.days
        for found in each.changes
        if not any(is_caused(each.day, found) for is_caused in _CAUSES)
    ]
    with_errors = {each.day for each in days(_is_error_rate)}
    failing = sorted({each.monitor for each in days(_is_failure)}, reverse=True)
    return {
        "release 1.5.0 brings an error in the checkout: the new error, on its day": (
            "found" if days(_is_new_error) else "not found"
        ),
        "the same error: more errors, on this day and the next six": (
            f"{len(with_errors)} of {_DAYS_WITH_ERRORS} days"
        ),
        "for two hours a quarter of the API's responses are 503: both app monitors": (
            ", ".join(failing) or "not found"
        ),
        "in the same hours pages below `/checkout` are 2.4 times slower: their LCP": (
            f"{len(slow)} of {_SLOW_PAGES} pages"
        ),
        f"other changes, in {len(month.days)} days of app monitors": (
            f"{len(false) or 'no'} false alarm{'s' if len(false) > 1 else ''}"
        ),
    }


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=9_800_000, help="in the first month")
    parser.add_argument("--page", action="store_true", help="write it into docs/reference")
    options = parser.parse_args()
    collect_rarely()
    # The second month has other visits, and a quarter of them.
    table = changes_table([measured(options.events, 1), measured(options.events // 4, 2)])
    print(table)
    if options.page:
        write_part(_PAGE, "changes", table)


if __name__ == "__main__":
    main()
