"""A PutRumEventsRequest must meet the documented constraints; messages name the member."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rum.v1.data_plane_service_pb2 import (
    AppMonitorDetails,
    PutRumEventsRequest,
    RumEvent,
    UserDetails,
)
from rum_service.errors import ValidationException
from rum_service.events.identifiers import UUID_PATTERN
from rum_service.ingest.validation import check_id, validate
from tests.support.batches import message, new_id

MAX_EVENTS = 5
MUST_MATCH = f"must match {UUID_PATTERN}."
WRONG_TIME = "must be seconds since the Unix epoch, in the years 1 to 9999."
VALID_UUID = "2b0c2f5e-8a51-4c0e-9d3f-6f1c1d7e9a04"
INVALID_UUIDS = {
    "short": new_id()[:-1],
    "long": new_id() + "0",
    "no-hyphens": "0" * 36,
    "not-hexadecimal": new_id()[:-1] + "g",
    "braces": "{" + new_id()[1:-1] + "}",
    "newline": new_id()[:-1] + "\n",
    "trailing-newline": new_id() + "\n",
    "non-ascii-digit": new_id()[:-1] + "٣",
    "space": " " + new_id()[1:],
}

Change = Callable[[PutRumEventsRequest], object]


def changed(change: Change) -> PutRumEventsRequest:
    request = message(new_id(), events=3)
    change(request)
    return request


def rejection(request: PutRumEventsRequest) -> str:
    """Return the message that the request is rejected with."""
    with pytest.raises(ValidationException) as rejected:
        check_id(request.id)
        validate(request, max_events=MAX_EVENTS)
    return rejected.value.message


MISSING: dict[str, Change] = {
    "Id": lambda r: r.ClearField("id"),
    "BatchId": lambda r: r.ClearField("batch_id"),
    "AppMonitorDetails": lambda r: r.ClearField("app_monitor_details"),
    "UserDetails": lambda r: r.ClearField("user_details"),
    "RumEvents[1].id": lambda r: r.rum_events[1].ClearField("id"),
    "RumEvents[1].timestamp": lambda r: r.rum_events[1].ClearField("timestamp"),
    "RumEvents[2].type": lambda r: r.rum_events[2].ClearField("type"),
    "RumEvents[0].details": lambda r: r.rum_events[0].ClearField("details"),
    "UserDetails.userId": lambda r: setattr(r.user_details, "user_id", ""),
    "UserDetails.sessionId": lambda r: setattr(r.user_details, "session_id", ""),
}


@pytest.mark.parametrize("member", MISSING)
def test_a_missing_required_member_is_named(member: str) -> None:
    assert rejection(changed(MISSING[member])) == f"{member} is required."


UUIDS: dict[str, Callable[[PutRumEventsRequest, str], object]] = {
    "Id": lambda r, text: setattr(r, "id", text),
    "BatchId": lambda r, text: setattr(r, "batch_id", text),
    "UserDetails.userId": lambda r, text: setattr(r.user_details, "user_id", text),
    "UserDetails.sessionId": lambda r, text: setattr(r.user_details, "session_id", text),
    "RumEvents[2].id": lambda r, text: setattr(r.rum_events[2], "id", text),
}


@pytest.mark.parametrize("text", INVALID_UUIDS.values(), ids=INVALID_UUIDS)
@pytest.mark.parametrize("member", UUIDS)
def test_an_id_that_is_not_a_uuid_is_named(member: str, text: str) -> None:
    assert rejection(changed(lambda r: UUIDS[member](r, text))) == f"{member} {MUST_MATCH}"


@pytest.mark.parametrize("member", UUIDS)
@pytest.mark.parametrize(
    "text", [VALID_UUID, VALID_UUID.upper(), "0" * 8 + "-0000" * 3 + "-" + "0" * 12]
)
def test_any_uuid_is_valid_in_either_case(member: str, text: str) -> None:
    validate(changed(lambda r: UUIDS[member](r, text)), max_events=MAX_EVENTS)


@pytest.mark.parametrize(
    "timestamp",
    [math.nan, math.inf, -math.inf, 1_726_000_000_000.0, 253_402_300_800.0, -62_135_596_800.001],
)
def test_a_timestamp_out_of_range_is_named(timestamp: float) -> None:
    request = changed(lambda r: setattr(r.rum_events[1], "timestamp", timestamp))

    assert rejection(request) == f"RumEvents[1].timestamp {WRONG_TIME}"


@pytest.mark.parametrize(
    "timestamp", [0.0, -0.0, 1_726_000_000.123456, -62_135_596_800.0, 253_402_300_799.999]
)
def test_any_timestamp_in_the_years_1_to_9999_is_valid(timestamp: float) -> None:
    request = changed(lambda r: setattr(r.rum_events[1], "timestamp", timestamp))

    validate(request, max_events=MAX_EVENTS)


@pytest.mark.parametrize("alias", ["", "x" * 256, "é" * 256])
def test_an_alias_of_the_wrong_length_is_named(alias: str) -> None:
    request = changed(lambda r: setattr(r, "alias", alias))

    assert rejection(request) == "Alias must have 1 to 255 characters."


@pytest.mark.parametrize("alias", [None, "x", "é" * 255])
def test_an_alias_is_optional_and_has_at_most_255_characters(alias: str | None) -> None:
    validate(message(new_id(), alias=alias), max_events=MAX_EVENTS)


def test_more_events_than_the_setting_allows_are_rejected() -> None:
    assert rejection(message(new_id(), events=MAX_EVENTS + 1)) == (
        f"RumEvents must have at most {MAX_EVENTS} items."
    )


@pytest.mark.parametrize("events", [0, MAX_EVENTS])
def test_a_batch_can_have_zero_events_or_the_maximum_number(events: int) -> None:
    validate(message(new_id(), events=events), max_events=MAX_EVENTS)


def test_members_without_a_documented_constraint_can_be_empty() -> None:
    event = RumEvent(id=new_id(), timestamp=0, type="", details="", metadata="")
    request = message(new_id(), events=0, session_metadata="")
    request.user_details.CopyFrom(UserDetails())
    request.rum_events.append(event)

    validate(request, max_events=MAX_EVENTS)


def test_the_first_invalid_member_is_named() -> None:
    def break_three(request: PutRumEventsRequest) -> None:
        request.rum_events[2].id = "third"
        request.rum_events[1].ClearField("details")
        request.rum_events[1].timestamp = math.nan

    assert rejection(changed(break_three)) == "RumEvents[1].details is required."


def test_a_message_contains_no_value_from_the_request() -> None:
    assert "private" not in rejection(changed(lambda r: setattr(r, "batch_id", "private")))


_uuids = st.from_regex(UUID_PATTERN, fullmatch=True)
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_maybe_uuid, _maybe_text = st.none() | _uuids, st.none() | _text
_events = st.builds(
    RumEvent,
    id=_uuids,
    timestamp=st.floats(-62_135_596_800, 253_402_300_799.999),
    type=_text,
    metadata=_maybe_text,
    details=_text,
)
_requests = st.builds(
    PutRumEventsRequest,
    id=_uuids,
    batch_id=_uuids,
    app_monitor_details=st.builds(
        AppMonitorDetails, id=_maybe_text, name=_maybe_text, version=_maybe_text
    ),
    user_details=st.builds(UserDetails, user_id=_maybe_uuid, session_id=_maybe_uuid),
    rum_events=st.lists(_events, max_size=MAX_EVENTS),
    alias=st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=255),
    session_metadata=_maybe_text,
)


@settings(max_examples=60, deadline=None)
@given(request=_requests)
def test_any_request_that_meets_the_constraints_is_valid(request: PutRumEventsRequest) -> None:
    validate(request, max_events=MAX_EVENTS)


@settings(max_examples=60, deadline=None)
@given(request=_requests, data=st.data())
def test_the_only_invalid_member_of_a_request_is_named(
    request: PutRumEventsRequest, data: st.DataObject
) -> None:
    not_a_uuid = data.draw(_text.filter(lambda text: len(text) != 36))
    invalid_members: dict[str, Callable[[], object]] = {
        "Id": lambda: setattr(request, "id", not_a_uuid),
        "BatchId": lambda: setattr(request, "batch_id", not_a_uuid),
        "AppMonitorDetails": lambda: request.ClearField("app_monitor_details"),
        "UserDetails": lambda: request.ClearField("user_details"),
        "UserDetails.userId": lambda: setattr(request.user_details, "user_id", not_a_uuid),
        "UserDetails.sessionId": lambda: setattr(request.user_details, "session_id", not_a_uuid),
        "Alias": lambda: setattr(request, "alias", "x" * 256),
    }
    for index, event in enumerate(request.rum_events):
        invalid_members |= {
            f"RumEvents[{index}].id": lambda event=event: setattr(event, "id", not_a_uuid),
            f"RumEvents[{index}].timestamp": lambda event=event: event.ClearField("timestamp"),
            f"RumEvents[{index}].type": lambda event=event: event.ClearField("type"),
            f"RumEvents[{index}].details": lambda event=event: event.ClearField("details"),
        }
    member = data.draw(st.sampled_from(sorted(invalid_members)))
    invalid_members[member]()

    assert rejection(request).split()[0] == member
