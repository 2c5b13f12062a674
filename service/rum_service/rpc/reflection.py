"""grpc.reflection.v1alpha: describes the services, also the operator's, to authorized callers."""

from __future__ import annotations

__all__ = ["GuardedReflection"]

from collections.abc import AsyncIterable, AsyncIterator, Iterable

from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2 import (
    ServerReflectionRequest,
    ServerReflectionResponse,
)

from rum_service.auth.operations import REFLECT
from rum_service.rpc.boundary import CallBoundary
from rum_service.rpc.call_context import Context

_SERVICE = reflection.SERVICE_NAME
_METHOD = f"/{_SERVICE}/{REFLECT.name}"
_NOTHING = ServerReflectionRequest()


class GuardedReflection(reflection.aio.ReflectionServicer):  # type: ignore[misc] # it is untyped
    """The servicer. A call needs `read` access, as the descriptions of app monitors do."""

    def __init__(self, services: Iterable[str], boundary: CallBoundary) -> None:
        super().__init__([*services, _SERVICE])
        self._check = boundary.checked(_METHOD, REFLECT)

    async def ServerReflectionInfo(
        self, request_iterator: AsyncIterable[ServerReflectionRequest], context: Context
    ) -> AsyncIterator[ServerReflectionResponse]:
        await self._check(_NOTHING, context)
        async for response in super().ServerReflectionInfo(request_iterator, context):
            yield response
