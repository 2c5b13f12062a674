"""The quota of stored bytes, as clients and operators see it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from grpc_status import rpc_status

from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from rum.v1.errors_pb2 import ThrottlingException
from rum_cli.sizes import parse_size
from tests.support.batches import batch, message
from tests.support.metrics import page_addresses, read_values
from tests.support.running import OpenRum, run_openrum

_QUOTA = 3000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    folder = tmp_path_factory.mktemp("quota")
    settings = {"OPENRUM_STORED_BYTES_QUOTA": str(_QUOTA), "OPENRUM_METRICS": "127.0.0.1:0"}
    with OpenRum(folder, **settings) as running:
        yield running
        running.stop()


def _run(server: OpenRum, *arguments: str) -> str:
    ran = run_openrum(*arguments, OPENRUM_SERVICE=server.grpc)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def _put(server: OpenRum, monitor_id: str, document: Any = None) -> tuple[int, dict[str, str], Any]:
    """Return status, headers and JSON of the response."""
    address = server.url.removeprefix("http://")
    body = json.dumps(batch(1) if document is None else document)
    headers = {"Content-Type": "application/json"}
    with closing(http.client.HTTPConnection(address, timeout=60)) as connection:
        connection.request("POST", f"/appmonitors/{monitor_id}", body, headers)
        response = connection.getresponse()
        content = response.read()
        members = json.loads(content) if content else None
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, members


def _fill(server: OpenRum, monitor_id: str) -> tuple[dict[str, str], Any]:
    """Put until a put is throttled, and return the headers and the JSON of the response."""
    for _ in range(100_000):
        status, headers, members = _put(server, monitor_id)
        if status == 429:
            return headers, members
        assert status == 200
    raise AssertionError("no put was throttled")


def _status_when_asked_again(server: OpenRum, monitor_id: str) -> int:
    """Return the status of the first put that the bridge passes on to the service."""
    for _ in range(100_000):
        status, _, members = _put(server, monitor_id)
        if status == 200 or "openrum quota set" in members["message"]:
            return status
    raise AssertionError("the bridge asked the service for no put")


def _created(server: OpenRum, name: str) -> str:
    return _run(server, "monitors", "create", name).strip()


def test_a_client_learns_that_the_quota_is_reached_and_when_to_retry(server: OpenRum) -> None:
    headers, members = _fill(server, _created(server, "shop"))

    assert headers["retry-after"] == "300"
    assert headers["x-amzn-errortype"] == "ThrottlingException"
    assert members["quotaCode"] == "stored-bytes"
    assert f"shop has reached its quota of {_QUOTA} stored bytes" in members["message"]


def test_a_client_over_grpc_learns_the_same(server: OpenRum) -> None:
    monitor_id = _created(server, "grpc")
    _fill(server, monitor_id)
    with (
        grpc.insecure_channel(server.grpc) as channel,
        pytest.raises(grpc.RpcError) as raised,
    ):
        DataPlaneServiceStub(channel).PutRumEvents(message(monitor_id))
    status = rpc_status.from_call(raised.value)  # type: ignore[arg-type] # it is a call, too
    exception, retry = ThrottlingException(), RetryInfo()
    status.details[0].Unpack(exception)
    status.details[1].Unpack(retry)

    assert exception.quota_code == "stored-bytes"
    assert (exception.retry_after_seconds, retry.retry_delay.seconds) == (300, 300)


def test_an_operator_sees_the_usage_and_raises_the_quota(server: OpenRum) -> None:
    monitor_id = _created(server, "raised")
    _fill(server, monitor_id)
    listed = [json.loads(line) for line in _run(server, "quota", "list", "--json").splitlines()]
    table = _run(server, "quota", "list")
    (found,) = [row for row in listed if row["AppMonitorName"] == "raised"]
    raised = _run(server, "quota", "set", "raised", "1MiB")
    after_raise = _status_when_asked_again(server, monitor_id)
    removed = _run(server, "quota", "set", "raised", "0")
    unlimited = _run(server, "quota", "list")
    reset = _run(server, "quota", "reset", "raised")
    after_reset = _status_when_asked_again(server, monitor_id)

    assert found["Quota"] == _QUOTA
    assert found["StoredBytes"] >= _QUOTA
    assert table.splitlines()[0].split() == ["App", "monitor", "Bytes", "Quota"]
    assert raised == "The quota of raised is 1048576 bytes\n"
    assert after_raise == 200
    assert removed == "raised has no quota\n"
    assert "none" in unlimited
    assert reset == "raised has the default quota\n"
    assert after_reset == 429


def test_the_metrics_show_usage_quota_and_rejections(server: OpenRum) -> None:
    _fill(server, _created(server, "measured"))
    (address,) = page_addresses(server)
    values = read_values(address)
    rejected = ("openrum_service_batches_total", "measured", "rejected", "StoredBytesQuota")
    of_bridge = ("openrum_bridge_batches_total", "rejected", "StoredBytesQuota", "service")

    assert values["openrum_service_stored_bytes", "measured"] >= _QUOTA
    assert values["openrum_service_stored_bytes_quota", "measured"] == _QUOTA
    assert values[rejected] == 1
    assert values[of_bridge] >= 1


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("123", 123),
        ("5B", 5),
        ("500MB", 500_000_000),
        ("1 GB", 10**9),
        ("2GiB", 2**31),
        ("1TiB", 2**40),
        ("3kB", 3000),
        ("", None),
        ("GB", None),
        ("-1", None),
        ("1.5GB", None),
        ("1gb", None),
        ("999999999999999TiB", None),
    ],
)
def test_sizes_have_decimal_or_binary_units(text: str, size: int | None) -> None:
    assert parse_size(text) == size


def test_a_wrong_size_is_explained(tmp_path: Path) -> None:
    ran = run_openrum("quota", "set", "shop", "much")

    assert ran.returncode == 2
    assert "'much' is not a size; use for example 500MB, 20GB or 1TiB" in ran.stderr
