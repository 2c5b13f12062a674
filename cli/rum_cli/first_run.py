"""The last step of `openrum up`: creates a first app monitor and shows the next commands."""

from __future__ import annotations

__all__ = ["FirstRun", "first_run"]

import json
import shlex
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import grpc
import grpc.aio

from rum.v1.app_monitor_pb2 import AppMonitorConfiguration, AppMonitorSummary, CustomEvents
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest, ListAppMonitorsRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from rum_cli.addresses import client_address, client_url
from rum_cli.client import DEFAULT_SERVICE, DEFAULT_TOKEN_FILE
from rum_cli.invocation import command_line
from rum_cli.sample import single_event
from rum_cli.templates import CURL, INVITATION, UP
from rum_endpoint.metadata import bearer

if TYPE_CHECKING:
    from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceAsyncStub
    from rum_bridge.settings import BridgeSettings
    from rum_service.settings import ServiceSettings

_MONITOR_NAME = "my-app"
_MONITOR = CreateAppMonitorRequest(
    name=_MONITOR_NAME,
    domain="localhost",
    custom_events=CustomEvents(status="ENABLED"),
    app_monitor_configuration=AppMonitorConfiguration(session_sample_rate=1.0),
)


@dataclass(frozen=True)
class FirstRun:
    """The servers that were started."""

    service_settings: ServiceSettings
    bridge_settings: BridgeSettings
    grpc: str
    """host:port of the service, with the port that was bound."""
    http: str
    """host:port of the bridge, with the port that was bound."""
    target: str
    """Where commands on this machine reach the service: host:port or unix:PATH."""
    authorizes: bool
    """Whether callers are authorized."""


async def first_run(started: FirstRun) -> str:
    """Create an app monitor in an empty database. Return a text with the next commands."""
    token = started.service_settings.operator_token_file.read_text().strip()
    async with grpc.aio.insecure_channel(started.target) as channel:
        monitor = await _first_monitor(ControlPlaneServiceStub(channel), (bearer(token),))
    return _text(started, monitor)


async def _first_monitor(
    control_plane: ControlPlaneServiceAsyncStub, operator: tuple[tuple[str, str]]
) -> AppMonitorSummary:
    first_page = ListAppMonitorsRequest(max_results=1)
    response = await control_plane.ListAppMonitors(first_page, metadata=operator)
    if not response.app_monitor_summaries:
        try:
            await control_plane.CreateAppMonitor(_MONITOR, metadata=operator)
        except grpc.aio.AioRpcError as error:
            # Another process on the same database was faster.
            if error.code() != grpc.StatusCode.ALREADY_EXISTS:
                raise
        response = await control_plane.ListAppMonitors(first_page, metadata=operator)
    return response.app_monitor_summaries[0]


def _text(started: FirstRun, monitor: AppMonitorSummary) -> str:
    scheme = "https" if started.bridge_settings.http_certificate_file else "http"
    token_file = str(started.service_settings.operator_token_file)
    target = _option("--service", started.target, DEFAULT_SERVICE)
    target += _option("--token-file", token_file, DEFAULT_TOKEN_FILE)
    name = _option("--name", monitor.name, _MONITOR_NAME)
    url = client_url(started.bridge_settings, started.http)
    grpc_address = str(client_address(started.grpc))
    snippets = _option("--url", url, "http://127.0.0.1:8080")
    snippets += _option("--grpc", grpc_address, DEFAULT_SERVICE)
    create_key = command_line("keys", "create", "--name", "curl", *target)
    # Real ids and a real time, not commands that make them: pasting the line twice stores it once.
    body = single_event(monitor.id, monitor.name, now=time.time(), new_id=lambda: str(uuid.uuid4()))
    values = {
        "url": f"{url}/appmonitors/{monitor.id}",
        "body": shlex.quote(json.dumps(body)),
        "region": started.service_settings.region or "us-east-1",
        "create_key": create_key,
    }
    return UP.substitute(
        page=f"{url}/ui/",
        http=f"{scheme}://{started.http}",
        grpc=started.grpc,
        name=monitor.name,
        id=monitor.id,
        data=_data(started.service_settings.database_url),
        invitation=INVITATION[started.authorizes].substitute(values),
        sample=command_line("send", "--sample", *name, *target),
        curl=CURL[started.authorizes].substitute(values),
        clients=command_line("help", "clients", *snippets, *name, *target),
    )


def _option(option: str, value: str, default: str) -> list[str]:
    return [] if value == default else [option, value]


def _data(database_url: str) -> str:
    """Return where events are stored, without credentials."""
    scheme, _, rest = database_url.partition("://")
    if scheme == "sqlite":
        folder = Path(rest.removeprefix("/").partition("?")[0]).resolve().parent
        return f"data folder  {folder}"
    parts = urlsplit(f"//{rest}")
    return f"database     {scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
