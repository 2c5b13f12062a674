"""Run the bridge: channels to the service, and uvicorn in front of it.

start   channels → listening
stop    no new connections → requests in progress end → channels closed
"""

from __future__ import annotations

__all__ = ["RunningBridge", "running_bridge"]

import asyncio
import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog
import uvicorn

from rum_bridge.app import BridgeApp, create_app
from rum_bridge.http.certificates import following
from rum_bridge.http.connection import BoundedConnection
from rum_bridge.http.connection_limits import ConnectionLimits
from rum_bridge.http.connections import OpenConnections
from rum_bridge.http.unread import UnreadResponses
from rum_bridge.puts.admitted_http import AdmittedHttp
from rum_bridge.settings import BridgeSettings
from rum_bridge.upstream.batch_put import BatchPut
from rum_bridge.upstream.channel import open_channels
from rum_endpoint.certificate_files import read_pair
from rum_endpoint.descriptors import RESERVED_DESCRIPTORS, descriptor_limit, share_of_descriptors
from rum_endpoint.ledger import Ledger
from rum_endpoint.metrics_page import Samples
from rum_endpoint.rolling import STRAGGLERS_S, prefer

logger = structlog.get_logger()

_BACKLOG = 2048
_TICKS_PER_SECOND = 10
# A check takes up to 6 µs, and nothing else happens meanwhile. 20,000 connections take 10 s.
_CHECKS_PER_S = 2000


@dataclass(frozen=True)
class RunningBridge:
    """A bridge that listens."""

    address: str
    """host:port for HTTP, with the port that was bound."""
    samples: Samples
    """The metrics of the bridge."""
    ledger: Ledger
    """The counts of puts."""


@asynccontextmanager
async def running_bridge(
    settings: BridgeSettings,
    listener: socket.socket | None = None,
    *,
    batch_put: BatchPut | None = None,
    limits: ConnectionLimits | None = None,
    inherited: bool = False,
    other_connections: int = 0,
) -> AsyncIterator[RunningBridge]:
    """Run the bridge while the context is open.

    Args:
        listener: a socket bound to OPENRUM_HTTP. None: bind the address now.
        batch_put: stores puts, for a service in the same process. None: call it over gRPC.
        limits: of connections; None for the defaults.
        inherited: the socket stays open for the next process.
        other_connections: the most connections that other servers in this process accept.

    Raises:
        StartError: the address cannot be bound, or a certificate or the token cannot be used.
    """
    pair = settings.http_pair
    if pair:
        read_pair(*pair)  # uvicorn's own error names no setting
    async with open_channels(settings) as channels, contextlib.AsyncExitStack() as stack:
        app = create_app(settings, channels, batch_put)
        connections = _connections(settings, other_connections)
        unread = UnreadResponses(settings.max_waiting_bytes)
        config = _config(settings, app, limits or ConnectionLimits(), connections, unread)
        if config.ssl and pair:
            await stack.enter_async_context(following(config.ssl, *pair))
        listener = listener or settings.http_address.bind("OPENRUM_HTTP", rolling=settings.rolling)
        # uvicorn listens a moment later; callers may connect as soon as this function yields.
        listener.listen(_BACKLOG)
        server = _Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        if settings.rolling:
            prefer(listener)
        address = str(replace(settings.http_address, port=listener.getsockname()[1]))
        logger.info("bridge listens", http=address, tls=bool(config.ssl), service=settings.service)
        try:
            yield RunningBridge(
                address,
                lambda: app.metrics.samples(
                    len(server.server_state.connections),
                    refused=connections.refused,
                    aborted=unread.aborted,
                ),
                app.accounting.ledger,
            )
        finally:
            if settings.rolling or inherited:
                if inherited:
                    server.stop_accepting()
                server.close_connections_after_responses()
                await asyncio.sleep(STRAGGLERS_S)
            server.should_exit = True
            await serving
            app.admission.close()
            logger.info("bridge stopped", events=app.accounting.ledger.events())


def _config(
    settings: BridgeSettings,
    app: BridgeApp,
    limits: ConnectionLimits,
    connections: OpenConnections,
    unread: UnreadResponses,
) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=functools.partial(  # type: ignore[arg-type] # only called
            AdmittedHttp,
            admission=app.admission,
            app_monitor_id_of=app.paths.app_monitor_id,
            limits=limits,
            connections=connections,
            unread=unread,
        ),
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        backlog=_BACKLOG,
        # uvicorn's default trusts X-Forwarded-For from loopback.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        ssl_certfile=settings.http_certificate_file,
        ssl_keyfile=settings.http_key_file,
        timeout_graceful_shutdown=max(1, round(settings.drain_s)),
    )
    config.load()
    return config


def _connections(settings: BridgeSettings, others: int) -> OpenConnections:
    allowed = share_of_descriptors(settings.max_connections, others=others)
    descriptors = descriptor_limit(settings.max_connections + others + RESERVED_DESCRIPTORS)
    if allowed < settings.max_connections:
        logger.warning(
            "fewer connections than OPENRUM_MAX_CONNECTIONS",
            connections=allowed,
            open_files_limit=descriptors,
        )
    return OpenConnections(
        max_total=settings.max_connections,
        max_per_address=settings.max_connections_per_address,
        max_descriptor=descriptors - RESERVED_DESCRIPTORS,
        proxies=settings.trusted_proxies,
    )


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: the process that runs the bridge handles signals."""

    _unchecked: Sequence[object] = ()
    """The connections whose progress will be checked next, the last one first."""

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_PER_SECOND == 0:
            open_ = self.server_state.connections
            unchecked = self._unchecked or list(open_)
            self._unchecked = unchecked[:-_CHECKS_PER_S]
            for connection in unchecked[-_CHECKS_PER_S:]:
                if isinstance(connection, BoundedConnection) and connection in open_:
                    connection.check_progress()
        return await super().on_tick(counter)

    def stop_accepting(self) -> None:
        """Leave new connections to the next process. Those that are open go on."""
        for listening in self.servers:
            listening.close()

    def close_connections_after_responses(self) -> None:
        """Let clients open new connections, which another process accepts."""
        close = (b"connection", b"close")
        self.config.encoded_headers.append(close)  # for the list that uvicorn makes each second
        self.server_state.default_headers = [*self.server_state.default_headers, close]

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
