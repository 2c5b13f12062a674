"""Counts and logs the responses to all requests but puts."""

from __future__ import annotations

__all__ = ["CountedResponses"]

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rum_bridge.request_id import request_id_of
from rum_endpoint.request_log import RequestLog

_LOGGED_PATH = 200


class CountedResponses:
    """An application whose responses are counted by HTTP status."""

    def __init__(self, app: ASGIApp, requests: RequestLog) -> None:
        self._app = app
        self._requests = requests
        self.statuses: dict[int, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began_s = perf_counter()
        status = 0

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self.statuses[status] = self.statuses.get(status, 0) + 1
            await send(message)

        await self._app(scope, receive, counted)
        if self._requests.is_on:
            path = scope["path"][:_LOGGED_PATH]
            self._requests.write(
                request_id_of(scope),
                scope["method"],
                began_s,
                str(status),
                error=status >= 400,
                path=path,
            )
