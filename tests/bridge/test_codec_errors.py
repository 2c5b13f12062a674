"""Errors of the codec name the member as it is spelled in the JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rum_bridge.errors import HttpError
from rum_bridge.json_text import load_json
from rum_bridge.puts.codec import decode_put
from tests.support.batches import batch, event, new_id

_STRINGS = ("BatchId", "Alias", "SessionMetadata")
_STRUCTURES = {
    "AppMonitorDetails": ("id", "name", "version"),
    "UserDetails": ("userId", "sessionId"),
}
_EVENT_STRINGS = ("id", "type", "metadata", "details")


def _error(body: bytes) -> HttpError:
    with pytest.raises(HttpError) as error:
        decode_put(new_id(), load_json(body), "r")
    return error.value


_WRONG = {
    "a string": (5, 1.5, True, False, [], {}, ["x"]),
    "an object": (5, True, False, "", "x", [], [{}]),
    "an array": (5, True, False, "", "x", {}, {"a": 1}),
    "a number": (True, False, "", "1", [], {}),
}

_TOO_DEEP = "The body is nested more than 100 levels deep."


def _wrong_members() -> Iterator[Any]:
    for name in _STRINGS:
        yield from (_case(name, "a string", batch(**{name: w}), w) for w in _WRONG["a string"])
    for name, members in _STRUCTURES.items():
        yield from (_case(name, "an object", batch(**{name: w}), w) for w in _WRONG["an object"])
        for member in members:
            path = f"{name}.{member}"
            for w in _WRONG["a string"]:
                yield _case(path, "a string", batch(**{name: {member: w}}), w)
    yield from (_case("RumEvents", "an array", batch(RumEvents=w), w) for w in _WRONG["an array"])
    for w in (None, *_WRONG["an object"]):
        yield _case("RumEvents[1]", "an object", batch([event(), w]), w)
    for name, kind in {
        **dict.fromkeys(_EVENT_STRINGS, "a string"),
        "timestamp": "a number",
    }.items():
        for w in _WRONG[kind]:
            yield _case(f"RumEvents[1].{name}", kind, batch([event(), event(**{name: w})]), w)


def _case(path: str, kind: str, document: dict[str, Any], wrong: object) -> Any:
    message = f"{path} must be {kind}."
    return pytest.param(document, message, id=f"{path}={json.dumps(wrong)}")


@pytest.mark.parametrize(("document", "message"), list(_wrong_members()))
def test_a_wrong_type_is_rejected_with_the_name_of_the_member(
    document: dict[str, Any], message: str
) -> None:
    error = _error(json.dumps(document).encode())

    assert (400, "ValidationException", message) == (
        error.status,
        error.error_type,
        error.message,
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body is not JSON."),
        (b"{", "The body is not JSON."),
        (b"\xff", "The body is not JSON."),
        (b'{"RumEvents":[{"timestamp":NaN}]}', "The body is not JSON."),
        (b"[" * 5000 + b"]" * 5000, _TOO_DEEP),
        (b'{"a":"\\ud800","b":' + b"[" * 100_000, _TOO_DEEP),
        (b'{"a":"\\ud800","b":' + b"[" * 5000 + b"]" * 5000 + b"}", _TOO_DEEP),
        (b'{"a":"\\ud800","b":NaN}', "The body is not JSON."),
        (b"[]", "The body must be a JSON object."),
        (b'"\\ud800"', "The body must be a JSON object."),
        (b"null", "The body must be a JSON object."),
        (b"{}", "RumEvents is required."),
        (b'{"RumEvents":null}', "RumEvents is required."),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_that_is_not_a_document_is_rejected(body: bytes, message: str) -> None:
    error = _error(body)

    assert (400, message) == (error.status, error.message)


@pytest.mark.parametrize("number", ["1e400", "1" + "0" * 400, "-1e400", "1" + "0" * 5000])
@pytest.mark.parametrize("alias", ["whole", "\\ud800"])
def test_a_number_beyond_the_range_of_a_double_is_rejected(number: str, alias: str) -> None:
    body = f'{{"Alias":"{alias}","RumEvents":[{{"timestamp":{number}}}]}}'.encode()
    error = _error(body)

    assert error.status == 400


@pytest.mark.parametrize("item", [b"[],", b"{},", b"[[[]]],", b"1,"], ids=str)
def test_a_long_body_with_many_values_is_rejected_before_it_is_parsed(item: bytes) -> None:
    # The comma at the end is wrong JSON: a parser would say so.
    error = _error(b'{"X":[' + item * (300_000 // len(item)) + b"]}")

    assert error.message == "The body has too many lists, objects or values for its length."


def test_a_long_batch_of_ordinary_events_is_accepted() -> None:
    body = json.dumps(batch(2_000)).encode()

    assert len(body) > 256 << 10
    assert decode_put(new_id(), load_json(body), "r")
