"""Invalid puts get an error in AWS's form, readable by browsers, and are not stored."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bridge.wire import ORIGIN, Response, expect_error, send
from tests.support.batches import batch, event, new_id
from tests.support.running import OpenRum

_BAD = "bad"
"""The type of all events in this file that must not be stored."""


def _bad(**members: Any) -> dict[str, Any]:
    return event(**{"type": _BAD, **members})


def _body(*events: Any, **members: Any) -> bytes:
    return json.dumps(batch(list(events) or [_bad()], **members)).encode()


def _with_timestamp(number: str) -> bytes:
    body = _body(_bad(), _bad(timestamp=0.5))
    return body.replace(b'"timestamp": 0.5', b'"timestamp": %s' % number.encode())


def _with_alias(text: bytes) -> bytes:
    return _body(Alias="a").replace(b'"a"', b'"%s"' % text)


@pytest.fixture(scope="module")
def monitor_id(openrum: OpenRum) -> str:
    return openrum.monitor_id()


@pytest.fixture(autouse=True)
def _server_still_works(openrum: OpenRum, rum: Any, monitor_id: str) -> Iterator[None]:
    """After each test, a valid batch is stored and no event of an invalid one can be read."""
    yield
    good = batch()
    response = send(openrum.url, f"/appmonitors/{monitor_id}", good)
    read = rum.get_app_monitor_data(Name="my-app", TimeRange={"After": 0}, MaxResults=1)
    bad = {"Name": "EventType", "Values": [_BAD]}
    stored = rum.get_app_monitor_data(Name="my-app", TimeRange={"After": 0}, Filters=[bad])

    assert (response.status, response.body) == (200, b"")
    assert [good["RumEvents"][0]["id"]] == [json.loads(e)["event_id"] for e in read["Events"]]
    assert stored["Events"] == []


def _put(openrum: OpenRum, monitor_id: str, body: bytes, **headers: str) -> Response:
    sent = {"Origin": ORIGIN, **{name.replace("_", "-"): v for name, v in headers.items()}}
    return send(openrum.url, f"/appmonitors/{monitor_id}", body, headers=sent)


_ID = "2b0c2f5e-8a51-4c0e-9d3f-6f1c1d7e9a04"
_BAD_IDS = ["x", "", "g" * 36, _ID[:-1], _ID + "0", _ID.replace("-", ""), "日" * 36]
_BAD_TIMES = ["1e300", "-1e300", "1.7e12", "1514764800000000", "253402300801", "-62135596801"]

_TOO_DEEP = "The body is nested more than 100 levels deep"

_WRONG: dict[str, tuple[bytes, str]] = {
    # Not a JSON object.
    "empty": (b"", "The body is not JSON"),
    "broken": (b'{"RumEvents": [}', "The body is not JSON"),
    "truncated": (_body()[:-20], "The body is not JSON"),
    "two-documents": (_body() + _body(), "The body is not JSON"),
    "single-quotes": (_body().replace(b'"', b"'"), "The body is not JSON"),
    "two-byte-order-marks": (b"\xef\xbb\xbf" * 2 + _body(), "The body is not JSON"),
    "utf-16": (_body().decode().encode("utf-16"), "The body is not JSON"),
    "invalid-utf-8": (_with_alias(b"\xff\xfe"), "The body is not JSON"),
    "encoded-surrogate": (_with_alias(b"\xed\xa0\x80"), "The body is not JSON"),
    "control-character": (_with_alias(b"\x01"), "The body is not JSON"),
    "NaN": (_with_timestamp("NaN"), "The body is not JSON"),
    "Infinity": (_with_timestamp("Infinity"), "The body is not JSON"),
    "1e400": (_with_timestamp("1e400"), "The body is not JSON"),
    "deep-arrays": (b"[" * 100_000, _TOO_DEEP),
    "deep-objects": (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, _TOO_DEEP),
    "deep-unknown-member": (_body()[:-1] + b',"x":' + b"[" * 100 + b"]" * 100 + b"}", _TOO_DEEP),
    "deep-surrogate": (
        _body()[:-1] + b',"x":' + b"[" * 5000 + rb'"\ud800"' + b"]" * 5000 + b"}",
        _TOO_DEEP,
    ),
    "null": (b"null", "The body must be a JSON object"),
    "array": (b"[" + _body() + b"]", "The body must be a JSON object"),
    "string": (json.dumps(_body().decode()).encode(), "The body must be a JSON object"),
    # Missing members and members with a wrong type.
    **{f"{name}-missing": (_body(**{name: None}), name)
       for name in ("BatchId", "AppMonitorDetails", "UserDetails", "RumEvents")},
    "RumEvents-null": (_body()[:-1] + b',"RumEvents":null}', "RumEvents"),
    "BatchId-null": (_body()[:-1] + b',"BatchId":null}', "BatchId"),
    **{f"event-{name}-missing": (_body(event(), _bad(**{name: None})), f"RumEvents[1].{name}")
       for name in ("id", "timestamp", "details")},
    "event-type-missing": (_body(event(details='{"type": "bad"}', type=None)), "RumEvents[0].type"),
    **{f"{name}-a-number": (_body(**{name: 5}), name)
       for name in ("BatchId", "AppMonitorDetails", "UserDetails", "RumEvents", "Alias",
                    "SessionMetadata")},
    "RumEvents-an-empty-object": (_body(RumEvents={}), "RumEvents"),
    "RumEvents-an-empty-string": (_body(RumEvents=""), "RumEvents"),
    "event-null": (_body(_bad(), None), "RumEvents[1]"),
    **{f"event-{name}-an-object": (_body(event(), _bad(**{name: {}})), f"RumEvents[1].{name}")
       for name in ("id", "timestamp", "metadata", "details")},
    "event-timestamp-true": (_body(_bad(timestamp=True)), "RumEvents[0].timestamp"),
    "event-timestamp-a-string": (_body(_bad(timestamp="1735787045")), "RumEvents[0].timestamp"),
    # Values.
    **{f"BatchId={v!r}"[:40]: (_body(BatchId=v), "BatchId") for v in _BAD_IDS},
    **{f"event-id={v!r}"[:40]: (_body(event(), _bad(id=v)), "RumEvents[1].id") for v in _BAD_IDS},
    **{f"userId={v!r}"[:40]: (_body(UserDetails={"userId": v}), "UserDetails.userId")
       for v in _BAD_IDS},
    **{f"sessionId={v!r}"[:40]: (_body(UserDetails={"sessionId": v}), "UserDetails.sessionId")
       for v in _BAD_IDS},
    **{f"timestamp={v}": (_with_timestamp(v), "RumEvents[1].timestamp") for v in _BAD_TIMES},
    "Alias-empty": (_body(Alias=""), "Alias"),
    "Alias-too-long": (_body(Alias="a" * 256), "Alias"),
    "BatchId-with-newline": (_body(BatchId=new_id() + "\n"), "BatchId"),
    "BatchId-in-other-digits": (_body(BatchId="\u0661" * 8 + new_id()[8:]), "BatchId"),
    "duplicate-member-the-last-counts": (_body()[:-1] + b',"BatchId":"x"}', "BatchId"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "named"), _WRONG.values(), ids=_WRONG)
def test_an_invalid_body_is_rejected_with_the_name_of_the_member(
    openrum: OpenRum, monitor_id: str, body: bytes, named: str
) -> None:
    response = _put(openrum, monitor_id, body)

    expect_error(response, 400, "ValidationException")
    assert response.message.startswith(named)
    assert not response.message.removeprefix(named)[0].isalnum()


@pytest.mark.parametrize("bad_id", [v for v in _BAD_IDS if v.isascii() and v] + ["%E6", "a%00b"])
def test_an_id_that_is_not_a_uuid_is_rejected(openrum: OpenRum, bad_id: str) -> None:
    response = _put(openrum, bad_id, _body())

    expect_error(response, 400, "ValidationException")
    assert response.message.startswith("Id must match ")


def test_an_unknown_id_is_not_found(openrum: OpenRum) -> None:
    missing = new_id()
    response = _put(openrum, missing, _body())

    expect_error(response, 404, "ResourceNotFoundException")
    assert json.loads(response.body)["resourceName"] == missing


def test_more_than_ten_thousand_events_are_rejected(openrum: OpenRum, monitor_id: str) -> None:
    def many(count: int) -> bytes:
        small = {"timestamp": 1, "type": _BAD, "details": "{}"}
        return gzip.compress(_body(*({"id": new_id(), **small} for _ in range(count))), 1)

    for count in (10_001, 20_000):
        response = _put(openrum, monitor_id, many(count), Content_Encoding="gzip")
        expect_error(response, 400, "ValidationException")
        assert response.message == "RumEvents must have at most 10000 items."


def test_a_batch_without_events_is_stored(openrum: OpenRum, monitor_id: str) -> None:
    """The AWS model has no minimum, and boto3 sends such batches."""
    response = _put(openrum, monitor_id, json.dumps(batch(0)).encode())

    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize(
    "members",
    [
        {"Unknown": {"deep": [1, None]}},
        {"AppMonitorDetails": {}, "UserDetails": {}},
        {"UserDetails": {"userId": "00000000-0000-0000-0000-000000000000"}},
        {"UserDetails": {"userId": None, "sessionId": None}},
        {"Alias": None, "SessionMetadata": "no JSON"},
        {"BatchId": _ID.upper()},
    ],
    ids=str,
)
def test_an_unusual_but_valid_batch_is_stored(
    openrum: OpenRum, monitor_id: str, members: dict[str, Any]
) -> None:
    assert _put(openrum, monitor_id, json.dumps(batch(**members)).encode()).status == 200


def test_a_byte_order_mark_is_ignored(openrum: OpenRum, monitor_id: str) -> None:
    """PowerShell writes one at the start of a file, which curl then sends."""
    body = "\ufeff".encode() + json.dumps(batch()).encode()

    assert _put(openrum, monitor_id, body).status == 200


@pytest.mark.parametrize("content_type", ["text/html", "application/x-www-form-urlencoded",
                                          "multipart/form-data; boundary=x", "application/jsonx",
                                          "application/octet-stream", "json"])  # fmt: skip
def test_an_unknown_content_type_is_rejected(
    openrum: OpenRum, monitor_id: str, content_type: str
) -> None:
    response = _put(openrum, monitor_id, _body(), Content_Type=content_type)

    expect_error(response, 415, "UnsupportedMediaTypeException")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"])
def test_only_post_is_allowed(openrum: OpenRum, monitor_id: str, method: str) -> None:
    response = send(
        openrum.url, f"/appmonitors/{monitor_id}", method=method, headers={"Origin": ORIGIN}
    )

    expect_error(response, 405, "MethodNotAllowedException")
    assert response.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/appmonitor",
        "/appmonitors/{id}/x",
        "/appmonitors/{id}%2Fx",
        "/appmonitors/{id}//",
        "/appmonitors/%2F{id}",
        "/APPMONITORS/{id}",
        "/appmonitors.php?id={id}",
    ],
)
def test_events_on_another_path_are_rejected(openrum: OpenRum, monitor_id: str, path: str) -> None:
    response = send(openrum.url, path.format(id=monitor_id), _body(), headers={"Origin": ORIGIN})

    assert 400 <= response.status < 500
    assert response.error_type
    assert response.message
