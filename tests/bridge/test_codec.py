"""The codec compared with json_format, the reference implementation of ProtoJSON.

DIFFERENCES lists the intended differences and their reasons. For every other document that
hypothesis generates, both reject it or both return the same message.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsRequest
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_bridge.errors import HttpError
from rum_bridge.json_text import MAX_NESTING, load_json
from rum_bridge.puts.codec import decode_put
from tests.support.batches import batch

_ID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
_OBJECTS = ("AppMonitorDetails", "UserDetails")


def _reference(body: bytes) -> PutRumEventsRequest | None:
    """Return json_format's message for a body, with the ID of the path; None if it is rejected."""
    try:
        message = json_format.Parse(body, PutRumEventsRequest(), ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, OverflowError, RecursionError):
        return None
    message.id = _ID
    return message


def _decoded(body: bytes) -> PutRumEventsRequest | HttpError:
    """Return the codec's message for a body, or its error."""
    try:
        entries = BatchPutRumEventsRequest.FromString(decode_put(_ID, load_json(body), "r")).entries
    except HttpError as error:
        return error
    assert [entry.request_id for entry in entries] == ["r"]
    return PutRumEventsRequest.FromString(entries[0].request)


def _accepted(body: bytes) -> PutRumEventsRequest | None:
    outcome = _decoded(body)
    return None if isinstance(outcome, HttpError) else outcome


def _events(document: dict[str, Any]) -> list[Any]:
    events = document.get("RumEvents")
    return events if isinstance(events, list) else []


def _objects(document: dict[str, Any]) -> Iterator[Any]:
    yield from (document.get(name) for name in _OBJECTS)
    yield from _events(document)


def _timestamps(document: dict[str, Any]) -> Iterator[Any]:
    yield from (e.get("timestamp") for e in _events(document) if isinstance(e, dict))


@dataclass(frozen=True)
class Difference:
    """An intended difference between the codec and json_format."""

    name: str
    reason: str
    body: str
    """An example."""
    codec_accepts: bool
    applies: Callable[[dict[str, Any]], bool] = lambda _: False
    """Whether a generated document has the difference. Some are never generated."""


DIFFERENCES = [
    Difference(
        "RumEvents absent",
        "the member is required, and only JSON shows whether it was there",
        "{}",
        False,
        lambda document: document.get("RumEvents") is None,
    ),
    Difference(
        "number as a string",
        "the documented timestamp is a number; no client sends the strings that ProtoJSON allows",
        '{"RumEvents":[{"timestamp":"1.5"}]}',
        False,
        lambda document: any(isinstance(t, str) for t in _timestamps(document)),
    ),
    Difference(
        "bool as a number",
        "true is a number in Python but not in JSON",
        '{"RumEvents":[{"timestamp":true}]}',
        False,
        lambda document: any(isinstance(t, bool) for t in _timestamps(document)),
    ),
    Difference(
        "string or array as an object",
        "json_format iterates over them and finds no member",
        '{"AppMonitorDetails":[],"RumEvents":["x"]}',
        False,
        lambda document: any(isinstance(o, str | list) for o in _objects(document)),
    ),
    Difference(
        "NaN in an unknown member",
        "it is not JSON, but Python's json module accepts it",
        '{"RumEvents":[],"x":NaN}',
        False,
    ),
    Difference(
        "lone surrogate",
        "boto3 can send it; the codec replaces it with U+FFFD to keep the batch",
        '{"RumEvents":[],"Alias":"a\\ud800b"}',
        True,
    ),
    Difference(
        "nested more than 100 levels deep",
        "the limit must not depend on the interpreter, as that of Python's json module does",
        '{"RumEvents":[],"x":' + "[" * 100 + "]" * 100 + "}",
        False,
    ),
    Difference(
        "member twice",
        "the last one wins, as in most JSON parsers; AWS does not document it",
        '{"RumEvents":[],"Alias":"a","Alias":"b"}',
        True,
    ),
]
# The codec reads only the documented names. json_format also reads the names of the fields.
_IGNORED_NAMES = ("batch_id", "app_monitor_details", "rum_events", "session_metadata", "Id", "id")


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.name)
def test_every_listed_difference_exists(difference: Difference) -> None:
    body = difference.body.encode()

    assert difference.codec_accepts == (_accepted(body) is not None)
    assert difference.codec_accepts == (_reference(body) is None)


@pytest.mark.parametrize("name", _IGNORED_NAMES)
def test_undocumented_names_are_ignored(name: str) -> None:
    with_it = _accepted(json.dumps({"RumEvents": [], name: []}).encode())

    assert _accepted(b'{"RumEvents":[]}') == with_it


_SOME_TEXT = st.text(max_size=20)
_SOME_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | _SOME_TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_SOME_TEXT, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
_TIMESTAMPS = (
    st.integers()
    | st.integers(min_value=-(10**330), max_value=10**330)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, -0.0, 1735787045.678, 1e308, 5e-324, 10**400, 2**53 + 1, 2**64, -(2**63)])
)


def _nearly(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Usually draw from `strategy`, sometimes null or any JSON."""
    return st.integers(0, 24).flatmap(
        lambda dice: _SOME_JSON if dice == 0 else st.none() if dice == 1 else strategy
    )


def _object(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw an object in which members may be missing and unknown members may be present."""
    known = st.fixed_dictionaries({}, optional=members)
    unknown = st.dictionaries(
        _SOME_TEXT.filter(lambda name: name not in _IGNORED_NAMES), _SOME_JSON, max_size=1
    )
    return st.tuples(known, unknown).map(lambda both: {**both[1], **both[0]})


_TEXT = _nearly(_SOME_TEXT)
_EVENT = _object(
    id=_TEXT, timestamp=_nearly(_TIMESTAMPS), type=_TEXT, metadata=_TEXT, details=_TEXT
)
_REST = _object(
    BatchId=_TEXT,
    AppMonitorDetails=_nearly(_object(id=_TEXT, name=_TEXT, version=_TEXT)),
    UserDetails=_nearly(_object(userId=_TEXT, sessionId=_TEXT)),
    Alias=_TEXT,
    SessionMetadata=_TEXT,
)
_EVENTS = _nearly(st.lists(_nearly(_EVENT), max_size=3))
_DOCUMENT = st.tuples(_REST, _EVENTS).map(lambda both: {**both[0], "RumEvents": both[1]})


@settings(max_examples=500, deadline=None)
@given(document=_DOCUMENT, escaped=st.booleans())
@example(document={"RumEvents": {}}, escaped=True)
@example(document={"RumEvents": ""}, escaped=True)
@example(document={"RumEvents": [{"timestamp": 10**400}]}, escaped=True)
def test_codec_and_json_format_agree(document: dict[str, Any], escaped: bool) -> None:
    body = json.dumps(document, ensure_ascii=escaped).encode()
    mine = _accepted(body)

    if any(difference.applies(document) for difference in DIFFERENCES):
        assert mine is None
    else:
        assert _reference(body) == mine


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        ("a\\ud800b", "a\ufffdb"),
        ("\\udc00\\ud800", "\ufffd\ufffd"),
        ("\\ud83d\\ude00 \\ud83d", "\U0001f600 \ufffd"),
        ("\\uD800\\u0041", "\ufffdA"),
        ("\\ud83d\\ud83d\\ude00", "\ufffd\U0001f600"),
        ("\\\\ud800 \\ud800", "\\ud800 \ufffd"),
    ],
)
def test_lone_surrogates_become_the_replacement_character(escaped: str, text: str) -> None:
    outcome = _accepted(f'{{"Alias":"{escaped}","RumEvents":[]}}'.encode())

    assert outcome is not None
    assert text == outcome.alias


@pytest.mark.parametrize("text", ["1", '"\\ud800"'], ids=["number", "lone surrogate"])
@pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ('{"a":', "}")], ids=["arrays", "objects"]
)
def test_100_levels_are_accepted(opening: str, closing: str, text: str) -> None:
    deep = opening * (MAX_NESTING - 1) + text + closing * (MAX_NESTING - 1)

    assert set(load_json(f'{{"x":{deep}}}'.encode())) == {"x"}


@pytest.mark.parametrize("levels", [MAX_NESTING + 1, 1024, 1025, 40_000])
@pytest.mark.parametrize("text", ["1", '"\\ud800"'], ids=["number", "lone surrogate"])
def test_more_levels_are_rejected_with_the_same_message(text: str, levels: int) -> None:
    deep = '{"a":' * levels + text + "}" * levels
    with pytest.raises(HttpError) as rejected:
        load_json(deep.encode())

    assert rejected.value.message == "The body is nested more than 100 levels deep."


def test_concatenated_requests_are_one_request() -> None:
    """The coalescer relies on this."""
    entries = [decode_put(_ID, batch(number), f"r{number}") for number in range(3)]
    together = BatchPutRumEventsRequest.FromString(b"".join(entries)).entries

    puts = [PutRumEventsRequest.FromString(entry.request) for entry in together]
    assert [
        (entry.request_id, len(put.rum_events)) for entry, put in zip(together, puts, strict=True)
    ] == [
        ("r0", 0),
        ("r1", 1),
        ("r2", 2),
    ]
