"""Asks the service whether a caller may make a call, before the call is decoded or rejected."""

from __future__ import annotations

__all__ = ["CallerCheck"]

from dataclasses import replace

import grpc.aio
from google.protobuf.message import Message

from rum.internal.v1.bridge_service_pb2 import CheckCallerRequest, CheckCallerResponse
from rum.internal.v1.caller_pb2 import HttpCaller
from rum_bridge.errors import BRIDGE, from_rpc_error
from rum_bridge.upstream.channel import BridgeToken
from rum_endpoint.metadata import CALLER_KEY, REQUEST_ID_KEY


class CallerCheck:
    """Calls CheckCaller."""

    def __init__(self, channel: grpc.aio.Channel, token: BridgeToken, *, timeout_s: float) -> None:
        self._token = token
        self._timeout_s = timeout_s
        self._call = channel.unary_unary(
            "/rum.internal.v1.BridgeService/CheckCaller",
            request_serializer=CheckCallerRequest.SerializeToString,
            response_deserializer=CheckCallerResponse.FromString,
        )

    async def __call__(
        self, method: str, request: Message, caller: HttpCaller, request_id: str
    ) -> None:
        """Return if the caller may call the method.

        Args:
            method: such as `GetAppMonitor`.
            request: the members that are in the path.

        Raises:
            HttpError: the caller may not, or the service does not answer in time.
        """
        try:
            await self._call(
                CheckCallerRequest(method=method, request=request.SerializeToString()),
                timeout=self._timeout_s,
                metadata=[
                    *self._token.metadata(),
                    (REQUEST_ID_KEY, request_id),
                    (CALLER_KEY, caller.SerializeToString()),
                ],
            )
        except grpc.aio.AioRpcError as error:
            # The service has counted nothing.
            raise replace(from_rpc_error(error), source=BRIDGE) from None
