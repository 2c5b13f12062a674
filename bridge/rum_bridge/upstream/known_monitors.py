"""Asks the service whether an app monitor exists, before a long body for it is read."""

from __future__ import annotations

__all__ = ["KnownMonitors"]

import asyncio

import grpc.aio

from rum.internal.v1 import bridge_service_pb2 as pb
from rum_bridge.errors import from_rpc_error
from rum_bridge.upstream.channel import BridgeToken

_METHOD = "/rum.internal.v1.BridgeService/CheckAppMonitor"
_KNOWN_S = 10.0
_MAX_KNOWN = 1_000


class KnownMonitors:
    """The app monitors that existed a moment ago. Use it from one event loop only."""

    def __init__(self, channel: grpc.aio.Channel, token: BridgeToken, *, timeout_s: float) -> None:
        self._token = token
        self._timeout_s = timeout_s
        self._call = channel.unary_unary(
            _METHOD,
            request_serializer=pb.CheckAppMonitorRequest.SerializeToString,
            response_deserializer=pb.CheckAppMonitorResponse.FromString,
        )
        self._known_until: dict[str, float] = {}

    async def check(self, app_monitor_id: str) -> None:
        """Return if the app monitor exists.

        Raises:
            HttpError: it does not exist (404), or the service does not answer in time.
        """
        now = asyncio.get_running_loop().time()
        if self._known_until.get(app_monitor_id, 0.0) > now:
            return
        try:
            await self._call(
                pb.CheckAppMonitorRequest(id=app_monitor_id),
                timeout=self._timeout_s,
                metadata=self._token.metadata(),
                wait_for_ready=True,
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None
        if len(self._known_until) >= _MAX_KNOWN:
            self._known_until.clear()
        self._known_until[app_monitor_id] = now + _KNOWN_S
