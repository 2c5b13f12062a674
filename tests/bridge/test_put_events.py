"""The direct endpoint of puts: the same paths, CORS headers and errors as with Starlette."""

from __future__ import annotations

import itertools
import json
from typing import Any

import grpc.aio
import pytest
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsResponse
from rum.v1 import control_plane_service_pb2
from rum_bridge.cors import CorsHeaders, with_cors
from rum_bridge.limits.budget import ByteBudget
from rum_bridge.operations.control_plane import CONTROL_PLANE
from rum_bridge.operations.transcode import Transcoder
from rum_bridge.puts.accounting import PutAccounting
from rum_bridge.puts.coalesce import Coalescer
from rum_bridge.puts.put_events import PutEvents
from rum_bridge.puts.put_paths import PutPaths
from rum_bridge.settings import BridgeSettings
from rum_bridge.upstream.caller import CallerReport
from rum_bridge.upstream.channel import BridgeToken
from rum_bridge.upstream.known_monitors import KnownMonitors
from tests.bridge.limits import unlimited

_CONTROL_PLANE = control_plane_service_pb2.DESCRIPTOR.services_by_name["ControlPlaneService"]
_REPORT = CallerReport(authorization_required=False)


def _scope(path: str, *headers: tuple[bytes, bytes]) -> Scope:
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
    }


async def _receive() -> Message:
    return {"type": "http.request", "body": b'{"RumEvents":[]}'}


async def _sent(app: ASGIApp, scope: Scope) -> list[Message]:
    """Return the messages of a response."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, _receive, send)
    return messages


_ORIGINS = [None, b"https://shop.example", b"http://localhost:3000", b"null", b"", b"*", b"\xe9"]
_ALLOWED = [
    ["*"],
    ["https://shop.example"],
    ["https://a.example", "\xe9", "日"],
    [],
    ["https://shop.example", "*"],
]


@pytest.mark.parametrize("origin", _ORIGINS, ids=str)
@pytest.mark.parametrize("allowed", _ALLOWED, ids=str)
async def test_cors_headers_are_those_of_starlette(
    allowed: list[str], origin: bytes | None
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Response()(scope, receive, send)

    headers = [] if origin is None else [(b"origin", origin)]
    middleware = with_cors(app, allowed)
    response = (await _sent(middleware, _scope("/", *headers)))[0]["headers"]

    assert isinstance(middleware, CORSMiddleware)
    assert response == [(b"content-length", b"0"), *CorsHeaders(allowed).for_origin(origin)]


async def _unused(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotImplementedError


_PUTS = [Route(path, _unused) for path in ("/appmonitors/{id}", "/appmonitors/{id}/")]
_PUTS_BELOW = [Route("/{prefix:path}" + route.path, _unused) for route in _PUTS]


def _routed(control_plane: list[Route], path: str) -> str | None:
    """Return the app monitor ID if Starlette's router would lead a path to the puts.

    The order of its routes would be: puts, the control plane, and a mount with puts.
    """
    found = _match(_PUTS, path)
    if found is None and _match(control_plane, path) is None and "\n" not in path:
        found = _match(_PUTS_BELOW, path)  # a mount matches no path with a line break
    return None if found is None else found["id"]


def _match(routes: list[Route], path: str) -> dict[str, str] | None:
    for route in routes:
        match, child = route.matches(_scope(path))
        if match is not Match.NONE:
            return dict(child["path_params"])
    return None


_SEGMENTS = ["appmonitors", "appmonitor", "tags", "rum", "x", "policy", ""]
_PATHS = [
    "/" + "/".join(segments)
    for count in range(1, 5)
    for segments in itertools.product(_SEGMENTS, repeat=count)
]
_WITH_LINE_BREAKS = ["/\n/appmonitors/x", "/a\nb/appmonitors/x/", "/appmonitors/\n/x",
                     "/appmonitors/x\n", "/appmonitors/x/\n", "/appmonitors/a\nb"]  # fmt: skip


@pytest.mark.parametrize("prefix", ["", "/rum", "/x/appmonitors"])
async def test_the_paths_of_puts_are_those_of_starlettes_routes(prefix: str) -> None:
    settings = BridgeSettings(path_prefix=prefix)
    token = BridgeToken(settings.bridge_token_file)
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        transcoder = Transcoder(channel, token, _REPORT, budget=ByteBudget(1), settings=settings)
        control_plane = transcoder.routes(_CONTROL_PLANE, CONTROL_PLANE)
    paths = PutPaths(control_plane)
    every_path = [*_PATHS, *_WITH_LINE_BREAKS]
    found = {path: paths.app_monitor_id(path) for path in every_path}

    assert found == {path: _routed(control_plane, path) for path in every_path}
    assert len(set(found.values())) > 2


def test_an_id_with_a_line_break_is_rejected_by_the_service_under_every_prefix() -> None:
    """Starlette's mount would respond with 404; without a prefix the service responds with 400."""
    paths = PutPaths([])

    assert paths.app_monitor_id("/appmonitors/a\nb") == "a\nb"
    assert paths.app_monitor_id("/p/appmonitors/a\nb") == "a\nb"


async def _no_service(_request: bytes, _timeout_s: float) -> BatchPutRumEventsResponse:
    raise AssertionError("the put fails before it is sent")


class _Broken(Coalescer):
    """Fails as a bug would."""

    async def put(self, *_: object) -> None:
        raise RuntimeError("secret")


async def test_an_unexpected_exception_is_a_fixed_message_and_one_log_entry(
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = _Broken(_no_service, max_waiting_bytes=1, timeout_s=1.0)
    settings = BridgeSettings()
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        monitors = KnownMonitors(channel, BridgeToken(settings.bridge_token_file), timeout_s=1.0)
    endpoint = PutEvents(
        broken, monitors, PutAccounting(), _REPORT, limits=unlimited(), settings=settings
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await endpoint.serve("id", scope, receive, send)

    start, body = await _sent(app, _scope("/appmonitors/id", (b"origin", b"https://a.example")))
    headers: dict[bytes, Any] = dict(start["headers"])
    printed = capsys.readouterr()

    assert start["status"] == 500
    assert headers[b"x-amzn-errortype"] == b"InternalServerException"
    assert headers[b"access-control-allow-origin"] == b"*"
    assert json.loads(body["body"]) == {"message": "Internal service exception."}
    assert (printed.out + printed.err).count("RuntimeError: secret") == 1
    assert headers[b"x-amzn-requestid"].decode() in printed.out + printed.err
