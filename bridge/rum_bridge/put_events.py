"""POST /appmonitors/{Id}: the steps of a put in the bridge, in order.

Source: PutRumEvents API page.
"""

from __future__ import annotations

__all__ = ["PutEvents"]

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rum_bridge.body import read_body
from rum_bridge.caller import CallerReport
from rum_bridge.coalesce import Coalescer
from rum_bridge.codec import check_length, decode_put, load_json
from rum_bridge.errors import HttpError
from rum_bridge.request_id import request_id_of
from rum_bridge.settings import BridgeSettings

# Beacons, about half of the requests of browsers, send JSON as text/plain. AWS accepts a request
# without a Content-Type, too.
_MEDIA_TYPES = ("application/json", "text/plain", "")


class PutEvents:
    """The endpoint. An ASGI application, because Starlette would wrap a function once more."""

    def __init__(
        self, coalescer: Coalescer, report: CallerReport, settings: BridgeSettings
    ) -> None:
        self._report = report
        self._coalescer = coalescer
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._post(Request(scope, receive))
        await response(scope, receive, send)

    async def _post(self, request: Request) -> Response:
        request_id = request_id_of(request.scope)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in _MEDIA_TYPES:
            raise HttpError(
                415, "UnsupportedMediaTypeException", "Content-Type must be application/json."
            )
        raw, body = await read_body(
            request,
            max_bytes=self._settings.max_body_bytes,
            max_decoded_bytes=self._settings.max_decoded_bytes,
            timeout_s=self._settings.body_timeout_s,
        )
        document = load_json(body)
        check_length(document, self._settings.max_events)
        caller = self._report(request, raw)
        entry = decode_put(request.path_params["id"], document, request_id, caller)
        await self._coalescer.put(entry)
        return Response(headers={"x-amzn-RequestId": request_id})
