"""Sessions, their events and replays, and the events that arrive."""

from __future__ import annotations

import base64
import json
import re
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rum.v1 import insight_service_pb2 as pb
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_projector.insight.documents import Documents
from rum_service.storage import open_store
from tests.insight.asked import ACCOUNT, Asked, asked
from tests.insight.oracle import Seen
from tests.insight.visits import HOUR_MS, START_MS, Stored
from tests.service.served import LoopThread

_AFTER, _BEFORE = START_MS + 5 * HOUR_MS, START_MS + 20 * HOUR_MS
_RANGE = {"after": _AFTER, "before": _BEFORE}


def _by_session(seen: list[Seen]) -> dict[str, list[Seen]]:
    found: dict[str, list[Seen]] = {}
    for event in sorted(seen, key=lambda event: (event.ts, event.sequence, event.position)):
        found.setdefault(event.session, []).append(event)
    return found


def _in_range(events: list[Seen]) -> list[Seen]:
    return [event for event in events if _AFTER <= event.ts < _BEFORE]


_RESULTS = {
    "4xx": lambda event: 400 <= event.status() < 500,
    "5xx": lambda event: event.status() >= 500,
    "no_response": lambda event: event.status() == 0,
    "failed": lambda event: event.is_failed(),
}


@pytest.mark.parametrize("result", ["", *_RESULTS])
@pytest.mark.parametrize("filters", [[], ["page=/cart", "browser!=Chrome"]], ids=["all", "cart"])
def test_sessions_are_those_with_the_request(
    shop: Asked, seen: list[Seen], result: str, filters: list[str]
) -> None:
    """The request itself meets the filter, not another event of the session."""
    where: dict[str, Any] = {**_RANGE, "filter": filters}
    target = shop.ask("ListHttpTargets", pb.ListHttpTargetsRequest(**where)).targets[0]
    name = f"{target.method} {target.url}"
    request = pb.ListSessionsRequest(**where, http_target=name, http_result=result, max_results=200)
    listed = [s.session_id for s in _pages(shop, "ListSessions", request, "sessions")]
    expected = {
        event.session
        for event in _in_range(seen)
        if event.type == "http_event"
        and _target(event) == name
        and (not result or _RESULTS[result](event))
        and (not filters or _meets_filters(event))
    }

    assert sorted(listed) == sorted(expected)
    assert expected
    if result == "failed":
        assert len(listed) == target.failed_sessions


def _meets_filters(event: Seen) -> bool:
    return event.dimensions["page"] == "/cart" and event.dimensions["browser"] != "Chrome"


def _target(event: Seen) -> str:
    request = event.details["request"]
    path = re.sub(r"/\d+$", "/:id", request["url"].removeprefix("https://"))
    return f"{request['method']} {path}"


def test_a_result_without_a_target_is_that_of_any_request(shop: Asked, seen: list[Seen]) -> None:
    request = pb.ListSessionsRequest(**_RANGE, http_result="5xx", max_results=200)
    listed = {s.session_id for s in _pages(shop, "ListSessions", request, "sessions")}

    assert listed == {
        e.session for e in _in_range(seen) if e.type == "http_event" and e.status() >= 500
    }


def test_an_unknown_result_is_rejected(shop: Asked) -> None:
    request = pb.ListSessionsRequest(**_RANGE, http_result="500")

    assert shop.failure("ListSessions", request) == (
        "INVALID_ARGUMENT: httpResult must be one of failed, 4xx, 5xx, no_response."
    )


def _is_failed(event: Seen) -> bool:
    return event.type == "http_event" and event.is_failed()


def _pages(shop: Asked, rpc: str, request: Any, member: str) -> Iterator[Any]:
    while True:
        response = shop.ask(rpc, request)
        yield from getattr(response, member)
        if not response.next_token:
            return
        request.next_token = response.next_token


@pytest.mark.parametrize("page_size", [1, 7, 200])
def test_sessions_are_listed_latest_first(shop: Asked, seen: list[Seen], page_size: int) -> None:
    request = pb.ListSessionsRequest(**_RANGE, max_results=page_size)
    if page_size == 1:
        request.before = _AFTER + HOUR_MS
    listed = [s.session_id for s in _pages(shop, "ListSessions", request, "sessions")]
    last = {
        session: max(e.ts for e in events if _AFTER <= e.ts < request.before)
        for session, events in _by_session(seen).items()
        if any(_AFTER <= event.ts < request.before for event in events)
    }

    assert listed == sorted(last, key=lambda session: (last[session], session), reverse=True)


def test_a_session_is_described_from_all_of_its_events(shop: Asked, seen: list[Seen]) -> None:
    sessions = shop.ask("ListSessions", pb.ListSessionsRequest(**_RANGE)).sessions
    known = _by_session(seen)

    assert len(sessions) == 50
    for session in sessions:
        events = known[session.session_id]
        assert session.user_id == events[0].user
        assert (session.first_ms, session.last_ms) == (events[0].ts, events[-1].ts)
        assert session.events == len(events)
        assert session.page_views == sum(e.type == "page_view_event" for e in events)
        assert session.js_errors == sum(e.type == "js_error_event" for e in events)
        assert session.http_failures == sum(map(_is_failed, events))
        assert session.entry_page == next(filter(None, (e.dimensions["page"] for e in events)))
        assert session.browser.split()[0] == events[-1].dimensions["browser"]
        assert session.browser.split()[1].isdecimal()
        assert (session.os, session.device) == (
            events[-1].dimensions["os"],
            events[-1].dimensions["device"],
        )
        assert not session.has_replay


@pytest.mark.parametrize(
    "condition", ["user", "user in capitals", "fingerprint", "failed", "filter", "replay"]
)
def test_sessions_are_filtered(shop: Asked, seen: list[Seen], condition: str) -> None:
    by_session = _by_session(seen)
    user = next(iter(by_session.values()))[0].user
    group = shop.ask("ListErrorGroups", pb.ListErrorGroupsRequest(**_RANGE)).groups[0]
    details = shop.ask(
        "GetErrorGroup", pb.GetErrorGroupRequest(**_RANGE, fingerprint=group.fingerprint)
    )
    file = details.frames[0].url
    message = details.message.rstrip("0123456789")
    members: dict[str, Any]
    members, meets = {
        "user": ({"user_id": user}, lambda e: e.user == user),
        "user in capitals": ({"user_id": user.upper()}, lambda e: e.user == user),
        "fingerprint": (
            {"fingerprint": group.fingerprint},
            lambda e: (
                e.type == "js_error_event"
                and e.details["filename"] == file
                and e.details["message"].startswith(message)
            ),
        ),
        "failed": ({"failed": True}, lambda e: e.type == "js_error_event" or _is_failed(e)),
        "filter": (
            {"filter": ["page=/cart", "country=DE"]},
            lambda e: e.dimensions["page"] == "/cart" and e.dimensions["country"] == "DE",
        ),
        "replay": ({"has_replay": True}, lambda _: False),
    }[condition]
    request = pb.ListSessionsRequest(**_RANGE, **members, max_results=100)
    listed = [s.session_id for s in _pages(shop, "ListSessions", request, "sessions")]

    assert sorted(listed) == sorted(
        session for session, events in by_session.items() if any(map(meets, _in_range(events)))
    )


@pytest.mark.parametrize("page_size", [1, 5, 1000])
def test_the_events_of_a_session_are_in_order(
    shop: Asked, seen: list[Seen], page_size: int
) -> None:
    session, expected = max(_by_session(seen).items(), key=lambda item: len(item[1]))
    request = pb.GetSessionRequest(app_monitor="shop", session_id=session, max_results=page_size)
    events = list(_pages(shop, "GetSession", request, "events"))
    documents = [json.loads(event.document) for event in events]

    assert [event.timestamp_ms for event in events] == [event.ts for event in expected]
    assert [d["event_details"] for d in documents] == [event.details for event in expected]
    assert {document["application_name"] for document in documents} == {"shop"}
    assert {document["account_id"] for document in documents} == {ACCOUNT}
    assert [event.type.removeprefix("com.amazon.rum.") for event in events] == [
        event.type for event in expected
    ]
    assert [event.page for event in events] == [event.dimensions["page"] for event in expected]
    assert {event.session_id for event in events} == {session}
    ratings = {e.rating for e in events if e.type.endswith(("paint_event", "delay_event"))}
    assert ratings <= {"good", "needs_improvement", "poor"}


def test_an_unknown_session_is_not_found(shop: Asked) -> None:
    request = pb.GetSessionRequest(session_id="none")

    assert shop.failure("GetSession", request) == "NOT_FOUND: There is no event of this session."


def test_tail_returns_each_event_once_in_the_order_of_the_log(
    shop: Asked, seen: list[Seen]
) -> None:
    request = pb.TailEventsRequest(max_results=500, next_token=_token(0, 0))
    times: list[float] = []
    while True:
        response = shop.ask("TailEvents", request)
        if not response.events:
            break
        times += [event.timestamp_ms for event in response.events]
        request.next_token = response.next_token

    assert times == [event.ts for event in seen]
    assert response.next_token == request.next_token


def test_tail_returns_only_the_events_that_meet_the_filter(shop: Asked, seen: list[Seen]) -> None:
    types = ["http_event", "js_error_event"]
    request = pb.TailEventsRequest(
        max_results=50,
        next_token=_token(0, 0),
        filter=["browser=Firefox", "browser=Safari", "page!=/cart"],
        type=[f"com.amazon.rum.{kind}" for kind in types],
    )
    times: list[float] = []
    calls = 0
    while (response := shop.ask("TailEvents", request)).events:
        times += [event.timestamp_ms for event in response.events]
        request.next_token = response.next_token
        calls += 1
    expected = [
        event.ts
        for event in seen
        if event.type in types
        and event.dimensions["browser"] in ("Firefox", "Safari")
        and event.dimensions["page"] != "/cart"
    ]
    request.next_token = ""
    latest = [event.timestamp_ms for event in shop.ask("TailEvents", request).events]

    assert times == expected
    assert calls > 1
    assert latest == expected[-50:]


def test_tail_follows_one_session(shop: Asked, seen: list[Seen]) -> None:
    session, events = max(_by_session(seen).items(), key=lambda item: len(item[1]))
    request = pb.TailEventsRequest(session_id=session, max_results=500)
    response = shop.ask("TailEvents", request)
    request.next_token = response.next_token
    later = shop.ask("TailEvents", request)

    in_log = sorted(events, key=lambda event: (event.sequence, event.position))
    assert [event.timestamp_ms for event in response.events] == [event.ts for event in in_log]
    assert list(later.events) == []


def test_tail_does_not_look_again_at_events_that_it_left_out(
    loop: LoopThread, tmp_path: Any
) -> None:
    wanted = pb.TailEventsRequest(type=["a.custom.type"])
    with asked(loop, tmp_path) as shop:
        shop.create("shop")
        shop.put(1, [_batch({"n": 1}), _batch({"n": 2}), _batch({"n": 3})])
        first = shop.ask("TailEvents", wanted)
        wanted.next_token = first.next_token
        shop.put(1, [_batch({"n": 4}, kind="a.custom.type"), _batch({"n": 5})])
        second = shop.ask("TailEvents", wanted)

    assert list(first.events) == []
    assert _decoded(first.next_token)[0] == 3
    assert [json.loads(e.document)["event_details"]["n"] for e in second.events] == [4]
    assert _decoded(second.next_token)[0] == 5


def test_a_token_may_have_any_position(shop: Asked) -> None:
    session = shop.ask("ListSessions", pb.ListSessionsRequest(**_RANGE)).sessions[0].session_id
    tail = shop.ask("TailEvents", pb.TailEventsRequest(next_token=_token(2**62, 2**62)))
    found = shop.ask(
        "GetSession",
        pb.GetSessionRequest(session_id=session, next_token=_token(2**62, 2**62, 2**62)),
    )

    assert (list(tail.events), list(found.events)) == ([], [])


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"type": ["x"] * 21}, "type must have at most 20 values."),
        ({"filter": ["colour=red"]}, "filter[0] must be a name, = or !=, and a value."),
    ],
)
def test_an_invalid_filter_of_tail_is_rejected(
    shop: Asked, members: dict[str, Any], message: str
) -> None:
    failure = shop.failure("TailEvents", pb.TailEventsRequest(**members))

    assert failure.startswith(f"INVALID_ARGUMENT: {message}")


def test_tail_begins_with_the_latest_events_and_follows(loop: LoopThread, tmp_path: Any) -> None:
    with asked(loop, tmp_path) as shop:
        shop.create("shop")
        empty = shop.ask("TailEvents", pb.TailEventsRequest())
        shop.put(1, [_batch(*({"n": number} for number in range(5)))])
        first = shop.ask("TailEvents", pb.TailEventsRequest(max_results=3))
        followed = pb.TailEventsRequest(next_token=empty.next_token)
        all_five = shop.ask("TailEvents", followed)
        shop.put(1, [_batch({"n": 5})])
        second = shop.ask("TailEvents", pb.TailEventsRequest(next_token=first.next_token))

    def numbers(response: pb.TailEventsResponse) -> list[int]:
        return [json.loads(e.document)["event_details"]["n"] for e in response.events]

    assert numbers(empty) == []
    assert numbers(first) == [2, 3, 4]
    assert numbers(all_five) == [0, 1, 2, 3, 4]
    assert numbers(second) == [5]


def test_a_long_page_ends_early(loop: LoopThread, tmp_path: Any) -> None:
    """gRPC clients accept 4 MiB unless they are told otherwise."""
    with asked(loop, tmp_path) as shop:
        shop.create("shop")
        shop.put(1, [_batch(*({"text": "x" * 300_000} for _ in range(8))) for _ in range(3)])
        request = pb.GetSessionRequest(session_id=_SESSION)
        events = list(_pages(shop, "GetSession", request, "events"))
        first = shop.ask("TailEvents", pb.TailEventsRequest(next_token=_token(0, 0)))

    assert len(events) == 24
    assert 0 < len(first.events) < 24
    assert first.ByteSize() < 4 << 20


def test_the_country_that_the_service_found_is_in_documents(
    loop: LoopThread, tmp_path: Path
) -> None:
    with asked(loop, tmp_path) as shop:
        shop.create("shop")
        shop.put(1, [_batch({"n": 1})._replace(country="NZ")])
        response = shop.ask("GetSession", pb.GetSessionRequest(session_id=_SESSION))
    document = json.loads(response.events[0].document)

    assert response.session.country == "NZ"
    assert document["metadata"]["countryCode"] == "NZ"


@pytest.mark.parametrize("kind", ["custom", "rrweb_event"])
def test_a_page_ends_early_if_it_has_read_many_batches(
    loop: LoopThread, tmp_path: Path, kind: str
) -> None:
    """The events of a session can alternate between batches of 4 MB, so that each needs its own."""
    parts = [{"events": [{"n": number}]} for number in range(3)]
    found: list[int] = []
    tokens = [""]
    with asked(loop, tmp_path) as shop, pytest.MonkeyPatch.context() as patched:
        patched.setattr("rum_projector.insight.documents._MAX_READ_BYTES", 1)
        shop.create("shop")
        shop.put(1, [_batch(*parts, kind=kind) for _ in range(5)])
        for _ in range(20):
            response = shop.ask(
                "ListReplayEvents" if kind == "rrweb_event" else "GetSession",
                (pb.ListReplayEventsRequest if kind == "rrweb_event" else pb.GetSessionRequest)(
                    session_id=_SESSION, next_token=tokens[-1]
                ),
            )
            found.append(len(response.events))
            tokens.append(response.next_token)
            if not tokens[-1]:
                break

    assert found == [1] * 15


def test_events_of_a_batch_that_was_read_do_not_end_a_page(
    loop: LoopThread, tmp_path: Path
) -> None:
    batches = [_batch({"n": 1}, {"n": 2}, {"n": 3}, at=10 * number) for number in range(5)]
    found, token = [], ""
    with asked(loop, tmp_path) as shop, pytest.MonkeyPatch.context() as patched:
        limit = 3 * batches[0].request.ByteSize() // 2
        patched.setattr("rum_projector.insight.documents._MAX_READ_BYTES", limit)
        shop.create("shop")
        shop.put(1, batches)
        for _ in range(20):
            request = pb.GetSessionRequest(session_id=_SESSION, next_token=token)
            response = shop.ask("GetSession", request)
            found.append(len(response.events))
            token = response.next_token
            if not token:
                break

    # The first event of the second batch exceeds the limit.
    assert found[0] == 4
    assert sum(found) == 15


def test_nothing_more_is_read_for_a_caller_that_has_gone(tmp_path: Path) -> None:
    stop = threading.Event()
    store = open_store(f"sqlite:///{tmp_path / 'log.sqlite3'}")
    documents = Documents(store.log, monitor_name="shop", account_id="1", stop=stop)
    before = documents.may_read_more
    stop.set()
    store.close()

    assert (before, documents.may_read_more) == (True, False)


def test_long_session_metadata_is_parsed_once_for_a_page(loop: LoopThread, tmp_path: Path) -> None:
    """It may have 64 KiB, and a batch 10,000 events."""
    stored = _batch(*({"n": number} for number in range(1000)))
    members = {f"k{number}": "v" * 100 for number in range(550)}
    stored.request.session_metadata = json.dumps(members)
    parsed = []
    with asked(loop, tmp_path) as shop:
        shop.create("shop")
        shop.put(1, [stored])
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(
                "rum_projector.insight.documents.parse_session_metadata",
                lambda request, country: parsed.append(request) or {},
            )
            request = pb.GetSessionRequest(session_id=_SESSION, max_results=1000)
            response = shop.ask("GetSession", request)

    assert len(response.events) == 1000
    assert len(parsed) == 1


_HOSTILE = [
    '{"n": "\\ud800"}',
    '{"n": NaN}',
    "not JSON",
    "[" * 5000,
    '{"message": "<img src=x onerror=alert(1)>", "type": "\\u0000\\u001b[31m"}',
    '{"n": ' + "9" * 5000 + "}",
    '{"request": {"method": "GET\\n", "url": "javascript:alert(1)"}, "response": []}',
    '{"value": 1e400}',
    "null",
    "",
]


@pytest.mark.parametrize("kind", ["js_error_event", "http_event", "rrweb_event", "x",
                                  "largest_contentful_paint_event"])  # fmt: skip
def test_hostile_events_are_shown_like_others(loop: LoopThread, tmp_path: Any, kind: str) -> None:
    with asked(loop, tmp_path) as shop:
        shop.create("shop")
        shop.put(1, [_batch(*_HOSTILE, kind=kind)])
        events = shop.ask("GetSession", pb.GetSessionRequest(session_id=_SESSION)).events
        replay = shop.ask("ListReplayEvents", pb.ListReplayEventsRequest(session_id=_SESSION))
        everything = {"after": START_MS - HOUR_MS, "before": START_MS + 10 * HOUR_MS}
        groups = shop.ask("ListErrorGroups", pb.ListErrorGroupsRequest(**everything)).groups
        for group in groups:
            request = pb.GetErrorGroupRequest(**everything, fingerprint=group.fingerprint)
            shop.ask("GetErrorGroup", request)

    assert len(events) == len(_HOSTILE)
    assert all(json.loads(event.document, parse_int=str) for event in events)
    assert (list(replay.events), list(replay.parts)) == ([], [])
    assert all(event.summary.isprintable() for event in events)


@pytest.mark.parametrize("size", [10, 200_000])
def test_a_replay_is_read_in_pages(loop: LoopThread, tmp_path: Any, size: int) -> None:
    recorded = [{"type": 3, "timestamp": number, "data": "x" * size} for number in range(40)]
    batches = [
        _batch({"events": recorded[start : start + 2]}, kind="rrweb_event", at=start, page="/cart")
        for start in range(0, 40, 2)
    ]
    with asked(loop, tmp_path) as shop:
        shop.create("shop")
        shop.put(1, [*reversed(batches), _batch({"pageId": "/"}, kind="page_view_event")])
        request = pb.ListReplayEventsRequest(session_id=_SESSION)
        first = shop.ask("ListReplayEvents", request)
        read = [json.loads(text) for text in _pages(shop, "ListReplayEvents", request, "events")]
        wanted = pb.ListSessionsRequest(after=START_MS, before=START_MS + HOUR_MS, has_replay=True)
        sessions = shop.ask("ListSessions", wanted).sessions

    assert read == recorded
    assert {(part.events, part.page) for part in first.parts} == {(2, "/cart")}
    assert sum(part.events for part in first.parts) == len(first.events)
    assert bool(first.next_token) == (size > 10)
    assert first.ByteSize() < 4 << 20
    assert [session.has_replay for session in sessions] == [True]


_SESSION = str(uuid.UUID(int=7))


def _batch(*details: Any, kind: str = "custom", at: int = 0, page: str = "/") -> Stored:
    """Return a batch of one session whose events have these details."""
    texts = [item if isinstance(item, str) else json.dumps(item) for item in details]
    request = PutRumEventsRequest(
        batch_id=str(uuid.uuid4()),
        user_details={"user_id": str(uuid.UUID(int=8)), "session_id": _SESSION},
        rum_events=[
            RumEvent(
                id=str(uuid.uuid4()),
                timestamp=START_MS / 1000 + at + number,
                type=kind if "." in kind or kind in ("x", "custom") else f"com.amazon.rum.{kind}",
                details=text,
                metadata=json.dumps({"pageId": page}),
            )
            for number, text in enumerate(texts)
        ],
    )
    return Stored(START_MS + HOUR_MS, request)


def _decoded(token: str) -> list[int]:
    parts = json.loads(base64.urlsafe_b64decode(token))
    assert isinstance(parts, list)
    return parts


def _token(*parts: int) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()
