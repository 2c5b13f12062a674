"""What the codec refuses, it refuses by the member's name as it is spelled on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rum_bridge.codec import decode_put, load_json
from rum_bridge.errors import HttpError
from tests.support.batches import batch, event, new_id

_STRINGS = ("BatchId", "Alias", "SessionMetadata")
_STRUCTURES = {
    "AppMonitorDetails": ("id", "name", "version"),
    "UserDetails": ("userId", "sessionId"),
}
_EVENT_STRINGS = ("id", "type", "metadata", "details")


def _refusal(body: bytes) -> HttpError:
    with pytest.raises(HttpError) as refused:
        decode_put(new_id(), load_json(body), "r")
    return refused.value


_WRONG = {
    "a string": (5, 1.5, True, False, [], {}, ["x"]),
    "an object": (5, True, False, "", "x", [], [{}]),
    "an array": (5, True, False, "", "x", {}, {"a": 1}),
    "a number": (True, False, "", "1", [], {}),
}


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
def test_a_wrong_type_is_refused_by_name(document: dict[str, Any], message: str) -> None:
    refusal = _refusal(json.dumps(document).encode())

    assert (400, "ValidationException", message) == (
        refusal.status,
        refusal.error_type,
        refusal.message,
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body is not JSON."),
        (b"{", "The body is not JSON."),
        (b"\xff", "The body is not JSON."),
        (b'{"RumEvents":[{"timestamp":NaN}]}', "The body is not JSON."),
        (b"[" * 5000 + b"]" * 5000, "The body is not JSON."),
        (b'{"a":"\\ud800","b":' + b"[" * 100_000, "The body is not JSON."),
        (b'{"a":"\\ud800","b":' + b"[" * 5000 + b"]" * 5000 + b"}", "The body is not JSON."),
        (b'{"a":"\\ud800","b":NaN}', "The body is not JSON."),
        (b"[]", "The body must be a JSON object."),
        (b'"\\ud800"', "The body must be a JSON object."),
        (b"null", "The body must be a JSON object."),
        (b"{}", "RumEvents is required."),
        (b'{"RumEvents":null}', "RumEvents is required."),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_document_is_refused(body: bytes, message: str) -> None:
    refusal = _refusal(body)

    assert (400, message) == (refusal.status, refusal.message)


@pytest.mark.parametrize("number", ["1e400", "1" + "0" * 400, "-1e400", "1" + "0" * 5000])
@pytest.mark.parametrize("alias", ["whole", "\\ud800"])
def test_a_number_no_double_can_hold_is_refused(number: str, alias: str) -> None:
    body = f'{{"Alias":"{alias}","RumEvents":[{{"timestamp":{number}}}]}}'.encode()
    refusal = _refusal(body)

    assert refusal.status == 400
