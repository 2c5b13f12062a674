"""The boundary of every call: request id, caller, authorization, and errors as rich statuses."""

from __future__ import annotations

__all__ = ["MAX_REQUEST_ID", "Behavior", "CallBoundary", "Context", "Parse", "call_of"]

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextvars import ContextVar
from functools import lru_cache
from time import perf_counter
from typing import Any, TypeAlias
from urllib.parse import unquote

import grpc
import grpc.aio
import structlog
from google.protobuf.message import DecodeError, Message
from grpc_status import rpc_status

from rum.internal.v1.caller_pb2 import HttpCaller
from rum_endpoint.metadata import AUTHORIZATION_KEY, CALLER_KEY, REQUEST_ID_KEY
from rum_endpoint.request_log import RequestLog
from rum_service.auth.authentication import Authentication
from rum_service.auth.authorization import Authorization
from rum_service.auth.callers import Call, Caller
from rum_service.auth.operations import Operation, app_monitor_name, operation_of
from rum_service.auth.policy import Policy
from rum_service.errors import (
    InternalServerException,
    RumError,
    ThrottlingException,
    ValidationException,
)
from rum_service.monitors import Monitors
from rum_service.rpc.calls import CallCounts, outcome_of
from rum_service.rpc.status import to_status

logger = structlog.get_logger()

MAX_REQUEST_ID = 64
_SILENT_CALL = Call()
_FIRST_MESSAGE_S = 10.0
# The bridge accepts JSON of the same length. A parsed message can take 100 times as much.
_MAX_CONTROL_BYTES = 256 << 10

# Quoted: the class is generic in its stub only.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Behavior = Callable[[Any, Context], Awaitable[Any]]
Parse = Callable[[bytes], Message]


class CallBoundary:
    """Wraps the methods of the contract when they are registered."""

    def __init__(
        self,
        authentication: Authentication,
        authorization: Authorization,
        monitors: Monitors[Policy],
        *,
        new_id: Callable[[], str],
        requests: RequestLog,
        needs_addresses: bool = False,
    ) -> None:
        """Args:
        needs_addresses: whether callers' addresses matter even if every caller is trusted.
        """
        self._authentication = authentication
        self._authorization = authorization
        self._monitors = monitors
        self._new_id = new_id
        self._needs_addresses = needs_addresses
        # Each call runs in its own task, which has its own values.
        self._generated_id: ContextVar[str] = ContextVar("generated_id")
        self._caller: ContextVar[tuple[Call, Caller]] = ContextVar("caller")
        self.requests = requests
        self.calls = CallCounts()
        """All calls but puts."""

    def authorized(self, method: str, behavior: Behavior, parse: Parse) -> Behavior:
        """Return `behavior` behind authorization: for everything but puts.

        It takes the serialized request, so that a long one is rejected before it is parsed.
        """
        operation = operation_of(method)
        if operation.is_put:
            raise ValueError(f"{method}: Ingest authorizes puts, batch by batch")

        async def answer(content: bytes, context: Context) -> Any:
            began_s = perf_counter()
            failure: BaseException | None = None
            try:
                call = call_of(context)
                request = _parsed(content, parse, operation)
                self._caller.set((call, await self.authorize(call, operation, request)))
                return await behavior(request, context)
            except BaseException as error:
                failure = error
                raise
            finally:
                self.calls.end(operation.name, began_s, failure)

        return self.bounded(method, self.logged(method, answer))

    def authorized_stream(
        self, method: str, behavior: Callable[[Any, Context], Awaitable[Any]], parse: Parse
    ) -> Behavior:
        """Return `behavior` behind authorization: for a method that takes a stream of requests.

        The first request must name the app monitor. `behavior` takes all of them.
        """
        operation = operation_of(method)

        async def answer(contents: AsyncIterator[bytes], context: Context) -> Any:
            began_s = perf_counter()
            failure: BaseException | None = None
            try:
                call = call_of(context)
                first = _parsed(await _first(contents), parse, operation)
                await self.authorize(call, operation, first)
                return await behavior(_all_parsed(first, contents, parse, operation), context)
            except BaseException as error:
                failure = error
                raise
            finally:
                self.calls.end(operation.name, began_s, failure)

        return self.bounded(method, self.logged(method, answer))

    def checked(self, method: str, operation: Operation) -> Behavior:
        """Return a behavior that only authorizes, for methods with another shape."""

        async def check(request: Message, context: Context) -> None:
            await self.authorize(call_of(context), operation, request)

        return self.bounded(method, check)

    def bounded(self, method: str, behavior: Behavior) -> Behavior:
        """Return `behavior` with its errors as rich statuses, each logged once."""

        async def answer(request: Any, context: Context) -> Any:
            try:
                return await behavior(request, context)
            except ThrottlingException as error:
                # Counted, and not logged: under overload there are thousands in a second.
                await _abort(context, error, self.request_id(context))
            except RumError as error:
                # Messages name members and constraints, never request contents.
                logger.info(
                    "call rejected",
                    method=method,
                    request_id=self.request_id(context),
                    error=type(error).__name__,
                    reason=str(error),
                )
                await _abort(context, error, self.request_id(context))
            except (grpc.aio.AbortError, grpc.aio.BaseError):
                raise
            except Exception:
                request_id = self.request_id(context)
                logger.exception("call failed", method=method, request_id=request_id)
                await _abort(context, InternalServerException(retry_after_seconds=1), request_id)

        return answer

    def logged(self, method: str, behavior: Behavior) -> Behavior:
        """Return `behavior` with a line in the log for each chosen call."""
        if not self.requests.is_on:
            return behavior
        operation = operation_of(method).name

        async def answer(request: Any, context: Context) -> Any:
            began_s = perf_counter()
            failure: BaseException | None = None
            try:
                return await behavior(request, context)
            except BaseException as error:
                failure = error
                raise
            finally:
                keys = [key for key, _ in context.invocation_metadata() or ()]
                self.requests.write(
                    self.request_id(context),
                    operation,
                    began_s,
                    outcome_of(failure),
                    error=failure is not None,
                    relayed=CALLER_KEY in keys,
                )

        return answer

    def put_call(self, context: Context) -> Call:
        """Return the same as `call_of`, faster, for a put. Raises ValidationException."""
        # Where every caller is trusted, only a bridge's report matters. Looking for it alone saves
        # 3 µs of the 30 that a put of one event takes.
        if not (self._authentication.is_required or self._needs_addresses):
            for key, _ in context.invocation_metadata() or ():
                if key == CALLER_KEY:
                    break
            else:
                return _SILENT_CALL
        return call_of(context)

    def request_id(self, context: Context) -> str:
        """Return a call's request id: the caller's, or a new one."""
        for key, value in context.invocation_metadata() or ():
            if key == REQUEST_ID_KEY:
                return str(value)[:MAX_REQUEST_ID]
        request_id = self._generated_id.get("")
        if not request_id:
            request_id = self._new_id()
            self._generated_id.set(request_id)
        return request_id

    def caller_name(self) -> str:
        """Return the name of the caller that this task answers. Call it only after `authorized`."""
        return self._authentication.name_of(*self._caller.get())

    async def authorize(self, call: Call, operation: Operation, request: Message) -> Caller:
        """Return the caller. Raise RumError if it may not perform the operation. Not for puts."""
        caller = await self._authentication.caller(call, operation, operation.path_of(request))
        name = app_monitor_name(request)
        monitor = None
        if name and caller.principal.app_monitor is not None:
            monitor = await self._monitors.by_name(name)
        self._authorization.authorize(caller, operation, monitor, name=name)
        return caller


def call_of(context: Context) -> Call:
    """Return the credentials and the origin that a call carries. Raises ValidationException."""
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


def _parsed(content: bytes, parse: Parse, operation: Operation) -> Message:
    if len(content) > _MAX_CONTROL_BYTES:
        raise ValidationException(f"The message must have at most {_MAX_CONTROL_BYTES} bytes.")
    try:
        return parse(content)
    except DecodeError:
        raise ValidationException(f"The message is not a {operation.name}Request.") from None


async def _first(contents: AsyncIterator[bytes]) -> bytes:
    """Return the first message, which a caller without access could keep us waiting for."""
    try:
        async with asyncio.timeout(_FIRST_MESSAGE_S):
            return await anext(contents)
    except (TimeoutError, StopAsyncIteration):
        raise ValidationException("The call must begin with a message.") from None


async def _all_parsed(
    first: Message, rest: AsyncIterator[bytes], parse: Parse, operation: Operation
) -> AsyncIterator[Message]:
    yield first
    async for content in rest:
        yield _parsed(content, parse, operation)


def _relayed(message: bytes) -> HttpCaller:
    try:
        return HttpCaller.FromString(message)
    except DecodeError:
        raise ValidationException(f"{CALLER_KEY} is not an HttpCaller.") from None


async def _abort(context: Context, error: RumError, request_id: str) -> None:
    if isinstance(error, ThrottlingException):
        status = _throttling(
            error.message, error.service_code, error.quota_code, error.retry_after_seconds
        )
    else:
        status = rpc_status.to_status(to_status(error))
    metadata = (*status.trailing_metadata, (REQUEST_ID_KEY, request_id))
    await context.abort(status.code, status.details, metadata)


@lru_cache(256)
def _throttling(*members: Any) -> grpc.Status:
    """Return the status of a ThrottlingException with these members."""
    status: grpc.Status = rpc_status.to_status(to_status(ThrottlingException(*members)))
    return status
