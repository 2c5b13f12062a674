"""What a query may cost: many values of a dimension, and statements that take too long."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import grpc
import pytest
from sqlalchemy import func, select

from rum.v1 import insight_service_pb2 as pb
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_projector.engines.base import QueryTimeoutError
from rum_projector.insight.call import Call
from tests.insight.asked import Asked, asked
from tests.insight.oracle import as_json, measures, read
from tests.insight.visits import START_MS, Stored
from tests.projector.running import eventually
from tests.service.served import LoopThread

_RANGE = {"after": START_MS, "before": START_MS + 1000}
_PAGES = 10_000


def _page_views(first: int, last: int) -> Stored:
    """Return a batch with views of pages: page n has one view, and page 0 has two."""
    request = PutRumEventsRequest(
        batch_id=str(uuid.uuid4()),
        user_details={"user_id": str(uuid.uuid4()), "session_id": str(uuid.uuid4())},
        rum_events=[
            RumEvent(
                id=str(uuid.uuid4()),
                timestamp=START_MS / 1000,
                type="com.amazon.rum.page_view_event",
                details=json.dumps({"pageId": f"/page-{_letters(number)}"}),
                metadata=json.dumps({"pageId": f"/page-{_letters(number)}"}),
            )
            for number in range(first, last)
        ],
    )
    return Stored(START_MS + 1, request)


def _letters(number: int) -> str:
    """Return a text for a number that does not look like an ID."""
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:05}")


def test_the_values_after_the_first_1000_are_one_segment(loop: LoopThread, tmp_path: Path) -> None:
    with asked(loop, tmp_path) as shop:
        shop.create("shop")
        starts = range(0, _PAGES, 500)
        shop.put(1, [_page_views(0, 1), *(_page_views(s, s + 500) for s in starts)])
        request = pb.ListSegmentsRequest(
            **_RANGE, by="DIMENSION_PAGE", max_results=200, compare_after=START_MS - 5
        )
        listed: list[str] = []
        while True:
            response = shop.ask("ListSegments", request)
            listed += [segment.value for segment in response.segments]
            if not response.next_token:
                break
            request.next_token = response.next_token
        seen = read(shop.store.log)
    rest = [event for event in seen if event.dimensions["page"] not in listed]

    assert listed[0] == f"/page-{_letters(0)}"
    assert len(set(listed)) == len(listed) == 1000
    assert as_json(response.other.measures) == measures(rest)
    assert as_json(response.other.compared) == measures(rest)
    assert response.other.measures.counts.page_views == _PAGES - 1000


def _slow(call: Call, _: pb.GetOverviewRequest) -> pb.GetOverviewResponse:
    """Run a statement that would take hours, in the place of an answer."""
    numbers = select(func.unnest(func.range(0, 1_000_000)).label("n")).subquery()
    other = select(func.unnest(func.range(0, 1_000_000)).label("n")).subquery()
    call.query(select(func.sum(func.sqrt(numbers.c.n * other.c.n + 1))).select_from(numbers, other))
    return pb.GetOverviewResponse()


def test_a_query_that_takes_too_long_is_interrupted(
    loop: LoopThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asked(loop, tmp_path, max_query_s=1.0) as shop:
        shop.create("shop")
        with monkeypatch.context() as patched:
            patched.setattr("rum_projector.insight.numbers.get_overview", _slow)
            failures = [
                shop.failure("GetOverview", pb.GetOverviewRequest(**_RANGE)) for _ in range(3)
            ]
        after = shop.ask("GetOverview", pb.GetOverviewRequest(**_RANGE))

    assert (
        failures
        == ["DEADLINE_EXCEEDED: The query took longer than 1 s. Choose a shorter time range."] * 3
    )
    assert as_json(after.total) == measures([])


def test_a_cancelled_call_makes_room_for_the_next_one(
    loop: LoopThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three calls, two run on the two threads, and the third waits for one."""
    begun: list[object] = []
    submitted: list[object] = []

    def slow(call: Call, request: pb.GetOverviewRequest) -> pb.GetOverviewResponse:
        begun.append(request)
        return _slow(call, request)

    def counted(*work: Any) -> Any:
        submitted.append(work)
        return submit(*work)

    with asked(loop, tmp_path, max_query_s=60.0) as shop:
        submit = shop.threads.submit
        monkeypatch.setattr("rum_projector.insight.numbers.get_overview", slow)
        monkeypatch.setattr(shop.threads, "submit", counted)
        with grpc.insecure_channel(shop.target) as channel:
            overview = channel.unary_unary(
                "/rum.v1.InsightService/GetOverview",
                request_serializer=pb.GetOverviewRequest.SerializeToString,
            )
            calls = [overview.future(pb.GetOverviewRequest(**_RANGE)) for _ in range(3)]
            eventually(lambda: len(submitted) == 3 and len(begun) == 2)
            for call in calls:
                call.cancel()
        # Its deadline is before the end of the time that a query may take.
        state = shop.ask("GetProjectionState", pb.GetProjectionStateRequest())

    assert state.version
    assert len(begun) == 2


def test_the_statements_of_a_call_share_its_time(loop: LoopThread, tmp_path: Path) -> None:
    with asked(loop, tmp_path, max_query_s=0.0) as shop:
        shop.create("shop")
        failure = shop.failure("GetOverview", pb.GetOverviewRequest(**_RANGE))
        state = shop.ask("GetProjectionState", pb.GetProjectionStateRequest())

    assert failure.startswith("DEADLINE_EXCEEDED")
    assert state.version


def test_an_unexpected_failure_reveals_nothing(
    loop: LoopThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Call, __: pb.GetOverviewRequest) -> pb.GetOverviewResponse:
        raise RuntimeError("a secret")

    with asked(loop, tmp_path) as shop:
        monkeypatch.setattr("rum_projector.insight.numbers.get_overview", fail)
        failure = shop.failure("GetOverview", pb.GetOverviewRequest(**_RANGE))

    assert failure == "INTERNAL: The query failed."


def test_a_call_without_the_key_of_an_app_monitor_finds_nothing(shop: Asked) -> None:
    with grpc.insecure_channel(shop.target) as channel:
        call = channel.unary_unary(
            "/rum.v1.InsightService/GetOverview",
            request_serializer=pb.GetOverviewRequest.SerializeToString,
            response_deserializer=pb.GetOverviewResponse.FromString,
        )
        response = call(pb.GetOverviewRequest(after=START_MS, before=START_MS + 10**9), timeout=30)

    assert response.total.counts.events == 0


def test_the_engine_itself_stops_a_statement(shop: Asked) -> None:
    numbers = select(func.unnest(func.range(0, 1_000_000)).label("n")).subquery()
    other = select(func.unnest(func.range(0, 1_000_000)).label("n")).subquery()
    endless = select(func.sum(func.sqrt(numbers.c.n * other.c.n + 1))).select_from(numbers, other)

    with pytest.raises(QueryTimeoutError):
        shop.engine.query(endless, timeout_s=0.1)
