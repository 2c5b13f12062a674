"""POST /appmonitors/{Id}: the steps that the bridge takes for a put, in order.

Nearly all requests are puts, so this endpoint is called without Starlette's router, middleware,
Request and Response.
Source: PutRumEvents API page.
"""

from __future__ import annotations

__all__ = ["PutEvents"]

import time
from functools import partial

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rum.internal.v1.caller_pb2 import HttpCaller
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_bridge.boundary import failure_of
from rum_bridge.cors import CorsHeaders
from rum_bridge.errors import HttpError, error_response
from rum_bridge.headers import Headers, first_values
from rum_bridge.http.body import BodyReader
from rum_bridge.http.disconnects import is_gone
from rum_bridge.json_text import parse_json
from rum_bridge.limits.address_limits import AddressLimits
from rum_bridge.puts.accounting import PutAccounting, PutInProgress, in_progress
from rum_bridge.puts.coalesce import Coalescer
from rum_bridge.puts.codec import check_length, decode_put, event_count
from rum_bridge.puts.full_monitors import FullMonitors
from rum_bridge.puts.long_bodies import LONG_BYTES, LongBodies
from rum_bridge.settings import BridgeSettings
from rum_bridge.upstream.caller import CallerReport
from rum_bridge.upstream.caller_check import CallerCheck
from rum_bridge.upstream.known_monitors import KnownMonitors
from rum_endpoint.ledger import ACCEPTED

# Beacons, about half of the requests of browsers, send JSON as text/plain. AWS accepts a request
# without a Content-Type, too.
_MEDIA_TYPES = ("application/json", "text/plain", "")
_NO_CONTENT = (b"content-length", b"0")


class PutEvents:
    """The endpoint.

    Args:
        check_caller: None if callers need no credentials.
    """

    def __init__(
        self,
        coalescer: Coalescer,
        monitors: KnownMonitors,
        accounting: PutAccounting,
        report: CallerReport,
        *,
        check_caller: CallerCheck | None = None,
        limits: AddressLimits,
        settings: BridgeSettings,
    ) -> None:
        self._monitors = monitors
        self._coalescer = coalescer
        self._accounting = accounting
        self._report = report
        self._check_caller = check_caller
        self._limits = limits
        self._full = FullMonitors(clock=time.monotonic)
        self._long_bodies = LongBodies(coalescer.budget)
        self._body = BodyReader.with_limits_of(settings, coalescer.budget)
        self._cors = CorsHeaders(settings.allowed_origins)
        self._max_events = settings.max_events
        self._requests = accounting.requests

    async def serve(self, app_monitor_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a put: an ASGI application, except that the caller has parsed the path."""
        headers = first_values(scope)
        put = in_progress(app_monitor_id, scope)
        request_id = put.request_id
        client = scope["client"]
        address = client[0] if client else ""
        try:
            self._limits.check(address)
            self._full.check(app_monitor_id)
            self._coalescer.queue.check(app_monitor_id)
            # Only the entry stays in memory while the put waits for the service.
            entry = await self._entry(put, address, headers, scope, receive)
            await self._coalescer.put(app_monitor_id, entry, is_gone(scope))
        except Exception as error:
            response, outcome = self._rejection(put, error)
            status, own_headers, body = response.status_code, response.raw_headers, response.body
        except BaseException:
            self._accounting.cancel(put)
            raise
        else:
            self._accounting.accept(put)
            outcome = ACCEPTED
            id_header = (b"x-amzn-requestid", request_id.encode())
            status, own_headers, body = 200, [id_header, _NO_CONTENT], b""
        cors_headers = self._cors.for_origin(headers.get(b"origin"))
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*own_headers, *cors_headers],
            }
        )
        await send({"type": "http.response.body", "body": body})
        if self._requests.is_on:
            self._accounting.log(put, status, outcome)

    def _rejection(self, put: PutInProgress, error: Exception) -> tuple[Response, str]:
        """Return the response for an exception and its name. Call it while handling that.

        `serve` must not keep the exception: with its traceback, which refers to `serve`, it would
        stay in memory until the next garbage collection.
        """
        failure = failure_of(error, put.request_id)
        self._full.learn(put.app_monitor_id, failure)
        self._accounting.reject(put, failure)
        return error_response(failure, put.request_id), failure.error_type

    async def _entry(
        self, put: PutInProgress, address: str, headers: Headers, scope: Scope, receive: Receive
    ) -> bytes:
        """Return the serialized entry for the service."""
        _check_media_type(headers)
        raw, body = await self._body.read(
            receive, headers, partial(self._monitors.check, put.app_monitor_id)
        )
        put.size = len(raw)
        self._limits.charge_bytes(address, len(raw))
        caller = self._report(scope, headers, raw)
        is_long = len(body) > LONG_BYTES
        try:
            parse = partial(parse_json, body)
            document = await self._long_bodies.run(body, parse) if is_long else parse()
            events = event_count(document)
            self._limits.charge_events(address, events)
            self._accounting.receive(put, events)
            check_length(events, self._max_events)
            decode = partial(decode_put, put.app_monitor_id, document, put.request_id, caller)
            return await self._long_bodies.run(body, decode) if is_long else decode()
        except HttpError:
            await self._authenticate(put, caller)
            raise

    async def _authenticate(self, put: PutInProgress, caller: HttpCaller) -> None:
        """Raise HttpError if the service would reject the caller of a put that it does not get."""
        if self._check_caller:
            path = PutRumEventsRequest(id=put.app_monitor_id)
            await self._check_caller("PutRumEvents", path, caller, put.request_id)


def _check_media_type(headers: Headers) -> None:
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    if content_type.partition(";")[0].strip().lower() not in _MEDIA_TYPES:
        raise HttpError(
            415, "UnsupportedMediaTypeException", "Content-Type must be application/json."
        )
