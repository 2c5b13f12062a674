"""The composition root of the service: every part, and the order of start and stop.

    store → threads → log maintenance → group commit → quotas → retention → countries
          → deletion of app monitors → erasures → gRPC server

Each part starts after those on its left and stops before them.
"""

from __future__ import annotations

__all__ = ["Service", "build"]

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rum_service.auth.keyring import Keyring
from rum_service.auth.policy import Policy
from rum_service.composition.access import build_access
from rum_service.composition.base import Base
from rum_service.composition.metrics import ServiceMetrics
from rum_service.composition.planes import build_planes
from rum_service.composition.storing import build_storing
from rum_service.control.app_monitor_deletion import AppMonitorDeletion
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.credentials import Credentials
from rum_service.control.erasure_runner import ErasureRunner
from rum_service.control.erasures import Erasures
from rum_service.control.readback import Readback
from rum_service.control.retention_sweep import RetentionSweep
from rum_service.control.statistics import Statistics
from rum_service.ingest.accounting import Accounting
from rum_service.ingest.group_commit import GroupCommit
from rum_service.ingest.log_maintenance import LogMaintenance
from rum_service.ingest.put import Ingest
from rum_service.ingest.quotas import StorageQuotas
from rum_service.monitors import MonitorCache
from rum_service.rpc.grpc_server import GrpcServer
from rum_service.rpc.local_bridge import LocalBridge
from rum_service.settings import ServiceSettings
from rum_service.storage.base import Store

if TYPE_CHECKING:
    from rum_service.ingest.countries import Countries


@dataclass(frozen=True)
class Service:
    """Every part, built but not started."""

    lookups: ThreadPoolExecutor
    """Threads for the small queries that puts wait for. Slow reads do not occupy them."""
    readers: ThreadPoolExecutor
    """Threads for reads of the log and for the control plane."""
    group_commit: GroupCommit
    log_maintenance: LogMaintenance
    accounting: Accounting
    quotas: StorageQuotas
    retention: RetentionSweep
    countries: Countries | None
    """None: countries are not looked up."""
    monitors: MonitorCache[Policy]
    deletion: AppMonitorDeletion
    app_monitors: AppMonitors
    erasures: Erasures
    erasure_runner: ErasureRunner
    keyring: Keyring
    credentials: Credentials
    ingest: Ingest
    readback: Readback
    local_bridge: LocalBridge
    server: GrpcServer
    metrics: ServiceMetrics
    statistics: Statistics

    async def start(self, stack: AsyncExitStack, *, listening: bool = True) -> None:
        """Start every part. The stack stops them in reverse order. Raises StartError."""
        stack.enter_context(self.lookups)
        stack.enter_context(self.readers)
        stack.enter_context(self.log_maintenance)
        await stack.enter_async_context(self.group_commit)
        await stack.enter_async_context(self.quotas)
        await stack.enter_async_context(self.retention)
        if self.countries:
            await stack.enter_async_context(self.countries)
        await stack.enter_async_context(self.deletion)
        await stack.enter_async_context(self.erasure_runner)
        if listening:
            await stack.enter_async_context(self.server)


def build(
    settings: ServiceSettings,
    store: Store,
    *,
    clock: Callable[[], float],
    new_id: Callable[[], str],
) -> Service:
    """Create every part. Nothing runs or listens yet.

    Args:
        store: an open store; the caller closes it.
        clock: Unix seconds.
        new_id: returns a new UUID.

    Raises:
        StartError: a token file cannot be created or read, or a database of countries cannot be
            used.
    """
    base = Base.of(settings, store, clock=clock, new_id=new_id)
    access = build_access(base)
    storing = build_storing(base, access)
    planes = build_planes(base, access, storing)
    return Service(
        lookups=base.lookups,
        readers=base.readers,
        group_commit=storing.group_commit,
        log_maintenance=storing.log_maintenance,
        accounting=storing.accounting,
        quotas=storing.quotas,
        retention=storing.retention,
        countries=storing.countries,
        monitors=base.monitors,
        deletion=base.deletion,
        app_monitors=base.app_monitors,
        erasures=planes.erasures,
        erasure_runner=planes.erasure_runner,
        keyring=access.keyring,
        credentials=access.credentials,
        ingest=storing.ingest,
        readback=planes.readback,
        local_bridge=planes.local_bridge,
        server=planes.server,
        statistics=planes.statistics,
        metrics=ServiceMetrics(
            storing.accounting.ledger,
            storing.ingest.queue,
            storing.group_commit,
            planes.boundary.calls,
            storing.quotas,
            retention=storing.retention,
            erasures=planes.erasure_runner,
            damaged=store.damaged,
            clock=clock,
            max_waiting_bytes=settings.max_waiting_bytes,
        ),
    )
