"""The Envoy configuration in docs/how-to/envoy, in front of a running service."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.bridge.wire import Response, preflight, send
from tests.e2e.failures import SMALL_QUEUE, broken_store, full_queue
from tests.e2e.stored import stored_events
from tests.e2e.test_envoy import _descriptor_set
from tests.support.batches import batch, event, new_id
from tests.support.running import OpenRum
from tests.tools import envoy
from tests.tools.toolbox import tools_needed

_CONFIG = Path(__file__).parents[2] / "docs" / "how-to" / "envoy" / "envoy.yaml"
_ORIGIN = {"Origin": "https://shop.example"}
_GZIP = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


def _filled_in(service: str, descriptor_set: Path) -> str:
    """Return the documented file with the three changes that it requires."""
    text = _CONFIG.read_text()
    port = service.rpartition(":")[2]
    for documented, own in (
        ("port_value: 8081 }", "port_value: 0 }"),
        ("port_value: 50051 }", f"port_value: {port} }}"),
        ("/etc/envoy/rum.binpb", str(descriptor_set)),
    ):
        assert text.count(documented) == 1
        text = text.replace(documented, own)
    admin = {"admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}}}
    return text + json.dumps(admin)[1:-1] + "\n"  # the tests read the port of the listener there


@pytest.fixture(scope="module")
def openrum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    """A server whose queue `full_queue` can fill, with a quota of one app monitor."""
    folder = tmp_path_factory.mktemp("openrum")
    server = OpenRum(folder, OPENRUM_MAX_APP_MONITORS="1", **SMALL_QUEUE)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def url(openrum: OpenRum, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running Envoy."""
    descriptor_set = tmp_path_factory.mktemp("envoy") / "rum.binpb"
    _descriptor_set(descriptor_set)
    with tools_needed(), envoy.running(_filled_in(openrum.grpc, descriptor_set)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def path(openrum: OpenRum) -> str:
    return f"/appmonitors/{openrum.monitor_id()}"


@pytest.fixture(scope="module")
def rum(url: str) -> Iterator[Any]:
    """A boto3 client that does not retry."""
    client = boto3.client(
        "rum",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
    )
    yield client
    client.close()


def _is_stored(openrum: OpenRum, body: dict[str, Any]) -> bool:
    return body["BatchId"] in {event["batch_id"] for event in stored_events(openrum.grpc)}


def _error(response: Response) -> tuple[int, str | None, str]:
    return response.status, response.error_type, response.message


@pytest.mark.parametrize("slash", ["", "/"])
def test_puts_of_pages_and_sdks_are_stored(
    openrum: OpenRum, url: str, path: str, slash: str
) -> None:
    body = batch()
    response = send(url, path + slash, body)

    assert response.status == 200
    assert _is_stored(openrum, body)


def test_gzipped_bodies_and_beacons_of_another_site_are_stored(
    openrum: OpenRum, url: str, path: str
) -> None:
    beacon = batch()
    gzipped = batch([event(details=json.dumps({"text": os.urandom(500_000).hex()}))])
    packed = gzip.compress(json.dumps(gzipped).encode())
    responses = [
        send(url, path, packed, headers={**_GZIP, **_ORIGIN}),
        send(url, path, json.dumps(beacon), headers={"Content-Type": "text/plain", **_ORIGIN}),
    ]

    assert [response.status for response in responses] == [200, 200]
    assert {response.headers["Access-Control-Allow-Origin"] for response in responses} == set(
        _ORIGIN.values()
    )
    assert _is_stored(openrum, gzipped)
    assert _is_stored(openrum, beacon)


def test_a_preflight_of_a_put_is_allowed_for_two_hours(url: str, path: str) -> None:
    response = preflight(url, path, Access_Control_Request_Headers="content-type,content-encoding")

    assert response.status == 200
    assert response.headers["Access-Control-Allow-Origin"] == _ORIGIN["Origin"]
    assert response.headers["Access-Control-Allow-Methods"] == "POST"
    assert "*" in response.headers["Access-Control-Allow-Headers"]
    assert response.headers["Access-Control-Max-Age"] == "7200"


@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
def test_a_page_cannot_read_or_change_app_monitors(url: str, media_type: str) -> None:
    headers = {"Content-Type": media_type, **_ORIGIN}
    new = json.dumps({"Name": "shop", "Domain": "shop.example"})
    responses = [
        send(url, "/appmonitor", new, headers=headers),
        send(url, "/appmonitors", headers=_ORIGIN),
        send(url, "/appmonitor/my-app", method="DELETE", headers=_ORIGIN),
    ]

    assert {_error(response) for response in responses} == {
        (403, "AccessDeniedException", "Pages may only put events.")
    }
    assert send(url, "/appmonitor/my-app", method="GET").status == 200


def test_an_error_has_the_name_that_sdks_read(openrum: OpenRum, url: str, path: str) -> None:
    unknown = f"/appmonitors/{new_id()}"
    with full_queue(openrum):
        throttled = send(url, path, batch())
    with broken_store(openrum):
        failed = send(url, path, batch())
    quota = send(url, "/appmonitor", {"Name": "shop", "Domain": "shop.example"})

    assert _error(send(url, unknown, batch()))[:2] == (404, "ResourceNotFoundException")
    assert _error(throttled)[:2] == (429, "ThrottlingException")
    assert throttled.headers["Retry-After"] == "1"
    assert _error(failed)[:2] == (500, "InternalServerException")
    assert _error(quota)[:2] == (402, "ServiceQuotaExceededException")


def test_boto3_puts_and_raises_its_modelled_exceptions(
    openrum: OpenRum, rum: Any, url: str
) -> None:
    monitor_id, body = openrum.monitor_id(), batch()
    rum.put_rum_events(Id=monitor_id, **body)
    with pytest.raises(rum.exceptions.ValidationException, match="BatchId must match "):
        rum.put_rum_events(Id=monitor_id, **batch(BatchId="x" * 36))
    with pytest.raises(rum.exceptions.ResourceNotFoundException):
        rum.get_app_monitor(Name="nobody")

    assert _is_stored(openrum, body)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "name"),
    [
        ("POST", "/nothing", b"{}", 404, "UnknownOperationException"),
        ("GET", "/appmonitors/x", None, 404, "UnknownOperationException"),
        ("POST", "/appmonitors/x", b"{no", 400, "ValidationException"),
        ("POST", "/appmonitors/x", b"x" * (4 << 20) + b"x", 413, "RequestEntityTooLargeException"),
    ],
    ids=["path", "method", "json", "length"],
)
def test_an_error_from_envoy_has_the_same_form(
    url: str, method: str, path: str, body: bytes | None, status: int, name: str
) -> None:
    response = send(url, path, body, method=method)

    assert _error(response)[:2] == (status, name)
    assert response.headers["Content-Type"] == "application/json"
