"""One request ID: in the response, and in the log of the bridge and of the service."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import grpc
import pytest

from rum.v1.control_plane_service_pb2 import (
    CreateAppMonitorRequest,
    GetAppMonitorRequest,
    ListAppMonitorsRequest,
)
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from tests.support.batches import batch, message
from tests.support.running import Bridge, OpenRum, Process, Service

_ALL = {"OPENRUM_REQUEST_SAMPLING": "1"}


def _lines(process: Process) -> list[dict[str, Any]]:
    """Return the request lines of a process that has stopped, in order."""
    lines = [json.loads(line) for line in process.output if line.startswith("{")]
    return [line for line in lines if line["event"] == "request"]


def _put(bridge: Process, monitor_id: str, document: object) -> tuple[int, str]:
    """Put a batch and return the status and the request ID of the response."""
    request = urllib.request.Request(
        f"{bridge.url}/appmonitors/{monitor_id}",
        json.dumps(document).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.headers["x-amzn-requestid"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["x-amzn-requestid"]


def _monitor_id(service: Process) -> str:
    with grpc.insecure_channel(service.grpc) as channel:
        request = CreateAppMonitorRequest(name="shop", domain="localhost")
        return str(ControlPlaneServiceStub(channel).CreateAppMonitor(request).id)


def test_bridge_and_service_log_a_put_under_the_id_of_its_response(tmp_path: Path) -> None:
    with Service(tmp_path, **_ALL) as service:
        with Bridge(tmp_path, OPENRUM_SERVICE=service.grpc, **_ALL) as bridge:
            monitor_id = _monitor_id(service)
            stored = _put(bridge, monitor_id, batch(3))
            invalid = _put(bridge, monitor_id, batch(2, BatchId="x"))
            bridge.stop()
        service.stop()
    of_bridge = {line["request_id"]: line for line in _lines(bridge)}
    of_service = {line["request_id"]: line for line in _lines(service)}

    assert (stored[0], invalid[0]) == (200, 400)
    assert (
        of_bridge[stored[1]].items()
        >= {
            "part": "bridge",
            "operation": "PutRumEvents",
            "outcome": "accepted",
            "status": 200,
            "app_monitor_id": monitor_id,
            "events": 3,
        }.items()
    )
    assert of_service[stored[1]]["outcome"] == "stored"
    assert of_bridge[invalid[1]]["outcome"] == "ValidationException"
    assert of_service[invalid[1]]["outcome"] == "ValidationException"


def test_calls_over_grpc_are_logged_and_errors_carry_the_request_id(tmp_path: Path) -> None:
    with Service(tmp_path, **_ALL) as service:
        with grpc.insecure_channel(service.grpc) as channel:
            control, data = ControlPlaneServiceStub(channel), DataPlaneServiceStub(channel)
            control.ListAppMonitors(ListAppMonitorsRequest(), metadata=[("x-amzn-requestid", "a")])
            with pytest.raises(grpc.RpcError) as unknown:
                control.GetAppMonitor(GetAppMonitorRequest(name="x"))
            with pytest.raises(grpc.RpcError) as rejected:
                data.PutRumEvents(message("x"), metadata=[("x-amzn-requestid", "b")])
        service.stop()
    ids = [
        dict(error.value.trailing_metadata())["x-amzn-requestid"] for error in (unknown, rejected)
    ]
    logged = [(line["request_id"], line["operation"], line["outcome"]) for line in _lines(service)]
    reasons = [json.loads(line)["request_id"] for line in service.output if "call rejected" in line]

    assert logged == [
        ("a", "ListAppMonitors", "OK"),
        (ids[0], "GetAppMonitor", "ResourceNotFoundException"),
        ("b", "PutRumEvents", "ValidationException"),
    ]
    assert ids[1] == "b"
    assert reasons == ids


def test_requests_are_not_logged_by_default(tmp_path: Path) -> None:
    with OpenRum(tmp_path) as server:
        assert _put(server, server.monitor_id(), batch())[0] == 200
        server.stop()

    assert _lines(server) == []


def test_the_form_of_the_lines_is_a_setting(tmp_path: Path) -> None:
    with OpenRum(tmp_path, OPENRUM_LOG_FORMAT="console", **_ALL) as server:
        _, request_id = _put(server, server.monitor_id(), batch())
        _put(server, "x%1B%5D0;evil%07", batch())
        server.get("/y%1B%5B2J")
        server.stop()
    (line,) = [line for line in server.output if "outcome=accepted" in line]

    assert "request_id=" + request_id in line
    assert not line.startswith("{")
    # The output is not a terminal, and clients cannot control one with what they send.
    assert "\x1b" not in "".join(server.output)
    assert any("x\ufffd]0;evil\ufffd" in line for line in server.output)
    assert any("path=/y\ufffd[2J" in line for line in server.output)


def test_every_put_is_logged_if_all_are_chosen(tmp_path: Path) -> None:
    with OpenRum(tmp_path, **_ALL) as server:
        monitor_id = server.monitor_id()
        ids = {_put(server, monitor_id, batch())[1] for _ in range(150)}
        server.stop()
    logged = {line["request_id"] for line in _lines(server) if line["part"] == "bridge"}

    assert len(ids) == 150
    assert ids <= logged
