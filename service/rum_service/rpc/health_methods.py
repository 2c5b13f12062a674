"""The methods of grpc.health.v1 behind limits: anyone may call them."""

from __future__ import annotations

__all__ = ["SERVICE", "health_methods"]

from collections.abc import AsyncIterator
from typing import Any, cast

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2

from rum_service.errors import ValidationException
from rum_service.rpc.boundary import CallBoundary
from rum_service.rpc.call_context import Context
from rum_service.rpc.health import StoreHealth
from rum_service.rpc.incoming import Incoming

SERVICE: str = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
_MAX_BYTES = 1 << 10


def health_methods(health: StoreHealth, boundary: CallBoundary, incoming: Incoming) -> Any:
    """Return the handlers of the methods by name.

    Args:
        incoming: receives the messages of these methods only, so that puts do not delay them.
    """

    async def receive(_: object, context: Context) -> health_pb2.HealthCheckRequest:
        content = await incoming.read(context)
        if len(content) > _MAX_BYTES:
            raise ValidationException(f"The message must have at most {_MAX_BYTES} bytes.")
        try:
            return health_pb2.HealthCheckRequest.FromString(content)
        except DecodeError:
            raise ValidationException("The message is not a HealthCheckRequest.") from None

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
