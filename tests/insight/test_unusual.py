"""ListChanges: weeks of visits that resemble each other, and one incident."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rum.v1 import insight_service_pb2 as pb
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from tests.insight.asked import Asked, asked
from tests.insight.visits import HOUR_MS, START_MS, Stored, visits
from tests.service.served import LoopThread

_WEEK_MS = 7 * 24 * HOUR_MS
_DAY_MS = 24 * HOUR_MS
_RANGE = {"after": START_MS, "before": START_MS + _DAY_MS}


@cache
def _day(sessions: int, seed: int) -> tuple[Stored, ...]:
    return tuple(visits(sessions, hours=24, seed=seed))


def _shifted(batches: Iterable[Stored], shift_ms: int) -> Iterator[Stored]:
    for stored in batches:
        request = PutRumEventsRequest.FromString(stored.request.SerializeToString())
        for event in request.rum_events:
            event.timestamp += shift_ms / 1000
        yield Stored(stored.received_ms + shift_ms, request)


def _weeks(
    count: int, change: Callable[[RumEvent], None] = lambda _: None, *, sessions: int = 700
) -> list[Stored]:
    """Return a day of visits, and the same weekday of the weeks before, in the order of time."""
    found = []
    for week in range(count, -1, -1):
        day = list(_shifted(_day(sessions, 50 + week), -week * _WEEK_MS))
        if week == 0:
            for stored in day:
                for event in stored.request.rum_events:
                    change(event)
        found += day
    return found


@pytest.fixture
def shop(loop: LoopThread, tmp_path: Path) -> Iterator[Asked]:
    with asked(loop, tmp_path, max_query_s=25.0) as found:
        found.create("shop")
        found.now_s = (START_MS + 2 * _DAY_MS) / 1000
        yield found


def _changes(shop: Asked, **members: Any) -> pb.ListChangesResponse:
    """Return what is found with and without the sums of whole hours."""
    request = pb.ListChangesRequest(**{**_RANGE, **members})
    response = shop.ask("ListChanges", request)
    while shop.projection.add_up_hours():
        pass
    with_sums = shop.ask("ListChanges", request)

    assert isinstance(response, pb.ListChangesResponse)
    assert with_sums == response
    return response


def _in_hours(event: RumEvent, first: int, last: int) -> bool:
    hour = (event.timestamp * 1000 - START_MS) / HOUR_MS
    return first <= hour < last


def test_usual_weeks_have_no_changes(shop: Asked) -> None:
    shop.put(1, _weeks(3))
    response = _changes(shop)

    assert response.weeks == 3
    assert list(response.changes) == []


def test_slow_pages_and_a_new_error_are_found_where_they_are(shop: Asked) -> None:
    def break_it(event: RumEvent) -> None:
        details = json.loads(event.details)
        if event.type.endswith("largest_contentful_paint_event") and _in_hours(event, 8, 14):
            details["value"] *= 3
        if event.type.endswith("js_error_event") and _in_hours(event, 10, 12):
            details["message"] = "cart.total is not a function"
        event.details = json.dumps(details)

    shop.put(1, _weeks(3, break_it))
    response = _changes(shop)
    (slow,) = [change for change in response.changes if change.measure == "lcp_p75"]
    (error,) = [
        change for change in response.changes if "cart.total" in change.title and change.worse
    ][:1]
    scores = [change.score for change in response.changes]

    assert {change.measure for change in response.changes} == {"lcp_p75", "new_error"}
    assert (slow.worse, slow.value > 2 * slow.expected) == (True, True)
    assert START_MS + 7 * HOUR_MS <= slow.after <= START_MS + 8 * HOUR_MS
    assert START_MS + 14 * HOUR_MS <= slow.before <= START_MS + 15 * HOUR_MS
    assert error.measure == "new_error"
    assert START_MS + 10 * HOUR_MS <= error.after < error.before <= START_MS + 12 * HOUR_MS
    assert len(error.fingerprint) == 16
    assert scores == sorted(scores, reverse=True)


def test_a_change_is_found_within_a_filter(shop: Asked) -> None:
    def break_it(event: RumEvent) -> None:
        details = json.loads(event.details)
        if event.type.endswith("http_event") and '"DE"' in event.metadata:
            details["response"] = {"status": 500}
        event.details = json.dumps(details)

    shop.put(1, _weeks(2, break_it))
    germany = {change.measure for change in _changes(shop, filter=["country=DE"]).changes}
    france = {change.measure for change in _changes(shop, filter=["country=FR"]).changes}

    assert "http_5xx_rate" in germany
    assert france == set()


def test_a_change_of_one_page_names_the_page(shop: Asked) -> None:
    """Failures move to one page: of all requests, as many fail as in the weeks before."""

    def move(event: RumEvent) -> None:
        details = json.loads(event.details)
        if not event.type.endswith("http_event") or not _in_hours(event, 4, 20):
            return
        if json.loads(event.metadata)["pageId"] == "/cart":
            details["response"] = {"status": 500}
        elif details.get("response", {}).get("status", 0) >= 500 and event.id[0] > "3":
            details["response"] = {"status": 200}
        event.details = json.dumps(details)

    shop.put(1, _weeks(2, move, sessions=1600))  # hours need 20 samples
    found = [c for c in _changes(shop).changes if c.measure == "http_5xx_rate"]
    worse = [change for change in found if change.worse]

    assert [change.page for change in worse] == ["/cart"]
    assert worse[0].value > 2 * worse[0].expected
    # Hours beside the incident may belong to it by chance.
    assert START_MS + 2 * HOUR_MS <= worse[0].after < worse[0].before <= START_MS + 23 * HOUR_MS
    assert "" not in {change.page for change in found}


def test_without_a_week_before_nothing_is_said(shop: Asked) -> None:
    shop.put(1, _weeks(0))
    response = _changes(shop)

    assert (response.weeks, len(response.changes)) == (0, 0)


def test_hours_that_are_not_over_are_no_loss_of_visitors(shop: Asked) -> None:
    shop.put(1, [s for s in _weeks(2) if s.received_ms < START_MS + 12 * HOUR_MS + 600_000])
    shop.now_s = (START_MS + 12 * HOUR_MS + 600_000) / 1000
    response = _changes(shop)

    assert response.weeks == 2
    assert [change.measure for change in response.changes] == []
