"""Custom attributes: an invalid one is removed when its event is read back."""

from __future__ import annotations

import json

import pytest

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.events.attributes import valid_attributes
from rum_service.events.document import event_document, merged_metadata, parse_session_metadata


@pytest.mark.parametrize("key", ["a_b", "valid:key", "A9", "_", "k" * 128, "applicationVersion"])
def test_a_valid_key_is_kept(key: str) -> None:
    assert {key: 1} == valid_attributes({key: 1})


@pytest.mark.parametrize("key", ["aws:x", "a-b", "a b", "a.b", "", "k" * 129, "é", "a\n"])
def test_an_invalid_key_is_removed(key: str) -> None:
    assert valid_attributes({key: 1, "kept": 1}) == {"kept": 1}


@pytest.mark.parametrize("value", ["", "v" * 256, 0, -1.5, True, False], ids=repr)
def test_a_valid_value_is_kept(value: object) -> None:
    assert {"a": value} == valid_attributes({"a": value})


@pytest.mark.parametrize("value", [None, "v" * 257, 10**256, [], ["x"], {}, {"a": 1}])
def test_an_invalid_value_is_removed(value: object) -> None:
    assert valid_attributes({"a": value}) == {}


def test_the_first_ten_valid_custom_attributes_are_kept() -> None:
    metadata: dict[str, object] = {"bad key": 1, **{f"a{n}": n for n in range(12)}}

    assert [f"a{n}" for n in range(10)] == list(valid_attributes(metadata))


def test_members_set_by_clients_are_always_kept() -> None:
    own: dict[str, object] = {
        "version": "1.0.0",
        "domain": "localhost",
        "aws:client": "arw-module",
        "aws:clientVersion": "3.2.1",
        "aws:releaseId": "r" * 300,
        "aws:userAgent": "u" * 300,
        "pageTags": ["landing", "shop"],
        "interaction": 3,
    }
    metadata = {**{f"a{n}": n for n in range(10)}, **own}

    assert metadata == valid_attributes(metadata)


def test_session_attributes_come_before_those_of_the_event() -> None:
    request = PutRumEventsRequest(
        session_metadata=json.dumps({f"s{n}": n for n in range(9)} | {"domain": "x"})
    )
    event = RumEvent(metadata='{"e1":1,"s0":"event","e2":2}')

    expected = {"s0": "event", **{f"s{n}": n for n in range(1, 9)}, "domain": "x", "e1": 1}
    assert expected == merged_metadata(parse_session_metadata(request), event)


def test_no_part_of_the_document_has_a_removed_attribute() -> None:
    event = RumEvent(details="{}", metadata='{"good":"g","bad key":"b","domain":"x"}')
    request = PutRumEventsRequest(rum_events=[event])
    metadata = merged_metadata(parse_session_metadata(request), event)
    text = event_document(request, event, metadata, monitor_name="m", account_id="1")
    document = json.loads(text)

    assert document["metadata"] == {"good": "g", "domain": "x"}
    assert document["metadata_keys"] == ["good", "domain"]
    assert document["metadata_values"] == ["good=g", "domain=x"]
