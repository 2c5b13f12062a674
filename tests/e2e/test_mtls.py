"""mTLS: a service that identifies callers by certificates, and a bridge with a certificate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
from tests.support.certificates import Authority, Pair
from tests.support.running import Bridge, Service, run_openrum

_DENIED = grpc.StatusCode.PERMISSION_DENIED


class _Guarded:
    """`openrum service` with TLS, a client CA and a Unix socket, and functions that call it."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder, "servers")
        self.clients = Authority(folder, "clients")
        pair = self.authority.sign("service")
        self.socket = f"unix:{folder}/s"
        self.service = Service(
            folder,
            OPENRUM_AUTH="required",
            OPENRUM_SOCKET=f"{folder}/s",
            OPENRUM_GRPC_CERTIFICATE_FILE=str(pair.certificate),
            OPENRUM_GRPC_KEY_FILE=str(pair.key),
            OPENRUM_CLIENT_CA_FILE=str(self.clients.file),
        )

    def channel(self, client: Pair | None) -> grpc.Channel:
        pair = (client.key.read_bytes(), client.certificate.read_bytes()) if client else ()
        trust = grpc.ssl_channel_credentials(self.authority.file.read_bytes(), *pair)
        return grpc.secure_channel(self.service.grpc, trust)

    def openrum(self, *arguments: str) -> str:
        """Run a command as the operator, over the Unix socket."""
        token = str(self.service.folder / "var" / "operator.token")
        ran = run_openrum(
            *arguments, OPENRUM_SERVICE=self.socket, OPENRUM_OPERATOR_TOKEN_FILE=token
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        return ran.stdout

    def stored(self) -> set[str]:
        """Return the IDs of the stored batches."""
        events: list[dict[str, Any]] = stored_events(self.socket, "my-app", self.service.operator)
        return {event["batch_id"] for event in events}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Guarded]:
    running = _Guarded(tmp_path_factory.mktemp("mtls"))
    with running.service:
        yield running


@pytest.fixture(scope="module")
def monitor_id(guarded: _Guarded) -> str:
    request = CreateAppMonitorRequest(
        name="my-app", domain="localhost", custom_events=CustomEvents(status="ENABLED")
    )
    with grpc.insecure_channel(guarded.socket) as channel:
        create = ControlPlaneServiceStub(channel).CreateAppMonitor
        return create(request, metadata=guarded.service.operator).id


def test_a_certificate_of_the_client_ca_has_the_configured_access(
    guarded: _Guarded, monitor_id: str
) -> None:
    request = message(monitor_id)
    with guarded.channel(guarded.clients.sign("worker")) as channel:
        DataPlaneServiceStub(channel).PutRumEvents(request)
        control_plane = ControlPlaneServiceStub(channel)
        listed = control_plane.ListAppMonitors(ListAppMonitorsRequest())
        with pytest.raises(grpc.RpcError) as rejected:
            control_plane.CreateAppMonitor(CreateAppMonitorRequest(name="x", domain="localhost"))

    assert [monitor.name for monitor in listed.app_monitor_summaries] == ["my-app"]
    assert rejected.value.code() == _DENIED  # type: ignore[attr-defined]
    assert rejected.value.details().startswith(  # type: ignore[attr-defined]
        "User: arn:aws:iam::000000000000:user/worker is not authorized to perform: "
        "rum:CreateAppMonitor on "
    )
    assert request.batch_id in guarded.stored()


def test_a_token_takes_precedence_over_a_certificate(guarded: _Guarded, monitor_id: str) -> None:
    token = guarded.openrum("tokens", "create", "--name", "reader", "--access", "read").strip()
    request = message(monitor_id)
    metadata = (("authorization", f"Bearer {token}"),)
    client = guarded.clients.sign("worker")
    with guarded.channel(client) as channel, pytest.raises(grpc.RpcError) as rejected:
        DataPlaneServiceStub(channel).PutRumEvents(request, metadata=metadata)

    assert "user/reader is not authorized" in rejected.value.details()  # type: ignore[attr-defined]
    assert request.batch_id not in guarded.stored()


@pytest.mark.parametrize("client_certificate", ["of another authority", "none"])
def test_connections_without_a_certificate_of_the_client_ca_fail(
    guarded: _Guarded, monitor_id: str, tmp_path: Path, client_certificate: str
) -> None:
    """The operator token does not replace the certificate."""
    client = (
        Authority(tmp_path, "others").sign("worker") if "another" in client_certificate else None
    )
    request = message(monitor_id)
    with guarded.channel(client) as channel, pytest.raises(grpc.RpcError) as rejected:
        DataPlaneServiceStub(channel).PutRumEvents(
            request, metadata=guarded.service.operator, timeout=30
        )

    assert rejected.value.code() == grpc.StatusCode.UNAVAILABLE  # type: ignore[attr-defined]
    assert request.batch_id not in guarded.stored()


def test_the_command_needs_the_operator_token_on_the_unix_socket_too(
    guarded: _Guarded, monitor_id: str
) -> None:
    no_token = {"OPENRUM_OPERATOR_TOKEN_FILE": "/nowhere/operator.token"}
    ran = run_openrum("monitors", "list", OPENRUM_SERVICE=guarded.socket, **no_token)

    assert json.loads(guarded.openrum("monitors", "list", "--json"))["Id"] == monitor_id
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(
        "Error: MissingAuthenticationTokenException: Request is missing Authentication Token. "
        "The operator token file /nowhere/operator.token cannot be read: "
    )


@pytest.fixture(scope="module")
def bridge(guarded: _Guarded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    """A bridge that calls the service over TLS."""
    pair = guarded.clients.sign("bridge")
    running = Bridge(
        tmp_path_factory.mktemp("bridge"),
        OPENRUM_SERVICE=guarded.service.grpc,
        OPENRUM_SERVICE_CA_FILE=str(guarded.authority.file),
        OPENRUM_SERVICE_CERTIFICATE_FILE=str(pair.certificate),
        OPENRUM_SERVICE_KEY_FILE=str(pair.key),
        OPENRUM_BRIDGE_TOKEN_FILE=str(guarded.service.folder / "var" / "bridge.token"),
    )
    with running:
        yield running


def test_signed_puts_through_a_bridge_with_a_certificate_are_stored(
    guarded: _Guarded, bridge: Bridge, monitor_id: str
) -> None:
    pair = json.loads(guarded.openrum("keys", "create", "--name", "backend", "--json"))
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

    assert bridge.get("/readyz") == (200, "ok")
    assert body["BatchId"] in guarded.stored()


def test_unsigned_puts_are_rejected_although_the_bridge_has_a_certificate(
    guarded: _Guarded, bridge: Bridge, monitor_id: str
) -> None:
    body = batch()
    status, text = bridge.post(f"/appmonitors/{monitor_id}", body)

    assert (status, json.loads(text)["message"]) == (403, "Request is missing Authentication Token")
    assert body["BatchId"] not in guarded.stored()


def test_calls_through_a_bridge_with_a_certificate_but_no_token_are_rejected(
    guarded: _Guarded, monitor_id: str, tmp_path: Path
) -> None:
    pair = guarded.clients.sign("bridge without a token")
    body = batch()
    with Bridge(
        tmp_path,
        OPENRUM_SERVICE=guarded.service.grpc,
        OPENRUM_SERVICE_CA_FILE=str(guarded.authority.file),
        OPENRUM_SERVICE_CERTIFICATE_FILE=str(pair.certificate),
        OPENRUM_SERVICE_KEY_FILE=str(pair.key),
    ) as bridge:
        put, _ = bridge.post(f"/appmonitors/{monitor_id}", body)
        read, _ = bridge.get("/appmonitor/my-app")

    assert (put, read) == (503, 503)
    assert body["BatchId"] not in guarded.stored()


def test_a_bridge_that_does_not_trust_the_service_is_not_ready(
    guarded: _Guarded, tmp_path: Path
) -> None:
    other = Authority(tmp_path, "other")
    service_ca = {"OPENRUM_SERVICE_CA_FILE": str(other.file)}
    with Bridge(tmp_path, OPENRUM_SERVICE=guarded.service.grpc, **service_ca) as bridge:
        status, text = bridge.get("/readyz")

    assert (status, text) == (503, "the service does not answer: UNAVAILABLE")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"CA": "none"}, "OPENRUM_SERVICE_CA_FILE: {folder}/none: No such file or directory"),
        ({"CA": "text"}, "OPENRUM_SERVICE_CA_FILE: {folder}/text is not a PEM certificate"),
        (
            {"CA": "ca.pem", "CERTIFICATE": "own.pem", "KEY": "none"},
            "OPENRUM_SERVICE_KEY_FILE: {folder}/none: No such file or directory",
        ),
        (
            {"CA": "ca.pem", "CERTIFICATE": "own.pem", "KEY": "text"},
            "OPENRUM_SERVICE_CERTIFICATE_FILE: {folder}/own.pem and {folder}/text are not a"
            " PEM certificate and its unencrypted key",
        ),
        (
            {"CA": "ca.pem", "CERTIFICATE": "own.pem"},
            "OPENRUM_SERVICE_CERTIFICATE_FILE and OPENRUM_SERVICE_KEY_FILE must be set together",
        ),
        (
            {"CERTIFICATE": "own.pem", "KEY": "own.key"},
            "OPENRUM_SERVICE_CERTIFICATE_FILE requires OPENRUM_SERVICE_CA_FILE",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_invalid_files_of_a_bridge_are_reported_in_one_line_with_the_setting(
    tmp_path: Path, settings: dict[str, str], message: str
) -> None:
    Authority(tmp_path, "ca").sign("own")
    (tmp_path / "text").write_text("not PEM\n")
    files = {
        f"OPENRUM_SERVICE_{what}_FILE": str(tmp_path / file) for what, file in settings.items()
    }
    ran = run_openrum("bridge", OPENRUM_HTTP="127.0.0.1:0", **files)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"Error: {message.format(folder=tmp_path)}\n"
