"""The gRPC server: its limits, health, reflection, and a graceful stop."""

from __future__ import annotations

__all__ = ["GrpcServer"]

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import grpc
import grpc.aio
import structlog

from rum_endpoint.address import Address
from rum_endpoint.rolling import STRAGGLERS_S, listening_sockets, prefer
from rum_service.rpc.address_connections import AddressConnections
from rum_service.rpc.health import StoreHealth
from rum_service.rpc.health_methods import SERVICE as _HEALTH
from rum_service.rpc.health_methods import health_methods
from rum_service.rpc.incoming import Incoming
from rum_service.rpc.listen import listen
from rum_service.rpc.methods import SERVICES, ContractMethods
from rum_service.rpc.reflection import SERVICE as _REFLECTION
from rum_service.rpc.reflection import reflection_methods
from rum_service.settings import ServiceSettings

logger = structlog.get_logger()

# Of one call, with 32 bytes for each field. The query string that a bridge reports, with 200 ids of
# BatchDeleteRumMetricDefinitions, takes 12 KB. 32 calls on a connection, each with as many short
# fields as are allowed, take 5 MB (2026-11).
_MAX_METADATA_BYTES = 32 << 10
# At most this number of calls is in progress on one connection. The client library holds further
# calls back, where they cost the service nothing. This is the main limit under overload. A bridge
# has two calls for puts in progress. docs/decisions/0028-connections-limit-calls.md
_MAX_STREAMS = 32
# How much gRPC receives on a connection before methods ask for their messages. With 64 KiB, a put
# of 50 events took 13 % more CPU, because clients waited for windows (2026-11).
_UNASKED_BYTES = 256 << 10
# At most this number of calls waits for the event loop, 12 kB each. gRPC answers further ones with
# CANCELLED and no details, which clients treat as an error. Only 128 connections with all their
# calls, or a client that resets calls rapidly, can reach this limit.
_MAX_PENDING = 4096
_GRPC_LOGGER = logging.getLogger("grpc._cython.cygrpc")


def _without_metadata(record: logging.LogRecord) -> bool:
    """Replace the value and the traceback that gRPC logs for metadata that is not UTF-8."""
    if str(record.msg).startswith("Invalid encoding"):
        record.msg, record.args, record.exc_info = "metadata is not UTF-8", (), None
    return True


class GrpcServer:
    """The context manager listens; at its end it finishes the calls that are under way.

    Args:
        check_store: raises if a put would not be stored. For health.
    """

    address: str
    """host:port, with the port that was bound, once the context is entered."""

    def __init__(
        self,
        settings: ServiceSettings,
        methods: ContractMethods,
        *,
        check_store: Callable[[], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._methods = methods
        self._check_store = check_store

    async def __aenter__(self) -> Self:
        """Listen. Raises StartError."""
        # Created here, not earlier: the server and its health belong to the running event loop.
        self._health = StoreHealth(SERVICES, self._check_store)
        _GRPC_LOGGER.addFilter(_without_metadata)
        self._server = server = grpc.aio.server(options=_options(self._settings))
        server.add_generic_rpc_handlers(self._methods.handlers())
        # Eight messages may arrive at once for each. Health takes the turns of unknown callers, and
        # reflection those of known ones.
        self._incoming = incoming = Incoming(
            max_message_bytes=self._settings.max_message_bytes,
            max_bytes=0,
            timeout_s=self._settings.body_timeout_s,
        )
        boundary = self._methods.boundary
        services = (*SERVICES, _HEALTH)
        for service, handlers in (
            (_HEALTH, health_methods(self._health, boundary, incoming)),
            (_REFLECTION, reflection_methods(services, boundary, incoming)),
        ):
            handler = grpc.method_handlers_generic_handler(service, handlers)
            server.add_generic_rpc_handlers([handler])
        self.address = listen(server, self._settings)
        await server.start()
        port = Address.parse(self.address).port
        self._connections = AddressConnections(
            port, most=self._settings.max_grpc_connections_per_address
        )
        await self._connections.__aenter__()
        if self._settings.rolling:
            for listener in listening_sockets(port):
                prefer(listener)
        socket = self._settings.socket or None
        logger.info("service listens", grpc=self.address, socket=socket)
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self._connections.__aexit__(None, None, None)
        self._health.drain()
        if self._settings.rolling:
            await asyncio.sleep(STRAGGLERS_S)
        self._methods.boundary.stop()
        self._incoming.stop()
        await self._server.stop(self._settings.drain_s)
        await self._methods.insight_plane.close()


def _options(settings: ServiceSettings) -> list[tuple[str, int]]:
    return [
        # Two processes that share a port by accident would each get half of the calls.
        ("grpc.so_reuseport", int(settings.rolling)),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", -1),
        # With the probe, gRPC would receive 4 MB of each call before anybody asks: 124 MiB for a
        # connection (2026-11).
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", _UNASKED_BYTES),
        ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", _MAX_METADATA_BYTES),
        # Bit 0 allows uncompressed messages only. gRPC inflates a message before it checks the
        # length: 32 kB took 1.7 GB (2026-11).
        ("grpc.compression_enabled_algorithms_bitset", 1),
        # For each address that it listens on.
        ("grpc.max_allowed_incoming_connections", settings.max_grpc_connections),
        ("grpc.max_concurrent_streams", _MAX_STREAMS),
        # By default a call counts until its memory is free, which the client cannot know: of 500
        # concurrent calls on a connection, gRPC refused more than half as UNAVAILABLE (2026-11).
        ("grpc.http.overload_protection", 0),
        ("grpc.server.max_pending_requests", _MAX_PENDING),
        ("grpc.server.max_pending_requests_hard_limit", _MAX_PENDING),
    ]
