"""Runs the bridge: a channel to the service, and uvicorn before it.

start   channel → listening
stop    no new connections → requests under way end → channel closed
"""

from __future__ import annotations

__all__ = ["RunningBridge", "StartError", "open_listener", "running_bridge"]

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
import uvicorn
from starlette.types import ASGIApp

from rum_bridge.app import create_app
from rum_bridge.certificates import CertificateError, following, read_pair
from rum_bridge.channel import open_channel
from rum_bridge.http_protocol import BoundedHttp
from rum_bridge.settings import BridgeSettings

logger = structlog.get_logger()

# Longer than the 60 s of common proxies: whoever keeps connections should be the first to close,
# or a request meets a closing connection, and Chromium sends such a POST again by itself.
_KEEP_ALIVE_S = 65
_BACKLOG = 2048


class StartError(Exception):
    """The bridge cannot start; the text names the setting and the reason, in one line."""


@dataclass(frozen=True)
class RunningBridge:
    """A bridge that listens."""

    address: str
    """host:port of the HTTP face, with the port that was bound."""


def open_listener(settings: BridgeSettings) -> socket.socket:
    """Binds the address of the settings; nobody can connect until a bridge runs on it.

    Raises:
        StartError: the address is taken or cannot be had.
    """
    http = settings.http
    host, _, port = http.rpartition(":")
    try:
        address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        listener = socket.socket(address[0])
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address[4])
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StartError(f"OPENRUM_HTTP: cannot listen on {http}: {reason}") from error
    return listener


@asynccontextmanager
async def running_bridge(
    settings: BridgeSettings, listener: socket.socket | None = None
) -> AsyncIterator[RunningBridge]:
    """Runs the bridge while the context is open.

    Args:
        listener: from `open_listener`, by who wants to know early whether the address is free.

    Raises:
        StartError: a setting cannot be met.
    """
    pair = settings.http_pair
    try:
        if pair:
            read_pair("HTTP", *pair)
        channel = open_channel(settings)
    except CertificateError as error:
        raise StartError(str(error)) from error
    async with channel, contextlib.AsyncExitStack() as stack:
        config = _config(settings, create_app(settings, channel))
        if config.ssl and pair:
            stack.enter_context(following(config.ssl, *pair))
        listener = listener or open_listener(settings)
        # Not in uvicorn's own time: who is told that the bridge listens may connect at once.
        listener.listen(_BACKLOG)
        server = _Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        host = settings.http.rpartition(":")[0]
        address = f"{host}:{listener.getsockname()[1]}"
        logger.info("bridge listens", http=address, tls=bool(config.ssl), service=settings.service)
        try:
            yield RunningBridge(address)
        finally:
            server.should_exit = True
            await serving
            logger.info("bridge stopped")


def _config(settings: BridgeSettings, app: ASGIApp) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=BoundedHttp,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        backlog=_BACKLOG,
        # X-Forwarded-For counts where a trusted proxy wrote it; uvicorn's default trusts loopback.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        ssl_certfile=settings.http_certificate_file,
        ssl_keyfile=settings.http_key_file,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(settings.drain_s)),
    )
    config.load()
    return config


class _Server(uvicorn.Server):
    """uvicorn, but for signals: who runs the bridge decides what they mean."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
