"""What `openrum up` does and says first: an app monitor, and lines ready to paste."""

from __future__ import annotations

__all__ = ["FirstRun", "first_run"]

import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import grpc
import grpc.aio

from rum.v1.app_monitor_pb2 import AppMonitorConfiguration, AppMonitorSummary, CustomEvents
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest, ListAppMonitorsRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub

if TYPE_CHECKING:
    from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceAsyncStub

_FIRST_MONITOR = CreateAppMonitorRequest(
    name="my-app",
    domain="localhost",
    custom_events=CustomEvents(status="ENABLED"),
    app_monitor_configuration=AppMonitorConfiguration(session_sample_rate=1.0),
)
_AUTHORIZED = """ and authorizes its callers. Let somebody in, for instance:

  .venv/bin/openrum keys create --name backend            a pair for SDKs
  .venv/bin/openrum tokens create --name jobs             a token for gRPC
  .venv/bin/openrum policy put my-app --file POLICY.json  a policy, for unsigned browsers"""


@dataclass(frozen=True)
class FirstRun:
    """What was started."""

    service: str
    """Where this process reaches the service."""
    grpc_address: str
    """Where others do."""
    url: str
    operator_token_file: Path
    authorized: bool


async def first_run(started: FirstRun) -> None:
    """Makes a first app monitor on an empty database and prints how to use it."""
    token = started.operator_token_file.read_text().strip()
    async with grpc.aio.insecure_channel(started.service) as channel:
        monitor = await _first_monitor(
            ControlPlaneServiceStub(channel), (("authorization", f"Bearer {token}"),)
        )
    click.echo(_guide(started, monitor))


async def _first_monitor(
    control_plane: ControlPlaneServiceAsyncStub, operator: tuple[tuple[str, str]]
) -> AppMonitorSummary:
    ask = ListAppMonitorsRequest(max_results=1)
    listed = await control_plane.ListAppMonitors(ask, metadata=operator)
    if not listed.app_monitor_summaries:
        try:
            await control_plane.CreateAppMonitor(_FIRST_MONITOR, metadata=operator)
        except grpc.aio.AioRpcError as error:
            # Another process that started on the same database was first.
            if error.code() != grpc.StatusCode.ALREADY_EXISTS:
                raise
        listed = await control_plane.ListAppMonitors(ask, metadata=operator)
    return listed.app_monitor_summaries[0]


def _guide(started: FirstRun, monitor: AppMonitorSummary) -> str:
    # Real ids and times, not commands that make them: what is pasted twice is stored once.
    body = json.dumps(
        {
            "BatchId": str(uuid.uuid4()),
            "AppMonitorDetails": {"name": monitor.name, "id": monitor.id, "version": "1.0.0"},
            "UserDetails": {"userId": str(uuid.uuid4()), "sessionId": str(uuid.uuid4())},
            "RumEvents": [
                {
                    "id": str(uuid.uuid4()),
                    "timestamp": int(time.time()),
                    "type": "com.amazon.rum.page_view_event",
                    "metadata": '{"version":"1.0.0","pageId":"/"}',
                    "details": '{"version":"1.0.0","pageId":"/"}',
                }
            ],
        }
    )
    return f"""
OpenRUM is running{_AUTHORIZED if started.authorized else "."}

  HTTP         {started.url}
  gRPC         {started.grpc_address}
  app monitor  {monitor.name}  {monitor.id}

Send an event, from another terminal:

curl -i '{started.url}/appmonitors/{monitor.id}' -H 'Content-Type: application/json' \
-d '{body}'

See it:

.venv/bin/openrum events {monitor.name}

From Python, with boto3:

import boto3, time, uuid
from botocore.config import Config

rum = boto3.client(
    "rum",
    endpoint_url="{started.url}",
    region_name="us-east-1",
    {"# the pair of `openrum keys create`" if started.authorized else 'aws_access_key_id="any", aws_secret_access_key="any",  # not checked on loopback'}
    config=Config(inject_host_prefix=False),  # else boto3 looks for the host dataplane.{started.url.partition("://")[2]}
)
rum.put_rum_events(
    Id="{monitor.id}",
    BatchId=str(uuid.uuid4()),
    AppMonitorDetails={{"name": "{monitor.name}", "version": "1.0.0"}},
    UserDetails={{"userId": str(uuid.uuid4()), "sessionId": str(uuid.uuid4())}},
    RumEvents=[{{"id": str(uuid.uuid4()), "timestamp": time.time(), "type": "my.event", "details": "{{}}"}}],
)

From a page, with aws-rum-web (npm install aws-rum-web):

import {{ AwsRum }} from 'aws-rum-web';

new AwsRum('{monitor.id}', '1.0.0', 'us-east-1', {{
    endpoint: '{started.url}',
    signing: false,
    allowCookies: true,
    telemetries: ['performance', 'errors', 'http'],
}});

Stop with Ctrl-C. Data is kept; the next start goes on with it.
"""
