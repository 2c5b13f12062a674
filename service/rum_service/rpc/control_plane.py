"""ControlPlaneService: translates between gRPC messages and the use cases."""

from __future__ import annotations

__all__ = ["ControlPlane"]

from rum.v1 import control_plane_service_pb2 as pb
from rum.v1 import metrics_pb2, resource_policy_pb2, tags_pb2
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceServicer
from rum_endpoint.metadata import REPLICA_LAG_KEY
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.metric_definitions import MetricDefinitions
from rum_service.control.metric_destinations import MetricDestinations
from rum_service.control.readback import Readback
from rum_service.control.resource_policies import ResourcePolicies
from rum_service.control.tags import Tags
from rum_service.rpc.call_context import Context


class ControlPlane(ControlPlaneServiceServicer):
    """The servicer."""

    def __init__(
        self,
        *,
        monitors: AppMonitors,
        readback: Readback,
        tags: Tags,
        policies: ResourcePolicies,
        destinations: MetricDestinations,
        definitions: MetricDefinitions,
    ) -> None:
        self._monitors = monitors
        self._readback = readback
        self._tags = tags
        self._policies = policies
        self._destinations = destinations
        self._definitions = definitions

    async def CreateAppMonitor(
        self, request: pb.CreateAppMonitorRequest, _: Context
    ) -> pb.CreateAppMonitorResponse:
        return pb.CreateAppMonitorResponse(id=await self._monitors.create(request))

    async def GetAppMonitor(
        self, request: pb.GetAppMonitorRequest, _: Context
    ) -> pb.GetAppMonitorResponse:
        return pb.GetAppMonitorResponse(app_monitor=await self._monitors.get(request))

    async def ListAppMonitors(
        self, request: pb.ListAppMonitorsRequest, _: Context
    ) -> pb.ListAppMonitorsResponse:
        return await self._monitors.list(request)

    async def UpdateAppMonitor(
        self, request: pb.UpdateAppMonitorRequest, _: Context
    ) -> pb.UpdateAppMonitorResponse:
        await self._monitors.update(request)
        return pb.UpdateAppMonitorResponse()

    async def DeleteAppMonitor(
        self, request: pb.DeleteAppMonitorRequest, _: Context
    ) -> pb.DeleteAppMonitorResponse:
        await self._monitors.delete(request)
        return pb.DeleteAppMonitorResponse()

    async def GetAppMonitorData(
        self, request: pb.GetAppMonitorDataRequest, context: Context
    ) -> pb.GetAppMonitorDataResponse:
        def note(lag_s: float) -> None:
            context.set_trailing_metadata(((REPLICA_LAG_KEY, f"{lag_s:.3f}"),))

        return await self._readback.get(request, on_lag=note)

    async def TagResource(
        self, request: tags_pb2.TagResourceRequest, _: Context
    ) -> tags_pb2.TagResourceResponse:
        await self._tags.tag(request)
        return tags_pb2.TagResourceResponse()

    async def UntagResource(
        self, request: tags_pb2.UntagResourceRequest, _: Context
    ) -> tags_pb2.UntagResourceResponse:
        await self._tags.untag(request)
        return tags_pb2.UntagResourceResponse()

    async def ListTagsForResource(
        self, request: tags_pb2.ListTagsForResourceRequest, _: Context
    ) -> tags_pb2.ListTagsForResourceResponse:
        return await self._tags.list(request)

    async def PutResourcePolicy(
        self, request: resource_policy_pb2.PutResourcePolicyRequest, _: Context
    ) -> resource_policy_pb2.PutResourcePolicyResponse:
        return await self._policies.put(request)

    async def GetResourcePolicy(
        self, request: resource_policy_pb2.GetResourcePolicyRequest, _: Context
    ) -> resource_policy_pb2.GetResourcePolicyResponse:
        return await self._policies.get(request)

    async def DeleteResourcePolicy(
        self, request: resource_policy_pb2.DeleteResourcePolicyRequest, _: Context
    ) -> resource_policy_pb2.DeleteResourcePolicyResponse:
        return await self._policies.delete(request)

    async def PutRumMetricsDestination(
        self, request: metrics_pb2.PutRumMetricsDestinationRequest, _: Context
    ) -> metrics_pb2.PutRumMetricsDestinationResponse:
        await self._destinations.put(request)
        return metrics_pb2.PutRumMetricsDestinationResponse()

    async def ListRumMetricsDestinations(
        self, request: metrics_pb2.ListRumMetricsDestinationsRequest, _: Context
    ) -> metrics_pb2.ListRumMetricsDestinationsResponse:
        return await self._destinations.list(request)

    async def DeleteRumMetricsDestination(
        self, request: metrics_pb2.DeleteRumMetricsDestinationRequest, _: Context
    ) -> metrics_pb2.DeleteRumMetricsDestinationResponse:
        await self._destinations.delete(request)
        return metrics_pb2.DeleteRumMetricsDestinationResponse()

    async def BatchCreateRumMetricDefinitions(
        self, request: metrics_pb2.BatchCreateRumMetricDefinitionsRequest, _: Context
    ) -> metrics_pb2.BatchCreateRumMetricDefinitionsResponse:
        return await self._definitions.create(request)

    async def BatchGetRumMetricDefinitions(
        self, request: metrics_pb2.BatchGetRumMetricDefinitionsRequest, _: Context
    ) -> metrics_pb2.BatchGetRumMetricDefinitionsResponse:
        return await self._definitions.get(request)

    async def BatchDeleteRumMetricDefinitions(
        self, request: metrics_pb2.BatchDeleteRumMetricDefinitionsRequest, _: Context
    ) -> metrics_pb2.BatchDeleteRumMetricDefinitionsResponse:
        return await self._definitions.delete(request)

    async def UpdateRumMetricDefinition(
        self, request: metrics_pb2.UpdateRumMetricDefinitionRequest, _: Context
    ) -> metrics_pb2.UpdateRumMetricDefinitionResponse:
        await self._definitions.update(request)
        return metrics_pb2.UpdateRumMetricDefinitionResponse()
