"""The routes and the middleware of the bridge, in the order in which a request meets them.

puts                  for SDKs and browsers: the one path that has to be fast
/                     leads people to the page
/ui/                  the page
/openapi.json         the API, for tools
/healthz /readyz      for load balancers and monitoring
control plane         for SDKs: without CORS, so that no other site's page can use or read it
insight               numbers about the events, for the page and for dashboards: without CORS, too
data plane            all but puts: preflights, and errors with CORS headers
"""

from __future__ import annotations

__all__ = ["BridgeApp", "create_app"]

import time
from collections.abc import Awaitable, Callable
from importlib import resources

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from rum.v1 import (
    control_plane_service_pb2,
    data_plane_service_pb2,
    insight_service_pb2,
    source_map_service_pb2,
)
from rum_bridge.boundary import Boundary
from rum_bridge.cors import CorsHeaders, with_cors
from rum_bridge.counted_responses import CountedResponses
from rum_bridge.front_page import front_page
from rum_bridge.limits.address_limits import AddressLimits
from rum_bridge.metrics import BridgeMetrics
from rum_bridge.operations.control_plane import CONTROL_PLANE
from rum_bridge.operations.insight import INSIGHT
from rum_bridge.operations.insight_metrics import INSIGHT_METRICS, METRICS_PATH
from rum_bridge.operations.transcode import Transcoder
from rum_bridge.puts.accounting import PutAccounting
from rum_bridge.puts.admission import Admission
from rum_bridge.puts.coalesce import Coalescer
from rum_bridge.puts.put_events import PutEvents
from rum_bridge.puts.put_paths import PUT_ROUTES, PutPaths
from rum_bridge.readiness import Readiness
from rum_bridge.settings import BridgeSettings
from rum_bridge.ui_files import ui_routes
from rum_bridge.upstream.batch_put import BatchPut, GrpcBatchPut
from rum_bridge.upstream.caller import CallerReport
from rum_bridge.upstream.caller_check import CallerCheck
from rum_bridge.upstream.channel import Channels, open_token
from rum_bridge.upstream.known_monitors import KnownMonitors
from rum_endpoint.request_log import RequestLog

_DATA_PLANE = data_plane_service_pb2.DESCRIPTOR.services_by_name["DataPlaneService"]
_INSIGHT = insight_service_pb2.DESCRIPTOR.services_by_name["InsightService"]
_SOURCE_MAPS = source_map_service_pb2.DESCRIPTOR.services_by_name["SourceMapService"]
_CONTROL_PLANE = control_plane_service_pb2.DESCRIPTOR.services_by_name["ControlPlaneService"]


def create_app(
    settings: BridgeSettings, channels: Channels, batch_put: BatchPut | None = None
) -> BridgeApp:
    """Return the bridge as an ASGI application that calls the service over `channels`.

    Args:
        batch_put: stores puts. None: over `channels` as well.

    Raises:
        StartError: other machines can reach the bridge, and its token cannot be read.
    """
    report = CallerReport(authorization_required=settings.authorization_required)
    token = open_token(settings)
    coalescer = Coalescer(
        batch_put or GrpcBatchPut(channels.puts, token),
        max_waiting_bytes=settings.max_waiting_bytes,
        timeout_s=settings.put_timeout_s,
    )
    requests = RequestLog.of("bridge", settings)
    accounting = PutAccounting(requests)
    limits = AddressLimits(settings.address_rates, clock=time.monotonic)
    admission = Admission(coalescer, accounting, CorsHeaders(settings.allowed_origins), limits)
    put_events = PutEvents(
        coalescer,
        KnownMonitors(channels.others, token, timeout_s=settings.put_timeout_s),
        accounting,
        report,
        check_caller=(
            CallerCheck(channels.others, token, timeout_s=settings.put_timeout_s)
            if settings.authorization_required
            else None
        ),
        limits=limits,
        settings=settings,
    )
    transcoder = Transcoder(
        channels.others, token, report, budget=coalescer.budget, settings=settings
    )
    control_plane = transcoder.routes(_CONTROL_PLANE, CONTROL_PLANE)
    data_plane = _data_plane(settings)
    readiness = Readiness(
        channels.puts, token, authorization_required=settings.authorization_required
    )
    routes = [
        *[Route(path, data_plane) for path in PUT_ROUTES],
        Route("/", front_page(settings.public_url)),
        *ui_routes(settings.path_prefix, settings.public_url),
        Route("/openapi.json", _openapi()),
        Route("/healthz", _healthz),
        Route("/readyz", readiness.readyz),
        *control_plane,
        *transcoder.routes(
            _INSIGHT, INSIGHT, other_forms={METRICS_PATH: ("ListCurrentValues", INSIGHT_METRICS)}
        ),
        *transcoder.routes(_SOURCE_MAPS, INSIGHT),
        Mount("/", data_plane),
    ]
    others = CountedResponses(Boundary(Router(routes, redirect_slashes=False)), requests)
    metrics = BridgeMetrics(
        accounting, coalescer, admission, others, max_waiting_bytes=settings.max_waiting_bytes
    )
    return BridgeApp(PutPaths(control_plane), put_events, others, admission, metrics)


class BridgeApp:
    """Serves puts directly, and leaves all other requests to the router."""

    def __init__(
        self,
        paths: PutPaths,
        put_events: PutEvents,
        router: ASGIApp,
        admission: Admission,
        metrics: BridgeMetrics,
    ) -> None:
        self.paths = paths
        self.admission = admission
        self._put_events = put_events
        self._router = router
        self.accounting = admission.accounting
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app_monitor_id = (
            self.paths.app_monitor_id(scope["path"]) if scope["method"] == "POST" else None
        )
        if app_monitor_id is None:
            await self._router(scope, receive, send)
        else:
            await self._put_events.serve(app_monitor_id, scope, receive, send)


def _data_plane(settings: BridgeSettings) -> ASGIApp:
    # No redirects to or from a trailing slash: browsers reject a redirected preflight.
    paths = [prefix + path for prefix in ("", "/{prefix:path}") for path in PUT_ROUTES]
    router = Router([Route(path, _PostOnly()) for path in paths], redirect_slashes=False)
    return with_cors(Boundary(router), settings.allowed_origins)


class _PostOnly:
    """Rejects other methods. A class, because Starlette limits the methods of functions."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise HTTPException(405, headers={"Allow": "POST"})


def _openapi() -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of the document, which `make docs` generates."""
    document = (resources.files("rum_bridge") / "openapi.json").read_bytes()

    async def openapi(_: Request) -> Response:
        return Response(document, media_type="application/json")

    return openapi


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok")
