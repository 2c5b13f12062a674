"""The boundary of every call: its request id, its log line, and failures as rich statuses."""

from __future__ import annotations

__all__ = ["REQUEST_ID_KEY", "CallBoundary", "request_id_of"]

import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

import grpc
import grpc.aio
import structlog
from grpc_status import rpc_status

from rum_service.errors import InternalServerException, RumError
from rum_service.status import to_status

log = structlog.get_logger()

REQUEST_ID_KEY = "x-amzn-requestid"

# Quoted: the classes are generic in their stubs only.
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_Behaviour = Callable[[Any, _Context], Awaitable[Any]]


def request_id_of(context: _Context) -> str:
    """Returns the request id of a call: the caller's, or a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_KEY:
            return str(value)[:64]
    return str(uuid.uuid4())


class CallBoundary(grpc.aio.ServerInterceptor):
    """Wraps the unary calls of rum.v1; health and reflection pass untouched."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith("/rum.v1."):
            return handler
        return grpc.unary_unary_rpc_method_handler(
            _bounded(method, cast("_Behaviour", handler.unary_unary)),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


def _bounded(method: str, behaviour: _Behaviour) -> _Behaviour:
    async def call(request: Any, context: _Context) -> Any:
        try:
            return await behaviour(request, context)
        except RumError as error:
            # Messages name members and constraints, never what a request holds.
            log.info("call refused", method=method, error=type(error).__name__, why=str(error))
            await _abort(context, error)
        except (grpc.aio.AbortError, grpc.aio.BaseError):
            raise
        except Exception:
            request_id = request_id_of(context)
            log.exception("call failed", method=method, request_id=request_id)
            await _abort(context, InternalServerException(retry_after_seconds=1))

    return call


async def _abort(context: _Context, error: RumError) -> None:
    status = rpc_status.to_status(to_status(error))
    await context.abort(status.code, status.details, status.trailing_metadata)
