"""grpc.reflection.v1alpha: describes the services, also the operator's, to authorized callers."""

from __future__ import annotations

__all__ = ["SERVICE", "reflection_methods"]

from collections.abc import AsyncIterator, Iterable
from typing import Any, cast

import grpc
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2 import (
    ServerReflectionRequest,
    ServerReflectionResponse,
)

from rum_service.auth.operations import REFLECT
from rum_service.rpc.boundary import CallBoundary
from rum_service.rpc.call_context import Context
from rum_service.rpc.incoming import Incoming
from rum_service.rpc.short_messages import parse_short

SERVICE: str = reflection.SERVICE_NAME
_METHOD = f"/{SERVICE}/{REFLECT.name}"
_NOTHING = ServerReflectionRequest()


def reflection_methods(services: Iterable[str], boundary: CallBoundary, incoming: Incoming) -> Any:
    """Return the handlers of the methods by name.

    A call needs `read` access, as the descriptions of app monitors do. Its stream ends when no
    request arrives in time, or when it waits for one while others wait for their turn.

    Args:
        services: the names of the other services.
        incoming: receives the messages.
    """
    servicer = reflection.aio.ReflectionServicer([*services, SERVICE])
    check = boundary.checked(_METHOD, REFLECT)

    async def receive(_: object, context: Context) -> ServerReflectionRequest | None:
        content = await incoming.next(context, known=True)
        return None if content is None else parse_short(content, ServerReflectionRequest)

    received = boundary.bounded(_METHOD, receive)

    async def requests(context: Context) -> AsyncIterator[ServerReflectionRequest]:
        while (request := await received(None, context)) is not None:
            yield request

    async def info(_: object, context: Context) -> AsyncIterator[ServerReflectionResponse]:
        await check(_NOTHING, context)
        async for response in servicer.ServerReflectionInfo(requests(context), context):
            yield response

    return {
        REFLECT.name: grpc.stream_stream_rpc_method_handler(
            cast("Any", info), response_serializer=ServerReflectionResponse.SerializeToString
        )
    }
