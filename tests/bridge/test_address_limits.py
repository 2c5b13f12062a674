"""How much one client address may send."""

from __future__ import annotations

import asyncio

import pytest

from rum_bridge.errors import HttpError
from rum_bridge.limits.address_limits import AddressLimits
from tests.bridge.conftest import Bridge
from tests.bridge.wire import ORIGIN, Response, expect_error, send
from tests.support.batches import batch, new_id

_PATH = f"/appmonitors/{new_id()}"


def _limits(**rates: float) -> AddressLimits:
    return AddressLimits(rates, clock=lambda: 1000.0)


def _is_rejected(limits: AddressLimits, address: str) -> bool:
    try:
        limits.check(address)
    except HttpError as error:
        assert (error.status, error.error_type) == (429, "ThrottlingException")
        assert error.retry_after_s
        return True
    return False


@pytest.mark.parametrize(
    ("address", "same", "other"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
        ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"),
    ],
)
def test_requests_are_limited_for_an_ipv4_address_or_an_ipv6_network(
    address: str, same: str, other: str
) -> None:
    limits = _limits(requests=1)
    limits.check(address)
    limits.check(address)

    assert [_is_rejected(limits, each) for each in (address, same, other)] == [True, True, False]


def test_bytes_that_were_read_count_against_the_next_request() -> None:
    limits = _limits(bytes=100)
    limits.check("192.0.2.1")
    limits.charge_bytes("192.0.2.1", 1000)

    assert _is_rejected(limits, "192.0.2.1")
    assert not _is_rejected(limits, "192.0.2.2")


def test_events_that_were_parsed_count_against_the_next_request() -> None:
    limits = _limits(events=50)
    limits.check("192.0.2.1")
    limits.charge_events("192.0.2.1", 99)
    limits.check("192.0.2.1")
    limits.charge_events("192.0.2.1", 1)

    assert _is_rejected(limits, "192.0.2.1")
    assert not _is_rejected(limits, "192.0.2.2")


def test_looking_at_a_limit_counts_nothing() -> None:
    limits = _limits(requests=1)

    assert not any(limits.reached("192.0.2.1") for _ in range(5))
    limits.check("192.0.2.1")
    limits.check("192.0.2.1")
    assert limits.reached("192.0.2.1")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", ""])
def test_loopback_addresses_and_sockets_have_no_limit(address: str) -> None:
    limits = _limits(requests=1, events=1, bytes=1)
    limits.charge_bytes(address, 1000)
    limits.charge_events(address, 1000)

    assert not any(_is_rejected(limits, address) for _ in range(10))


async def test_a_client_behind_a_trusted_proxy_is_limited_by_its_own_address(
    bridge: Bridge,
) -> None:
    def put(url: str, address: str) -> Response:
        headers = {"X-Forwarded-For": address, "Origin": ORIGIN}
        return send(url, _PATH, batch(), headers=headers)

    async with bridge(address_requests_per_s=1, trusted_proxies="127.0.0.1") as url:
        first = [await asyncio.to_thread(put, url, "192.0.2.1") for _ in range(5)]
        other = await asyncio.to_thread(put, url, "192.0.2.2")

    assert [response.status for response in first[:2]] == [200, 200]
    rejected = first[-1]
    expect_error(rejected, 429, "ThrottlingException")
    assert rejected.headers["Retry-After"] in ("1", "2")
    assert other.status == 200


async def test_an_address_that_has_sent_too_many_events_is_rejected(bridge: Bridge) -> None:
    def put(url: str, address: str) -> Response:
        headers = {"X-Forwarded-For": address, "Origin": ORIGIN}
        return send(url, _PATH, batch(events=10), headers=headers)

    async with bridge(address_events_per_s=1, trusted_proxies="127.0.0.1") as url:
        statuses = [
            (await asyncio.to_thread(put, url, address)).status
            for address in ["192.0.2.1", "192.0.2.1", "192.0.2.2"]
        ]

    assert statuses == [200, 429, 200]
