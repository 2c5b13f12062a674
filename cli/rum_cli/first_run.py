"""What `openrum up` does and says first: an app monitor, and lines ready to paste."""

from __future__ import annotations

__all__ = ["first_run"]

import json
import time
import uuid
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


async def first_run(grpc_address: str, http_address: str) -> None:
    """Makes a first app monitor on an empty database and prints how to use it."""
    async with grpc.aio.insecure_channel(grpc_address) as channel:
        monitor = await _first_monitor(ControlPlaneServiceStub(channel))
    click.echo(_guide(grpc_address, http_address, monitor))


async def _first_monitor(control_plane: ControlPlaneServiceAsyncStub) -> AppMonitorSummary:
    ask = ListAppMonitorsRequest(max_results=1)
    listed = await control_plane.ListAppMonitors(ask)
    if not listed.app_monitor_summaries:
        try:
            await control_plane.CreateAppMonitor(_FIRST_MONITOR)
        except grpc.aio.AioRpcError as error:
            # Another process that started on the same database was first.
            if error.code() != grpc.StatusCode.ALREADY_EXISTS:
                raise
        listed = await control_plane.ListAppMonitors(ask)
    return listed.app_monitor_summaries[0]


def _guide(grpc_address: str, http_address: str, monitor: AppMonitorSummary) -> str:
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
OpenRUM is running.

  HTTP         http://{http_address}
  gRPC         {grpc_address}
  app monitor  {monitor.name}  {monitor.id}

Send an event, from another terminal:

curl -i 'http://{http_address}/appmonitors/{monitor.id}' -H 'Content-Type: application/json' \
-d '{body}'

See it:

.venv/bin/openrum events {monitor.name}

From Python, with boto3:

import boto3, time, uuid
from botocore.config import Config

rum = boto3.client(
    "rum",
    endpoint_url="http://{http_address}",
    region_name="us-east-1",
    aws_access_key_id="any", aws_secret_access_key="any",  # not checked on loopback
    config=Config(inject_host_prefix=False),  # else boto3 looks for the host dataplane.{http_address}
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
    endpoint: 'http://{http_address}',
    signing: false,
    allowCookies: true,
    telemetries: ['performance', 'errors', 'http'],
}});

Stop with Ctrl-C. Data is kept; the next start goes on with it.
"""
