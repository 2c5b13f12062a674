"""Servers that respond to puts without doing anything, to measure the cost of the libraries.

Usage: python -m bench.ceiling grpc|grpc-sync|http
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rum.v1 import data_plane_service_pb2 as pb
from rum.v1.data_plane_service_pb2_grpc import (
    DataPlaneServiceServicer,
    add_DataPlaneServiceServicer_to_server,
)

_OPTIONS = [("grpc.max_receive_message_length", -1)]


class _NoOp(DataPlaneServiceServicer):
    async def PutRumEvents(self, request: Any, context: Any) -> pb.PutRumEventsResponse:
        return pb.PutRumEventsResponse()


class _SyncNoOp(DataPlaneServiceServicer):
    def PutRumEvents(self, request: Any, context: Any) -> pb.PutRumEventsResponse:
        return pb.PutRumEventsResponse()


async def _grpc() -> None:
    server = grpc.aio.server(options=_OPTIONS)
    add_DataPlaneServiceServicer_to_server(_NoOp(), server)
    _print_address(server.add_insecure_port("127.0.0.1:0"))
    await server.start()
    await server.wait_for_termination()


async def _grpc_sync() -> None:
    server = grpc.server(ThreadPoolExecutor(max_workers=4), options=_OPTIONS)
    add_DataPlaneServiceServicer_to_server(_SyncNoOp(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    _print_address(port)
    await asyncio.to_thread(server.wait_for_termination)


async def _post(request: Request) -> Response:
    await request.body()
    return Response()


async def _http() -> None:
    app = Starlette(routes=[Route("/appmonitors/{Id}", _post, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    _print_address(listener.getsockname()[1])
    config = uvicorn.Config(app, lifespan="off", access_log=False, log_config=None)
    await uvicorn.Server(config).serve([listener])


def _print_address(port: int) -> None:
    print(json.dumps({"listens": f"127.0.0.1:{port}"}), flush=True)


if __name__ == "__main__":
    # uvicorn runs on the current event loop, and uses httptools if it is installed.
    uvloop.run({"grpc": _grpc, "grpc-sync": _grpc_sync, "http": _http}[sys.argv[1]]())
