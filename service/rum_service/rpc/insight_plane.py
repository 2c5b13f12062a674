"""InsightService: forwards calls to the projector, which answers them from the projection.

The projector listens on a Unix socket only. The service authorizes each call and looks up its app
monitor; the projector trusts the key in the metadata.
"""

from __future__ import annotations

__all__ = ["SERVICE", "InsightPlane"]

from collections.abc import Callable
from pathlib import Path

import grpc
import grpc.aio
import structlog
from google.protobuf.message import Message

from rum.v1 import insight_service_pb2
from rum_endpoint.metadata import ACCOUNT_ID_KEY, APP_MONITOR_KEY
from rum_service.auth.operations import app_monitor_name
from rum_service.control.app_monitors import AppMonitors
from rum_service.errors import (
    InternalServerException,
    ProjectionUnavailableException,
    QueryTimeoutException,
    ResourceNotFoundException,
    RumError,
    ThrottlingException,
    ValidationException,
)
from rum_service.rpc.call_context import Behavior, Context

logger = structlog.get_logger()

SERVICE = insight_service_pb2.DESCRIPTOR.services_by_name["InsightService"]
"""The methods that are forwarded."""
# The projector ends a query after 5 s. The rest is for calls that wait for a thread there.
_TIMEOUT_S = 15.0
_MAX_CALLS = 16
_RETRY_S = 2
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    # Reconnect within a second after a restart. gRPC's default waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class InsightPlane:
    """Forwards calls, at most 16 at once. Use it on one event loop."""

    def __init__(
        self,
        socket: Path,
        monitors: AppMonitors,
        *,
        account_id: str,
        max_calls: int = _MAX_CALLS,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._socket = socket
        self._monitors = monitors
        self._account_id = account_id
        self._max_calls = max_calls
        self._timeout_s = timeout_s
        self._calls = 0
        self._channel: grpc.aio.Channel | None = None

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    def behavior(self, rpc: str) -> Behavior:
        """Return a method's behavior: it takes the request and returns serialized bytes."""

        async def forward(request: Message, _: Context) -> bytes:
            if self._calls >= self._max_calls:
                raise ThrottlingException(
                    f"At most {self._max_calls} queries of the projection run at the same time.",
                    retry_after_seconds=1,
                )
            self._calls += 1
            try:
                return await self._forward(rpc, request)
            finally:
                self._calls -= 1

        return forward

    async def _forward(self, rpc: str, request: Message) -> bytes:
        metadata = [(ACCOUNT_ID_KEY, self._account_id)]
        if "app_monitor" in request.DESCRIPTOR.fields_by_name:
            name = app_monitor_name(request)
            if name is None:
                raise ValidationException("appMonitor must be the name of an app monitor.")
            monitor = await self._monitors.by_name(name)
            metadata.append((APP_MONITOR_KEY, str(monitor.key)))
        if self._channel is None:
            # Created here, because it belongs to the running event loop.
            self._channel = grpc.aio.insecure_channel(f"unix:{self._socket}", _OPTIONS)
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(
            f"/{SERVICE.full_name}/{rpc}"
        )
        try:
            response: bytes = await call(
                request.SerializeToString(), timeout=self._timeout_s, metadata=metadata
            )
        except grpc.aio.AioRpcError as error:
            raise _translated(error, rpc) from None
        return response


def _unavailable(_: str) -> RumError:
    # The text of gRPC names the socket, which is of no use to the caller.
    return ProjectionUnavailableException(retry_after_seconds=_RETRY_S)


def _too_slow(text: str) -> RumError:
    # gRPC's own text is about a deadline that the caller did not set.
    own = text == "Deadline Exceeded"
    return QueryTimeoutException("The query waited too long for its turn." if own else text)


def _busy(_: str) -> RumError:
    return ThrottlingException(
        "The projector has too many calls in progress.", retry_after_seconds=_RETRY_S
    )


_ERRORS: dict[grpc.StatusCode, Callable[[str], RumError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: ValidationException,
    grpc.StatusCode.NOT_FOUND: ResourceNotFoundException,
    grpc.StatusCode.DEADLINE_EXCEEDED: _too_slow,
    grpc.StatusCode.RESOURCE_EXHAUSTED: _busy,
    grpc.StatusCode.UNAVAILABLE: _unavailable,
    # The projector is older than the service.
    grpc.StatusCode.UNIMPLEMENTED: _unavailable,
}


def _translated(error: grpc.aio.AioRpcError, rpc: str) -> RumError:
    translate = _ERRORS.get(error.code())
    if translate is None:
        logger.error("projector failed", method=rpc, code=error.code().name)
        return InternalServerException(retry_after_seconds=_RETRY_S)
    return translate(error.details() or "")
