"""The boundary of every call: request id, caller, authorization, and errors as rich statuses."""

from __future__ import annotations

__all__ = ["CallBoundary", "Check"]

from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from time import perf_counter
from typing import Any

from google.protobuf.message import Message

from rum_endpoint.metadata import CALLER_KEY, REQUEST_ID_KEY
from rum_endpoint.request_log import RequestLog
from rum_service.auth.authentication import Authentication
from rum_service.auth.authorization import Authorization
from rum_service.auth.callers import Call, Caller
from rum_service.auth.operations import Operation, app_monitor_name, operation_of
from rum_service.auth.policy import Policy
from rum_service.errors import ValidationException
from rum_service.monitors import MonitorCache
from rum_service.rpc.call_context import (
    MAX_REQUEST_ID,
    SILENT_CALL,
    Behavior,
    Context,
    call_of,
)
from rum_service.rpc.calls import CallCounts, outcome_of
from rum_service.rpc.incoming import Incoming
from rum_service.rpc.outgoing import Outgoing
from rum_service.rpc.rejection import rejecting
from rum_service.rpc.request_parser import Parse, RequestParser

Check = Callable[[Call], Awaitable[bool]]


class CallBoundary:
    """Wraps the methods of the contract when they are registered."""

    def __init__(
        self,
        authentication: Authentication,
        authorization: Authorization,
        monitors: MonitorCache[Policy],
        *,
        incoming: Incoming,
        outgoing: Outgoing,
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
        self._outgoing = outgoing
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
        if operation.is_put:
            raise ValueError(f"{method}: Ingest authorizes puts, batch by batch")
        requests = RequestParser(method, parse)

        async def answer(_: object, context: Context) -> Any:
            call = call_of(context)
            known = await self._authentication.check_known(call)
            request = requests.parse(await self.message(context, call, known=known))
            self._caller.set((call, await self.authorize(call, operation, request)))
            response = await behavior(request, context)
            # A method that changes something has done so. Its response is short, as its request is.
            if operation.is_read_only and not (known and self._authentication.is_of_operator(call)):
                size = len(response) if isinstance(response, bytes) else response.ByteSize()
                self._outgoing.add(size, context)
            return response

        return self.bounded(method, self.logged(method, self._counted(operation, answer)))

    def authorized_stream(self, method: str, behavior: Behavior, parse: Parse) -> Behavior:
        """Return `behavior` behind authorization: for a method that takes a stream of requests.

        The first request must name the app monitor. `behavior` takes all of them.
        """
        operation = operation_of(method)
        requests = RequestParser(method, parse)

        async def answer(_: object, context: Context) -> Any:
            call = call_of(context)
            known = await self._authentication.check_known(call)
            # Before a message arrives. The check below only adds the name of the app monitor to the
            # error: access to a single app monitor never allows these methods.
            await self.authorize(call, operation, requests.parse(b""))
            first = requests.parse(await self.message(context, call, known=known))
            await self.authorize(call, operation, first)

            async def sent() -> AsyncIterator[Message]:
                yield first
                while (content := await self._next_message(context, call, known=known)) is not None:
                    yield requests.parse(content)

            return await behavior(sent(), context)

        return self.bounded(method, self.logged(method, self._counted(operation, answer)))

    def checked(self, method: str, operation: Operation) -> Behavior:
        """Return a behavior that only authorizes, for methods with another shape."""

        async def check(request: Message, context: Context) -> None:
            await self.authorize(call_of(context), operation, request)

        return self.bounded(method, check)

    def bounded(self, method: str, behavior: Behavior) -> Behavior:
        """Return `behavior` with its errors as rich statuses, each logged once."""
        return rejecting(method, behavior, self.request_id)

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
            call = call_of(context)
            known = await check(call)
            content = await self.message(context, call, known=known)
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

        def ended(context: Context, began_s: float, failure: BaseException | None) -> None:
            keys = [key for key, _ in context.invocation_metadata() or ()]
            self.requests.write(
                self.request_id(context),
                operation,
                began_s,
                outcome_of(failure),
                error=failure is not None,
                relayed=CALLER_KEY in keys,
            )

        return _observed(behavior, ended)

    def _counted(self, operation: Operation, behavior: Behavior) -> Behavior:
        return _observed(
            behavior,
            lambda _, began_s, failure: self.calls.end(operation.name, began_s, failure),
        )

    async def message(self, context: Context, call: Call, *, known: bool) -> bytes:
        """Return a call's message, when it is its turn. See `Incoming.read`.

        Those of bridges and of the operator need no turn.

        Args:
            known: the result of `is_known`.
        """
        content = await self._next_message(context, call, known=known)
        if content is None:
            raise ValidationException("The call must have a message.")
        return content

    async def _next_message(self, context: Context, call: Call, *, known: bool) -> bytes | None:
        """Return the same for a stream's next message, or None after its last one."""
        waits = not (known and self._authentication.is_of_operator(call))
        return await self._incoming.next(context, known=known, waits=waits)

    def stop(self) -> None:
        """Give up messages that arrive slowly, so that they do not delay the stop of the server."""
        self._incoming.stop()

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


def _observed(
    behavior: Behavior, ended: Callable[[Context, float, BaseException | None], None]
) -> Behavior:
    """Return `behavior`, and call `ended` after each call.

    Args:
        ended: takes the context, when the call began by `perf_counter`, and what it raised, if
            anything.
    """

    async def answer(request: Any, context: Context) -> Any:
        began_s = perf_counter()
        failure: BaseException | None = None
        try:
            return await behavior(request, context)
        except BaseException as error:
            failure = error
            raise
        finally:
            ended(context, began_s, failure)

    return answer
