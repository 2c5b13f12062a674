"""The paths of the bridge: those of the google.api.http annotations, and the health checks."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from rum.v1 import (
    control_plane_service_pb2,
    data_plane_service_pb2,
    insight_service_pb2,
    source_map_service_pb2,
)
from rum_bridge.operations.http_rules import http_rules
from rum_bridge.settings import BridgeSettings
from tests.bridge.conftest import Started, end_file_size_limit, limit_file_size
from tests.bridge.wire import Response, preflight, send
from tests.support.batches import batch, event
from tests.support.running import OpenRum, wait_until

_SERVICES = (
    control_plane_service_pb2.DESCRIPTOR.services_by_name["ControlPlaneService"],
    data_plane_service_pb2.DESCRIPTOR.services_by_name["DataPlaneService"],
    insight_service_pb2.DESCRIPTOR.services_by_name["InsightService"],
    source_map_service_pb2.DESCRIPTOR.services_by_name["SourceMapService"],
)
_RULES = [
    (rpc.name, verb, template)
    for service in _SERVICES
    for verb, template, rpc in http_rules(service)
]


def _filled(template: str, value: str) -> str:
    return re.sub(r"\{.*?\}", quote(value), template)


@pytest.fixture(scope="module")
def server(started: Started) -> OpenRum:
    return started(OPENRUM_PATH_PREFIX="/rum/v1")


@pytest.fixture(scope="module")
def monitor_id(server: OpenRum) -> str:
    return server.monitor_id()


def test_every_public_rpc_without_a_stream_has_a_path() -> None:
    rpcs = {
        rpc.name for service in _SERVICES for rpc in service.methods if not rpc.client_streaming
    }

    assert rpcs == {name for name, _, _ in _RULES}


@pytest.mark.parametrize("prefix", ["", "/rum/v1"])
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(("verb", "template"), [rule[1:] for rule in _RULES], ids=str)
def test_every_annotated_path_is_served_with_and_without_a_slash(
    server: OpenRum, verb: str, template: str, slash: str, prefix: str
) -> None:
    """The rpc rejects the invalid name, so the router knows the path."""
    path = _filled(template, "no*name")
    response = send(server.url, prefix + path + slash, b"{}", method=verb)

    if template == "/appmonitors":
        assert response.status == 200
    elif template in ("/insight", "/insight-state"):
        assert response.error_type == "ProjectionUnavailableException"
    else:
        assert (response.status, response.error_type) == (400, "ValidationException")


@pytest.mark.parametrize("template", sorted({rule[2] for rule in _RULES}))
def test_another_method_is_rejected_with_the_allowed_methods(
    server: OpenRum, template: str
) -> None:
    allowed = {verb for _, verb, other in _RULES if other == template}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} - allowed:
        response = send(server.url, _filled(template, "x"), method=method)
        assert response.status == 405
        assert set(response.headers["Allow"].split(", ")) == allowed


def test_nothing_is_redirected(server: OpenRum, monitor_id: str) -> None:
    paths = ["/", "//", "/healthz/", "/appmonitor", "/appmonitors", f"/appmonitors/{monitor_id}",
             "/rum/v1", "/rum/v1/appmonitor/x", f"//appmonitors/{monitor_id}", "/x/"]  # fmt: skip
    for path in [*paths, *(path + "/" for path in paths)]:
        for method in ("GET", "POST"):
            assert not 300 <= send(server.url, path, method=method).status < 400
        assert not 300 <= preflight(server.url, path).status < 400


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "/rum",
        "/rum/v1",
        "/rum/v1/deeper",
        "/stage one/ü",
        "/日本/%/?#",
        "/appmonitors",
        "/appmonitor",
        "/appmonitors/x",
        "/healthz",
        "/a/../b",
        "//",
        "/" + "long/" * 200,
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_events_are_stored_under_any_prefix(
    server: OpenRum, monitor_id: str, rum_of: Any, prefix: str, slash: str
) -> None:
    put = event()
    path = urllib.parse.quote(prefix) + f"/appmonitors/{monitor_id}" + slash
    response = send(server.url, path + "?X-Amz-Signature=x", batch([put]))
    page = rum_of(server.url).get_app_monitor_data(
        Name="my-app", TimeRange={"After": 0}, MaxResults=1
    )

    assert response.status == 200
    assert [put["id"]] == [json.loads(text)["event_id"] for text in page["Events"]]
    assert preflight(server.url, path).status == 200


@pytest.mark.parametrize("host", ["dataplane.127.0.0.1:8080", "dataplane.rum.example", "日", ""])
def test_the_host_header_does_not_matter(server: OpenRum, monitor_id: str, host: str) -> None:
    headers = {"Host": host.encode().decode("latin-1")}
    assert send(server.url, f"/appmonitors/{monitor_id}", batch(), headers=headers).status == 200


@pytest.mark.parametrize("prefix", ["rum", "/rum/", "//", "/", "/{x}", "rum/x"])
def test_an_invalid_path_prefix_is_rejected(prefix: str) -> None:
    with pytest.raises(ValueError, match="path_prefix"):
        BridgeSettings(path_prefix=prefix)


class _Process:
    """An `openrum service` or `openrum bridge` process."""

    def __init__(self, command: str, folder: Path, ready: str, **settings: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rum_cli", command],
            env={**settings, "PATH": ""},
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        assert self._process.stderr
        for line in self._process.stderr:
            entry = json.loads(line)
            if entry["event"] == ready:
                self.entry = entry
                return
        raise RuntimeError(f"{command} did not start")

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(number)
        self._process.communicate(timeout=30)


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[tuple[_Process, str]]:
    """A service process, and the URL of a bridge in another process."""
    service = _Process("service", tmp_path, "service listens", OPENRUM_GRPC="127.0.0.1:0")
    bridge = _Process(
        "bridge",
        tmp_path,
        "bridge listens",
        OPENRUM_HTTP="127.0.0.1:0",
        OPENRUM_SERVICE=service.entry["grpc"],
    )
    yield service, f"http://{bridge.entry['http']}"
    bridge.end()
    service.end()


def _ready(url: str) -> Response:
    return send(url, "/readyz", method="GET")


def test_readyz_fails_while_puts_would_be_rejected(apart: tuple[_Process, str]) -> None:
    service, url = apart
    assert (_ready(url).status, _ready(url).body) == (200, b"ok")

    limit_file_size(service.pid)
    wait_until(lambda: _ready(url).status == 503)
    assert b"cannot store" in _ready(url).body
    end_file_size_limit(service.pid)
    wait_until(lambda: _ready(url).status == 200)

    service.end(signal.SIGKILL)
    wait_until(lambda: b"does not answer" in _ready(url).body)
    assert _ready(url).status == 503
    assert send(url, "/healthz", method="GET").body == b"ok"
