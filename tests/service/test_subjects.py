"""Which events tell of a user or a session, and what is left of their batches."""

from __future__ import annotations

import json

import pytest

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.events.subjects import Subject
from rum_service.ingest.validation import check_id, validate
from tests.support.batches import new_id

USER = "0a1b2c3d-4e5f-4789-8abc-def012345678"
OTHER = "11111111-2222-4333-8444-555555555555"
MONITOR = "99999999-2222-4333-8444-555555555555"


def event(at_s: float = 1_000.5, **members: str) -> RumEvent:
    return RumEvent(timestamp=at_s, **{"id": new_id(), "type": "t", "details": "{}", **members})


def batch(*events: RumEvent, user: str = OTHER, session: str = OTHER) -> PutRumEventsRequest:
    return PutRumEventsRequest(
        id=MONITOR,
        batch_id=new_id(),
        app_monitor_details={},
        user_details={"user_id": user, "session_id": session},
        rum_events=events,
    )


def with_member(name: str, text: str) -> PutRumEventsRequest:
    request = batch(event(), event())
    if name in ("alias", "session_metadata"):
        setattr(request, name, text)
    else:
        setattr(request.app_monitor_details, name, text)
    return request


@pytest.mark.parametrize(
    ("subject", "request_"),
    [
        (Subject("user", USER), batch(event(), event(), user=USER)),
        (Subject("user", USER), batch(event(), event(), user=USER.upper())),
        (Subject("session", USER), batch(event(), event(), session=USER)),
        (Subject("user", USER), with_member("session_metadata", f'{{"account":"{USER}"}}')),
        (Subject("user", USER), with_member("alias", USER)),
        (Subject("user", USER), with_member("name", f"for {USER}")),
    ],
    ids=["user", "upper-case", "session", "session-metadata", "alias", "application"],
)
def test_nothing_is_left_of_a_batch_of_the_subject(
    subject: Subject, request_: PutRumEventsRequest
) -> None:
    left = subject.remainder(request_.SerializeToString())

    assert left is not None
    assert (left.erased_events, left.event_count, left.first_ms) == (2, 0, None)
    emptied = PutRumEventsRequest.FromString(left.content)
    check_id(emptied.id)
    validate(emptied, max_events=0)
    assert emptied == PutRumEventsRequest(
        id=request_.id, batch_id=request_.batch_id, app_monitor_details={}, user_details={}
    )
    assert subject.remainder(left.content) is None


@pytest.mark.parametrize(
    "members",
    [
        {"metadata": json.dumps({"account": USER})},
        {"details": json.dumps({"request": {"url": f"https://shop.example/users/{USER}/cart"}})},
        {"details": json.dumps({"text": json.dumps({"user": USER.upper()})})},
        {"metadata": json.dumps({"é": USER}, ensure_ascii=False)},
        {"details": '{"user":"' + "".join(f"\\u{ord(char):04x}" for char in USER) + '"}'},
        {"details": '{"user":"' + USER.replace("-", "\\u002D") + '"}'},
        {"details": f"not JSON: {USER}"},
        {"type": f"seen.{USER}"},
    ],
    ids=["metadata", "url", "nested", "unicode", "escaped", "hyphens", "text", "type"],
)
def test_events_of_another_user_that_contain_the_id_are_erased(members: dict[str, str]) -> None:
    first, named, last = event(3.25), event(1.0, **members), event(2.5)
    request = batch(first, named, last)

    left = Subject("user", USER).remainder(request.SerializeToString())

    assert left is not None
    assert (left.erased_events, left.event_count) == (1, 2)
    assert (left.first_ms, left.last_ms) == (2_500, 3_250)
    del request.rum_events[1]
    assert PutRumEventsRequest.FromString(left.content) == request
    assert Subject("user", USER).remainder(left.content) is None


def test_a_batch_whose_only_event_contains_the_id_keeps_nothing_of_its_user() -> None:
    request = batch(event(details=json.dumps(USER)))

    left = Subject("user", USER).remainder(request.SerializeToString())

    assert left is not None
    assert (left.erased_events, left.event_count) == (1, 0)
    assert OTHER.encode() not in left.content


def test_a_batch_without_events_is_emptied_of_its_user() -> None:
    left = Subject("user", USER).remainder(batch(user=USER).SerializeToString())

    assert left is not None
    assert (left.erased_events, left.event_count) == (0, 0)
    assert USER.encode() not in left.content


@pytest.mark.parametrize(
    "request_",
    [
        batch(event(), event()),
        batch(),
        batch(event(details='{"text":"\\u00e9"}')),
        batch(event(), session=USER),
        batch(event(details=json.dumps(USER.replace("-", "")))),
        PutRumEventsRequest(id=USER, batch_id=USER, rum_events=[event(id=USER)]),
    ],
    ids=["others", "no-events", "escape", "session-of-that-id", "no-hyphens", "other-ids"],
)
def test_a_batch_that_does_not_tell_of_the_user_is_not_changed(
    request_: PutRumEventsRequest,
) -> None:
    assert Subject("user", USER).remainder(request_.SerializeToString()) is None
