"""What `openrum up` does on an empty database."""

from __future__ import annotations

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
from rum_cli.first_run import FirstRun, first_run
from tests.support.batches import new_id


class _SecondToStart(ControlPlaneServiceServicer):
    """A service on a database in which another process makes my-app after the first look."""

    def __init__(self, monitor_id: str) -> None:
        self._first = AppMonitorSummary(name="my-app", id=monitor_id)
        self._looks = 0

    async def ListAppMonitors(self, request: Any, context: Any) -> pb.ListAppMonitorsResponse:
        self._looks += 1
        found = [self._first] if self._looks > 1 else []
        return pb.ListAppMonitorsResponse(app_monitor_summaries=found)

    async def CreateAppMonitor(self, request: Any, context: Any) -> pb.CreateAppMonitorResponse:
        await context.abort(grpc.StatusCode.ALREADY_EXISTS, "it exists")
        raise AssertionError


async def test_a_server_that_starts_second_shows_the_app_monitor_of_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor_id = new_id()
    token = tmp_path / "operator-token"
    token.write_text("any")
    server = grpc.aio.server()
    add_ControlPlaneServiceServicer_to_server(_SecondToStart(monitor_id), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        address = f"127.0.0.1:{port}"
        await first_run(FirstRun(address, address, "http://127.0.0.1:8080", token, False))
    finally:
        await server.stop(None)

    assert f"  app monitor  my-app  {monitor_id}\n" in capsys.readouterr().out
