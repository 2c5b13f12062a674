"""Builds the planes that callers reach, and the gRPC server in front of them."""

from __future__ import annotations

__all__ = ["Planes", "build_planes"]

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from rum_endpoint.request_log import RequestLog
from rum_service.composition.access import Access
from rum_service.composition.base import Base
from rum_service.composition.storing import Storing
from rum_service.control.erasure_runner import ErasureRunner
from rum_service.control.erasure_search import ErasureSearch
from rum_service.control.erasures import Erasures
from rum_service.control.metric_definitions import MetricDefinitions
from rum_service.control.metric_destinations import MetricDestinations
from rum_service.control.readback import Readback
from rum_service.control.resource_policies import ResourcePolicies
from rum_service.control.retention import Retentions
from rum_service.control.source_map_uploads import SourceMapUploads
from rum_service.control.source_maps import SourceMaps
from rum_service.control.statistics import Statistics
from rum_service.control.storage_usage import StorageUsage
from rum_service.control.tags import Tags
from rum_service.rpc.address_limits import AddressLimits
from rum_service.rpc.admission import Admission
from rum_service.rpc.boundary import CallBoundary
from rum_service.rpc.bridge_plane import BridgePlane
from rum_service.rpc.control_plane import ControlPlane
from rum_service.rpc.data_plane import DataPlane
from rum_service.rpc.grpc_server import GrpcServer
from rum_service.rpc.incoming import Incoming
from rum_service.rpc.insight_plane import InsightPlane
from rum_service.rpc.local_bridge import LocalBridge
from rum_service.rpc.methods import ContractMethods
from rum_service.rpc.operator_plane import OperatorPlane
from rum_service.rpc.outgoing import Outgoing
from rum_service.rpc.source_map_plane import SourceMapPlane


@dataclass(frozen=True)
class Planes:
    """The planes, the gRPC server, and the parts of them that other parts need."""

    boundary: CallBoundary
    readback: Readback
    statistics: Statistics
    erasures: Erasures
    erasure_runner: ErasureRunner
    local_bridge: LocalBridge
    server: GrpcServer


def build_planes(base: Base, access: Access, storing: Storing) -> Planes:
    """Create the parts."""
    settings = base.settings
    incoming = Incoming(
        max_message_bytes=settings.max_message_bytes,
        max_bytes=settings.max_waiting_bytes,
        timeout_s=settings.body_timeout_s,
    )
    boundary = CallBoundary(
        access.authentication,
        access.authorization,
        base.monitors,
        incoming=incoming,
        outgoing=Outgoing(max_bytes=settings.max_waiting_bytes),
        new_id=base.new_id,
        requests=RequestLog.of("service", settings),
        needs_addresses=storing.countries is not None,
    )
    readback = Readback(
        base.app_monitors,
        base.store.log,
        base.readers,
        replica=base.store.replica,
        account_id=settings.account_id,
        on_damaged=base.store.damaged.note,
        is_busy=lambda: storing.group_commit.is_busy,
    )
    statistics = Statistics(storing.accounting.ledger, clock=base.clock)
    search = ErasureSearch(
        base.store.log, base.readers, is_busy=lambda: storing.group_commit.is_busy
    )
    erasure_runner = ErasureRunner(base.store.erasures, search, base.readers, clock=base.clock)
    erasures = Erasures(
        base.app_monitors, base.store, search, erasure_runner, base.readers, clock=base.clock
    )
    bridge_plane = BridgePlane(storing.ingest, boundary)
    limits = AddressLimits(settings.address_rates, clock=monotonic)
    methods = ContractMethods(
        boundary,
        data_plane=DataPlane(storing.ingest, boundary, incoming, limits),
        bridge_plane=bridge_plane,
        admission=Admission(
            access.authentication, base.monitors, storing.quotas, storing.preparation, boundary
        ),
        control_plane=_control_plane(base, readback),
        insight_plane=InsightPlane(
            settings.projector_socket, base.app_monitors, account_id=settings.account_id
        ),
        source_map_plane=_source_map_plane(base),
        operator_plane=_operator_plane(
            base, access, storing, statistics, erasures, caller_name=boundary.caller_name
        ),
        max_message_bytes=settings.max_message_bytes,
    )
    server = GrpcServer(settings, methods, check_store=storing.group_commit.check)
    local_bridge = LocalBridge(bridge_plane, token=access.bridge_token, new_id=base.new_id)
    return Planes(boundary, readback, statistics, erasures, erasure_runner, local_bridge, server)


def _control_plane(base: Base, readback: Readback) -> ControlPlane:
    store, readers, monitors, new_id = base.store, base.readers, base.app_monitors, base.new_id
    destinations = MetricDestinations(monitors, store.metrics, readers)
    return ControlPlane(
        monitors=monitors,
        readback=readback,
        tags=Tags(monitors, account_id=base.settings.account_id),
        policies=ResourcePolicies(monitors, store.policies, readers, new_id=new_id),
        destinations=destinations,
        definitions=MetricDefinitions(destinations, store.metrics, readers, new_id=new_id),
    )


def _source_map_plane(base: Base) -> SourceMapPlane:
    parts = base.app_monitors, base.store.source_maps, base.readers, base.source_map_purge
    quota = base.settings.source_maps_quota
    return SourceMapPlane(
        SourceMapUploads(*parts, clock=base.clock, quota=quota), SourceMaps(*parts, quota=quota)
    )


def _operator_plane(
    base: Base,
    access: Access,
    storing: Storing,
    statistics: Statistics,
    erasures: Erasures,
    *,
    caller_name: Callable[[], str],
) -> OperatorPlane:
    usage = StorageUsage(
        base.app_monitors,
        base.store.usage,
        base.readers,
        usage=lambda: storing.quotas.usage,
        refresh=storing.quotas.refresh,
    )
    retentions = Retentions(
        base.app_monitors,
        base.store.retention,
        base.readers,
        storing.retention,
        clock=base.clock,
    )
    return OperatorPlane(
        access.credentials, statistics, usage, retentions, erasures, caller_name=caller_name
    )
