"""HTTP/1.1 whose puts may be held as bytes before they are parsed.

A put is held only if the connection has no other request in progress. Data that arrives after it
is parsed or held when the put has ended.
"""

from __future__ import annotations

__all__ = ["AdmittedHttp"]

from collections.abc import Callable
from typing import Any

from rum_bridge.http.protocol import BoundedHttp
from rum_bridge.puts.accounting import in_progress_extension
from rum_bridge.puts.admission import Admission
from rum_bridge.puts.held_put import HeldPut
from rum_bridge.puts.raw_request import raw_put

_CLOSE = (b"connection", b"close")
# If a put is longer, the rest stays in kernel buffers.
_MAX_HELD_BYTES = 64 << 10


class AdmittedHttp(BoundedHttp):
    """One connection."""

    _held: HeldPut | None = None
    _skipped = 0
    """How many bytes of a rejected put's body are still to be discarded."""
    _closes = False
    """Whether to close the connection after the response, or after these bytes."""
    _is_stopping = False
    _rejected_s: float | None = None
    """When a put was rejected, if nothing has followed it."""
    _counted_address: str | None = None
    """The address whose limits apply to puts that are held. Found once: it takes 5 µs."""

    def __init__(
        self,
        *args: Any,
        admission: Admission,
        app_monitor_id_of: Callable[[str], str | None],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._admission = admission
        self._app_monitor_id_of = app_monitor_id_of

    def data_received(self, data: bytes) -> None:
        if self._held is not None:
            self._add_to_held(self._held, data)
            return
        if self._skipped and not (data := self._skip(data)):
            return
        self._rejected_s = None
        if self._is_idle() and self._admission.must_wait(len(data)) and self._hold(data):
            return
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._admission.drop(held)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        self._closes = self._is_stopping = True
        if self._held is None:
            self._stop()

    def continue_held(self) -> None:
        """Parse the put that is held."""
        held, self._held = self._held, None
        if held is None or self.transport.is_closing():
            return
        self.flow.resume_reading()
        extensions = self._extensions
        self._extensions = {**extensions, **in_progress_extension(held.put)}
        super().data_received(b"".join(held.pieces))
        self._extensions = extensions
        if self._closes:
            super().shutdown()
        if held.rest and not self.transport.is_closing():
            super().data_received(held.rest)

    def reject_held(self) -> None:
        """Respond with 429 to the put that is held."""
        held, self._held = self._held, None
        if held is None or self.transport.is_closing():
            return
        self._skipped = held.missing
        headers = self.server_state.default_headers
        keep_alive = held.raw.keep_alive and not self._closes and _CLOSE not in headers
        self._closes = not keep_alive
        self.transport.write(
            self._admission.throttled.render(
                held.put.request_id,
                held.raw.origin,
                headers,
                keep_alive=keep_alive,
                error=held.error,
            )
        )
        self.server_state.total_requests += 1
        if self._is_stopping:
            self._stop()
        if self._closes and not self._skipped:
            self.transport.close()
            return
        self._rejected_s = self.loop.time()
        self.flow.resume_reading()
        if held.rest:
            self.data_received(held.rest)

    def check_progress(self) -> None:
        super().check_progress()
        # A timer for each rejection would cost a tenth of it (2026-11).
        idle_since = self._rejected_s
        if idle_since is not None and self.loop.time() - idle_since > self._limits.keep_alive_s:
            self.timeout_keep_alive_handler()

    def _stop(self) -> None:
        if self._skipped:  # the put has its response, and the rest of its body some time
            self.loop.call_later(self._limits.stopping_s, super().shutdown)
        else:
            super().shutdown()

    def _is_idle(self) -> bool:
        """Return whether the next data begins a request, and no request is in progress."""
        return self._between_requests and (not self._has_request() or self._is_answered())

    def _hold(self, data: bytes) -> bool:
        """Hold data if it begins with a put. Return whether it does."""
        raw = raw_put(
            data,
            self._app_monitor_id_of,
            max_head_bytes=self._max_head_bytes,
            max_fields=self._max_fields,
        )
        if raw is None:
            return False
        self._unset_keepalive_if_required()
        if self._counted_address is None:
            address = self.client[0] if self.client else ""
            self._counted_address = "" if self._open.is_proxy(address) else address
        self._held = self._admission.hold(self, raw, data, self._counted_address)
        self._limit_held(self._held)
        return True

    def _add_to_held(self, held: HeldPut, data: bytes) -> None:
        if self._admission.add(held, data):
            self._limit_held(held)
        else:
            self.transport.abort()

    def _limit_held(self, held: HeldPut) -> None:
        if held.rest or held.size > _MAX_HELD_BYTES:
            self.flow.pause_reading()

    def _skip(self, data: bytes) -> bytes:
        """Discard what belongs to a rejected put. Return what follows."""
        rest = data[self._skipped :]
        self._skipped = max(0, self._skipped - len(data))
        if self._closes and not self._skipped:
            self.transport.close()
            return b""
        return rest
