"""A bridge that other machines can reach, with a service that does not authorize local callers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import grpc
import pytest
from botocore.config import Config

from rum.v1.app_monitor_pb2 import CustomEvents
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest, ListAppMonitorsRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from tests.e2e.stored import stored_events
from tests.support.batches import batch, message
from tests.support.running import Bridge, Service, run_openrum

_ALL_ADDRESSES = "0.0.0.0:0"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def bridge(service: Service) -> Iterator[Bridge]:
    """A bridge that listens on all addresses."""
    with _bridge(service, OPENRUM_HTTP=_ALL_ADDRESSES) as running:
        yield running


@pytest.fixture(scope="module")
def monitor_id(service: Service) -> str:
    with grpc.insecure_channel(service.grpc) as channel:
        request = CreateAppMonitorRequest(
            name="my-app", domain="localhost", custom_events=CustomEvents(status="ENABLED")
        )
        return ControlPlaneServiceStub(channel).CreateAppMonitor(request).id


def _bridge(service: Service, **settings: str) -> Bridge:
    token = str(service.folder / "var" / "bridge.token")
    defaults = {"OPENRUM_SERVICE": service.grpc, "OPENRUM_BRIDGE_TOKEN_FILE": token}
    return Bridge(service.folder, **{**defaults, **settings})


def test_unsigned_calls_through_an_exposed_bridge_are_rejected(
    service: Service, bridge: Bridge, monitor_id: str
) -> None:
    body = batch()
    put = bridge.post(f"/appmonitors/{monitor_id}", body)
    listed = bridge.post("/appmonitors", {})
    read = bridge.get("/appmonitor/my-app")

    missing = {"message": "Request is missing Authentication Token"}
    assert [(status, json.loads(text)) for status, text in (put, listed, read)] == [
        (403, missing),
        (403, missing),
        (403, missing),
    ]
    assert body["BatchId"] not in {e["batch_id"] for e in stored_events(service.grpc)}


def test_a_bridge_with_its_token_is_ready(bridge: Bridge) -> None:
    assert bridge.get("/readyz") == (200, "ok")


def test_signed_puts_through_an_exposed_bridge_are_stored(
    service: Service, bridge: Bridge, monitor_id: str
) -> None:
    create = ("keys", "create", "--name", "backend", "--json")
    pair = json.loads(run_openrum(*create, OPENRUM_SERVICE=service.grpc).stdout)
    rum = boto3.client(
        "rum",
        endpoint_url=bridge.url,
        region_name="us-east-1",
        aws_access_key_id=pair["AccessKeyId"],
        aws_secret_access_key=pair["SecretAccessKey"],
        config=Config(inject_host_prefix=False),
    )
    body = batch()
    rum.put_rum_events(Id=monitor_id, **body)

    assert body["BatchId"] in {e["batch_id"] for e in stored_events(service.grpc)}
    with pytest.raises(rum.exceptions.AccessDeniedException):
        rum.list_app_monitors()


def test_calls_over_loopback_need_no_credential(
    service: Service, bridge: Bridge, monitor_id: str
) -> None:
    request, body = message(monitor_id), batch()
    with grpc.insecure_channel(service.grpc) as channel:
        DataPlaneServiceStub(channel).PutRumEvents(request)
        listed = ControlPlaneServiceStub(channel).ListAppMonitors(ListAppMonitorsRequest())
    with _bridge(service) as local_bridge:
        put = local_bridge.post(f"/appmonitors/{monitor_id}", body)

    stored = {e["batch_id"] for e in stored_events(service.grpc)}
    assert {request.batch_id, body["BatchId"]} <= stored
    assert [m.name for m in listed.app_monitor_summaries] == ["my-app"]
    assert put == (200, "")


def test_puts_through_a_bridge_with_a_wrong_token_are_rejected(
    service: Service, monitor_id: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("openrum_of_another_service\n")
    settings = {"OPENRUM_HTTP": _ALL_ADDRESSES, "OPENRUM_BRIDGE_TOKEN_FILE": str(wrong)}
    body = batch()
    with _bridge(service, **settings) as bridge:
        status, _ = bridge.post(f"/appmonitors/{monitor_id}", body)
        ready = bridge.get("/readyz")

    assert status == 503
    assert ready == (503, "the service rejects the token in OPENRUM_BRIDGE_TOKEN_FILE")
    assert body["BatchId"] not in {e["batch_id"] for e in stored_events(service.grpc)}


def test_an_exposed_bridge_without_its_token_file_does_not_start(tmp_path: Path) -> None:
    missing = tmp_path / "bridge.token"
    settings = {"OPENRUM_HTTP": _ALL_ADDRESSES, "OPENRUM_BRIDGE_TOKEN_FILE": str(missing)}
    ran = run_openrum("bridge", **settings)

    assert (ran.returncode, ran.stdout) == (2, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Error: OPENRUM_HTTP: 0.0.0.0:0 can be reached from other machines")
    assert "set OPENRUM_BRIDGE_TOKEN_FILE to the file that the service created" in line
    assert f"({missing} does not exist)" in line


def test_an_exposed_bridge_with_an_empty_token_file_does_not_start(tmp_path: Path) -> None:
    empty = tmp_path / "bridge.token"
    empty.write_text("\n")
    settings = {"OPENRUM_HTTP": _ALL_ADDRESSES, "OPENRUM_BRIDGE_TOKEN_FILE": str(empty)}
    ran = run_openrum("bridge", **settings)

    assert (ran.returncode, ran.stdout) == (2, "")
    # The log has a line too, from a thread.
    assert f"Error: OPENRUM_BRIDGE_TOKEN_FILE: {empty}: the file does not contain a token" in (
        ran.stderr.splitlines()
    )


def test_an_exposed_bridge_whose_token_file_cannot_be_opened_names_the_setting() -> None:
    settings = {"OPENRUM_HTTP": _ALL_ADDRESSES, "OPENRUM_BRIDGE_TOKEN_FILE": "a" * 300}
    ran = run_openrum("bridge", **settings)

    assert (ran.returncode, ran.stdout) == (2, "")
    # The log has a line too, from a thread.
    assert any(
        line.startswith("Error: OPENRUM_BRIDGE_TOKEN_FILE: ") for line in ran.stderr.splitlines()
    )
    assert "Traceback" not in ran.stderr
