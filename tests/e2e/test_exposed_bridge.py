"""A bridge that other machines can reach, before a service that is open on its loopback face."""

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

_EVERYWHERE = "0.0.0.0:0"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def bridge(service: Service) -> Iterator[Bridge]:
    """A bridge on all addresses."""
    with _bridge(service, OPENRUM_HTTP=_EVERYWHERE) as running:
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
    known = {"OPENRUM_SERVICE": service.grpc, "OPENRUM_BRIDGE_TOKEN_FILE": token}
    return Bridge(service.folder, **{**known, **settings})


def test_unsigned_calls_through_it_are_refused(
    service: Service, bridge: Bridge, monitor_id: str
) -> None:
    body = batch()
    put = bridge.post(f"/appmonitors/{monitor_id}", body)
    listed = bridge.post("/appmonitors", {})
    shown = bridge.get("/appmonitor/my-app")

    said = {"message": "Request is missing Authentication Token"}
    assert [(status, json.loads(text)) for status, text in (put, listed, shown)] == [
        (403, said),
        (403, said),
        (403, said),
    ]
    assert body["BatchId"] not in {e["batch_id"] for e in stored_events(service.grpc)}


def test_a_key_that_is_made_on_the_open_face_signs_through_it(
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


def test_the_open_faces_beside_it_stay_open(
    service: Service, bridge: Bridge, monitor_id: str
) -> None:
    request, body = message(monitor_id), batch()
    with grpc.insecure_channel(service.grpc) as channel:
        DataPlaneServiceStub(channel).PutRumEvents(request)
        listed = ControlPlaneServiceStub(channel).ListAppMonitors(ListAppMonitorsRequest())
    with _bridge(service) as near:
        put = near.post(f"/appmonitors/{monitor_id}", body)

    stored = {e["batch_id"] for e in stored_events(service.grpc)}
    assert {request.batch_id, body["BatchId"]} <= stored
    assert [m.name for m in listed.app_monitor_summaries] == ["my-app"]
    assert put == (200, "")


def test_with_another_token_nobody_gets_through_it(
    service: Service, monitor_id: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("openrum_of_another_service\n")
    settings = {"OPENRUM_HTTP": _EVERYWHERE, "OPENRUM_BRIDGE_TOKEN_FILE": str(wrong)}
    body = batch()
    with _bridge(service, **settings) as bridge:
        status, _ = bridge.post(f"/appmonitors/{monitor_id}", body)

    assert status == 403
    assert body["BatchId"] not in {e["batch_id"] for e in stored_events(service.grpc)}


def test_without_its_token_file_it_does_not_start(tmp_path: Path) -> None:
    missing = tmp_path / "bridge.token"
    settings = {"OPENRUM_HTTP": _EVERYWHERE, "OPENRUM_BRIDGE_TOKEN_FILE": str(missing)}
    ran = run_openrum("bridge", **settings)

    assert (ran.returncode, ran.stdout) == (2, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Error: OPENRUM_HTTP: 0.0.0.0:0 can be reached from other machines")
    assert "set OPENRUM_BRIDGE_TOKEN_FILE to the file that the service created" in line
    assert f"({missing} does not exist)" in line
