"""The HTTP request of an X-Ray trace event."""

from __future__ import annotations

from typing import Any

import pytest

from rum_service.events.traces import TracedRequest, traced_request

_HTTP = {
    "request": {"method": "post", "url": "https://shop.example/orders/7?a=1"},
    "response": {"status": 503},
}


def _details(**members: object) -> dict[str, Any]:
    return {"name": "shop", "subsegments": [{"start_time": 5.5, "end_time": 7.25, **members}]}


def test_the_request_is_in_the_first_subsegment() -> None:
    found = traced_request(_details(http=_HTTP), "shop.example")

    assert found == TracedRequest("POST /orders/:id", 503, 1750)


@pytest.mark.parametrize(
    "times",
    [{"end_time": None}, {"end_time": 5}, {"end_time": "7"}, {"start_time": float("nan")}],
    ids=["in progress", "before the start", "text", "not a number"],
)
def test_impossible_times_are_no_duration(times: dict[str, object]) -> None:
    assert traced_request(_details(http=_HTTP, **times), "").duration_ms is None


@pytest.mark.parametrize(
    "details",
    [{}, {"subsegments": []}, {"subsegments": ["x"]}, {"subsegments": {}}, _details(http=[])],
    ids=str,
)
def test_other_details_have_no_request(details: dict[str, Any]) -> None:
    assert traced_request(details, "").target is None
