"""Servers that respond to puts without doing anything, to measure the cost of the libraries.

Usage: python -m bench.ceiling grpc|http
"""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

import grpc.aio
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rum.internal.v1 import bridge_service_pb2 as bridge_pb
from rum.internal.v1.bridge_service_pb2_grpc import (
    BridgeServiceServicer,
    add_BridgeServiceServicer_to_server,
)
from rum.v1 import data_plane_service_pb2 as pb
from rum.v1.data_plane_service_pb2_grpc import (
    DataPlaneServiceServicer,
    add_DataPlaneServiceServicer_to_server,
)


class _NoOpServicer(DataPlaneServiceServicer, BridgeServiceServicer):
    async def PutRumEvents(self, request: Any, context: Any) -> pb.PutRumEventsResponse:
        return pb.PutRumEventsResponse()

    async def BatchPutRumEvents(
        self, request: Any, context: Any
    ) -> bridge_pb.BatchPutRumEventsResponse:
        return bridge_pb.BatchPutRumEventsResponse()


async def _grpc() -> None:
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    add_DataPlaneServiceServicer_to_server(_NoOpServicer(), server)
    add_BridgeServiceServicer_to_server(_NoOpServicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(json.dumps({"listens": f"127.0.0.1:{port}"}), flush=True)
    await server.wait_for_termination()


async def _post(request: Request) -> Response:
    await request.body()
    return Response()


async def _http() -> None:
    app = Starlette(routes=[Route("/appmonitors/{Id}", _post, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(json.dumps({"listens": f"127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
    config = uvicorn.Config(app, lifespan="off", access_log=False, log_config=None)
    await uvicorn.Server(config).serve([listener])


if __name__ == "__main__":
    # uvicorn runs on this loop, and uses httptools if that is installed.
    uvloop.run({"grpc": _grpc, "http": _http}[sys.argv[1]]())
