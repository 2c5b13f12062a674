"""The document of an event has AWS's members, and details and metadata as they were sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rum.v1.data_plane_service_pb2 import (
    AppMonitorDetails,
    PutRumEventsRequest,
    RumEvent,
    UserDetails,
)
from rum_service.events.attributes import valid_attributes
from rum_service.events.document import event_document, merged_metadata, parse_session_metadata
from tests.service.conftest import UseCases
from tests.service.test_readback import at, of

# Valid JSON objects that are easy to change by mistake, or hard to parse.
OBJECTS = {
    "long-integer": '{"n":' + "9" * 5_000 + "}",
    "long-fraction": '{"n":0.1000000000000000055511151231257827}',
    "beyond-a-double": '{"n":1e999,"m":-1E+400}',
    "kinds-of-zero": '{"n":[-0,0.0,-0.0,0e0]}',
    "spaces": ' {"a" :\t1 ,\r\n"b":2} ',
    "repeated-key": '{"a":1,"a":2}',
    "lone-surrogate": '{"a":"\\ud83d","\\ude00":"\\u0000"}',
    "escapes": '{"a":"\\u00e9\\/\\n"}',
    "raw-characters": '{"a":"日本\u2028😀"}',
    "nested": '{"a":' + "[" * 99 + "]" * 99 + "}",
    "empty": "{}",
    "odd-version": '{"version":{"a":[1]}}',
}
# Other texts that a client may send.
OTHER_TEXTS = {
    "empty": "",
    "text": "page viewed",
    "nan": '{"n":NaN}',
    "infinity": '{"n":-Infinity}',
    "list": "[1,2]",
    "number": "7",
    "null": "null",
    "cut": '{"a":"b',
    "two": '{"a":1}{"b":2}',
    "closing": '{},"userId":"someone else"',
    "byte-order-mark": "\ufeff{}",
    "control-character": '{"a":"\u0000"}',
    "nested-too-deeply": '{"a":' + "[" * 100 + "]" * 100 + "}",
    "deep": "[" * 100_000,
    "deep-object": '{"a":' * 5_000 + "1" + "}" * 5_000,
}


def strict(text: str) -> Any:
    """Parse JSON as JavaScript does, without NaN and Infinity."""

    def reject(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=reject, parse_int=str, parse_float=str)


def text_of(event: RumEvent, session_metadata: str = "") -> str:
    request = PutRumEventsRequest(session_metadata=session_metadata)
    metadata = merged_metadata(parse_session_metadata(request), event)
    return event_document(request, event, metadata, monitor_name="shop", account_id="0" * 12)


@pytest.mark.parametrize("details", OBJECTS.values(), ids=OBJECTS)
async def test_details_that_are_an_object_are_returned_verbatim(
    use_cases: UseCases, details: str
) -> None:
    shop = await use_cases.create()
    await use_cases.put(of(shop, at(1, details=details)))

    document = (await use_cases.page()).events[0]

    assert document.endswith(f',"event_details":{details}}}')
    assert strict(document)["event_details"] == strict(details)


@pytest.mark.parametrize("details", OTHER_TEXTS.values(), ids=OTHER_TEXTS)
async def test_details_that_are_not_an_object_are_returned_as_a_string(
    use_cases: UseCases, details: str
) -> None:
    shop = await use_cases.create()
    await use_cases.put(of(shop, at(1, details=details)))

    document = strict((await use_cases.page()).events[0])

    assert document["event_details"] == details
    assert document["userId"] != "someone else"


@pytest.mark.parametrize("text", [*OBJECTS.values(), *OTHER_TEXTS.values()])
async def test_events_with_any_metadata_can_be_read(use_cases: UseCases, text: str) -> None:
    """An event that cannot be read would hide all older events."""
    shop = await use_cases.create()
    event = at(1, metadata=text)
    await use_cases.put(of(shop, at(1)), of(shop, event, session_metadata=text))

    documents = [strict(document) for document in (await use_cases.page()).events]

    assert len(documents) == 2
    if isinstance(documents[0]["metadata"], str):
        assert documents[0]["metadata"] == text


@pytest.mark.parametrize(("depth", "is_object"), [(100, True), (101, False)])
def test_json_nested_more_than_100_deep_is_a_string(depth: int, is_object: bool) -> None:
    lists = "[" * (depth - 1) + "]" * (depth - 1)
    text = f'{{"pageTags":{lists}}}'

    document = strict(text_of(RumEvent(metadata=text, details=text)))

    expected = strict(text) if is_object else text
    assert (expected, expected) == (document["metadata"], document["event_details"])


@pytest.mark.parametrize(("length", "is_object"), [(65_536, True), (65_537, False)])
def test_longer_session_metadata_is_left_out(length: int, is_object: bool) -> None:
    session = f'{{"domain":"{"x" * (length - 13)}"}}'

    document = strict(text_of(RumEvent(details="{}"), session))

    assert len(session) == length
    assert bool(document["metadata"]) is is_object


def test_every_event_is_merged_with_a_few_members_of_the_session_only() -> None:
    session = json.dumps({**{f"key{number}": number for number in range(3000)}, "domain": "a"})
    request = PutRumEventsRequest(session_metadata=session)

    parsed = parse_session_metadata(request)

    assert parsed == {**{f"key{number}": number for number in range(10)}, "domain": "a"}
    assert merged_metadata(parsed, RumEvent(metadata='{"domain":"b"}')) == {**parsed, "domain": "b"}


_APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_MAC = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_APPLE} Version/18.1 Safari/605.1.15"
_IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {_APPLE}"


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        pytest.param(
            "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
            ("Firefox", "143.0", "Linux", None, "desktop"),
            id="firefox",
        ),
        pytest.param(
            "Mozilla/5.0 (Android 14; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0",
            ("Firefox", "143.0", "Android", "14", "mobile"),
            id="firefox-android",
        ),
        pytest.param(_MAC, ("Safari", "18.1", "Mac OS", "10.15.7", "desktop"), id="safari"),
        pytest.param(
            f"{_IPHONE} CriOS/141.0.7390.41 Mobile/15E148 Safari/604.1",
            ("Chrome", "141.0.7390.41", "iOS", "18.1", "mobile"),
            id="chrome-ios",
        ),
        pytest.param("\ud800", (None,) * 5, id="unknown"),
        pytest.param([_MAC], (None,) * 5, id="not-text"),
    ],
)
def test_a_user_agent_alone_adds_what_aws_rum_web_1_would_send(
    user_agent: object, expected: tuple[str | None, ...]
) -> None:
    names = ("browserName", "browserVersion", "osName", "osVersion", "deviceType")
    sent = {"aws:userAgent": user_agent, "pageId": "/"}

    document = strict(text_of(RumEvent(details="{}", metadata=json.dumps(sent))))

    assert document["metadata"] == sent | {
        name: value for name, value in zip(names, expected, strict=True) if value
    }


def test_members_that_the_client_sent_are_not_replaced_from_its_user_agent() -> None:
    own = {"aws:userAgent": _MAC, "osName": "mine", "deviceType": "tv"}
    known = {"aws:userAgent": _MAC, "browserName": "mine"}

    added, unchanged = (
        strict(text_of(RumEvent(details="{}", metadata=json.dumps(sent))))["metadata"]
        for sent in (own, known)
    )

    assert added == own | {
        "browserName": "Safari",
        "browserVersion": "18.1",
        "osVersion": "10.15.7",
    }
    assert unchanged == known


@pytest.mark.parametrize(
    ("metadata", "interaction"),
    [
        ('{"pageId":"/","interaction":0}', "%2F-0 &"),
        ('{"pageId":"/a b?","interaction":12}', "%2Fa%20b%3F-12 &"),
        ('{"pageId":"/"}', "%2F-0 &"),
        ('{"interaction":3}', ""),
        ('{"pageId":"\\ud83d","interaction":"\\ud83d"}', "%3F-\ud83d &"),
        ('{"pageId":{"a":1}}', "%7B%22a%22%3A1%7D-0 &"),
    ],
)
def test_the_interaction_is_the_escaped_page_and_a_count(metadata: str, interaction: str) -> None:
    document = strict(text_of(RumEvent(metadata=metadata, details="{}")))

    assert document["event_interaction"] == interaction


def test_metadata_of_the_event_overrides_that_of_the_session() -> None:
    event = RumEvent(metadata='{"pageId":"/own","interaction":1}', details="{}")
    session = '{"pageId":"/","browserName":"Chrome","domain":"a.example"}'

    document = strict(text_of(event, session))

    assert document["metadata"] == {
        "pageId": "/own",
        "browserName": "Chrome",
        "domain": "a.example",
        "interaction": "1",
    }
    assert document["metadata_keys"] == ["pageId", "browserName", "domain", "interaction"]
    assert document["metadata_values"] == [
        "pageId=/own",
        "browserName=Chrome",
        "domain=a.example",
        "interaction=1",
    ]


def test_a_document_has_the_members_of_the_aws_cli_example() -> None:
    """Source: awscli/examples/rum/get-app-monitor-data.rst."""
    request = PutRumEventsRequest(
        id="0a1b2c3d-0000-4000-8000-00000000000a",
        batch_id="0a1b2c3d-0000-4000-8000-00000000000b",
        app_monitor_details=AppMonitorDetails(version="1.4.0"),
        user_details=UserDetails(user_id="a-user", session_id="a-session"),
    )
    event = RumEvent(
        id="0a1b2c3d-0000-4000-8000-00000000000c",
        timestamp=1_726_000_000.256,
        type="com.amazon.rum.page_view_event",
        metadata='{"version":"1.0.0","pageId":"/","interaction":0,"pageTags":["a"]}',
        details='{"version":"1.1.0","pageId":"/"}',
    )
    metadata = merged_metadata(parse_session_metadata(request), event)

    text = event_document(request, event, metadata, monitor_name="shop", account_id="1" * 12)

    assert json.loads(text) == {
        "userId": "a-user",
        "sessionId": "a-session",
        "application_id": request.id,
        "application_version": "1.4.0",
        "application_name": "shop",
        "event_id": event.id,
        "event_timestamp": 1_726_000_000_256,
        "event_type": "com.amazon.rum.page_view_event",
        "event_version": "1.1.0",
        "log_stream": {"seconds": 1_726_000_000, "nanos": 256_000_000},
        "batch_id": request.batch_id,
        "metadata": {"version": "1.0.0", "pageId": "/", "interaction": 0, "pageTags": ["a"]},
        "metadata_keys": ["version", "pageId", "interaction", "pageTags"],
        "metadata_values": ["version=1.0.0", "pageId=/", "interaction=0", 'pageTags=["a"]'],
        "event_details": {"version": "1.1.0", "pageId": "/"},
        "user_details": {"sessionId": "a-session", "userId": "a-user"},
        "account_id": "1" * 12,
        "event_interaction": "%2F-0 &",
    }


def test_the_name_from_the_client_overrides_that_of_the_app_monitor() -> None:
    request = PutRumEventsRequest(app_monitor_details=AppMonitorDetails(name="mine"))
    text = event_document(request, RumEvent(), {}, monitor_name="shop", account_id="0" * 12)

    assert json.loads(text)["application_name"] == "mine"


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(details=_texts | _json.map(json.dumps), metadata=_texts | _json.map(json.dumps))
def test_the_document_of_any_event_is_json_and_contains_it(details: str, metadata: str) -> None:
    document = strict(text_of(RumEvent(details=details, metadata=metadata), metadata))

    assert document["event_details"] in (details, _read(details))
    read = _read(metadata)
    attributes = valid_attributes(read) if isinstance(read, dict) else {}
    assert document["metadata"] in (metadata, attributes)


def _read(text: str) -> Any:
    """Return the value of a JSON text, with numbers as text; None for any other text."""
    try:
        return json.loads(text, parse_int=str, parse_float=lambda number: str(float(number)))
    except ValueError:
        return None
