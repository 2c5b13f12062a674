"""InsightService over REST: members from the query, and plain JSON."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from anyio import to_thread

from rum.v1 import insight_service_pb2 as pb
from rum.v1 import source_map_service_pb2 as maps
from tests.bridge.conftest import Bridge
from tests.bridge.standin import StandIn
from tests.bridge.wire import Response, send


async def _get(url: str, target: str, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await to_thread.run_sync(lambda: send(url, target, method="GET", headers=named))


@pytest.mark.parametrize(
    ("target", "request_"),
    [
        (
            "/insight/shop/overview?after=1000&before=2000.5&stepMs=60000&compareAfter=1",
            pb.GetOverviewRequest(
                app_monitor="shop", after=1000, before=2000.5, step_ms=60000, compare_after=1
            ),
        ),
        (
            "/insight/shop/overview?filter=browser%3DChrome&filter=page!%3D/a%26b%2Cc&filter=os%3D",
            pb.GetOverviewRequest(
                app_monitor="shop", filter=["browser=Chrome", "page!=/a&b,c", "os="]
            ),
        ),
        (
            "/insight/a%23b/segments?by=page&order=worst&maxResults=3&nextToken=x",
            pb.ListSegmentsRequest(
                app_monitor="a#b",
                by=pb.DIMENSION_PAGE,
                order="worst",
                max_results=3,
                next_token="x",
            ),
        ),
        (
            "/insight/shop/segments?by=DIMENSION_COUNTRY",
            pb.ListSegmentsRequest(app_monitor="shop", by=pb.DIMENSION_COUNTRY),
        ),
        (
            "/insight/shop/sessions?failed=true&hasReplay=false&userId=u",
            pb.ListSessionsRequest(app_monitor="shop", failed=True, user_id="u"),
        ),
        (
            "/insight/shop/errors/0123456789abcdef",
            pb.GetErrorGroupRequest(app_monitor="shop", fingerprint="0123456789abcdef"),
        ),
        (
            "/insight/shop/sessions/a-session/replay/",
            pb.ListReplayEventsRequest(app_monitor="shop", session_id="a-session"),
        ),
        (
            "/insight/shop/tail?X-Amz-Date=1&X-Amz-SignedHeaders=host",
            pb.TailEventsRequest(app_monitor="shop"),
        ),
        (
            "/insight/shop/tail?filter=os%3D&filter=page!%3D/&type=a&type=b&sessionId=s",
            pb.TailEventsRequest(
                app_monitor="shop", filter=["os=", "page!=/"], type=["a", "b"], session_id="s"
            ),
        ),
        (
            "/insight/shop/source-maps?release=1&maxResults=7",
            maps.ListSourceMapsRequest(app_monitor="shop", release="1", max_results=7),
        ),
        (
            "/insight/shop/source-maps/content?url=https://a/b.js%3Fc&nextToken=x",
            maps.GetSourceMapRequest(app_monitor="shop", url="https://a/b.js?c", next_token="x"),
        ),
        ("/insight?minutes=10", pb.ListCurrentValuesRequest(minutes=10)),
        ("/insight-state", pb.GetProjectionStateRequest()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_members_are_read_from_path_and_query(
    bridge: Bridge, standin: StandIn, target: str, request_: Any
) -> None:
    async with bridge() as url:
        response = await _get(url, target)

    assert response.status == 200
    assert standin.insight.requests == [request_]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("overview?fliter=a", "fliter is not a member of the query."),
        ("overview?after=1&after=2", "after must appear at most once."),
        ("overview?after=", "after must be a number."),
        ("overview?after=yesterday", "after must be a number."),
        ("overview?appMonitor=other", "appMonitor is not a member of the query."),
        ("overview?app_monitor=other", "app_monitor is not a member of the query."),
        ("overview?%3Cb%3E=1", "A member is not a member of the query."),
        ("segments?maxResults=1.5", "maxResults must be a whole number of at most 32 bits."),
        (
            "segments?maxResults=99999999999",
            "maxResults must be a whole number of at most 32 bits.",
        ),
        (
            "segments?by=colour",
            "by must be one of page, browser, os, device, country, release.",
        ),
        ("sessions?failed=yes", "failed must be true or false."),
    ],
)
async def test_an_invalid_member_is_rejected_by_name(
    bridge: Bridge, standin: StandIn, target: str, message: str
) -> None:
    async with bridge() as url:
        response = await _get(url, f"/insight/shop/{target}")

    assert (response.status, response.error_type) == (400, "ValidationException")
    assert response.message == message
    assert standin.insight.requests == []


async def test_zeros_and_empty_lists_are_in_the_response(bridge: Bridge, standin: StandIn) -> None:
    standin.insight.response = pb.GetOverviewResponse(
        total=pb.Measures(counts=pb.Counts(events=5), lcp=pb.Distribution(p75=0.0)),
        series=pb.Series(first_ms=1.5e12, page_views=[0, 1]),
    )
    async with bridge() as url:
        response = await _get(url, "/insight/shop/overview")
    document = json.loads(response.body)

    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert len(response.headers["x-amzn-RequestId"]) == 36
    assert b": " not in response.body
    assert document["total"]["counts"]["pageViews"] == 0
    assert "apdex" not in document["total"]["counts"]
    assert document["total"]["lcp"] == {
        "samples": 0, "p75": 0, "good": 0, "needsImprovement": 0, "poor": 0,
    }  # fmt: skip
    assert document["series"]["pageViews"] == [0, 1]
    assert document["series"]["lcpP75"] == []
    assert document["series"]["firstMs"] == 1.5e12
    assert "comparedTotal" not in document


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("br, GZIP;q=0.5", "gzip"),
        ("*", "gzip"),
        ("gzip;q=0", None),
        ("gzip; q=0.0, br", None),
        ("br", None),
        ("", None),
    ],
)
async def test_a_long_response_is_compressed_where_the_client_accepts_it(
    bridge: Bridge, standin: StandIn, accepted: str, encoding: str | None
) -> None:
    standin.insight.response = pb.GetOverviewResponse(
        series=pb.Series(page_views=[float(number) for number in range(2000)])
    )
    async with bridge() as url:
        response = await _get(url, "/insight/shop/overview", Accept_Encoding=accepted)
    body = gzip.decompress(response.body) if encoding else response.body

    assert response.headers["Content-Encoding"] == encoding
    assert response.headers["Vary"] == "Accept-Encoding"
    assert json.loads(body)["series"]["pageViews"] == [*range(2000)]


async def test_a_short_response_is_not_compressed(bridge: Bridge) -> None:
    async with bridge() as url:
        response = await _get(url, "/insight-state", Accept_Encoding="gzip")

    assert response.headers["Content-Encoding"] is None
    assert json.loads(response.body)["version"] == 0


async def test_other_methods_are_rejected(bridge: Bridge) -> None:
    async with bridge() as url:
        response = await to_thread.run_sync(lambda: send(url, "/insight/shop/overview", {}))

    assert (response.status, response.headers["Allow"]) == (405, "GET")


async def test_pages_of_other_sites_are_rejected(bridge: Bridge, standin: StandIn) -> None:
    async with bridge() as url:
        response = await _get(url, "/insight/shop/overview", Origin="https://evil.example")

    assert (response.status, response.error_type) == (403, "AccessDeniedException")
    assert standin.insight.requests == []
