"""`openrum up` with its projector: events that are put over REST are counted over REST."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from rum.v1.insight_service_pb2 import GetOverviewRequest
from rum.v1.insight_service_pb2_grpc import InsightServiceStub
from tests.support.batches import batch, event
from tests.support.running import OpenRum, wait_until


class _Up(OpenRum):
    projects = True


def _event(kind: str, **details: Any) -> dict[str, Any]:
    metadata = {"version": "1.0.0", "pageId": "/cart", "browserName": "Chrome", "countryCode": "DE"}
    return event(
        type=f"com.amazon.rum.{kind}",
        details=json.dumps({"version": "1.0.0", **details}),
        metadata=json.dumps(metadata),
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    """A server that has projected one batch."""
    with _Up(tmp_path_factory.mktemp("openrum")) as server:
        events = [
            _event("session_start_event"),
            _event("page_view_event", pageId="/cart"),
            _event("largest_contentful_paint_event", value=1800.5),
            _event("http_event", request={"method": "GET", "url": "/api/7"}),
            _event(
                "js_error_event",
                type="TypeError",
                message="<b>x</b>",
                stack="TypeError: x\n    at f (https://a.example/app.js:1:2)",
            ),
        ]
        status, text = server.post(f"/appmonitors/{server.monitor_id()}", batch(events))
        assert status == 200, text
        wait_until(lambda: _state(server).get("events") == len(events))
        yield server


def _state(server: OpenRum) -> dict[str, Any]:
    status, text = server.get("/insight-state")
    return dict(json.loads(text)) if status == 200 else {}


def _range() -> str:
    now = round(time.time() * 1000)
    return f"after={now - 600_000}&before={now + 60_000}"


def _get(server: OpenRum, target: str) -> Any:
    status, text = server.get(target)
    assert status == 200, text
    return json.loads(text)


def test_the_overview_counts_the_events(server: OpenRum) -> None:
    overview = _get(server, f"/insight/my-app/overview?{_range()}&filter=browser%3DChrome")
    counts, series = overview["total"]["counts"], overview["series"]

    assert (counts["events"], counts["pageViews"], counts["jsErrors"]) == (5, 1, 1)
    assert (counts["httpNoResponse"], counts["http5xx"]) == (1, 0)
    assert overview["total"]["lcp"]["p75"] == 1800.5
    assert sum(series["pageViews"]) == 1
    assert overview["freshness"]["lagMs"] == 0


def test_every_list_has_what_was_put(server: OpenRum) -> None:
    pages = _get(server, f"/insight/my-app/segments?{_range()}&by=page")["segments"]
    errors = _get(server, f"/insight/my-app/errors?{_range()}")["groups"]
    targets = _get(server, f"/insight/my-app/http?{_range()}")["targets"]
    sessions = _get(server, f"/insight/my-app/sessions?{_range()}&failed=true")["sessions"]
    tail = _get(server, "/insight/my-app/tail?maxResults=2")["events"]

    assert [page["value"] for page in pages] == ["/cart"]
    assert [(group["title"], group["isNew"]) for group in errors] == [
        ("TypeError: <b>x</b>", False)
    ]
    assert [(t["method"], t["url"], t["httpNoResponse"]) for t in targets] == [
        ("GET", "/api/:id", 1)
    ]
    assert [(session["browser"], session["country"]) for session in sessions] == [("Chrome", "DE")]
    assert [item["rating"] for item in tail] == ["failed", "failed"]
    fingerprint = errors[0]["fingerprint"]
    group = _get(server, f"/insight/my-app/errors/{fingerprint}?{_range()}")
    assert [frame["function"] for frame in group["frames"]] == ["f"]
    session = _get(server, f"/insight/my-app/sessions/{sessions[0]['sessionId']}")
    assert len(session["events"]) == 5


def test_a_metric_of_cloudwatch_has_its_value(server: OpenRum) -> None:
    query = "metricName=JsErrorCount&statistic=Sum&periodSeconds=86400"

    assert _get(server, f"/insight/my-app/metric?{_range()}&{query}")["values"] == [1]


def test_prometheus_gets_the_current_values(server: OpenRum) -> None:
    status, text = server.get("/insight-metrics")

    assert status == 200
    assert 'openrum_rum_page_views{app_monitor="my-app"} 1.0' in text.splitlines()


def test_the_same_is_there_over_grpc(server: OpenRum) -> None:
    now = time.time() * 1000
    request = GetOverviewRequest(app_monitor="my-app", after=now - 600_000, before=now + 60_000)
    with grpc.insecure_channel(server.grpc) as channel:
        response = InsightServiceStub(channel).GetOverview(request, timeout=30)

    assert response.total.counts.events == 5


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/insight/none/overview?after=1&before=2", 404),
        ("/insight/my-app/overview?after=2&before=1", 400),
        ("/insight/my-app/overview", 400),
        ("/insight/my-app/errors/0123456789abcdef?after=1&before=2", 404),
        ("/insight/my-app/nothing", 404),
    ],
)
def test_what_does_not_exist_is_rejected(server: OpenRum, target: str, status: int) -> None:
    assert server.get(target)[0] == status
