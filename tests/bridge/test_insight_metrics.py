"""/insight-metrics: the measures of app monitors, read by Prometheus's own parser."""

from __future__ import annotations

from typing import Any

import pytest
from anyio import to_thread
from prometheus_client.parser import text_string_to_metric_families

from rum.v1 import insight_service_pb2 as pb
from rum_bridge.operations.insight_metrics import METRICS
from tests.bridge.conftest import Bridge
from tests.bridge.standin import StandIn
from tests.bridge.wire import Response, send

_MEASURES = pb.Measures(
    counts=pb.Counts(
        events=50,
        sessions=7,
        page_views=9,
        http_requests=6,
        http_4xx=1,
        http_5xx=2,
        http_no_response=3,
        apdex=0.75,
    ),
    lcp=pb.Distribution(samples=4, p50=1500, p75=2600, p90=3000, p99=5000, good=2, poor=1),
    cls=pb.Distribution(samples=1, p50=0.1, p75=0.1, p90=0.1, p99=0.1, good=1),
    navigation=pb.Distribution(samples=1, p50=900, p75=900, p90=900, p99=900),
)
_RESPONSE = pb.ListCurrentValuesResponse(
    values=[
        pb.CurrentValues(app_monitor='a"\\', measures=_MEASURES),
        pb.CurrentValues(app_monitor="idle", measures=pb.Measures(counts=pb.Counts())),
    ],
    freshness=pb.Freshness(lag_ms=1500, damaged_batches=2),
)


async def _get(url: str, target: str) -> Response:
    return await to_thread.run_sync(lambda: send(url, target, method="GET"))


async def test_prometheus_reads_the_measures(bridge: Bridge, standin: StandIn) -> None:
    standin.insight.response = _RESPONSE
    async with bridge() as url:
        response = await _get(url, "/insight-metrics?minutes=15")
    families = {f.name: f for f in text_string_to_metric_families(response.body.decode())}
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    monitor = ("app_monitor", 'a"\\')

    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert standin.insight.requests == [pb.ListCurrentValuesRequest(minutes=15, max_results=1000)]
    assert families.keys() == {metric.name for metric in METRICS}
    assert {family.type for family in families.values()} == {"gauge"}
    assert found["openrum_rum_sessions", monitor] == 7
    assert found["openrum_rum_sessions", ("app_monitor", "idle")] == 0
    assert found["openrum_rum_http_failures", monitor, ("reason", "no_response")] == 3
    assert found["openrum_rum_apdex", monitor] == 0.75
    vital = (monitor, ("percentile", "75"), ("vital", "lcp"))
    assert found["openrum_rum_web_vital_seconds", *vital] == 2.6
    assert found["openrum_rum_cumulative_layout_shift", monitor, ("percentile", "99")] == 0.1
    assert found["openrum_rum_navigation_duration_seconds", monitor, ("percentile", "50")] == 0.9
    rating = (monitor, ("rating", "good"), ("vital", "lcp"))
    assert found["openrum_rum_web_vital_samples", *rating] == 2
    assert found["openrum_rum_projection_lag_seconds",] == 1.5
    assert found["openrum_rum_projection_damaged_batches",] == 2
    assert not [key for key in found if "apdex" in key[0] and ("app_monitor", "idle") in key]


async def test_prometheus_reads_every_app_monitor_at_once(bridge: Bridge, standin: StandIn) -> None:
    standin.insight.first = [
        pb.ListCurrentValuesResponse(
            values=[pb.CurrentValues(app_monitor=name, measures=_MEASURES)],
            freshness=pb.Freshness(lag_ms=2500),
            next_token=f"after {name}",
        )
        for name in ("a", "b")
    ]
    standin.insight.response = _RESPONSE
    async with bridge() as url:
        response = await _get(url, "/insight-metrics")
    families = {f.name: f for f in text_string_to_metric_families(response.body.decode())}
    requests: list[Any] = standin.insight.requests

    assert [sample.labels["app_monitor"] for sample in families["openrum_rum_events"].samples] == [
        "a",
        "b",
        'a"\\',
        "idle",
    ]
    assert [request.next_token for request in requests] == ["", "after a", "after b"]
    assert families["openrum_rum_projection_lag_seconds"].samples[0].value == 1.5


@pytest.mark.parametrize("query", ["minutes=x", "hours=1", "maxResults=1", "nextToken=x"])
async def test_an_invalid_query_is_rejected(bridge: Bridge, query: str) -> None:
    async with bridge() as url:
        response = await _get(url, f"/insight-metrics?{query}")

    assert (response.status, response.error_type) == (400, "ValidationException")
