"""Turn exceptions into responses, so that every error has the form that AWS SDKs read."""

from __future__ import annotations

__all__ = ["Boundary", "failure_of"]

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rum_bridge.errors import HttpError, error_response, internal_error
from rum_bridge.request_id import request_id_of

logger = structlog.get_logger()


def failure_of(error: Exception, request_id: str) -> HttpError:
    """Return the error to respond with. Call it while handling the exception.

    Unexpected exceptions are logged once, with the request ID of the response.
    """
    if isinstance(error, HttpError):
        return error
    if isinstance(error, HTTPException):
        return _from_starlette(error)
    logger.exception("request failed", request_id=request_id)
    return internal_error()


class Boundary:
    """Responds to an application's exceptions.

    Replaces Starlette's error middleware, a quarter of the CPU time for a put with one event.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self  # makes routers raise HTTPException instead of answering with text
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if started:
                raise
            request_id = request_id_of(scope)
            response = error_response(failure_of(error, request_id), request_id)
            await response(scope, receive, send)


def _from_starlette(error: HTTPException) -> HttpError:
    """Return an error that SDKs can read, for one that Starlette would answer with text."""
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return HttpError(404, "UnknownOperationException", "This path does not exist.")
    if error.status_code == 405:
        message = f"Only {headers.get('Allow', 'another method')} is allowed here."
        return HttpError(405, "MethodNotAllowedException", message, headers=headers)
    return HttpError(error.status_code, "ValidationException", str(error.detail), headers=headers)
