"""The AWS SDK for JavaScript in Node.js, against a running server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.failures import SMALL_QUEUE, broken_store, full_queue
from tests.e2e.sdk_js import Call, call
from tests.e2e.stored import stored_events
from tests.support.batches import batch, event, new_id
from tests.support.running import OpenRum


@pytest.fixture(scope="module")
def openrum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    """A server whose queue `full_queue` can fill."""
    server = OpenRum(tmp_path_factory.mktemp("openrum"), **SMALL_QUEUE)
    yield server
    server.stop()


def _put(monitor_id: str, body: dict[str, Any]) -> Call:
    return "PutRumEventsCommand", {"Id": monitor_id, **body}


def test_a_put_is_stored_unchanged(openrum: OpenRum) -> None:
    events = [
        event(timestamp="2025-01-02T03:04:05.678Z", type="fraction", details='{"n": 1.50}'),
        event(
            timestamp="2025-01-02T03:04:06Z",
            type="object",
            details={"text": "日本 🛒", "list": [1, {"a": None}]},
            metadata={"pageId": "/cart"},
        ),
        event(timestamp="1969-12-31T23:59:59.250Z", type="before 1970", metadata=None),
    ]
    body = batch(events)
    put = _put(openrum.monitor_id(), body)
    results = call(openrum, put, put)
    found = [e for e in stored_events(openrum.grpc) if e["batch_id"] == body["BatchId"]]

    assert [(r["status"], r["output"]) for r in results] == [(200, {}), (200, {})]
    assert [e["id"] for e in events] == [e["event_id"] for e in found]
    assert [e["event_timestamp"] for e in found] == [1735787045678, 1735787046000, -750]
    assert [e["event_details"] for e in found[:2]] == [{"n": 1.5}, events[1]["details"]]
    assert [e["metadata"] for e in found[1:]] == [{"pageId": "/cart"}, {}]
    assert {e["userId"] for e in found} == {body["UserDetails"]["userId"]}


def test_each_error_is_an_instance_of_its_exception_class(openrum: OpenRum) -> None:
    monitor = openrum.monitor_id()
    unknown = new_id()
    calls = [
        _put(monitor, batch([event(timestamp="2025-01-02T03:04:05Z", id="x" * 36)])),
        _put(unknown, batch(0)),
        ("CreateAppMonitorCommand", {"Name": "my-app", "Domain": "localhost"}),
        ("GetAppMonitorCommand", {"Name": "nowhere"}),
    ]
    results = call(openrum, *calls)
    with full_queue(openrum):
        results += call(openrum, _put(monitor, batch([event(timestamp="2025-01-02T03:04:05Z")])))

    assert [(r["status"], r["error"], r["modelled"], r["retryable"]) for r in results] == [
        (400, "ValidationException", True, False),
        (404, "ResourceNotFoundException", True, False),
        (409, "ConflictException", True, False),
        (404, "ResourceNotFoundException", True, False),
        (429, "ThrottlingException", True, True),
    ]
    assert results[0]["message"].startswith("RumEvents[0].id must match ")
    assert [r.get("resourceName") for r in results] == [None, unknown, "my-app", "nowhere", None]
    assert results[-1]["retryAfterSeconds"] == 1
    assert len({r["requestId"] for r in results}) == len(results)


def test_a_failing_store_is_an_internal_server_exception(openrum: OpenRum) -> None:
    body = batch([event(timestamp="2025-01-02T03:04:05Z")])
    put = _put(openrum.monitor_id(), body)
    with broken_store(openrum):
        failed = call(openrum, put)[0]
    succeeded = call(openrum, put)[0]
    found = [e for e in stored_events(openrum.grpc) if e["batch_id"] == body["BatchId"]]

    assert tuple(
        failed[member]
        for member in ("status", "error", "modelled", "retryable", "retryAfterSeconds")
    ) == (500, "InternalServerException", True, True, 1)
    assert failed["message"] == "Internal service exception."
    assert (succeeded["status"], len(found)) == (200, 1)


def test_app_monitors_are_created_listed_read_updated_and_deleted(openrum: OpenRum) -> None:
    domains = ["a.example", "b.example"]
    new = {"Name": "shop#1", "DomainList": domains, "CustomEvents": {"Status": "ENABLED"}}
    created, read = call(
        openrum,
        ("CreateAppMonitorCommand", new),
        ("GetAppMonitorCommand", {"Name": "shop#1"}),
    )
    monitor_id = created["output"]["Id"]
    body = batch([event(timestamp=f"2025-01-02T03:04:0{n}Z", type=f"t{n}") for n in range(3)])
    span = {"After": 1735787041000, "Before": 1735787042000}
    put, listed, data, updated, changed, deleted, gone = call(
        openrum,
        _put(monitor_id, body),
        ("ListAppMonitorsCommand", {"MaxResults": 1}),
        ("GetAppMonitorDataCommand", {"Name": "shop#1", "TimeRange": span, "MaxResults": 1}),
        ("UpdateAppMonitorCommand", {"Name": "shop#1", "Domain": "c.example"}),
        ("GetAppMonitorCommand", {"Name": "shop#1"}),
        ("DeleteAppMonitorCommand", {"Name": "shop#1"}),
        ("GetAppMonitorCommand", {"Name": "shop#1"}),
    )

    assert read["output"]["AppMonitor"]["Id"] == monitor_id
    assert read["output"]["AppMonitor"]["DomainList"] == domains
    assert [r["status"] for r in (put, listed, data, updated, deleted)] == [200] * 5
    assert [m["Name"] for m in listed["output"]["AppMonitorSummaries"]] == ["my-app"]
    assert listed["output"]["NextToken"]
    assert [json.loads(d)["event_type"] for d in data["output"]["Events"]] == ["t2"]
    assert data["output"]["NextToken"]
    assert (changed["output"]["AppMonitor"]["Domain"], gone["status"]) == ("c.example", 404)
