"""A client behind Envoy is identified by its token, and cannot pretend to be a bridge."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from rum.internal.v1.caller_pb2 import HttpCaller
from tests.e2e.test_cli_credentials import monitor_id, operator_file, output_of
from tests.e2e.test_envoy import _SERVICES, _descriptor_set
from tests.support.batches import batch
from tests.support.running import OpenRum
from tests.tools import envoy
from tests.tools.toolbox import tools_needed


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    with OpenRum(tmp_path_factory.mktemp("required"), OPENRUM_AUTH="required") as running:
        yield running
        running.stop()


@pytest.fixture(scope="module")
def port(server: OpenRum, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    descriptors = _descriptor_set(tmp_path_factory.mktemp("descriptors") / "rum.binpb")
    with tools_needed(), envoy.transcoder(descriptors, _SERVICES, server.grpc) as port:
        yield port


def _put(server: OpenRum, port: int, headers: dict[str, str]) -> int:
    url = f"http://127.0.0.1:{port}/appmonitors/{monitor_id(server)}"
    headers = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, json.dumps(batch()).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_caller_report_from_a_client_is_rejected(server: OpenRum, port: int) -> None:
    operator = Path(operator_file(server)).read_text().strip()
    report = HttpCaller(bearer_token=operator, source_ip="127.0.0.1").SerializeToString()
    forged = {"rum-caller-bin": base64.b64encode(report).decode()}
    token = output_of(server, "tokens", "create", "--name", "jobs").strip()
    valid = {"Authorization": f"Bearer {token}"}

    assert _put(server, port, {}) == 403
    assert _put(server, port, forged) == 403
    assert _put(server, port, {**forged, "Authorization": "Bearer openrum_guess"}) == 403
    assert _put(server, port, valid) == 200
    assert _put(server, port, {**valid, **forged}) == 403


def test_the_bridge_ignores_a_caller_report_in_a_header(server: OpenRum) -> None:
    operator = Path(operator_file(server)).read_text().strip()
    report = HttpCaller(bearer_token=operator).SerializeToString()
    forged = {"rum-caller-bin": base64.b64encode(report).decode()}
    bridge = (server.folder / "var" / "bridge.token").read_text().strip()
    token = output_of(server, "tokens", "create", "--name", "page").strip()
    http = int(server.url.rpartition(":")[2])

    assert _put(server, http, forged) == 403
    assert _put(server, http, {"Authorization": f"Bearer {bridge}"}) == 403
    assert _put(server, http, {**forged, "Authorization": f"Bearer {bridge}"}) == 403
    assert _put(server, http, {"Authorization": f"Bearer {token}"}) == 200
    assert _put(server, http, {**forged, "Authorization": f"Bearer {token}"}) == 200


def test_the_operator_token_is_rejected_over_http(server: OpenRum) -> None:
    operator = Path(operator_file(server)).read_text().strip()
    http = int(server.url.rpartition(":")[2])

    assert _put(server, http, {"Authorization": f"Bearer {operator}"}) == 403
