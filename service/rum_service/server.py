"""The composition root of the service: what is built from what, and the order of start and stop.

    store → threads → group commit → quotas → countries → app monitors → gRPC server

Each part starts after those on its left and stops before them.
"""

from __future__ import annotations

__all__ = [
    "LOOKUP_THREADS",
    "READER_THREADS",
    "RunningService",
    "Service",
    "build",
    "running_local_service",
    "running_service",
]

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from rum_endpoint.end_process import end_process
from rum_endpoint.metrics_page import Samples
from rum_endpoint.request_log import RequestLog
from rum_endpoint.start_error import StartError
from rum_service.auth import policy
from rum_service.auth.authentication import Authentication
from rum_service.auth.authorization import Authorization
from rum_service.auth.keyring import Keyring
from rum_service.auth.secret_files import SecretBox, create_or_read
from rum_service.auth.tokens import new_access_key, new_token
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.credentials import Credentials
from rum_service.control.metric_definitions import MetricDefinitions
from rum_service.control.metric_destinations import MetricDestinations
from rum_service.control.readback import Readback
from rum_service.control.resource_policies import ResourcePolicies
from rum_service.control.source_maps import SourceMaps
from rum_service.control.statistics import Statistics
from rum_service.control.storage_usage import StorageUsage
from rum_service.control.tags import Tags
from rum_service.ingest.accounting import Accounting
from rum_service.ingest.drops import Drops
from rum_service.ingest.group_commit import GroupCommit
from rum_service.ingest.limits import MonitorLimits
from rum_service.ingest.put import Ingest
from rum_service.ingest.quotas import StorageQuotas
from rum_service.ingest.replays import Replays
from rum_service.metrics import ServiceMetrics
from rum_service.monitors import Monitors
from rum_service.rpc.admission import Admission
from rum_service.rpc.boundary import CallBoundary
from rum_service.rpc.bridge_plane import BridgePlane
from rum_service.rpc.control_plane import ControlPlane
from rum_service.rpc.data_plane import DataPlane
from rum_service.rpc.grpc_server import GrpcServer
from rum_service.rpc.insight_plane import InsightPlane
from rum_service.rpc.local_bridge import LocalBridge
from rum_service.rpc.operator_plane import Operator
from rum_service.rpc.source_map_plane import SourceMapPlane
from rum_service.settings import ServiceSettings
from rum_service.storage import open_store
from rum_service.storage.base import Store

if TYPE_CHECKING:
    from rum_service.ingest.countries import Countries

logger = structlog.get_logger()

READER_THREADS = 4
LOOKUP_THREADS = 4
_MAX_GROUP_BYTES = 4 << 20
_DEFAULT_REGION = "us-east-1"


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


@dataclass(frozen=True)
class Service:
    """Every part, built but not started."""

    lookups: ThreadPoolExecutor
    """Threads for the small queries that puts wait for. Slow reads do not occupy them."""
    readers: ThreadPoolExecutor
    """Threads for reads of the log and for the control plane."""
    group_commit: GroupCommit
    accounting: Accounting
    quotas: StorageQuotas
    countries: Countries | None
    """None: countries are not looked up."""
    monitors: Monitors[policy.Policy]
    app_monitors: AppMonitors
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
        await stack.enter_async_context(self.group_commit)
        await stack.enter_async_context(self.quotas)
        if self.countries:
            await stack.enter_async_context(self.countries)
        await stack.enter_async_context(self.app_monitors)
        if listening:
            await stack.enter_async_context(self.server)


@asynccontextmanager
async def running_service(
    settings: ServiceSettings, *, exposed_by: str | None = None
) -> AsyncIterator[RunningService]:
    """Run the service while the context is open.

    Args:
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
    async with AsyncExitStack() as stack:
        service = await _start(settings, stack)
        if unchecked:
            await _check_a_call_can_succeed(unchecked, service)
        await stack.enter_async_context(service.server)
        yield _running(service, service.server.address)
    logger.info("service stopped", events=service.accounting.ledger.events())


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
    store = await asyncio.to_thread(_open_store, settings.database_url)
    stack.callback(store.close)
    service = build(settings, store, clock=time.time, new_id=lambda: str(uuid.uuid4()))
    await service.start(stack, listening=False)
    return service


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
    account_id = settings.account_id
    lookups = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup")
    readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="reader")
    monitors = Monitors(store.monitors, lookups, compile_policy=policy.parse, clock=time.monotonic)
    app_monitors = AppMonitors(
        store,
        lookups,
        monitors,
        clock=clock,
        new_id=new_id,
        max_app_monitors=settings.max_app_monitors,
    )
    box = SecretBox(settings.secrets_key_file)
    keyring = Keyring(
        store.credentials,
        lookups,
        box,
        account_id=account_id,
        clock=clock,
        monotonic=time.monotonic,
    )
    credentials = Credentials(
        store.credentials,
        lookups,
        app_monitors,
        keyring,
        box,
        clock=clock,
        new_access_key=new_access_key,
        new_token=new_token,
    )
    bridge_token = _token("OPENRUM_BRIDGE_TOKEN_FILE", settings.bridge_token_file, 0o640)
    authentication = Authentication(
        keyring,
        required=settings.auth == "required",
        operator_token=_token("OPENRUM_OPERATOR_TOKEN_FILE", settings.operator_token_file, 0o600),
        bridge_token=bridge_token,
        certificate_access=frozenset(settings.certificate_access),
        reject_aws_keys=settings.aws_keys == "reject",
        account_id=account_id,
        region=settings.region or None,
        clock=clock,
    )
    authorization = Authorization(
        check_origin=settings.check_origin,
        region=settings.region or _DEFAULT_REGION,
        account_id=account_id,
    )
    accounting = Accounting(monitors)
    group_commit = GroupCommit(
        store.log.append,
        count=accounting.end,
        check=store.log.check_writable,
        on_end=_end_process,
        max_waiting_bytes=settings.max_waiting_bytes,
        max_group_bytes=_MAX_GROUP_BYTES,
    )
    quotas = StorageQuotas(store.usage, readers, default=settings.stored_bytes_quota)
    countries = _countries(settings)
    ingest = Ingest(
        monitors,
        authentication,
        authorization,
        group_commit,
        accounting,
        limits=_limits(settings),
        quotas=quotas,
        drops=_drops(settings),
        max_events=settings.max_events,
        clock=clock,
        country_of=countries.of if countries else None,
    )
    readback = Readback(
        app_monitors,
        store.log,
        readers,
        account_id=account_id,
        is_busy=lambda: group_commit.is_busy,
    )
    destinations = MetricDestinations(app_monitors, store.metrics, readers)
    control_plane = ControlPlane(
        monitors=app_monitors,
        readback=readback,
        tags=Tags(app_monitors, account_id=account_id),
        policies=ResourcePolicies(app_monitors, store.policies, readers, new_id=new_id),
        destinations=destinations,
        definitions=MetricDefinitions(destinations, store.metrics, readers, new_id=new_id),
    )
    statistics = Statistics(accounting.ledger, clock=clock)
    usage = StorageUsage(
        app_monitors,
        store.usage,
        readers,
        usage=lambda: quotas.usage,
        refresh=quotas.refresh,
    )
    boundary = CallBoundary(
        authentication,
        authorization,
        monitors,
        new_id=new_id,
        requests=RequestLog.of("service", settings),
        needs_addresses=countries is not None,
    )
    bridge_plane = BridgePlane(ingest, boundary)
    server = GrpcServer(
        settings,
        boundary,
        data_plane=DataPlane(ingest, boundary),
        bridge_plane=bridge_plane,
        admission=Admission(authentication, monitors, quotas, boundary),
        control_plane=control_plane,
        insight_plane=InsightPlane(settings.projector_socket, app_monitors, account_id=account_id),
        source_map_plane=SourceMapPlane(
            SourceMaps(
                app_monitors,
                store.source_maps,
                readers,
                clock=clock,
                quota=settings.source_maps_quota,
            )
        ),
        operator_plane=Operator(credentials, statistics, usage),
        check_store=group_commit.check,
    )
    return Service(
        lookups=lookups,
        readers=readers,
        group_commit=group_commit,
        accounting=accounting,
        quotas=quotas,
        countries=countries,
        monitors=monitors,
        app_monitors=app_monitors,
        keyring=keyring,
        credentials=credentials,
        ingest=ingest,
        readback=readback,
        local_bridge=LocalBridge(bridge_plane, token=bridge_token, new_id=new_id),
        server=server,
        statistics=statistics,
        metrics=ServiceMetrics(
            accounting.ledger,
            ingest.queue,
            group_commit,
            boundary.calls,
            quotas,
            max_waiting_bytes=settings.max_waiting_bytes,
        ),
    )


def _end_process(error: BaseException) -> None:
    # A process that answers but stores nothing would look healthy.
    end_process(f"the thread that stores batches ended: {type(error).__name__}")


def _open_store(url: str) -> Store:
    try:
        return open_store(url)
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


def _countries(settings: ServiceSettings) -> Countries | None:
    if settings.geoip is None:
        return None
    # Imported here: few services need it.
    from rum_service.ingest.countries import Countries

    return Countries(settings.geoip)


def _limits(settings: ServiceSettings) -> MonitorLimits:
    rates = {
        "requests": settings.monitor_requests_per_s,
        "events": settings.monitor_events_per_s,
        "bytes": settings.monitor_bytes_per_s,
    }
    return MonitorLimits(rates, clock=time.monotonic)


def _drops(settings: ServiceSettings) -> Drops:
    replays = Replays(
        stored=settings.replays,
        bytes_per_day=settings.replay_bytes_per_day,
        clock=time.monotonic,
    )
    return Drops(replays)


def _token(setting: str, file: Path, mode: int) -> str:
    try:
        return create_or_read(file, new_token, mode)
    except OSError as error:
        raise StartError(f"{setting}: {error.filename}: {error.strerror}") from error
