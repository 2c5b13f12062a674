"""The boundary of every call: request id, caller, authorization, and errors as rich statuses."""

from __future__ import annotations

__all__ = [
    "MAX_REQUEST_ID",
    "SILENT_CALL",
    "Behavior",
    "CallBoundary",
    "Check",
    "Context",
    "Parse",
    "call_of",
]

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
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor
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
from rum_service.ingest.fields import has_more_nested_fields
from rum_service.monitors import Monitors
from rum_service.rpc.calls import CallCounts, outcome_of
from rum_service.rpc.incoming import Incoming
from rum_service.rpc.status import to_status
from rum_service.storage.damage import advice_for

logger = structlog.get_logger()

MAX_REQUEST_ID = 64
SILENT_CALL = Call()
"""A call whose metadata says nothing about its caller."""
_FIRST_MESSAGE_S = 10.0
# The bridge accepts JSON of the same length. A parsed message can take 100 times as much.
_MAX_CONTROL_BYTES = 256 << 10
# Of a message and those in it. The bridge accepts as many lists and objects.
_MAX_CONTROL_FIELDS = 20_000

# Quoted: the class is generic in its stub only.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Behavior = Callable[[Any, Context], Awaitable[Any]]
Parse = Callable[[bytes], Message]
Check = Callable[[Call], Awaitable[bool]]


class CallBoundary:
    """Wraps the methods of the contract when they are registered."""

    def __init__(
        self,
        authentication: Authentication,
        authorization: Authorization,
        monitors: Monitors[Policy],
        *,
        incoming: Incoming,
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
        self._incoming = incoming
        self._new_id = new_id
        self._needs_addresses = needs_addresses
        # Each call runs in its own task, which has its own values.
        self._generated_id: ContextVar[str] = ContextVar("generated_id")
        self._caller: ContextVar[tuple[Call, Caller]] = ContextVar("caller")
        self.requests = requests
        self.calls = CallCounts()
        """All calls but puts."""

    def authorized(self, method: str, behavior: Behavior, parse: Parse) -> Behavior:
        """Return a method that calls `behavior` behind authorization: for everything but puts.

        The caller is authenticated before its message is received, and a long message is rejected
        before it is parsed.
        """
        operation = operation_of(method)
        request_type = _request_type(method)
        if operation.is_put:
            raise ValueError(f"{method}: Ingest authorizes puts, batch by batch")

        async def answer(_: object, context: Context) -> Any:
            began_s = perf_counter()
            failure: BaseException | None = None
            try:
                call = call_of(context)
                known = await self._authentication.check_known(call)
                request = _parsed(
                    await self._incoming.read(context, known=known), parse, operation, request_type
                )
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
        request_type = _request_type(method)

        async def answer(contents: AsyncIterator[bytes], context: Context) -> Any:
            began_s = perf_counter()
            failure: BaseException | None = None
            try:
                call = call_of(context)
                await self._authentication.check_known(call)
                first = _parsed(await _first(contents), parse, operation, request_type)
                await self.authorize(call, operation, first)
                return await behavior(
                    _all_parsed(first, contents, parse, operation, request_type), context
                )
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
                rejection: RumError = _without_frames(error)
            except RumError as error:
                # Messages name members and constraints, never request contents.
                logger.info(
                    "call rejected",
                    method=method,
                    request_id=self.request_id(context),
                    error=type(error).__name__,
                    reason=str(error),
                )
                rejection = _without_frames(error)
            except (grpc.aio.AbortError, grpc.aio.BaseError):
                raise
            except Exception as error:
                request_id = self.request_id(context)
                advice = advice_for(error)
                logger.exception("call failed", method=method, request_id=request_id, **advice)
                rejection = InternalServerException(retry_after_seconds=1)
            # Outside of the handlers, which keep the exception and so its frames.
            await _abort(context, rejection, self.request_id(context))
            return None

        return answer

    def received(
        self, method: str, check: Check, behavior: Behavior, *, max_bytes: int
    ) -> Behavior:
        """Return a method that receives its message after `check` has accepted the caller.

        Args:
            check: takes the call, and returns whether its caller is known. Raises RumError if it is
                rejected.
            max_bytes: the longest message that `behavior` accepts.
        """

        async def answer(_: object, context: Context) -> Any:
            known = await check(call_of(context))
            content = await self._incoming.read(context, known=known)
            if len(content) > max_bytes:
                raise ValidationException(f"The message must have at most {max_bytes} bytes.")
            if known:
                return await behavior(content, context)
            size = len(content)
            self._incoming.hold(size)
            try:
                return await behavior(content, context)
            finally:
                self._incoming.release(size)

        return self.bounded(method, answer)

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

    async def is_known(self, call: Call) -> bool:
        """Return whether a call's metadata proves who makes it. Raises RumError if it is wrong."""
        return await self._authentication.is_known(call)

    def put_call(self, context: Context) -> Call:
        """Return the same as `call_of`, faster, for a put. Raises ValidationException."""
        # Where every caller is trusted, only a bridge's report matters. Looking for it alone saves
        # 3 µs of the 30 that a put of one event takes.
        if not (self._authentication.is_required or self._needs_addresses):
            for key, _ in context.invocation_metadata() or ():
                if key == CALLER_KEY:
                    break
            else:
                return SILENT_CALL
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


def _request_type(method: str) -> Descriptor:
    return descriptor_pool.Default().FindMethodByName(method[1:].replace("/", ".")).input_type


def _without_frames(error: RumError) -> RumError:
    """Return the error without what keeps the frames of the call, and so its message, in memory.

    gRPC waits for the client before an aborted call ends.
    """
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


def _parsed(
    content: bytes, parse: Parse, operation: Operation, request_type: Descriptor
) -> Message:
    if len(content) > _MAX_CONTROL_BYTES:
        raise ValidationException(f"The message must have at most {_MAX_CONTROL_BYTES} bytes.")
    if has_more_nested_fields(content, request_type, _MAX_CONTROL_FIELDS):
        raise ValidationException(f"The message must have at most {_MAX_CONTROL_FIELDS} fields.")
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
    first: Message,
    rest: AsyncIterator[bytes],
    parse: Parse,
    operation: Operation,
    request_type: Descriptor,
) -> AsyncIterator[Message]:
    yield first
    async for content in rest:
        yield _parsed(content, parse, operation, request_type)


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
