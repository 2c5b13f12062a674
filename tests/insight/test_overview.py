"""GetOverview and ListSegments: numbers equal those computed straight from the log."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, literal_column, select

from rum.v1 import insight_service_pb2 as pb
from rum_projector.queries.base import quantile
from tests.insight.asked import Asked
from tests.insight.oracle import Seen, as_json, measures, nearest_rank
from tests.insight.visits import HOUR_MS, START_MS

_AFTER, _BEFORE = START_MS + 3 * HOUR_MS + 12_345, START_MS + 31 * HOUR_MS + 678


def _chosen(
    seen: list[Seen], where: Callable[[Seen], bool] = lambda _: True, after: int = _AFTER
) -> list[Seen]:
    before = after + _BEFORE - _AFTER
    return [event for event in seen if after <= event.ts < before and where(event)]


@pytest.mark.parametrize(
    ("filters", "where"),
    [
        ([], lambda _: True),
        (["browser=Chrome"], lambda e: e.dimensions["browser"] == "Chrome"),
        (["browser!=Chrome"], lambda e: e.dimensions["browser"] != "Chrome"),
        (
            ["browser=Chrome", "browser=Safari", "country=DE"],
            lambda e: e.dimensions["browser"] != "Firefox" and e.dimensions["country"] == "DE",
        ),
        (
            ["country!=DE", "country!=FR", "page=/cart", "release=1.0.0"],
            lambda e: (
                e.dimensions["country"] == "US"
                and e.dimensions["page"] == "/cart"
                and e.dimensions["release"] == "1.0.0"
            ),
        ),
        (["page="], lambda e: e.dimensions["page"] == ""),
        (["os=' OR 1=1 --"], lambda _: False),
        (["device=\0\n%_日本"], lambda _: False),
    ],
    ids=lambda value: "" if callable(value) else str(value),
)
def test_totals_are_those_of_the_log(
    shop: Asked, seen: list[Seen], filters: list[str], where: Any
) -> None:
    request = pb.GetOverviewRequest(after=_AFTER, before=_BEFORE, filter=filters)
    response = shop.ask("GetOverview", request)

    assert as_json(response.total) == measures(_chosen(seen, where))
    assert not response.HasField("compared_total")


def test_only_the_distributions_that_a_request_names_are_computed(
    shop: Asked, seen: list[Seen]
) -> None:
    named = ["cls", "resource"]
    request = pb.GetOverviewRequest(after=_AFTER, before=_BEFORE, distribution=named)
    total = as_json(shop.ask("GetOverview", request).total)
    by_browser = pb.ListSegmentsRequest(
        after=_AFTER, before=_BEFORE, by=pb.DIMENSION_BROWSER, distribution=named
    )
    (first, *_) = shop.ask("ListSegments", by_browser).segments
    expected, nothing = measures(_chosen(seen)), measures([])
    browser = measures(_chosen(seen, lambda e: e.dimensions["browser"] == first.value))

    members = {"counts", *named}
    assert {n: (expected if n in members else nothing)[n] for n in expected} == total
    assert {n: (browser if n in members else nothing)[n] for n in browser} == as_json(
        first.measures
    )


def test_an_unknown_distribution_is_rejected(shop: Asked) -> None:
    request = pb.GetOverviewRequest(after=_AFTER, before=_BEFORE, distribution=["lcp", "LCP"])

    assert shop.failure("GetOverview", request) == (
        "INVALID_ARGUMENT: distribution must be one of"
        " lcp, inp, cls, fcp, ttfb, fid, navigation, resource."
    )


@pytest.mark.parametrize("step_ms", [HOUR_MS, 7_000_000, 86_400_000])
def test_the_series_is_that_of_the_log(shop: Asked, seen: list[Seen], step_ms: int) -> None:
    request = pb.GetOverviewRequest(after=_AFTER, before=_BEFORE, step_ms=step_ms)
    series = shop.ask("GetOverview", request).series
    first = _AFTER // step_ms * step_ms
    steps = math.ceil((_BEFORE - first) / step_ms)
    parts: list[list[Seen]] = [[] for _ in range(steps)]
    for event in _chosen(seen):
        parts[(event.ts - first) // step_ms].append(event)
    found = [measures(part) for part in parts]

    assert (series.first_ms, series.step_ms) == (first, step_ms)
    for name, member in {"page_views": "pageViews", "sessions": "sessions", "js_errors": "jsErrors",
                         "http_4xx": "http4xx", "http_5xx": "http5xx",
                         "http_no_response": "httpNoResponse",
                         "http_requests": "httpRequests"}.items():  # fmt: skip
        assert list(getattr(series, name)) == [part["counts"][member] for part in found]
    assert list(series.apdex) == [part["counts"].get("apdex", -1) for part in found]
    for vital in ("lcp", "inp", "cls"):
        assert list(getattr(series, f"{vital}_p75")) == [
            part[vital].get("p75", -1) for part in found
        ]


def test_the_compared_range_has_the_same_steps(shop: Asked, seen: list[Seen]) -> None:
    after = _AFTER - 2 * HOUR_MS - 1000
    request = pb.GetOverviewRequest(
        after=_AFTER, before=_BEFORE, compare_after=after, step_ms=HOUR_MS
    )
    response = shop.ask("GetOverview", request)
    series, compared = response.series, response.compared_series

    assert as_json(response.compared_total) == measures(_chosen(seen, after=after))
    assert compared.first_ms - after == series.first_ms - _AFTER
    assert len(compared.page_views) == len(series.page_views)
    assert sum(compared.page_views) == response.compared_total.counts.page_views


def test_an_empty_range_has_zeros(shop: Asked) -> None:
    request = pb.GetOverviewRequest(after=1000, before=1000 + HOUR_MS)
    response = shop.ask("GetOverview", request)

    assert as_json(response.total) == measures([])
    assert response.series.step_ms == 60_000
    assert len(response.series.sessions) == 61
    assert set(response.series.lcp_p75) == {-1}


def test_another_app_monitor_has_other_events(shop: Asked) -> None:
    request = pb.GetOverviewRequest(after=_AFTER, before=_BEFORE)

    assert shop.ask("GetOverview", request, monitor=2).total.counts.events == 0


@pytest.mark.parametrize(
    ("hours", "step_ms"),
    [(1, 60_000), (3, 60_000), (24, 600_000), (7 * 24, HOUR_MS), (30 * 24, 6 * HOUR_MS),
     (400 * 24, 24 * HOUR_MS)],
)  # fmt: skip
def test_the_chosen_step_suits_the_range(shop: Asked, hours: int, step_ms: int) -> None:
    request = pb.GetOverviewRequest(after=START_MS, before=START_MS + hours * HOUR_MS)

    assert shop.ask("GetOverview", request).series.step_ms == step_ms


def test_the_response_says_how_current_it_is(shop: Asked) -> None:
    request = pb.GetOverviewRequest(after=_AFTER, before=_BEFORE)
    freshness = shop.ask("GetOverview", request).freshness

    assert freshness.projected_sequence == shop.store.log.newest_sequence()
    assert freshness.log_sequence == freshness.projected_sequence
    assert (freshness.lag_ms, freshness.rebuilding) == (0, False)


@pytest.mark.parametrize("dimension", ["page", "browser", "os", "device", "country", "release"])
def test_segments_are_those_of_the_log(shop: Asked, seen: list[Seen], dimension: str) -> None:
    request = pb.ListSegmentsRequest(
        after=_AFTER,
        before=_BEFORE,
        by=f"DIMENSION_{dimension.upper()}",
        filter=["country=DE"],
    )
    response = shop.ask("ListSegments", request)
    chosen = _chosen(seen, lambda event: event.dimensions["country"] == "DE")
    values = {event.dimensions[dimension] for event in chosen}
    found = {segment.value: as_json(segment.measures) for segment in response.segments}

    assert found == {
        value: measures([event for event in chosen if event.dimensions[dimension] == value])
        for value in values
    }
    assert not response.HasField("other")
    assert response.next_token == ""


def _order_keys() -> dict[str, Callable[[dict[str, Any]], float]]:
    def p75(vital: str) -> Callable[[dict[str, Any]], float]:
        return lambda found: -found[vital].get("p75", -math.inf)

    return {
        "page_views": lambda found: -found["counts"]["pageViews"],
        "sessions": lambda found: -found["counts"]["sessions"],
        "js_errors": lambda found: -found["counts"]["jsErrors"],
        "http_5xx": lambda found: -found["counts"]["http5xx"],
        "lcp_p75": p75("lcp"),
        "inp_p75": p75("inp"),
        "cls_p75": p75("cls"),
        "apdex": lambda found: found["counts"].get("apdex", math.inf),
        "worst": lambda found: -found["lcp"]["poor"] - found["counts"]["jsErrors"],
    }


@pytest.mark.parametrize("order", _order_keys())
def test_pages_of_segments_follow_the_order(shop: Asked, seen: list[Seen], order: str) -> None:
    request = pb.ListSegmentsRequest(
        after=_AFTER, before=_BEFORE, by="DIMENSION_PAGE", order=order, max_results=2
    )
    listed = []
    while True:
        response = shop.ask("ListSegments", request)
        listed += [(s.value, as_json(s.measures)) for s in response.segments]
        if not response.next_token:
            break
        assert len(response.segments) == 2
        request.next_token = response.next_token
    key = _order_keys()[order]
    keys = [(key(found), -found["counts"]["pageViews"], value) for value, found in listed]

    assert {value for value, _ in listed} == {e.dimensions["page"] for e in _chosen(seen)}
    assert keys == sorted(keys)


def test_segments_are_compared_with_another_range(shop: Asked, seen: list[Seen]) -> None:
    after = _AFTER - HOUR_MS
    request = pb.ListSegmentsRequest(
        after=_AFTER, before=_BEFORE, by="DIMENSION_OS", compare_after=after
    )
    segments = shop.ask("ListSegments", request).segments

    assert len(segments) == 3
    for segment in segments:
        expected = _chosen(seen, lambda e: e.dimensions["os"] == segment.value, after)  # noqa: B023
        assert as_json(segment.compared) == measures(expected)


_OVERVIEW = {"after": 1000, "before": 2000}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"after": 2000}, "before must be later than after."),
        ({"after": math.nan}, "after must be a time"),
        ({"before": math.inf}, "before must be a time"),
        ({"after": -1}, "after must be a time"),
        ({"before": 1e300}, "before must be a time"),
        ({"before": 401 * 86_400_000}, "The time from after to before must be at most 400 days."),
        ({"compare_after": -5}, "compareAfter must be a time"),
        ({"step_ms": 0.5}, "stepMs must be a whole number from 1000 to"),
        ({"step_ms": -1000}, "stepMs must be a whole number from 1000 to"),
        ({"step_ms": 1e300}, "stepMs must be a whole number from 1000 to"),
        ({"step_ms": math.nan}, "stepMs must be a whole number from 1000 to"),
        ({"before": 1e10, "step_ms": 1000}, "stepMs must give at most 2000 steps."),
        ({"filter": ["browser"]}, "filter[0] must be a name, = or !=, and a value."),
        ({"filter": ["os=x", "colour=red"]}, "filter[1] must be a name"),
        ({"filter": ["page=/a"] * 21}, "filter must have at most 20 conditions."),
        ({"filter": ["page=" + "a" * 296]}, "filter[0] must have at most 300 characters."),
    ],
    ids=str,
)
def test_an_invalid_selection_is_rejected(
    shop: Asked, members: dict[str, Any], message: str
) -> None:
    request = pb.GetOverviewRequest(**{**_OVERVIEW, **members})

    assert shop.failure("GetOverview", request).startswith(f"INVALID_ARGUMENT: {message}")


_BY = "by must be one of page, browser, os, device, country, release."


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, _BY),
        ({"by": 99}, _BY),
        ({"by": 1, "order": "price"}, "order must be one of page_views, sessions"),
        ({"by": 1, "max_results": 201}, "maxResults must be from 1 to 200."),
        ({"by": 1, "max_results": -1}, "maxResults must be from 1 to 200."),
        ({"by": 1, "next_token": "x"}, "nextToken must be the token of a previous page."),
        ({"by": 1, "next_token": "WzFd" * 9}, "nextToken must be the token of a previous page."),
        ({"by": 1, "next_token": "WyIxIl0="}, "nextToken must be the token of a previous page."),
    ],
    ids=str,
)
def test_an_invalid_request_for_segments_is_rejected(
    shop: Asked, members: dict[str, Any], message: str
) -> None:
    request = pb.ListSegmentsRequest(**{**_OVERVIEW, **members})

    assert shop.failure("ListSegments", request).startswith(f"INVALID_ARGUMENT: {message}")


@pytest.mark.parametrize("count", [1, 2, 3, 4, 10, 99, 100, 101, 1000])
@pytest.mark.parametrize("share", ["0.5", "0.75", "0.9", "0.99"])
def test_percentiles_of_the_database_have_the_nearest_rank(
    shop: Asked, count: int, share: str
) -> None:
    numbers = select(func.unnest(func.range(1, count + 1)).label("value")).subquery()
    ((found,),) = shop.engine.query(
        select(quantile(literal_column("value"), share)).select_from(numbers)
    )

    assert found == nearest_rank(range(1, count + 1), share)
