"""The codec against json_format, the reference for ProtoJSON.

Wherever json_format and the codec differ, a row of DIFFERENCES says so and why; on every other
document hypothesis finds, both refuse, or both give the same message.
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
from rum_bridge.codec import decode_put, load_json
from rum_bridge.errors import HttpError
from tests.support.batches import batch

_ID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
_OBJECTS = ("AppMonitorDetails", "UserDetails")


def _reference(body: bytes) -> PutRumEventsRequest | None:
    """What json_format makes of a body, the path's id put in; None where it refuses."""
    try:
        message = json_format.Parse(body, PutRumEventsRequest(), ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, OverflowError, RecursionError):
        return None
    message.id = _ID
    return message


def _decoded(body: bytes) -> PutRumEventsRequest | HttpError:
    """What the codec makes of a body, or its refusal."""
    try:
        entries = BatchPutRumEventsRequest.FromString(decode_put(_ID, load_json(body), "r")).entries
    except HttpError as error:
        return error
    assert [entry.request_id for entry in entries] == ["r"]
    return entries[0].request


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
    """A place where the codec is meant to differ from json_format."""

    name: str
    reason: str
    body: str
    """An example."""
    codec_accepts: bool
    applies: Callable[[dict[str, Any]], bool] = lambda _: False
    """Whether a generated document has it; never, where the generator makes no such document."""


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
        "the documented timestamp is a number; no client sends ProtoJSON's strings",
        '{"RumEvents":[{"timestamp":"1.5"}]}',
        False,
        lambda document: any(isinstance(t, str) for t in _timestamps(document)),
    ),
    Difference(
        "bool as a number",
        "Python takes true for 1; JSON does not",
        '{"RumEvents":[{"timestamp":true}]}',
        False,
        lambda document: any(isinstance(t, bool) for t in _timestamps(document)),
    ),
    Difference(
        "string or array as an object",
        "json_format walks through anything that can be walked through and finds no member",
        '{"AppMonitorDetails":[],"RumEvents":["x"]}',
        False,
        lambda document: any(isinstance(o, str | list) for o in _objects(document)),
    ),
    Difference(
        "NaN in a member that is ignored",
        "it is not JSON; Python's json module reads it all the same",
        '{"RumEvents":[],"x":NaN}',
        False,
    ),
    Difference(
        "lone surrogate",
        "boto3 can send it; the batch is kept with U+FFFD in the place of half a character",
        '{"RumEvents":[],"Alias":"a\\ud800b"}',
        True,
    ),
    Difference(
        "member twice",
        "as in most JSON readers the last one wins; AWS says nothing",
        '{"RumEvents":[],"Alias":"a","Alias":"b"}',
        True,
    ),
]
# Not refused by either: the codec reads the documented names only, json_format the field's too.
_IGNORED_NAMES = ("batch_id", "app_monitor_details", "rum_events", "session_metadata", "Id", "id")


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.name)
def test_every_difference_is_still_one(difference: Difference) -> None:
    body = difference.body.encode()

    assert difference.codec_accepts == (_accepted(body) is not None)
    assert difference.codec_accepts == (_reference(body) is None)


@pytest.mark.parametrize("name", _IGNORED_NAMES)
def test_undocumented_spellings_are_unknown_members(name: str) -> None:
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
    """Mostly `strategy`, sometimes null, sometimes any JSON."""
    return st.integers(0, 24).flatmap(
        lambda dice: _SOME_JSON if dice == 0 else st.none() if dice == 1 else strategy
    )


def _object(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object in which each member may be missing, and others may be there."""
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
    ],
)
def test_half_characters_become_the_replacement_character(escaped: str, text: str) -> None:
    outcome = _accepted(f'{{"Alias":"{escaped}","RumEvents":[]}}'.encode())

    assert outcome is not None
    assert text == outcome.alias


def test_joined_entries_are_one_batch_of_them() -> None:
    """What the coalescer rests on."""
    entries = [decode_put(_ID, batch(number), f"r{number}") for number in range(3)]
    together = BatchPutRumEventsRequest.FromString(b"".join(entries)).entries

    assert [(entry.request_id, len(entry.request.rum_events)) for entry in together] == [
        ("r0", 0),
        ("r1", 1),
        ("r2", 2),
    ]
