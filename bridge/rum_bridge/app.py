"""The routes and the middleware of the bridge, in the order in which a request meets them.

/                     a page for people
/healthz /readyz      for load balancers and monitoring
control plane         for SDKs: without CORS, so that pages can neither use nor read it
data plane            for SDKs and browsers: CORS headers on every response, errors included
"""

from __future__ import annotations

__all__ = ["create_app"]

from collections.abc import Awaitable, Callable

import grpc.aio
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rum.v1 import control_plane_service_pb2, data_plane_service_pb2
from rum_bridge.caller import CallerReport
from rum_bridge.channel import BridgeToken
from rum_bridge.coalesce import Coalescer
from rum_bridge.errors import HttpError, error_response
from rum_bridge.front_page import front_page
from rum_bridge.put_events import PutEvents
from rum_bridge.request_id import request_id_of
from rum_bridge.settings import BridgeSettings
from rum_bridge.transcode import http_rules, starlette_path, transcoded_routes

logger = structlog.get_logger()

_DATA_PLANE = data_plane_service_pb2.DESCRIPTOR.services_by_name["DataPlaneService"]
_CONTROL_PLANE = control_plane_service_pb2.DESCRIPTOR.services_by_name["ControlPlaneService"]
# Chromium's maximum. A page that closes loses its last batch if it must send a preflight first.
_PREFLIGHT_MAX_AGE_S = 7200
_READY_TIMEOUT_S = 6.0
_PUT_PATHS = [
    starlette_path(template) + slash
    for _, template, _ in http_rules(_DATA_PLANE)
    for slash in ("", "/")
]


def create_app(settings: BridgeSettings, channel: grpc.aio.Channel) -> ASGIApp:
    """Return the bridge as an ASGI application that calls the service over `channel`."""
    report = CallerReport(authorization_required=settings.authorization_required)
    token = BridgeToken(settings.bridge_token_file)
    data_plane = _data_plane(settings, channel, token, report)
    routes = [
        # First, because nearly all requests are puts and routes are tried in order.
        *[Route(path, data_plane) for path in _PUT_PATHS],
        Route("/", front_page(settings.public_url)),
        Route("/healthz", _healthz),
        Route("/readyz", _readyz(channel)),
        *transcoded_routes(_CONTROL_PLANE, channel, token, report, settings),
        Mount("/", data_plane),
    ]
    return _Boundary(Router(routes, redirect_slashes=False))


def _data_plane(
    settings: BridgeSettings, channel: grpc.aio.Channel, token: BridgeToken, report: CallerReport
) -> ASGIApp:
    coalescer = Coalescer(
        channel,
        token,
        max_waiting_bytes=settings.max_waiting_bytes,
        timeout_s=settings.put_timeout_s,
    )
    put_events = PutEvents(coalescer, report, settings)
    routes = [Route(path, put_events, methods=["POST"]) for path in _PUT_PATHS]
    # Under any path: sites serve the endpoint from a path of their own to be first-party.
    routes += [Route("/{prefix:path}" + path, put_events, methods=["POST"]) for path in _PUT_PATHS]
    # No redirects to or from a trailing slash: browsers reject a redirected preflight.
    app = _Boundary(Router(routes, redirect_slashes=False))
    return CORSMiddleware(
        app,
        allow_origins=settings.allowed_origins,
        allow_methods=["POST"],
        # Echoes the requested headers: pages can configure any header in aws-rum-web.
        allow_headers=["*"],
        # A public page may send to a server on a private network; beacons do so without preflight.
        allow_private_network=True,
        expose_headers=["x-amzn-RequestId", "x-amzn-ErrorType", "Retry-After"],
        max_age=_PREFLIGHT_MAX_AGE_S,
    )


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok")


def _readyz(channel: grpc.aio.Channel) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that answers 200 only while the service can store events."""
    check = health_pb2_grpc.HealthStub(channel).Check

    async def readyz(_: Request) -> Response:
        request = health_pb2.HealthCheckRequest(service=_DATA_PLANE.full_name)
        try:
            response = await check(request, timeout=_READY_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            return PlainTextResponse(f"the service does not answer: {error.code().name}", 503)
        if response.status != health_pb2.HealthCheckResponse.SERVING:
            return PlainTextResponse("the service cannot store events", 503)
        return PlainTextResponse("ok")

    return readyz


class _Boundary:
    """Turns exceptions into responses. Unexpected ones are logged once, with the request ID.

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
        except (HttpError, HTTPException) as error:
            if started:
                raise
            failure = error if isinstance(error, HttpError) else _from_starlette(error)
            await error_response(failure, request_id_of(scope))(scope, receive, send)
        except Exception:
            if started:
                raise
            request_id = request_id_of(scope)
            logger.exception("request failed", request_id=request_id)
            failure = HttpError(
                500, "InternalServerException", "Internal service exception.", {}, 1
            )
            await error_response(failure, request_id)(scope, receive, send)


def _from_starlette(error: HTTPException) -> HttpError:
    """Return an error that SDKs can read, for one that Starlette would answer with text."""
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return HttpError(404, "UnknownOperationException", "This path does not exist.")
    if error.status_code == 405:
        message = f"Only {headers.get('Allow', 'another method')} is allowed here."
        return HttpError(405, "MethodNotAllowedException", message, headers=headers)
    return HttpError(error.status_code, "ValidationException", str(error.detail), headers=headers)
