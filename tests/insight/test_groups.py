"""Error groups and HTTP targets: numbers equal those computed straight from the log."""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rum.v1 import insight_service_pb2 as pb
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from tests.insight.asked import Asked, asked
from tests.insight.oracle import Seen
from tests.insight.visits import HOUR_MS, START_MS, Stored
from tests.service.served import LoopThread

_AFTER, _BEFORE = START_MS + 5 * HOUR_MS, START_MS + 40 * HOUR_MS + 7
_RANGE = {"after": _AFTER, "before": _BEFORE}


def _cause(event: Seen) -> tuple[str, str]:
    """Return what the errors of these visits differ in: message without its number, and file."""
    details = event.details
    return re.sub(r"\d+", "#", details["message"]), details["filename"]


def _errors(seen: list[Seen]) -> dict[tuple[str, str], list[Seen]]:
    found: dict[tuple[str, str], list[Seen]] = {}
    for event in seen:
        if event.type == "js_error_event" and _AFTER <= event.ts < _BEFORE:
            found.setdefault(_cause(event), []).append(event)
    return found


def _trend(events: list[Seen]) -> list[int]:
    counts = Counter((event.ts - _AFTER) * 24 // (_BEFORE - _AFTER) for event in events)
    return [counts[part] for part in range(24)]


def _row(events: list[Seen]) -> tuple[Any, ...]:
    return (
        len(events),
        len({event.session for event in events}),
        len({event.user for event in events}),
        max(event.ts for event in events),
        _trend(events),
    )


def test_error_groups_are_those_of_the_log(shop: Asked, seen: list[Seen]) -> None:
    groups = shop.ask("ListErrorGroups", pb.ListErrorGroupsRequest(**_RANGE)).groups
    expected = _errors(seen)
    first_seen = {
        cause: min(e.ts for e in seen if e.type == "js_error_event" and _cause(e) == cause)
        for cause in expected
    }

    assert len(groups) == len(expected) == 4
    assert sorted(
        (g.events, g.sessions, g.users, g.last_seen, list(g.trend)) for g in groups
    ) == sorted(map(_row, expected.values()))
    assert sorted(group.first_seen for group in groups) == sorted(first_seen.values())
    assert {group.is_new for group in groups if group.first_seen < _AFTER} <= {False}
    assert {group.location for group in groups} == {"app.js:buy", "vendor.js:buy"}
    assert all(group.title.startswith("TypeError: ") for group in groups)
    assert all(re.fullmatch("[0-9a-f]{16}", group.fingerprint) for group in groups)


@pytest.mark.parametrize("order", ["sessions", "events", "first_seen", "last_seen"])
def test_pages_of_error_groups_follow_the_order(shop: Asked, order: str) -> None:
    request = pb.ListErrorGroupsRequest(**_RANGE, order=order, max_results=1)
    found = []
    while True:
        response = shop.ask("ListErrorGroups", request)
        found += response.groups
        if not response.next_token:
            break
        request.next_token = response.next_token
    keys = [getattr(group, order) for group in found]

    assert len({group.fingerprint for group in found}) == len(found) == 4
    assert keys == sorted(keys, reverse=True)


def test_a_group_that_began_in_the_selection_is_new(shop: Asked, seen: list[Seen]) -> None:
    every = pb.ListErrorGroupsRequest(after=START_MS, before=START_MS + 100 * HOUR_MS)
    later = pb.ListErrorGroupsRequest(after=_AFTER, before=_BEFORE)

    # Nothing is known from before the first range, so that every group would be new.
    assert {group.is_new for group in shop.ask("ListErrorGroups", every).groups} == {False}
    assert [
        group.is_new == (group.first_seen >= _AFTER)
        for group in shop.ask("ListErrorGroups", later).groups
    ] == [True] * 4


def test_one_error_group_shows_the_latest_error_and_whom_it_affects(
    shop: Asked, seen: list[Seen]
) -> None:
    top = shop.ask("ListErrorGroups", pb.ListErrorGroupsRequest(**_RANGE)).groups[0]
    response = shop.ask(
        "GetErrorGroup", pb.GetErrorGroupRequest(**_RANGE, fingerprint=top.fingerprint)
    )
    (events,) = (found for found in _errors(seen).values() if _row(found)[3] == top.last_seen)
    latest = max(events, key=lambda event: event.ts)
    countries = Counter(event.dimensions["country"] for event in events)
    shares = {
        share.value: share.events
        for share in response.shares
        if share.dimension == pb.DIMENSION_COUNTRY
    }
    last_ms = {event.session: event.ts for event in sorted(events, key=lambda e: e.ts)}

    assert response.group == top
    assert response.message == latest.details["message"]
    assert response.stack == latest.details["stack"]
    assert response.release == latest.dimensions["release"]
    assert [(f.function, f.url, f.line, f.column) for f in response.frames] == [
        ("buy", latest.details["filename"], 1, 77)
    ]
    assert shares == countries
    assert {share.dimension for share in response.shares} == set(range(1, 7))
    assert [session.session_id for session in response.sample_sessions] == sorted(
        last_ms, key=lambda session: -last_ms[session]
    )[:20]


def test_an_unknown_error_group_is_not_found(shop: Asked) -> None:
    request = pb.GetErrorGroupRequest(**_RANGE, fingerprint="' OR 1=1")

    assert shop.failure("GetErrorGroup", request) == (
        "NOT_FOUND: The selection has no error with this fingerprint."
    )


def _target(event: Seen) -> str:
    request = event.details["request"]
    path = re.sub(r"/\d+$", "/:id", request["url"].removeprefix("https://"))
    return f"{request['method']} {path}"


def _targets(seen: list[Seen]) -> dict[str, dict[str, Any]]:
    found: dict[str, list[Seen]] = {}
    for event in seen:
        if event.type == "http_event" and _AFTER <= event.ts < _BEFORE:
            found.setdefault(_target(event), []).append(event)
    return {
        target: {
            "calls": len(events),
            "http_4xx": sum(400 <= event.status() < 500 for event in events),
            "http_5xx": sum(event.status() >= 500 for event in events),
            "http_no_response": sum(event.status() == 0 for event in events),
            "failed_sessions": len({e.session for e in events if e.is_failed()}),
            "trend": _trend([e for e in events if e.is_failed()]),
        }
        for target, events in found.items()
    }


def test_http_targets_are_those_of_the_log(shop: Asked, seen: list[Seen]) -> None:
    response = shop.ask("ListHttpTargets", pb.ListHttpTargetsRequest(**_RANGE))
    expected = _targets(seen)
    found = {
        re.sub("https://", "", f"{target.method} {target.url}"): {
            name: list(value) if name == "trend" else value
            for name, value in (
                (name, getattr(target, name)) for name in next(iter(expected.values()))
            )
        }
        for target in response.targets
    }

    assert found == expected
    assert {target.latency.samples for target in response.targets} == {0}


@pytest.mark.parametrize(
    ("order", "key"),
    [
        ("failures", lambda t: t.http_4xx + t.http_5xx + t.http_no_response),
        ("calls", lambda t: t.calls),
        ("http_5xx", lambda t: t.http_5xx),
        ("http_4xx", lambda t: t.http_4xx),
        ("sessions", lambda t: t.failed_sessions),
    ],
)
def test_pages_of_http_targets_follow_the_order(shop: Asked, order: str, key: Any) -> None:
    request = pb.ListHttpTargetsRequest(**_RANGE, order=order, max_results=3)
    first = shop.ask("ListHttpTargets", request)
    request.next_token = first.next_token
    second = shop.ask("ListHttpTargets", request)
    keys = [key(target) for target in (*first.targets, *second.targets)]

    assert (len(first.targets), len(second.targets), second.next_token) == (3, 1, "")
    assert keys == sorted(keys, reverse=True)


def test_unknown_orders_are_rejected(shop: Asked) -> None:
    errors = pb.ListErrorGroupsRequest(**_RANGE, order="name")
    targets = pb.ListHttpTargetsRequest(**_RANGE, order="name")

    assert shop.failure("ListErrorGroups", errors) == (
        "INVALID_ARGUMENT: order must be one of sessions, events, first_seen, last_seen."
    )
    assert shop.failure("ListHttpTargets", targets).startswith("INVALID_ARGUMENT: order must be")


def test_the_latency_of_requests_is_that_of_their_traces(loop: LoopThread, tmp_path: Path) -> None:
    request = {"method": "GET", "url": "https://shop.example/api/orders/7"}
    traces = [_trace(request, duration) for duration in (0.1, 0.3, 0.2, None)]
    unseen = _trace({"method": "GET", "url": "/api/other"}, 0.5)
    call = {"request": request, "response": {"status": 200}}
    batch = _batch([("http_event", call), *(("xray_trace_event", t) for t in [*traces, unseen])])
    with asked(loop, tmp_path) as shop:
        shop.create("shop")
        shop.put(1, [Stored(START_MS + 1, batch)])
        listed = pb.ListHttpTargetsRequest(after=START_MS, before=START_MS + 1000)
        (target,) = shop.ask("ListHttpTargets", listed).targets
        tail = shop.ask("TailEvents", pb.TailEventsRequest()).events

    assert (target.method, target.url) == ("GET", "shop.example/api/orders/:id")
    assert (target.calls, target.http_no_response) == (1, 0)
    assert (target.latency.samples, target.latency.p50, target.latency.p99) == (3, 200, 300)
    assert tail[1].summary == "GET shop.example/api/orders/:id 200 100 ms"


def _trace(request: dict[str, str], duration_s: float | None) -> dict[str, Any]:
    """Return the details of the trace of a request. None: it has not ended."""
    end = {} if duration_s is None else {"end_time": 1000 + duration_s}
    http = {"request": request, "response": {"status": 200}}
    return {"subsegments": [{"start_time": 1000.0, **end, "http": http}]}


def _batch(events: list[tuple[str, dict[str, Any]]]) -> PutRumEventsRequest:
    return PutRumEventsRequest(
        batch_id=str(uuid.uuid4()),
        user_details={"user_id": str(uuid.uuid4()), "session_id": str(uuid.uuid4())},
        rum_events=[
            RumEvent(
                id=str(uuid.uuid4()),
                timestamp=START_MS / 1000,
                type=f"com.amazon.rum.{kind}",
                details=json.dumps(details),
                metadata="{}",
            )
            for kind, details in events
        ],
    )
