"""The HTTP face: routes and middleware, in the order a request meets them.

/healthz /readyz      for the operator
control plane         for SDKs: no CORS, so no page of another site may use or read it
data plane            for browsers too: CORS on every answer, errors included
"""

from __future__ import annotations

__all__ = ["create_app"]

import uuid
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
from rum_bridge.put_events import PutEvents
from rum_bridge.settings import BridgeSettings
from rum_bridge.transcode import http_rules, starlette_path, transcoded_routes

logger = structlog.get_logger()

_DATA_PLANE = data_plane_service_pb2.DESCRIPTOR.services_by_name["DataPlaneService"]
_CONTROL_PLANE = control_plane_service_pb2.DESCRIPTOR.services_by_name["ControlPlaneService"]
# Chromium keeps a preflight for two hours at most. Without one a closing page loses its last batch.
_PREFLIGHT_MAX_AGE_S = 7200
_READY_TIMEOUT_S = 6.0
_PUT_PATHS = [
    starlette_path(template) + slash
    for _, template, _ in http_rules(_DATA_PLANE)
    for slash in ("", "/")
]


def create_app(settings: BridgeSettings, channel: grpc.aio.Channel) -> ASGIApp:
    """Returns the bridge as an ASGI application that calls the service over `channel`."""
    report = CallerReport(authorization_required=settings.authorization_required)
    token = BridgeToken(settings.bridge_token_file)
    data_plane = _data_plane(settings, channel, token, report)
    routes = [
        # Also by itself, before the many of the control plane: nearly all requests are puts.
        *[Route(path, data_plane) for path in _PUT_PATHS],
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
    # Any prefix: people put the endpoint under a path of their site to be first-party.
    routes += [Route("/{prefix:path}" + path, put_events, methods=["POST"]) for path in _PUT_PATHS]
    # The same path with or without a slash: browsers refuse a redirected preflight.
    app = _Boundary(Router(routes, redirect_slashes=False))
    return CORSMiddleware(
        app,
        allow_origins=settings.allowed_origins,
        allow_methods=["POST"],
        allow_headers=["*"],  # echoes what is asked for: aws-rum-web sends whatever it is told to
        # A page of the internet may send to a server of the intranet: beacons do so unasked.
        allow_private_network=True,
        expose_headers=["x-amzn-RequestId", "x-amzn-ErrorType", "Retry-After"],
        max_age=_PREFLIGHT_MAX_AGE_S,
    )


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok")


def _readyz(channel: grpc.aio.Channel) -> Callable[[Request], Awaitable[Response]]:
    """200 only when a put would be accepted: the service answers and its store can be written."""
    check = health_pb2_grpc.HealthStub(channel).Check

    async def readyz(_: Request) -> Response:
        question = health_pb2.HealthCheckRequest(service=_DATA_PLANE.full_name)
        try:
            answer = await check(question, timeout=_READY_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            return PlainTextResponse(f"the service does not answer: {error.code().name}", 503)
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            return PlainTextResponse("the service cannot store events", 503)
        return PlainTextResponse("ok")

    return readyz


class _Boundary:
    """Answers every failure. What nobody expected it logs, once, with the request id of the answer.

    Instead of Starlette's own layers for this, which cost a put of one event a quarter of its CPU.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self  # so that routers raise what they would answer as text
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
            await error_response(failure, _request_id(scope))(scope, receive, send)
        except Exception:
            if started:
                raise
            request_id = _request_id(scope)
            logger.exception("request failed", request_id=request_id)
            failure = HttpError(
                500, "InternalServerException", "Internal service exception.", {}, 1
            )
            await error_response(failure, request_id)(scope, receive, send)


def _request_id(scope: Scope) -> str:
    return scope.get("state", {}).get("request_id") or str(uuid.uuid4())


def _from_starlette(error: HTTPException) -> HttpError:
    """Gives AWS's form to what Starlette answers itself, as text that no SDK can read."""
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return HttpError(404, "UnknownOperationException", "There is nothing at this path.")
    if error.status_code == 405:
        message = f"Only {headers.get('Allow', 'another method')} is allowed here."
        return HttpError(405, "MethodNotAllowedException", message, headers=headers)
    return HttpError(error.status_code, "ValidationException", str(error.detail), headers=headers)
