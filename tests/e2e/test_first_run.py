"""The text that `openrum up` prints when it listens, and the app monitor that it creates."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from rum.v1 import control_plane_service_pb2 as pb
from rum.v1.app_monitor_pb2 import AppMonitorSummary
from rum.v1.control_plane_service_pb2_grpc import (
    ControlPlaneServiceServicer,
    add_ControlPlaneServiceServicer_to_server,
)
from rum_bridge.settings import BridgeSettings
from rum_cli.first_run import FirstRun, first_run
from rum_service.settings import ServiceSettings
from tests.support.batches import new_id


class _SecondToStart(ControlPlaneServiceServicer):
    """A service in whose database another process creates my-app after the first request."""

    def __init__(self, monitor_id: str) -> None:
        self._summary = AppMonitorSummary(name="my-app", id=monitor_id)
        self._requests = 0

    async def ListAppMonitors(self, request: Any, context: Any) -> pb.ListAppMonitorsResponse:
        self._requests += 1
        found = [self._summary] if self._requests > 1 else []
        return pb.ListAppMonitorsResponse(app_monitor_summaries=found)

    async def CreateAppMonitor(self, request: Any, context: Any) -> pb.CreateAppMonitorResponse:
        await context.abort(grpc.StatusCode.ALREADY_EXISTS, "it exists")
        raise AssertionError


@asynccontextmanager
async def _second_to_start(monitor_id: str) -> AsyncIterator[str]:
    """Run such a service and yield its address."""
    server = grpc.aio.server()
    add_ControlPlaneServiceServicer_to_server(_SecondToStart(monitor_id), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def _printed(
    folder: Path,
    *,
    http: str = "127.0.0.1:8080",
    authorizes: bool = False,
    service: dict[str, Any] | None = None,
    bridge: dict[str, Any] | None = None,
    monitor_id: str = "",
) -> str:
    """Return the text that a server with these settings prints when it listens."""
    token = folder / "operator.token"
    token.write_text("any")
    async with _second_to_start(monitor_id or new_id()) as address:
        return await first_run(
            FirstRun(
                ServiceSettings(**{"operator_token_file": token, **(service or {})}),
                BridgeSettings(**(bridge or {})),
                grpc="127.0.0.1:50051",
                http=http,
                target=address,
                authorizes=authorizes,
            )
        )


async def test_a_second_server_prints_the_app_monitor_that_the_first_created(
    tmp_path: Path,
) -> None:
    monitor_id = new_id()
    printed = await _printed(tmp_path, monitor_id=monitor_id)

    assert f"  app monitor  my-app  {monitor_id}\n" in printed


async def test_the_commands_name_the_service_and_the_token_file_unless_they_are_the_defaults(
    tmp_path: Path,
) -> None:
    printed = await _printed(tmp_path)
    (sample,) = [line for line in printed.splitlines() if "send --sample" in line]

    assert " --service 127.0.0.1:" in sample
    assert sample.endswith(f" --token-file {tmp_path / 'operator.token'}")


@pytest.mark.parametrize(
    ("http", "bridge", "url"),
    [
        ("127.0.0.1:8080", {}, "http://127.0.0.1:8080"),
        ("127.0.0.1:8080", {"public_url": "https://rum.example"}, "https://rum.example"),
        ("127.0.0.1:8080", {"public_url": "https://a.example/rum/"}, "https://a.example/rum"),
        ("0.0.0.0:8080", {}, f"http://{socket.gethostname()}:8080"),
        ("[::]:8080", {}, f"http://{socket.gethostname()}:8080"),
        ("0.0.0.0:8080", {"public_url": "http://rum.example"}, "http://rum.example"),
    ],
)
async def test_the_page_and_the_curl_line_have_an_address_that_clients_can_reach(
    tmp_path: Path,
    http: str,
    bridge: dict[str, Any],
    url: str,
) -> None:
    monitor_id = new_id()
    printed = await _printed(tmp_path, http=http, bridge=bridge, monitor_id=monitor_id)
    (curl,) = [line for line in printed.splitlines() if line.startswith("curl ")]

    assert printed.splitlines()[1] == f"  page         {url}/ui/"
    assert curl.startswith(f"curl -i '{url}/appmonitors/{monitor_id}' ")


async def test_the_curl_line_signs_if_callers_are_authorized(
    tmp_path: Path,
) -> None:
    printed = await _printed(tmp_path, authorizes=True, service={"region": "eu-west-1"})

    assert "keys create --name curl" in printed
    assert "curl -i --aws-sigv4 aws:amz:eu-west-1:rum " in printed


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("sqlite:////data/rum/events.db", "data folder  /data/rum"),
        (
            "postgresql+psycopg://me:se%40cret@db.example:5432/rum?password=other",
            "database     postgresql+psycopg://db.example:5432/rum",
        ),
    ],
)
async def test_the_location_of_the_data_is_printed_without_credentials(
    tmp_path: Path, url: str, line: str
) -> None:
    printed = await _printed(tmp_path, service={"database_url": url})

    assert f"\n  {line}\n" in printed
    assert "cret" not in printed
    assert "other" not in printed.replace("another", "")
