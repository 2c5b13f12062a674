"""GET /readyz: whether a put would be accepted now."""

from __future__ import annotations

__all__ = ["READY_TIMEOUT_S", "Readiness"]

import asyncio

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from rum.internal.v1.bridge_service_pb2 import CheckBridgeRequest, CheckBridgeResponse
from rum.internal.v1.caller_pb2 import HttpCaller
from rum.v1 import data_plane_service_pb2
from rum_bridge.upstream.channel import BridgeToken
from rum_endpoint.metadata import CALLER_KEY

READY_TIMEOUT_S = 6.0
"""How long /readyz may take. A probe should wait longer."""

_DATA_PLANE = data_plane_service_pb2.DESCRIPTOR.services_by_name["DataPlaneService"]
_HEALTH = health_pb2.HealthCheckRequest(service=_DATA_PLANE.full_name)


class Readiness:
    """Answers 200 only while the service can store events and knows this bridge.

    Without the right token a bridge looks healthy, but its callers are rejected.
    """

    def __init__(
        self, channel: grpc.aio.Channel, token: BridgeToken, *, authorization_required: bool
    ) -> None:
        self._token = token
        caller = HttpCaller(authorization_required=authorization_required)
        self._report = (CALLER_KEY, caller.SerializeToString())
        self._check_health = health_pb2_grpc.HealthStub(channel).Check
        self._check_bridge = channel.unary_unary(
            "/rum.internal.v1.BridgeService/CheckBridge",
            request_serializer=CheckBridgeRequest.SerializeToString,
            response_deserializer=CheckBridgeResponse.FromString,
        )

    async def readyz(self, _: Request) -> Response:
        """Respond to a probe."""
        problem = await self._problem()
        return PlainTextResponse(problem, 503) if problem else PlainTextResponse("ok")

    async def _problem(self) -> str | None:
        """Return why a put would be rejected, or None."""
        metadata: list[tuple[str, str | bytes]] = [*self._token.metadata(), self._report]
        try:
            health, _ = await asyncio.gather(
                self._check_health(_HEALTH, timeout=READY_TIMEOUT_S),
                self._check_bridge(
                    CheckBridgeRequest(), timeout=READY_TIMEOUT_S, metadata=metadata
                ),
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.PERMISSION_DENIED:
                return f"the service does not answer: {error.code().name}"
            return self._unreadable() or (
                "the service rejects the token in OPENRUM_BRIDGE_TOKEN_FILE"
            )
        if health.status != health_pb2.HealthCheckResponse.SERVING:
            return "the service cannot store events"
        return self._unreadable()

    def _unreadable(self) -> str | None:
        problem = self._token.problem()
        return problem and f"the bridge cannot read OPENRUM_BRIDGE_TOKEN_FILE: {problem}"
