"""The countries of addresses: looked up in a file that may be replaced."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import pytest
import structlog

from rum.internal.v1.caller_pb2 import HttpCaller
from rum.v1.control_plane_service_pb2 import (
    CreateAppMonitorRequest,
    GetAppMonitorDataRequest,
    QueryFilter,
    TimeRange,
)
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_endpoint.start_error import StartError
from rum_service.auth.callers import Call
from rum_service.composition.service import Service
from rum_service.ingest.countries import Countries
from rum_service.ingest.preparation import Put
from rum_service.storage import open_store
from rum_service.storage.base import Store
from rum_service.storage.records import Appended
from tests.support.batches import message
from tests.support.country_files import country, write_countries
from tests.support.services import settings_in, started

_NETWORKS = {
    "198.51.100.0/24": country("DE"),
    "203.0.113.0/24": country("fr"),
    "2001:db8::/32": country("JP"),
    "192.0.2.0/25": {"country_code": "US", "country": "United States"},
    "192.0.2.128/25": {"country": "BR"},
    "192.88.99.0/24": {"continent": {"code": "EU"}},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_countries(tmp_path / "country.mmdb", _NETWORKS)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("198.51.100.7", "DE"),
        ("203.0.113.255", "FR"),
        ("::ffff:198.51.100.7", "DE"),
        ("2001:db8::1", "JP"),
        ("192.0.2.1", "US"),
        ("192.0.2.200", "BR"),
        ("192.88.99.1", None),
        ("127.0.0.1", None),
        ("::1", None),
        ("198.51.100", None),
        ("fe80::1%eth0", None),
        ("unix:", None),
        ("", None),
        ("1" * 10_000, None),
        (None, None),
    ],
)
def test_an_address_has_the_country_of_its_network(
    path: Path, address: str | None, code: str | None
) -> None:
    assert Countries(path).of(address) == code


def test_ipv6_has_no_country_in_a_database_for_ipv4(tmp_path: Path) -> None:
    networks = {"198.51.100.0/24": country("DE")}
    countries = Countries(write_countries(tmp_path / "v4.mmdb", networks, ip_version=4))

    assert countries.of("198.51.100.7") == "DE"
    assert countries.of("2001:db8::1") is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b"", "not a database in MaxMind's format"),
        (b"country,code\n", "not a database in MaxMind's format"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_start_error(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "country.mmdb"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(StartError, match=f"^OPENRUM_GEOIP: {path}: .*{reason}"):
        Countries(path)


def test_a_database_without_countries_is_a_start_error(tmp_path: Path) -> None:
    networks = {"198.51.100.0/24": {"autonomous_system_number": 64496}}
    path = write_countries(tmp_path / "asn.mmdb", networks)

    with pytest.raises(StartError, match="has no countries"):
        Countries(path)


async def test_a_replaced_file_is_followed(path: Path) -> None:
    countries = Countries(path, interval_s=0.01)
    async with countries:
        write_countries(path, {"198.51.100.0/24": country("NL")})
        with anyio.fail_after(30):
            while countries.of("198.51.100.7") != "NL":
                await anyio.sleep(0.01)


async def test_a_broken_replacement_is_logged_once_and_the_file_before_it_stays(
    path: Path,
) -> None:
    countries = Countries(path)
    path.write_bytes(b"not yet complete")

    with structlog.testing.capture_logs() as logs:
        await countries.refresh()
        await countries.refresh()
    assert countries.of("198.51.100.7") == "DE"
    assert [line["event"] for line in logs] == ["country database not read"]

    write_countries(path, {"198.51.100.0/24": country("NL")})
    await countries.refresh()
    assert countries.of("198.51.100.7") == "NL"


async def test_a_file_that_disappears_does_not_matter(path: Path) -> None:
    countries = Countries(path)
    path.unlink()
    await countries.refresh()

    assert countries.of("198.51.100.7") == "DE"


def test_truncating_the_file_does_not_harm_lookups(path: Path) -> None:
    countries = Countries(path)
    # A file that is mapped into memory would raise SIGBUS, which ends the process.
    path.write_bytes(b"")

    assert countries.of("198.51.100.7") == "DE"


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 's'}" if is_sqlite else request.getfixturevalue("empty_postgres")
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
async def service(path: Path, store: Store, tmp_path: Path) -> AsyncIterator[Service]:
    async with started(store, settings_in(tmp_path, geoip=path)) as service:
        yield service


async def _create(service: Service) -> str:
    request = CreateAppMonitorRequest(name="shop", domain="shop.example")
    return await service.app_monitors.create(request)


async def _put(
    service: Service, request: PutRumEventsRequest, *, peer: str | None = None, http: str = ""
) -> Appended:
    relayed = HttpCaller(source_ip=http) if http else None
    call = Call(peer_ip=peer, relayed=relayed)
    return await service.ingest.put(Put(request.SerializeToString(), call, lambda: "id"))


async def _countries(service: Service, *filters: QueryFilter) -> list[str | None]:
    """Return the countries of all events, oldest first."""
    request = GetAppMonitorDataRequest(name="shop", time_range=TimeRange(after=0), filters=filters)
    page = await service.readback.get(request)
    return [json.loads(event)["metadata"].get("countryCode") for event in reversed(page.events)]


def _batch(monitor_id: str, **members: str) -> PutRumEventsRequest:
    request = message(monitor_id, **members)
    request.rum_events[0].type = "com.amazon.rum.page_view_event"
    return request


async def test_events_are_read_back_with_the_country_of_the_client(service: Service) -> None:
    shop = await _create(service)
    await _put(service, _batch(shop), http="198.51.100.7")
    await _put(service, _batch(shop), peer="203.0.113.9")
    await _put(service, _batch(shop), peer="203.0.113.9", http="2001:db8::1")
    await _put(service, _batch(shop), http="192.88.99.1")
    await _put(service, _batch(shop))

    assert await _countries(service) == ["DE", "FR", "JP", None, None]
    only_germany = QueryFilter(name="Country", values=["DE"])
    assert await _countries(service, only_germany) == ["DE"]


async def test_the_country_that_a_client_sends_is_kept(service: Service) -> None:
    shop = await _create(service)
    sent = _batch(shop, session_metadata='{"countryCode":"IT"}')
    await _put(service, sent, http="198.51.100.7")
    own = _batch(shop)
    own.rum_events[0].metadata = '{"countryCode":"ES"}'
    await _put(service, own, http="198.51.100.7")

    assert await _countries(service) == ["IT", "ES"]


async def test_a_retry_from_another_country_stores_nothing_new(service: Service) -> None:
    shop = await _create(service)
    request = _batch(shop)
    outcomes = [
        await _put(service, request, http="198.51.100.7"),
        await _put(service, request, http="203.0.113.9"),
    ]

    assert outcomes == [Appended.STORED, Appended.DUPLICATE]
    assert await _countries(service) == ["DE"]
