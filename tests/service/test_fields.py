"""The number of fields in a serialized message is bounded without parsing it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.ingest.fields import (
    field_count,
    has_more_fields,
    has_more_nested_fields,
    text_field,
)

_LONG = 256 << 10


@pytest.mark.parametrize(("events", "more"), [(999, False), (1000, False), (1001, True)])
def test_the_events_of_a_long_request_are_counted(events: int, more: bool) -> None:
    request = PutRumEventsRequest(rum_events=[RumEvent(details="x" * 300)] * events)
    content = request.SerializeToString()

    assert len(content) > _LONG
    assert has_more_fields(content, 1000) is more


def test_a_short_request_is_not_counted() -> None:
    content = PutRumEventsRequest(rum_events=[RumEvent()] * 2000).SerializeToString()

    assert not has_more_fields(content, 1000)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def _field(number: int, kind: int, value: bytes) -> bytes:
    return _varint(number << 3 | kind) + value


def _text(number: int, value: bytes) -> bytes:
    return _field(number, 2, _varint(len(value)) + value)


# None of them is a member of a request.
NUMBERS = st.integers(8, 2**20)
FIELDS = st.one_of(
    st.builds(lambda n, value: _field(n, 0, _varint(value)), NUMBERS, st.integers(0, 2**63)),
    st.builds(lambda n, value: _field(n, 1, value), NUMBERS, st.binary(min_size=8, max_size=8)),
    st.builds(lambda n, value: _field(n, 5, value), NUMBERS, st.binary(min_size=4, max_size=4)),
    st.builds(_text, NUMBERS, st.binary(max_size=300)),
)


@settings(deadline=None)
@given(st.lists(FIELDS, min_size=1, max_size=30))
def test_fields_of_every_kind_are_counted(fields: list[bytes]) -> None:
    """The padding makes the message long enough to be counted."""
    content = b"".join([*fields, _text(2**20 + 1, bytes(_LONG))])

    assert PutRumEventsRequest.FromString(content)
    assert not has_more_fields(content, len(fields) + 1)
    assert has_more_fields(content, len(fields))


@pytest.mark.parametrize(
    "content",
    [b"\xff\xff", b"\x2a\xff", b"\0\0", b"\x2b\x2c", b"\x2a\0"],
    ids=["endless-key", "long-length", "field-0", "groups", "empty-events"],
)
def test_counting_ends_for_any_bytes(content: bytes) -> None:
    has_more_fields(content * _LONG, 1000)


@pytest.mark.parametrize(("events", "more"), [(299, False), (300, True)])
def test_the_fields_of_messages_in_a_message_are_counted(events: int, more: bool) -> None:
    """Each event has two fields in it, and the ID of the request makes one more."""
    event = RumEvent(id="1" * 20, timestamp=1.0)
    request = PutRumEventsRequest(id="x", rum_events=[event] * events)

    content = request.SerializeToString()

    assert has_more_nested_fields(content, PutRumEventsRequest.DESCRIPTOR, 899) is more


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_counting_fields_in_messages_ends_for_any_bytes(content: bytes) -> None:
    has_more_nested_fields(content, PutRumEventsRequest.DESCRIPTOR, 10)


@settings(deadline=None)
@given(st.lists(st.text(max_size=20), max_size=4), st.integers(0, 20))
def test_members_are_read_from_a_serialized_request(ids: list[str], events: int) -> None:
    """Of several IDs the parser takes the last one."""
    head = b"".join(_text(1, value.encode()) for value in ids)
    content = head + PutRumEventsRequest(rum_events=[RumEvent(id="e")] * events).SerializeToString()
    parsed = PutRumEventsRequest.FromString(content)

    assert text_field(content, 1, 100) == parsed.id
    assert field_count(content, 5, 100) == len(parsed.rum_events)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_reading_members_ends_for_any_bytes(content: bytes) -> None:
    assert field_count(content, 5, 10) <= 10
    text_field(content, 1, 10)
