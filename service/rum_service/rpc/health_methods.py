"""The methods of grpc.health.v1 behind limits: anyone may call them."""

from __future__ import annotations

__all__ = ["SERVICE", "health_methods"]

from collections.abc import AsyncIterator
from typing import Any, cast

import grpc
from grpc_health.v1 import health_pb2

from rum_service.rpc.boundary import CallBoundary
from rum_service.rpc.call_context import Context
from rum_service.rpc.health import StoreHealth
from rum_service.rpc.incoming import Incoming
from rum_service.rpc.short_messages import parse_short

SERVICE: str = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name


def health_methods(health: StoreHealth, boundary: CallBoundary, incoming: Incoming) -> Any:
    """Return the handlers of the methods by name.

    Args:
        incoming: receives the messages, but not those of puts, which would delay them.
    """

    async def receive(_: object, context: Context) -> health_pb2.HealthCheckRequest:
        return parse_short(await incoming.read(context), health_pb2.HealthCheckRequest)

    received = boundary.bounded(f"/{SERVICE}", receive)

    async def check(request: object, context: Context) -> health_pb2.HealthCheckResponse:
        return await health.Check(await received(request, context), context)

    async def watch(
        request: object, context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        async for response in health.Watch(await received(request, context), context):
            yield response

    serialize = health_pb2.HealthCheckResponse.SerializeToString
    return {
        "Check": grpc.stream_unary_rpc_method_handler(
            cast("Any", check), response_serializer=serialize
        ),
        "Watch": grpc.stream_stream_rpc_method_handler(
            cast("Any", watch), response_serializer=serialize
        ),
    }
