"""Runs a service from its settings: for the commands, with or without a gRPC server."""

from __future__ import annotations

__all__ = ["RunningService", "running_local_service", "running_service"]

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from rum_endpoint.descriptors import share_of_descriptors
from rum_endpoint.metrics_page import Samples
from rum_endpoint.start_error import StartError
from rum_service.composition.service import Service, build
from rum_service.control.statistics import Statistics
from rum_service.rpc.local_bridge import LocalBridge
from rum_service.settings import ServiceSettings
from rum_service.storage import ReplicaUrlError, open_store
from rum_service.storage.base import Store

logger = structlog.get_logger()


@dataclass(frozen=True)
class RunningService:
    """A service that has started."""

    address: str
    """host:port of gRPC, with the port that was bound. Empty for a local service."""
    local_bridge: LocalBridge
    """For a bridge in this process."""
    samples: Samples
    """The metrics of the service."""
    statistics: Statistics
    """The counts that operators can read. A bridge in this process can add its own."""


@asynccontextmanager
async def running_service(
    settings: ServiceSettings, *, exposed_by: str | None = None, other_connections: int = 0
) -> AsyncIterator[RunningService]:
    """Run the service while the context is open.

    Args:
        other_connections: the most connections that other servers in this process accept.
        exposed_by: the setting and the address through which other machines can reach the service,
            if a bridge runs in the same process, such as `OPENRUM_HTTP: 0.0.0.0:8080`. Or None.

    Raises:
        StartError: a setting cannot be satisfied.
    """
    if settings.exposed:
        exposed_by = f"OPENRUM_GRPC: {settings.grpc}"
    unchecked = exposed_by if settings.auth == "auto" else None
    if exposed_by:
        settings = settings.model_copy(update={"auth": "required"})
    settings = _with_connections(settings, other_connections)
    async with AsyncExitStack() as stack:
        service = await _start(settings, stack)
        if unchecked:
            await _check_a_call_can_succeed(unchecked, service)
        await stack.enter_async_context(service.server)
        yield _running(service, service.server.address)
    logger.info("service stopped", events=service.accounting.ledger.events())


def _with_connections(settings: ServiceSettings, others: int) -> ServiceSettings:
    """Return the settings with as many gRPC connections as the limit of open files allows."""
    wanted = settings.max_grpc_connections
    allowed = share_of_descriptors(wanted, others=others)
    if allowed < wanted:
        logger.warning("fewer connections than OPENRUM_MAX_GRPC_CONNECTIONS", connections=allowed)
    return settings.model_copy(update={"max_grpc_connections": allowed})


@asynccontextmanager
async def running_local_service(settings: ServiceSettings) -> AsyncIterator[RunningService]:
    """Run a service that only a bridge in this process can call. Raises StartError."""
    if settings.exposed:
        settings = settings.model_copy(update={"auth": "required"})
    async with AsyncExitStack() as stack:
        service = await _start(settings, stack)
        yield _running(service, "")


def _running(service: Service, address: str) -> RunningService:
    return RunningService(
        address, service.local_bridge, service.metrics.samples, service.statistics
    )


async def _start(settings: ServiceSettings, stack: AsyncExitStack) -> Service:
    """Open the store, and start everything but the gRPC server."""
    store = await asyncio.to_thread(_open_store, settings)
    stack.callback(store.close)
    if store.replica:
        stack.callback(store.replica.close)
    service = build(settings, store, clock=time.time, new_id=lambda: str(uuid.uuid4()))
    await service.start(stack, listening=False)
    return service


def _open_store(settings: ServiceSettings) -> Store:
    try:
        return open_store(settings.database_url, replica_url=settings.read_database_url)
    except ReplicaUrlError as error:
        raise StartError(f"OPENRUM_READ_DATABASE_URL: {error}") from error
    except (ValueError, OSError) as error:
        raise StartError(f"OPENRUM_DATABASE_URL: {error}") from error


async def _check_a_call_can_succeed(exposed_by: str, service: Service) -> None:
    if await service.keyring.has_valid_credential() or await service.app_monitors.any_policy():
        return
    raise StartError(
        f"{exposed_by} can be reached from other machines, but every call would be rejected: there"
        " is no access key, token or resource policy. Set OPENRUM_AUTH=required to start anyway"
        " and create one (openrum keys create, openrum tokens create, openrum policy put), or set"
        " a loopback address, 127.0.0.1 or [::1]"
    )
