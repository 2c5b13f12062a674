"""Runs the bridge: a channel to the service, and uvicorn before it.

start   channel → listening
stop    no new connections → requests under way end → channel closed
"""

from __future__ import annotations

__all__ = ["CHANNEL_OPTIONS", "RunningBridge", "StartError", "running_bridge"]

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc.aio
import structlog
import uvicorn

from rum_bridge.app import create_app
from rum_bridge.http_protocol import BoundedHttp
from rum_bridge.settings import BridgeSettings

log = structlog.get_logger()

# Longer than the 60 s of common proxies: whoever keeps connections should be the first to close,
# or a request meets a closing connection, and Chromium sends such a POST again by itself.
_KEEP_ALIVE_S = 65
_BACKLOG = 2048
CHANNEL_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # The service is near: when it restarts, find it again within a second, not within two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class StartError(Exception):
    """The bridge cannot start; the text names the setting and the reason, in one line."""


@dataclass(frozen=True)
class RunningBridge:
    """A bridge that listens."""

    address: str
    """host:port of the HTTP face, with the port that was bound."""


@asynccontextmanager
async def running_bridge(settings: BridgeSettings) -> AsyncIterator[RunningBridge]:
    """Runs the bridge while the context is open.

    Raises:
        StartError: a setting cannot be met.
    """
    listener = _listen(settings.http)
    async with grpc.aio.insecure_channel(settings.service, options=CHANNEL_OPTIONS) as channel:
        server = _Server(
            uvicorn.Config(
                create_app(settings, channel),
                http=BoundedHttp,
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                backlog=_BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=max(1, round(settings.drain_s)),
            )
        )
        serving = asyncio.create_task(server.serve([listener]))
        host = settings.http.rpartition(":")[0]
        address = f"{host}:{listener.getsockname()[1]}"
        log.info("bridge listens", http=address, service=settings.service)
        try:
            yield RunningBridge(address)
        finally:
            server.should_exit = True
            await serving
            log.info("bridge stopped")


class _Server(uvicorn.Server):
    """uvicorn, but for signals: who runs the bridge decides what they mean."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(http: str) -> socket.socket:
    host, _, port = http.rpartition(":")
    try:
        address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        listener = socket.socket(address[0])
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address[4])
        # Before anyone is told the address: until uvicorn accepts, connections wait.
        listener.listen(_BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StartError(f"OPENRUM_HTTP: cannot listen on {http}: {reason}") from error
    return listener
