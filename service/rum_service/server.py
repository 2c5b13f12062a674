"""The composition root of the service: what is built from what, and the order of start and stop.

start   store → group commit → use cases → servicers → listening
stop    NOT_SERVING → no new calls → calls under way end → last commit → store closed
"""

from __future__ import annotations

__all__ = ["RunningService", "StartError", "running_service"]

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc.aio
import structlog
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from rum.internal.v1 import bridge_service_pb2
from rum.internal.v1.bridge_service_pb2_grpc import add_BridgeServiceServicer_to_server
from rum.operator.v1 import operator_service_pb2
from rum.operator.v1.operator_service_pb2_grpc import add_OperatorServiceServicer_to_server
from rum.v1 import control_plane_service_pb2, data_plane_service_pb2
from rum.v1.control_plane_service_pb2_grpc import add_ControlPlaneServiceServicer_to_server
from rum.v1.data_plane_service_pb2_grpc import add_DataPlaneServiceServicer_to_server
from rum_service.auth.authentication import Authentication
from rum_service.auth.authorization import Authorization
from rum_service.auth.credentials import Credentials
from rum_service.auth.operations import operation_of
from rum_service.auth.secret_files import SecretBox, create_or_read
from rum_service.auth.tokens import new_token
from rum_service.control.metric_definitions import MetricDefinitions
from rum_service.control.metric_destinations import MetricDestinations
from rum_service.control.readback import Readback
from rum_service.control.resource_policies import ResourcePolicies
from rum_service.control.tags import Tags
from rum_service.ingest.group_commit import GroupCommit
from rum_service.ingest.put import Ingest
from rum_service.monitors import Monitors
from rum_service.rpc.boundary import CallBoundary, Context, call_of
from rum_service.rpc.bridge_plane import BridgePlane
from rum_service.rpc.control_plane import ControlPlane
from rum_service.rpc.data_plane import DataPlane
from rum_service.rpc.health import StoreHealth
from rum_service.rpc.listen import StartError, listen
from rum_service.rpc.operator_plane import Operator
from rum_service.settings import ServiceSettings
from rum_service.storage import open_store
from rum_service.storage.base import Store

logger = structlog.get_logger()

_READER_THREADS = 4
_LOOKUP_THREADS = 4
_MAX_GROUP_BYTES = 4 << 20
_MAX_METADATA_BYTES = 128 << 10
_SERVICES = (
    data_plane_service_pb2.DESCRIPTOR.services_by_name["DataPlaneService"].full_name,
    control_plane_service_pb2.DESCRIPTOR.services_by_name["ControlPlaneService"].full_name,
    operator_service_pb2.DESCRIPTOR.services_by_name["OperatorService"].full_name,
    bridge_service_pb2.DESCRIPTOR.services_by_name["BridgeService"].full_name,
    health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
    reflection.SERVICE_NAME,
)


@dataclass(frozen=True)
class RunningService:
    """A service that listens."""

    address: str
    """host:port of the gRPC face, with the port that was bound."""


@asynccontextmanager
async def running_service(
    settings: ServiceSettings, *, exposed_by: str | None = None
) -> AsyncIterator[RunningService]:
    """Runs the service while the context is open.

    Args:
        exposed_by: the setting and address of a bridge in the same process, as
            `OPENRUM_HTTP: 0.0.0.0:8080`, through which other machines can reach it; None: none.

    Raises:
        StartError: a setting cannot be met.
    """
    try:
        store = await asyncio.to_thread(open_store, settings.database_url)
    except (ValueError, OSError) as error:
        raise StartError(f"OPENRUM_DATABASE_URL: {error}") from error
    try:
        async with _listening(settings, store, exposed_by) as service:
            yield service
        logger.info("service stopped")
    finally:
        store.close()


@asynccontextmanager
async def _listening(
    settings: ServiceSettings, store: Store, exposed_by: str | None
) -> AsyncIterator[RunningService]:
    # Puts look up app monitors on threads of their own: slow reads of the log do not hold them up.
    lookups = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="lookup")
    readers = ThreadPoolExecutor(_READER_THREADS, thread_name_prefix="reader")
    monitors = Monitors(
        store,
        lookups,
        clock=lambda: datetime.now(UTC),
        max_app_monitors=settings.max_app_monitors,
    )
    group_commit = GroupCommit(
        store.log.append,
        max_waiting_bytes=settings.max_waiting_bytes,
        max_group_bytes=_MAX_GROUP_BYTES,
    )
    try:
        credentials = Credentials(
            store.credentials,
            lookups,
            monitors,
            SecretBox(settings.secrets_key_file),
            account_id=settings.account_id,
        )
        if settings.exposed:
            exposed_by = f"OPENRUM_GRPC: {settings.grpc}"
        if exposed_by and settings.auth == "auto":
            await _check_somebody_may_call(exposed_by, credentials, monitors)
        required = bool(exposed_by) or settings.auth == "required"
        gate = _gate(settings, credentials, required=required)
        ingest = Ingest(
            monitors, gate, group_commit, max_events=settings.max_events, clock=time.time
        )
        control_plane = _control_plane(settings, monitors, store, readers)
        health = StoreHealth(_SERVICES[:4], store.log.check_writable)
        server = _server(settings, gate, monitors)
        add_OperatorServiceServicer_to_server(Operator(credentials), server)
        add_DataPlaneServiceServicer_to_server(DataPlane(ingest), server)
        add_BridgeServiceServicer_to_server(BridgePlane(ingest), server)
        add_ControlPlaneServiceServicer_to_server(control_plane, server)
        health_pb2_grpc.add_HealthServicer_to_server(health, server)
        reflection.enable_server_reflection(_SERVICES, server)
        address = listen(server, settings)
        await server.start()
        purge = asyncio.create_task(monitors.purge_deleted())
        logger.info("service listens", grpc=address, socket=settings.socket or None)
        try:
            yield RunningService(address)
        finally:
            await health.drain()
            await server.stop(settings.drain_s)
            purge.cancel()
            await monitors.stop()
    finally:
        await group_commit.stop()
        readers.shutdown()
        lookups.shutdown()


def _control_plane(
    settings: ServiceSettings, monitors: Monitors, store: Store, readers: ThreadPoolExecutor
) -> ControlPlane:
    def new_id() -> str:
        return str(uuid.uuid4())

    destinations = MetricDestinations(monitors, store.metrics, readers)
    return ControlPlane(
        monitors=monitors,
        readback=Readback(monitors, store.log, readers, account_id=settings.account_id),
        tags=Tags(monitors, account_id=settings.account_id),
        policies=ResourcePolicies(monitors, store.policies, readers, new_id=new_id),
        destinations=destinations,
        definitions=MetricDefinitions(destinations, store.metrics, readers, new_id=new_id),
    )


async def _check_somebody_may_call(
    exposed_by: str, credentials: Credentials, monitors: Monitors
) -> None:
    if not await credentials.has_valid_credential() and not await monitors.any_policy():
        raise StartError(
            f"{exposed_by} can be reached from other machines, and nobody could be let in: there "
            "is no access key, token or resource policy. Set OPENRUM_AUTH=required to start all "
            "the same and make one (openrum keys create, openrum tokens create, openrum policy "
            "put), or set a loopback address, 127.0.0.1 or [::1]"
        )


def _gate(settings: ServiceSettings, credentials: Credentials, *, required: bool) -> Authorization:
    operator = _token("OPENRUM_OPERATOR_TOKEN_FILE", settings.operator_token_file, 0o600)
    bridge = _token("OPENRUM_BRIDGE_TOKEN_FILE", settings.bridge_token_file, 0o640)
    authentication = Authentication(
        credentials,
        operator_token=operator,
        bridge_token=bridge,
        certificate_access=frozenset(settings.certificate_access),
        account_id=settings.account_id,
        region=settings.region or None,
        clock=lambda: datetime.now(UTC),
    )
    return Authorization(
        authentication,
        required=required,
        check_origin=settings.check_origin,
        region=settings.region or "us-east-1",
        account_id=settings.account_id,
    )


def _token(setting: str, file: Path, mode: int) -> str:
    try:
        return create_or_read(file, new_token, mode)
    except OSError as error:
        raise StartError(f"{setting}: {error.filename}: {error.strerror}") from error


def _server(settings: ServiceSettings, gate: Authorization, monitors: Monitors) -> grpc.aio.Server:
    async def admit(method: str, request: Message, context: Context) -> None:
        if asked := operation_of(method, request):
            await gate.admit(call_of(context), asked, monitors.find)

    options = [
        # Two processes that share a port by accident would each get half of the calls.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", -1),
        # A bridge reports the query it was asked: 200 ids of BatchDeleteRumMetricDefinitions are
        # 12 KB, and gRPC takes 8 KB of metadata unless told otherwise.
        ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", _MAX_METADATA_BYTES),
    ]
    return grpc.aio.server(interceptors=[CallBoundary(admit)], options=options)
