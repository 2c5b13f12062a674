"""The country of a client, over REST behind a proxy and over gRPC. Its address is not kept."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import grpc
import pytest

from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from tests.e2e.stored import stored_events
from tests.support.batches import batch, event, message
from tests.support.country_files import country, write_countries
from tests.support.running import Bridge, OpenRum, Service, run_openrum, wait_until

_CLIENT = "198.51.100.77"
_NETWORKS = {"198.51.100.0/24": country("DE"), "127.0.0.0/8": country("NL")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_countries(tmp_path / "country.mmdb", _NETWORKS)


def _put_over_rest(url: str, monitor_id: str, *, forwarded: str) -> None:
    body = batch([event()])
    request = urllib.request.Request(
        f"{url}/appmonitors/{monitor_id}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "X-Forwarded-For": forwarded},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 200


def _put_over_grpc(address: str, monitor_id: str) -> None:
    request = message(monitor_id)
    request.rum_events[0].type = "com.amazon.rum.page_view_event"
    with grpc.insecure_channel(address) as channel:
        DataPlaneServiceStub(channel).PutRumEvents(request, timeout=30)


def _countries(server: OpenRum) -> list[object]:
    return [event["metadata"].get("countryCode") for event in stored_events(server.grpc)]


def test_events_have_the_country_of_the_client_and_nothing_has_its_address(
    tmp_path: Path, path: Path
) -> None:
    settings = {"OPENRUM_GEOIP": str(path), "OPENRUM_REQUEST_SAMPLING": "1"}
    with OpenRum(tmp_path, OPENRUM_TRUSTED_PROXIES="127.0.0.1", **settings) as server:
        monitor_id = server.monitor_id()
        _put_over_rest(server.url, monitor_id, forwarded=_CLIENT)
        _put_over_grpc(server.grpc, monitor_id)

        assert _countries(server) == ["DE", "NL"]
        server.stop()
    files = b"".join(file.read_bytes() for file in tmp_path.glob("openrum.sqlite3*"))
    assert monitor_id.encode() in files
    assert _CLIENT.encode() not in files
    assert _CLIENT not in "".join(server.output)


def test_a_bridge_reports_the_client_to_a_service_in_another_process(
    tmp_path: Path, path: Path
) -> None:
    with (
        Service(tmp_path, OPENRUM_GEOIP=str(path)) as service,
        Bridge(
            tmp_path, OPENRUM_SERVICE=service.grpc, OPENRUM_TRUSTED_PROXIES="127.0.0.1"
        ) as bridge,
    ):
        created = run_openrum(
            "monitors", "create", "my-app", "--json", OPENRUM_SERVICE=service.grpc, cwd=tmp_path
        )
        monitor_id = json.loads(created.stdout)["Id"]
        wait_until(lambda: bridge.get("/readyz")[0] == 200)
        _put_over_rest(bridge.url, monitor_id, forwarded=_CLIENT)
        stored = stored_events(service.grpc)

    assert [event["metadata"]["countryCode"] for event in stored] == ["DE"]


def test_a_broken_file_is_a_start_error(tmp_path: Path) -> None:
    broken = tmp_path / "country.mmdb"
    broken.write_bytes(b"none")

    ran = run_openrum(
        "service", cwd=tmp_path, OPENRUM_GEOIP=str(broken), OPENRUM_GRPC="127.0.0.1:0"
    )

    assert ran.returncode != 0
    assert f"OPENRUM_GEOIP: {broken}: is not a database" in ran.stderr
