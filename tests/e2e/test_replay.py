"""Every captured put, replayed over real connections, is stored exactly as sent, and once."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from rum.v1.app_monitor_pb2 import CustomEvents
from rum.v1.control_plane_service_pb2 import (
    CreateAppMonitorRequest,
    DeleteAppMonitorRequest,
)
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from tests.support.running import OpenRum, read_back, run_openrum
from tests.support.traffic import MONITOR_ID, NAMES, CapturedRequest, load

_CONNECTIONS = 4
_PUTS = [name for name in NAMES if name != "boto3-control-plane"]

Response = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def server(openrum: OpenRum) -> OpenRum:
    """A server with an app monitor `replayed` that has the ID in the captures."""
    create = ("monitors", "create", "replayed", "--id", MONITOR_ID)
    assert f"{MONITOR_ID}\n" == run_openrum(*create, OPENRUM_SERVICE=openrum.grpc).stdout
    return openrum


@pytest.fixture
def replayed(server: OpenRum) -> Iterator[OpenRum]:
    """The server, with an empty app monitor."""
    yield server
    with grpc.insecure_channel(server.grpc) as channel:
        control_plane = ControlPlaneServiceStub(channel)
        control_plane.DeleteAppMonitor(DeleteAppMonitorRequest(name="replayed"))
        control_plane.CreateAppMonitor(
            CreateAppMonitorRequest(
                name="replayed",
                id=MONITOR_ID,
                domain="localhost",
                custom_events=CustomEvents(status="ENABLED"),
            )
        )


@pytest.mark.parametrize("name", _PUTS)
def test_every_captured_batch_is_read_back_once_exactly_as_sent(
    replayed: OpenRum, name: str
) -> None:
    captured = load(name)
    batches = {
        request.document["BatchId"]: request.document
        for request in captured
        if request.method == "POST" and not _is_rejected(request)
    }

    for _ in range(2):  # the second round is a retry
        for request, (status, headers, body) in zip(
            captured, replay(replayed, captured), strict=True
        ):
            if request.method == "OPTIONS":
                _assert_allowed(request, status, headers)
            elif _is_rejected(request):
                assert (status, headers["x-amzn-errortype"]) == (400, "ValidationException")
            else:
                assert (status, body) == (200, b"")
                if request.header("origin"):
                    assert headers["access-control-allow-origin"] == "*"
        _assert_each_stored_once(batches, read_back(replayed.grpc, "replayed"))


def test_the_captured_batch_whose_id_is_not_a_uuid_is_rejected(replayed: OpenRum) -> None:
    rejected = [request for request in load("boto3-put-rum-events") if _is_rejected(request)]
    ((status, headers, body),) = replay(replayed, rejected)

    assert (status, headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert json.loads(body)["message"].startswith("BatchId must match ")
    assert read_back(replayed.grpc, "replayed") == []


def test_replaying_all_captures_at_once_loses_and_duplicates_nothing(replayed: OpenRum) -> None:
    captured = [request for name in _PUTS for request in load(name) if request.method == "POST"] * 2
    documents = [request.document for request in captured if not _is_rejected(request)]
    batches = {document["BatchId"]: document for document in documents}

    responses = replay(replayed, captured, connections=16)

    assert Counter({200: len(documents), 400: 2}) == Counter(status for status, _, _ in responses)
    _assert_each_stored_once(batches, read_back(replayed.grpc, "replayed"))


def _is_rejected(request: CapturedRequest) -> bool:
    return bool(request.document) and request.document["BatchId"] == 36 * "z"


def replay(
    server: OpenRum, captured: list[CapturedRequest], connections: int = _CONNECTIONS
) -> list[Response]:
    """Send the requests over several connections at once and return the responses in order."""

    def replay_share(first: int) -> list[Response]:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
        try:
            return [_send(connection, request) for request in captured[first::connections]]
        finally:
            connection.close()

    responses: list[Any] = [None] * len(captured)
    with ThreadPoolExecutor(connections) as pool:
        for first, share in enumerate(pool.map(replay_share, range(connections))):
            responses[first::connections] = share
    return responses


def _send(connection: http.client.HTTPConnection, request: CapturedRequest) -> Response:
    connection.putrequest(request.method, request.url, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers:
        connection.putheader(name, value)
    connection.endheaders(request.body)
    response = connection.getresponse()
    body = response.read()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, body


def _assert_allowed(request: CapturedRequest, status: int, headers: dict[str, str]) -> None:
    requested = (request.header("access-control-request-headers") or "").split(",")
    allowed = {name.strip() for name in headers["access-control-allow-headers"].lower().split(",")}

    assert status == 200
    assert headers["access-control-allow-origin"] in ("*", request.header("origin"))
    assert "POST" in headers["access-control-allow-methods"]
    assert set(requested) <= allowed
    assert headers["access-control-max-age"] == "7200"


def _assert_each_stored_once(batches: dict[str, Any], documents: list[str]) -> None:
    found = [(json.loads(document), document) for document in documents]

    assert Counter(
        (batch_id, event["id"])
        for batch_id, batch in batches.items()
        for event in batch["RumEvents"]
    ) == Counter((event["batch_id"], event["event_id"]) for event, _ in found)
    in_batch: dict[str, list[tuple[Any, str]]] = {}
    for event, document in reversed(found):
        in_batch.setdefault(event["batch_id"], []).append((event, document))
    for batch_id, events in in_batch.items():
        batch = batches[batch_id]
        for sent, (event, document) in zip(batch["RumEvents"], events, strict=True):
            _assert_equal(batch, sent, event, document)


_DERIVED = {"browserName", "browserVersion", "osName", "osVersion", "deviceType"}


def _assert_equal(batch: Any, sent: Any, event: Any, document: str) -> None:
    user = {name: batch["UserDetails"].get(name, "") for name in ("sessionId", "userId")}
    session = json.loads(batch.get("SessionMetadata", "{}"))
    metadata = {**session, **json.loads(sent.get("metadata", "{}"))}
    if "browserName" not in metadata:
        # Derived from aws:userAgent: tests/service/test_event_document.py has the values.
        derived = {name: event["metadata"].get(name) for name in _DERIVED - metadata.keys()}
        metadata |= {name: value for name, value in derived.items() if value}

    assert sent["id"] == event["event_id"]
    assert sent["timestamp"] * 1000 == event["event_timestamp"]
    assert sent["type"] == event["event_type"]
    assert metadata == event["metadata"]
    assert user == event["user_details"]
    assert user == {name: event[name] for name in user}
    assert event["application_id"] == MONITOR_ID
    assert batch["AppMonitorDetails"].get("version", "") == event["application_version"]
    if sent["details"].startswith("{"):
        assert document.endswith(f'"event_details":{sent["details"]}}}')
        assert json.loads(sent["details"]) == event["event_details"]
    else:
        assert sent["details"] == event["event_details"]
