"""What a call asks for has the path that the bridge serves it at, whatever the names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import grpc.aio
import pytest
from google.protobuf.message_factory import GetMessageClass
from starlette.routing import Match, Route

from rum.v1 import control_plane_service_pb2 as pb
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_bridge.caller import CallerReport
from rum_bridge.channel import BridgeToken
from rum_bridge.settings import BridgeSettings
from rum_bridge.signing.canonical import canonical_request
from rum_bridge.transcode import http_rules, transcoded_routes
from rum_service.auth.callers import Operation
from rum_service.auth.operations import is_path_of, operation_of
from tests.service.authorized import METHOD_OF, RPCS

NAMES = ["shop", "a#b", "a.b-c_d", "policy", "appmonitor", "metrics", "..x", "A" * 255]
ARN = "arn:aws:rum:us-east-1:123456789012:appmonitor/"


@pytest.fixture
async def bridge(tmp_path: Path) -> AsyncIterator[list[Route]]:
    """The control plane's routes, under the prefix /rum too."""
    settings = BridgeSettings(path_prefix="/rum")
    token, report = BridgeToken(tmp_path / "none"), CallerReport(authorization_required=True)
    service = pb.DESCRIPTOR.services_by_name["ControlPlaneService"]
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        yield transcoded_routes(service, channel, token, report, settings)


def served(routes: list[Route], verb: str, path: str) -> dict[str, Any] | None:
    """The path parameters of the route that takes this (decoded) path."""
    scope = {"type": "http", "method": verb, "path": path, "headers": []}
    for route in routes:
        match, child = route.matches(scope)
        if match is Match.FULL:
            return dict(child["path_params"])
    return None


def cases() -> Iterator[Any]:
    for rpc in {rpc.containing_service.full_name: rpc for rpc in RPCS.values()}.values():
        for verb, template, annotated in http_rules(rpc.containing_service):
            if "/appmonitors/" not in template:
                for name in NAMES:
                    yield pytest.param(verb, annotated, name, id=f"{annotated.name}-{name[:12]}")


@pytest.mark.parametrize("prefix", ["", "/rum"])
@pytest.mark.parametrize(("verb", "rpc", "name"), [*cases()])
async def test_the_path_is_that_of_the_bridges_route(
    bridge: list[Route], prefix: str, verb: str, rpc: Any, name: str
) -> None:
    request = GetMessageClass(rpc.input_type)()
    variables = {}
    for member in request.DESCRIPTOR.fields_by_name:
        if member in ("name", "app_monitor_name", "resource_arn"):
            variables[member] = (ARN if member == "resource_arn" else "") + name
            setattr(request, member, variables[member])
    asked = operation_of(METHOD_OF[rpc.name], request)
    assert asked
    in_path = {m: text for m, text in variables.items() if f"{{{m}" in _template(rpc)}

    assert asked.http_method == verb
    assert served(bridge, verb, prefix + asked.path) == in_path
    assert served(bridge, verb, f"{prefix}{asked.path}/") == in_path
    assert is_path_of(asked, verb, _as_signed(verb, prefix, asked.path))
    assert asked.app_monitor_name == (name if variables else None)


def _template(rpc: Any) -> str:
    return next(t for _, t, other in http_rules(rpc.containing_service) if other is rpc)


def _as_signed(verb: str, prefix: str, path: str) -> str:
    """Encoded as SDKs do, ARNs with their slashes too, signed, and decoded as the service does."""
    head, arn, name = path.partition(ARN)
    raw = prefix + (head + quote(arn + name, safe="") if arn else quote(path))
    canonical = canonical_request(
        verb, raw.encode(), [], [], signed_headers=[], body_sha256="0" * 64
    )
    return unquote(unquote(canonical.split(b"\n")[1].decode()))


@pytest.mark.parametrize(
    "name", ["", "a b", "a/b", "a\nb", "a\x1b[31m", "ä", "x" * 256, "a\0"], ids=ascii
)
def test_what_is_no_name_is_not_taken_for_one(name: str) -> None:
    for rpc in ("GetAppMonitor", "DeleteResourcePolicy", "ListRumMetricsDestinations"):
        request = GetMessageClass(RPCS[METHOD_OF[rpc]].input_type)()
        setattr(
            request, "name" if rpc != "ListRumMetricsDestinations" else "app_monitor_name", name
        )
        asked = operation_of(METHOD_OF[rpc], request)

        assert asked
        assert asked.app_monitor_name is None


def test_of_a_put_nothing_is_asked_before_its_app_monitor_is_known() -> None:
    assert operation_of(METHOD_OF["PutRumEvents"], PutRumEventsRequest()) is None


def test_what_has_no_rest_form_has_no_path() -> None:
    for method, rpc in RPCS.items():
        if rpc.containing_service.file.package == "rum.operator.v1":
            asked = operation_of(method, GetMessageClass(rpc.input_type)())
            assert asked
            assert (asked.http_method, asked.path, asked.shows) == ("", "", False)
            assert not is_path_of(asked, "", "")


@pytest.mark.parametrize(
    ("verb", "path", "same"),
    [
        ("GET", "/appmonitor/shop", True),
        ("GET", "/appmonitor/shop/", True),
        ("GET", "/any/prefix/appmonitor/shop", True),
        ("GET", "/appmonitor/shop//", True),
        ("POST", "/appmonitor/shop", False),
        ("get", "/appmonitor/shop", False),
        ("GET", "appmonitor/shop", False),
        ("GET", "/appmonitor/shop/policy", False),
        ("GET", "/appmonitor/shop\n", False),
        ("GET", "/appmonitor/SHOP", False),
        ("GET", "/xappmonitor/shop", False),
        ("GET", f"/tags/{ARN[:-11]}/appmonitor/shop", False),
        ("GET", "/rummetrics/appmonitor/shop", True),
        ("GET", "", False),
    ],
)
def test_paths(verb: str, path: str, same: bool) -> None:
    asked = Operation("GetAppMonitor", "GET", "/appmonitor/shop", "shop")

    assert is_path_of(asked, verb, path) == same
