"""The boundary of every call: who calls, its log line, and failures as rich statuses."""

from __future__ import annotations

__all__ = ["REQUEST_ID_KEY", "CallBoundary", "Context", "call_of", "request_id_of"]

import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias, cast
from urllib.parse import unquote

import grpc
import grpc.aio
import structlog
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from rum.internal.v1.caller_pb2 import HttpCaller
from rum_service.auth.callers import Call
from rum_service.errors import InternalServerException, RumError, ValidationException
from rum_service.rpc.status import to_status

logger = structlog.get_logger()

REQUEST_ID_KEY = "x-amzn-requestid"
_CALLER_KEY = "rum-caller-bin"

# Quoted: the classes are generic in their stubs only.
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_Behaviour = Callable[[Any, Context], Awaitable[Any]]


def request_id_of(context: Context) -> str:
    """Returns the request id of a call: the caller's, or a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_KEY:
            return str(value)[:64]
    return str(uuid.uuid4())


def call_of(context: Context) -> Call:
    """Returns what a call brings along to say who makes it. Raises ValidationException."""
    metadata = _once(context.invocation_metadata() or ())
    scheme, _, token = str(metadata.get("authorization", "")).partition(" ")
    kind, _, peer = unquote(context.peer()).partition(":")
    relayed = metadata.get(_CALLER_KEY)
    names = [*context.auth_context().get("x509_common_name", ())]
    return Call(
        bearer_token=token.strip() if scheme.lower() == "bearer" else None,
        certificate_name=names[0].decode() if names else None,
        peer_ip=peer.rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else None,
        relayed=_relayed(relayed) if isinstance(relayed, bytes) else None,
    )


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Of two, a proxy and we could each believe another one."""
    metadata: dict[str, Any] = {}
    for key, value in pairs:
        if key in metadata and key in ("authorization", _CALLER_KEY):
            raise ValidationException(f"{key} must be there once at most.")
        metadata[key] = value
    return metadata


def _relayed(message: bytes) -> HttpCaller:
    try:
        return HttpCaller.FromString(message)
    except DecodeError:
        raise ValidationException(f"{_CALLER_KEY} is not an HttpCaller.") from None


Admit = Callable[[str, Any, Context], Awaitable[None]]
"""Returns when a call of this method, with this request, may go on; raises RumError if not."""


class CallBoundary(grpc.aio.ServerInterceptor):
    """Wraps the unary calls of the contract (`rum.*`); health and reflection pass untouched."""

    def __init__(self, admit: Admit) -> None:
        self._admit = admit

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith("/rum."):
            return handler
        return grpc.unary_unary_rpc_method_handler(
            _bounded(method, cast("_Behaviour", handler.unary_unary), self._admit),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


def _bounded(method: str, behaviour: _Behaviour, admit: Admit) -> _Behaviour:
    async def call(request: Any, context: Context) -> Any:
        try:
            await admit(method, request, context)
            return await behaviour(request, context)
        except RumError as error:
            # Messages name members and constraints, never what a request holds.
            logger.info("call refused", method=method, error=type(error).__name__, why=str(error))
            await _abort(context, error)
        except (grpc.aio.AbortError, grpc.aio.BaseError):
            raise
        except Exception:
            request_id = request_id_of(context)
            logger.exception("call failed", method=method, request_id=request_id)
            await _abort(context, InternalServerException(retry_after_seconds=1))

    return call


async def _abort(context: Context, error: RumError) -> None:
    status = rpc_status.to_status(to_status(error))
    await context.abort(status.code, status.details, status.trailing_metadata)
