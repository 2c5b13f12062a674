"""The service behind the gRPC-JSON transcoder of a real Envoy that has only the descriptor set.

Any transcoder, such as grpc-gateway, can serve the documented REST API from the contract.
The bridge differs from such a transcoder:

- A transcoder's error body is google.rpc.Status with the exception as a detail. The bridge sends
  `{"message": ...}` with x-amzn-ErrorType, which AWS SDKs need to raise an exception, and
  Retry-After. A transcoder reports malformed JSON as text.
- ServiceQuotaExceededException is 400 instead of 402, because no gRPC code maps to 402.
- A transcoder rejects gzipped bodies.
- It does not support CORS. Preflights get 404, so pages of other sites cannot send with fetch.
- Envoy stores beacons because it ignores the media type. Other transcoders may check it.
- Paths have no prefix, and a successful response has the body `{}` instead of none.
- Each request is a separate call. Requests are not combined, and none waits during a restart.
"""

from __future__ import annotations

import gzip
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc_tools
import pytest
from grpc_tools import protoc

from tests.e2e.failures import SMALL_QUEUE, broken_store, full_queue
from tests.e2e.sent import comparable, expected_events
from tests.e2e.stored import stored_events
from tests.support.batches import batch, event, new_id
from tests.support.running import OpenRum
from tests.tools import envoy
from tests.tools.toolbox import tools_needed

_PROTO = Path(__file__).parents[2] / "proto"
_SERVICES = ["rum.v1.DataPlaneService", "rum.v1.ControlPlaneService"]
_JSON = {"Content-Type": "application/json"}

Response = tuple[int, Any]
Call = Callable[..., Response]


@pytest.fixture(scope="module")
def openrum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    """A server whose queue `full_queue` can fill."""
    server = OpenRum(tmp_path_factory.mktemp("openrum"), **SMALL_QUEUE)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def call(openrum: OpenRum, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    """Calls Envoy and returns the status and the body, which is parsed if it is JSON."""
    descriptors = _descriptor_set(tmp_path_factory.mktemp("descriptors") / "rum.binpb")
    with tools_needed(), envoy.transcoder(descriptors, _SERVICES, openrum.grpc) as port:

        def send(
            method: str, path: str, body: object = None, headers: dict[str, str] = _JSON
        ) -> Response:
            data = json.dumps(body).encode() if isinstance(body, dict) else body
            url = f"http://127.0.0.1:{port}{path}"
            return _send(urllib.request.Request(url, data, headers, method=method))  # type: ignore[arg-type]

        yield send


def _descriptor_set(out: Path) -> bytes:
    includes = [_PROTO, _PROTO / "third_party", Path(grpc_tools.__file__).parent / "_proto"]
    options = [f"-I{folder}" for folder in includes]
    options += ["--include_imports", f"--descriptor_set_out={out}"]
    sources = [str(path) for path in sorted(_PROTO.glob("rum/v1/*.proto"))]
    assert protoc.main(["protoc", *options, *sources]) == 0
    return out.read_bytes()


def _send(request: urllib.request.Request) -> Response:
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            text = error.read().decode(errors="replace")
            is_json = error.headers["content-type"] == "application/json"
            return error.code, json.loads(text) if is_json else text


def _events_of(server: OpenRum, *bodies: dict[str, Any]) -> list[dict[str, Any]]:
    ids = {body["BatchId"] for body in bodies}
    return [event for event in stored_events(server.grpc) if event["batch_id"] in ids]


# The data plane


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_documented_body_is_stored(openrum: OpenRum, call: Call, slash: str) -> None:
    monitor = openrum.monitor_id()
    body = batch(
        [event(timestamp=1735787045.678, details='{"text": "日本 🛒"}'), event(metadata=None)],
        SessionMetadata='{"browserName": "Chromium", "pageId": "loses"}',
        Unknown={"newer": "clients"},
    )
    path = f"/appmonitors/{monitor}{slash}"
    responses = [call("POST", path, body), call("POST", path, body)]
    found = comparable(_events_of(openrum, body))

    assert responses == [(200, {}), (200, {})]
    assert found == expected_events(monitor, [body])
    assert {e["metadata"]["browserName"] for e in found} == {"Chromium"}
    assert {e["metadata"]["pageId"] for e in found} == {"/", "loses"}


def _exception(name: str, **members: object) -> dict[str, object]:
    return {"@type": f"type.googleapis.com/rum.v1.{name}", **members}


_RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}


def test_an_error_has_its_documented_status_and_the_exception_as_a_detail(
    openrum: OpenRum, call: Call
) -> None:
    path, unknown = f"/appmonitors/{openrum.monitor_id()}", new_id()
    body, wrong = batch(), batch(BatchId="x")
    invalid = call("POST", path, wrong)
    missing = call("POST", f"/appmonitors/{unknown}", body)
    with full_queue(openrum):
        throttled = call("POST", path, body)
    messages = [response[1].pop("message") for response in (invalid, missing, throttled)]

    wait = {"serviceCode": "rum", "quotaCode": "waiting-batches", "retryAfterSeconds": 1}
    found = {"resourceName": unknown, "resourceType": "AppMonitor"}
    details = [
        _exception("ValidationException", message=messages[0]),
        _exception("ResourceNotFoundException", message=messages[1], **found),
        _exception("ThrottlingException", message=messages[2], **wait),
        _RETRY_INFO,
    ]
    assert messages[0].startswith("BatchId must match ")
    assert invalid == (400, {"code": 3, "details": details[:1]})
    assert missing == (404, {"code": 5, "details": details[1:2]})
    assert throttled == (429, {"code": 8, "details": details[2:]})
    assert _events_of(openrum, body, wrong) == []


def test_a_failing_store_is_500_and_the_put_can_be_retried(openrum: OpenRum, call: Call) -> None:
    body = batch()
    path = f"/appmonitors/{openrum.monitor_id()}"
    with broken_store(openrum):
        status, error = call("POST", path, body)
    again = call("POST", path, body)

    assert (status, error["code"], error["details"]) == (
        500,
        13,
        [
            _exception(
                "InternalServerException",
                message="Internal service exception.",
                retryAfterSeconds=1,
            ),
            _RETRY_INFO,
        ],
    )
    assert (again, len(_events_of(openrum, body))) == ((200, {}), 1)


def test_a_transcoder_lacks_gzip_cors_and_path_prefixes(openrum: OpenRum, call: Call) -> None:
    path = f"/appmonitors/{openrum.monitor_id()}"
    beacon, gzipped = batch(), batch()
    packed = gzip.compress(json.dumps(gzipped).encode())
    preflight = {"Origin": "http://shop.example", "Access-Control-Request-Method": "POST"}
    statuses = [
        call("POST", path, json.dumps(beacon).encode(), {"Content-Type": "text/plain"})[0],
        call("POST", path, packed, {**_JSON, "Content-Encoding": "gzip"})[0],
        call("OPTIONS", path, None, preflight)[0],
        call("POST", f"/prefix{path}", batch())[0],
    ]

    assert statuses == [200, 400, 404, 404]
    assert isinstance(call("POST", path, b"{not json")[1], str)
    assert len(_events_of(openrum, beacon, gzipped)) == 1


# The control plane


def test_app_monitors_are_created_listed_updated_and_deleted(call: Call) -> None:
    created = call("POST", "/appmonitor", {"Name": "shop", "Domain": "shop.example"})
    conflict = call("POST", "/appmonitor", {"Name": "shop", "Domain": "shop.example"})
    changed = call("PATCH", "/appmonitor/shop", {"DomainList": ["a.example", "b.example"]})
    read = call("GET", "/appmonitor/shop")
    first = call("POST", "/appmonitors?maxResults=1")
    rest = call("POST", f"/appmonitors?maxResults=1&nextToken={first[1]['NextToken']}")
    deleted = call("DELETE", "/appmonitor/shop")
    gone = call("GET", "/appmonitor/shop")

    assert [a[0] for a in (created, conflict, changed, deleted, gone)] == [200, 409, 200, 200, 404]
    assert conflict[1]["details"][0]["@type"].endswith("/rum.v1.ConflictException")
    assert read[1]["AppMonitor"]["Id"] == created[1]["Id"]
    assert read[1]["AppMonitor"]["DomainList"] == ["a.example", "b.example"]
    listed = [*first[1]["AppMonitorSummaries"], *rest[1]["AppMonitorSummaries"]]
    assert [monitor["Name"] for monitor in listed] == ["my-app", "shop"]


def test_events_are_read_back_page_by_page(call: Call) -> None:
    new = {"Name": "read", "Domain": "localhost", "CustomEvents": {"Status": "ENABLED"}}
    created = call("POST", "/appmonitor", new)[1]["Id"]
    body = batch([event(timestamp=1735787045 + n, type=f"t{n}") for n in range(3)])
    put = call("POST", f"/appmonitors/{created}", body)
    request = {"TimeRange": {"After": 1735787045000}, "MaxResults": 2}
    first = call("POST", "/appmonitor/read/data", request)[1]
    rest = call("POST", "/appmonitor/read/data", {**request, "NextToken": first["NextToken"]})[1]

    documents = [json.loads(text) for text in first["Events"] + rest["Events"]]
    assert (put, len(first["Events"])) == ((200, {}), 2)
    assert comparable(documents) == expected_events(created, [body])
    assert "NextToken" not in rest
