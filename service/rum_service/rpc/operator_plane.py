"""OperatorService: translates between gRPC messages and the use cases."""

from __future__ import annotations

__all__ = ["OperatorPlane"]

from collections.abc import Callable

from rum.operator.v1 import operator_service_pb2 as pb
from rum.operator.v1.operator_service_pb2_grpc import OperatorServiceServicer
from rum_service.control.credentials import Credentials
from rum_service.control.erasures import Erasures
from rum_service.control.retention import Retentions
from rum_service.control.statistics import Statistics
from rum_service.control.storage_usage import StorageUsage
from rum_service.rpc.call_context import Context


class OperatorPlane(OperatorServiceServicer):
    """The servicer.

    Args:
        caller_name: returns the name of the caller that the current task answers.
    """

    def __init__(
        self,
        credentials: Credentials,
        statistics: Statistics,
        usage: StorageUsage,
        retentions: Retentions,
        erasures: Erasures,
        *,
        caller_name: Callable[[], str],
    ) -> None:
        self._credentials = credentials
        self._statistics = statistics
        self._usage = usage
        self._retentions = retentions
        self._erasures = erasures
        self._caller_name = caller_name

    async def CreateAccessKey(
        self, request: pb.CreateAccessKeyRequest, _: Context
    ) -> pb.CreateAccessKeyResponse:
        return await self._credentials.create_key(request)

    async def CreateToken(
        self, request: pb.CreateTokenRequest, _: Context
    ) -> pb.CreateTokenResponse:
        return await self._credentials.create_token(request)

    async def ListCredentials(
        self, request: pb.ListCredentialsRequest, _: Context
    ) -> pb.ListCredentialsResponse:
        return await self._credentials.list(request)

    async def RevokeCredential(
        self, request: pb.RevokeCredentialRequest, _: Context
    ) -> pb.RevokeCredentialResponse:
        await self._credentials.revoke(request)
        return pb.RevokeCredentialResponse()

    async def GetStatistics(
        self, _request: pb.GetStatisticsRequest, _: Context
    ) -> pb.GetStatisticsResponse:
        return self._statistics.get()

    async def ListUsage(self, _request: pb.ListUsageRequest, _: Context) -> pb.ListUsageResponse:
        return self._usage.list()

    async def SetStoredBytesQuota(
        self, request: pb.SetStoredBytesQuotaRequest, _: Context
    ) -> pb.SetStoredBytesQuotaResponse:
        await self._usage.set_quota(request)
        return pb.SetStoredBytesQuotaResponse()

    async def ListRetention(
        self, _request: pb.ListRetentionRequest, _: Context
    ) -> pb.ListRetentionResponse:
        return await self._retentions.list()

    async def SetRetention(
        self, request: pb.SetRetentionRequest, _: Context
    ) -> pb.SetRetentionResponse:
        return await self._retentions.set_days(request)

    async def PreviewErasure(
        self, request: pb.PreviewErasureRequest, _: Context
    ) -> pb.PreviewErasureResponse:
        return await self._erasures.preview(request)

    async def StartErasure(
        self, request: pb.StartErasureRequest, _: Context
    ) -> pb.StartErasureResponse:
        erasure = await self._erasures.start(request, erased_by=self._caller_name())
        return pb.StartErasureResponse(erasure=erasure)

    async def GetErasure(self, request: pb.GetErasureRequest, _: Context) -> pb.GetErasureResponse:
        return pb.GetErasureResponse(erasure=await self._erasures.get(request))

    async def ListErasures(
        self, request: pb.ListErasuresRequest, _: Context
    ) -> pb.ListErasuresResponse:
        return await self._erasures.list(request)
