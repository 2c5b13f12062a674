"""One HTTP connection of uvicorn, with limits that uvicorn does not have.

connections limited in number
responses   must be read in time, also when the server stops. The bytes that wait for slow clients
            are limited.
memory      freed as soon as the client has gone
"""

from __future__ import annotations

__all__ = ["BoundedConnection"]

import asyncio
from collections.abc import Sized
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import get_remote_addr

from rum_bridge.errors import HttpError
from rum_bridge.http.connection_limits import ConnectionLimits
from rum_bridge.http.connections import OpenConnections
from rum_bridge.http.disconnects import extensions_of
from rum_bridge.http.tls import countable
from rum_bridge.http.unread import UnreadResponses
from rum_bridge.rendered_error import CLOSE, RenderedError
from rum_bridge.request_id import new_request_id

_TOO_MANY_CONNECTIONS = RenderedError(
    HttpError(503, "ServiceUnavailable", "Too many connections are open.", retry_after_s=1)
)


class _Flow(FlowControl):
    """Keeps reading paused while requests wait for the response to an earlier one."""

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()


class BoundedConnection(HttpToolsProtocol):
    """The connection. Subclasses parse what arrives."""

    _unread_since: float | None = None

    def __init__(
        self,
        *args: Any,
        limits: ConnectionLimits,
        connections: OpenConnections,
        unread: UnreadResponses,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._limits = limits
        self._open = connections
        self._unread = unread
        self.timeout_keep_alive = limits.keep_alive_s  # type: ignore[assignment] # for call_later

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        address = get_remote_addr(transport)
        descriptor = transport.get_extra_info("socket").fileno()
        if not self._open.add(self, address[0] if address else "", descriptor):
            self.transport = transport
            transport.write(_TOO_MANY_CONNECTIONS.render(new_request_id(), last=CLOSE))
            transport.close()
            return
        transport = countable(transport)
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        self._extensions = extensions_of(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        # uvicorn keeps the timer if the client has reset the connection. It refers to this object,
        # so clients that come and go took 65 s worth of connections (2026-11).
        super()._unset_keepalive_if_required()
        self._open.remove(self)
        self._unread.remove(self.transport)
        super().connection_lost(exc)
        # These will not begin. uvicorn ends a request's reference to this object later.
        for cycle, _ in self.pipeline:
            cycle.on_response = _ignore
        self.pipeline.clear()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._count_unread()

    def resume_writing(self) -> None:
        self._unread.remove(self.transport)
        super().resume_writing()

    def on_response_complete(self) -> None:
        if self.flow.write_paused:
            self._count_unread()  # the transport may have more since it paused
        super().on_response_complete()

    def shutdown(self) -> None:
        super().shutdown()
        self._abort_unread(None)

    def check_progress(self) -> None:
        """Close the connection if the client does not read. Call this regularly."""
        if not self.transport.get_write_buffer_size():
            self._unread_since = None
        elif self._unread_since is None:
            self._unread_since = self.loop.time()
        elif self.loop.time() - self._unread_since > self._limits.write_timeout_s:
            self.transport.abort()

    def _count_unread(self) -> None:
        self._unread.add(self.transport, self._open.network_of(self))

    def _abort_unread(self, before: int | None) -> None:
        """Abort the connection if its client reads nothing while the server stops.

        Args:
            before: how many bytes waited for the client some seconds ago. None: not known.
        """
        if self not in self.connections:
            return
        waiting = self.transport.get_write_buffer_size()
        if waiting == before and (waiting or self.transport.is_closing()):
            self.transport.abort()
        else:
            self.loop.call_later(self._limits.stopping_read_s, self._abort_unread, waiting)


def _ignore() -> None:
    """Do nothing when a request ends."""
