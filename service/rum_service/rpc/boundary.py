"""The boundary of every call: request id, caller, authorization, and errors as rich statuses."""

from __future__ import annotations

__all__ = ["CallBoundary", "Incoming", "call_of", "incoming"]

from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias, cast
from urllib.parse import unquote

import grpc
import grpc.aio
import structlog
from google.protobuf.message import DecodeError, Message
from grpc_status import rpc_status

from rum.internal.v1.caller_pb2 import HttpCaller
from rum_endpoint.metadata import AUTHORIZATION_KEY, CALLER_KEY, REQUEST_ID_KEY
from rum_service.auth.authentication import Authentication
from rum_service.auth.authorization import Authorization
from rum_service.auth.callers import Call
from rum_service.auth.operations import Operation, app_monitor_name, operation_of
from rum_service.auth.policy import Policy
from rum_service.errors import InternalServerException, RumError, ValidationException
from rum_service.monitors import Monitors
from rum_service.rpc.status import to_status

logger = structlog.get_logger()

_MAX_REQUEST_ID = 64
_PACKAGES = "/rum."

# Quoted: the classes are generic in their stubs only.
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_Behavior = Callable[[Any, Context], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Incoming:
    """The call that a servicer is answering."""

    call: Call
    request_id: str
    """The caller's request id, or a new one. Logs and responses carry it."""


_incoming: ContextVar[Incoming] = ContextVar("incoming")


def incoming() -> Incoming:
    """Return the call that is being answered. For servicers behind `CallBoundary`."""
    return _incoming.get()


class CallBoundary(grpc.aio.ServerInterceptor):
    """Wraps the unary calls of the contract. Health and reflection pass untouched.

    Everything but a put is authorized here. `Ingest` authorizes puts, batch by batch.
    """

    def __init__(
        self,
        authentication: Authentication,
        authorization: Authorization,
        monitors: Monitors[Policy],
        *,
        new_id: Callable[[], str],
    ) -> None:
        self._authentication = authentication
        self._authorization = authorization
        self._monitors = monitors
        self._new_id = new_id
        self._wrapped: dict[str, _Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is not None:
            return wrapped
        handler = await continuation(handler_call_details)
        if handler is None or not method.startswith(_PACKAGES):
            return handler
        behavior = cast("_Behavior", handler.unary_unary)
        wrapped = self._wrapped[method] = grpc.unary_unary_rpc_method_handler(
            self._bounded(method, operation_of(method), behavior),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
        return wrapped

    def _bounded(self, method: str, operation: Operation, behavior: _Behavior) -> _Behavior:
        async def answer(request: Any, context: Context) -> Any:
            request_id = self._request_id(context)
            try:
                call = call_of(context)
                _incoming.set(Incoming(call, request_id))
                if not operation.is_put:
                    await self._authorize(call, operation, request)
                return await behavior(request, context)
            except RumError as error:
                # Messages name members and constraints, never request contents.
                logger.info(
                    "call rejected",
                    method=method,
                    request_id=request_id,
                    error=type(error).__name__,
                    reason=str(error),
                )
                await _abort(context, error)
            except (grpc.aio.AbortError, grpc.aio.BaseError):
                raise
            except Exception:
                logger.exception("call failed", method=method, request_id=request_id)
                await _abort(context, InternalServerException(retry_after_seconds=1))

        return answer

    async def _authorize(self, call: Call, operation: Operation, request: Message) -> None:
        caller = await self._authentication.caller(call, operation, operation.path_of(request))
        name = app_monitor_name(request)
        monitor = None
        if name and caller.principal.app_monitor is not None:
            monitor = await self._monitors.by_name(name)
        self._authorization.authorize(caller, operation, monitor, name=name)

    def _request_id(self, context: Context) -> str:
        for key, value in context.invocation_metadata() or ():
            if key == REQUEST_ID_KEY:
                return str(value)[:_MAX_REQUEST_ID]
        return self._new_id()


def call_of(context: Context) -> Call:
    """Return what a call says about its caller. Raises ValidationException."""
    metadata = _without_duplicates(context.invocation_metadata() or ())
    scheme, _, token = str(metadata.get(AUTHORIZATION_KEY, "")).partition(" ")
    kind, _, peer = unquote(context.peer()).partition(":")
    relayed = metadata.get(CALLER_KEY)
    names = [*context.auth_context().get("x509_common_name", ())]
    return Call(
        bearer_token=token.strip() if scheme.lower() == "bearer" else None,
        certificate_name=names[0].decode() if names else None,
        peer_ip=peer.rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else None,
        relayed=_relayed(relayed) if isinstance(relayed, bytes) else None,
    )


def _without_duplicates(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Reject duplicates: a proxy might trust a different copy than we do."""
    metadata: dict[str, Any] = {}
    for key, value in pairs:
        if key in metadata and key in (AUTHORIZATION_KEY, CALLER_KEY):
            raise ValidationException(f"{key} must appear at most once.")
        metadata[key] = value
    return metadata


def _relayed(message: bytes) -> HttpCaller:
    try:
        return HttpCaller.FromString(message)
    except DecodeError:
        raise ValidationException(f"{CALLER_KEY} is not an HttpCaller.") from None


async def _abort(context: Context, error: RumError) -> None:
    status = rpc_status.to_status(to_status(error))
    await context.abort(status.code, status.details, status.trailing_metadata)
