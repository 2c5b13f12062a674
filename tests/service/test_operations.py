"""Operations have the paths at which the bridge serves them, for any app monitor name."""

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
from rum.v1 import insight_service_pb2, source_map_service_pb2
from rum_bridge.limits.budget import ByteBudget
from rum_bridge.operations.control_plane import CONTROL_PLANE
from rum_bridge.operations.http_rules import http_rules
from rum_bridge.operations.transcode import Transcoder
from rum_bridge.settings import BridgeSettings
from rum_bridge.signing.canonical import canonical_request
from rum_bridge.upstream.caller import CallerReport
from rum_bridge.upstream.channel import BridgeToken
from rum_service.auth.operations import app_monitor_name, is_signed_for, operation_of
from tests.service.authorized import METHOD_OF, RPCS

NAMES = ["shop", "a#b", "a.b-c_d", "policy", "appmonitor", "metrics", "..x", "A" * 255]
ARN = "arn:aws:rum:us-east-1:123456789012:appmonitor/"


@pytest.fixture
async def bridge(tmp_path: Path) -> AsyncIterator[list[Route]]:
    """The bridge's routes for all but puts, also served under the prefix /rum."""
    settings = BridgeSettings(path_prefix="/rum")
    token, report = BridgeToken(tmp_path / "none"), CallerReport(authorization_required=True)
    services = [
        pb.DESCRIPTOR.services_by_name["ControlPlaneService"],
        insight_service_pb2.DESCRIPTOR.services_by_name["InsightService"],
        source_map_service_pb2.DESCRIPTOR.services_by_name["SourceMapService"],
    ]
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        transcoder = Transcoder(channel, token, report, budget=ByteBudget(1), settings=settings)
        yield [route for service in services for route in transcoder.routes(service, CONTROL_PLANE)]


def path_params(routes: list[Route], verb: str, path: str) -> dict[str, Any] | None:
    """Return the path parameters of the route that matches this decoded path."""
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
async def test_an_operation_has_the_path_of_the_bridges_route(
    bridge: list[Route], prefix: str, verb: str, rpc: Any, name: str
) -> None:
    request = GetMessageClass(rpc.input_type)()
    variables: dict[str, str] = {}
    in_path: dict[str, str] = {}
    for member in request.DESCRIPTOR.fields_by_name:
        if member in ("name", "app_monitor_name", "app_monitor", "resource_arn"):
            variables[member] = (ARN if member == "resource_arn" else "") + name
            setattr(request, member, variables[member])
        elif f"{{{member}}}" in _template(rpc):
            setattr(request, member, f"a-{member}")
            in_path[member] = f"a-{member}"
    operation = operation_of(METHOD_OF[rpc.name])
    path = operation.path_of(request)
    expected = {m: text for m, text in variables.items() if f"{{{m}" in _template(rpc)} | in_path

    assert operation.http_method == verb
    assert path_params(bridge, verb, prefix + path) == expected
    assert path_params(bridge, verb, f"{prefix}{path}/") == expected
    assert is_signed_for(
        operation, path, http_method=verb, signed_path=_as_signed(verb, prefix, path)
    )
    assert app_monitor_name(request) == (name if variables else None)


def _template(rpc: Any) -> str:
    return next(t for _, t, other in http_rules(rpc.containing_service) if other is rpc)


def _as_signed(verb: str, prefix: str, path: str) -> str:
    """Return the path after an SDK encoded and signed it and the service decoded it.

    SDKs also encode the slashes of ARNs.
    """
    head, arn, name = path.partition(ARN)
    raw = prefix + (head + quote(arn + name, safe="") if arn else quote(path))
    canonical = canonical_request(
        verb, raw.encode(), [], {}, signed_headers=[], body_sha256="0" * 64
    )
    return unquote(unquote(canonical.split(b"\n")[1].decode()))


@pytest.mark.parametrize(
    "name", ["", "a b", "a/b", "a\nb", "a\x1b[31m", "ä", "x" * 256, "a\0"], ids=ascii
)
def test_an_invalid_app_monitor_name_is_ignored(name: str) -> None:
    for rpc in ("GetAppMonitor", "DeleteResourcePolicy", "ListRumMetricsDestinations"):
        request = GetMessageClass(RPCS[METHOD_OF[rpc]].input_type)()
        setattr(
            request, "name" if rpc != "ListRumMetricsDestinations" else "app_monitor_name", name
        )

        assert app_monitor_name(request) is None


def test_only_puts_are_authorized_batch_by_batch() -> None:
    puts = {rpc.name for method, rpc in RPCS.items() if operation_of(method).is_put}

    assert puts == {"PutRumEvents", "BatchPutRumEvents"}


def test_no_signature_is_valid_for_an_operation_without_a_rest_form() -> None:
    for method, rpc in RPCS.items():
        if rpc.containing_service.name == "OperatorService":
            operation = operation_of(method)

            assert (operation.http_method, operation.path, operation.is_read_only) == (
                "",
                "",
                False,
            )
            assert not is_signed_for(operation, "", http_method="", signed_path="")


@pytest.mark.parametrize(
    ("verb", "path", "valid"),
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
def test_a_signed_path_is_valid_only_for_its_operation(verb: str, path: str, valid: bool) -> None:
    operation = operation_of(METHOD_OF["GetAppMonitor"])

    assert is_signed_for(operation, "/appmonitor/shop", http_method=verb, signed_path=path) == valid
