"""X-Forwarded-For is used only if a trusted proxy sent it, which a policy on addresses shows."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.guarded import Guarded, allow
from tests.support.batches import batch

_TRUSTED = ["127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"]
_ALLOWED = {"aws:SourceIp": ["198.51.100.0/24", "2001:db8:2::/48"]}
_PROXY, _OTHER_PEER = "127.0.0.1", "127.0.0.2"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("behind")
    running = Guarded(folder, OPENRUM_TRUSTED_PROXIES=",".join(_TRUSTED))
    with running, running.policy(allow(IpAddress=_ALLOWED)):
        yield running


@pytest.fixture(scope="module")
def monitor_id(server: Guarded) -> str:
    return server.monitor_id()


def _put(server: Guarded, monitor_id: str, peer: str, *forwarded: str) -> tuple[int, bool]:
    """Put a batch from this address. Return the status, and whether the batch is stored."""
    body: dict[str, Any] = batch()
    host = server.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30, source_address=(peer, 0))
    connection.putrequest("POST", f"/appmonitors/{monitor_id}")
    content = json.dumps(body).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    for name, value in [*headers, *(("X-Forwarded-For", line) for line in forwarded)]:
        connection.putheader(name, value)
    connection.endheaders(content)
    with connection.getresponse() as response:
        status = response.status
    connection.close()
    return status, body["BatchId"] in {event["batch_id"] for event in server.stored()}


@pytest.mark.parametrize(
    "forwarded",
    [
        ["198.51.100.7"],
        ["198.51.100.7:4711"],
        ["2001:db8:2::1"],
        ["2001:DB8:2:0:0::1"],
        ["[2001:db8:2::1]:443"],
        ["::ffff:198.51.100.7"],
        ["203.0.113.9, 198.51.100.7"],
        ["203.0.113.9, 198.51.100.7, 10.0.0.5,10.0.0.6"],
        ["203.0.113.9, 198.51.100.7, 2001:db8:1::5"],
        ["unknown, 198.51.100.7"],
        ["203.0.113.9", "198.51.100.7"],
        ["203.0.113.9, 198.51.100.7", "10.0.0.5"],
    ],
    ids=" + ".join,
)
def test_the_last_address_that_is_not_a_trusted_proxy_is_the_client(
    server: Guarded, monitor_id: str, forwarded: list[str]
) -> None:
    assert _put(server, monitor_id, _PROXY, *forwarded) == (200, True)


@pytest.mark.parametrize(
    "forwarded",
    [
        [],
        [""],
        [", ,"],
        ["203.0.113.9"],
        ["2001:db8:3::1"],
        ["198.51.100.7, 203.0.113.9"],
        ["198.51.100.7, 203.0.113.9, 10.0.0.5"],
        ["198.51.100.7", "203.0.113.9"],
        ["10.0.0.1, 10.0.0.2"],
        ["unknown"],
        ["198.51.100.7, unknown"],
        ["198.51.100.7, _hidden, 10.0.0.5"],
        ["198.51.100"],
        ["198.51.100.7/24"],
        ["198.51.100.7é"],
        ["[2001:db8:2::1"],
        ["2001:db8:2::1]"],
        ["198.51.100.7;" * 200],
    ],
    ids=lambda forwarded: " + ".join(forwarded)[:40] or "none",
)
def test_other_addresses_and_invalid_ones_are_rejected(
    server: Guarded, monitor_id: str, forwarded: list[str]
) -> None:
    assert _put(server, monitor_id, _PROXY, *forwarded) == (403, False)


@pytest.mark.parametrize("forwarded", ["198.51.100.7", "198.51.100.7, 10.0.0.5", "127.0.0.1"])
def test_x_forwarded_for_from_another_peer_is_ignored(
    server: Guarded, monitor_id: str, forwarded: str
) -> None:
    assert _put(server, monitor_id, _OTHER_PEER, forwarded) == (403, False)


def test_other_forwarding_headers_are_ignored(server: Guarded, monitor_id: str) -> None:
    plain = ("X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Forwarded-Host")
    others = {**dict.fromkeys(plain, "198.51.100.7"), "Forwarded": "for=198.51.100.7"}
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    content = json.dumps(batch())
    connection.request("POST", f"/appmonitors/{monitor_id}", content, others)
    with connection.getresponse() as response:
        status = response.status
    connection.close()

    assert status == 403


def test_without_trusted_proxies_the_peer_is_the_client(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    peer_only = allow(IpAddress={"aws:SourceIp": f"{_OTHER_PEER}/32"})
    with Guarded(tmp_path_factory.mktemp("alone")) as server, server.policy(peer_only):
        monitor_id = server.monitor_id()
        outcomes = [
            _put(server, monitor_id, _OTHER_PEER),
            _put(server, monitor_id, _OTHER_PEER, "203.0.113.9"),
            _put(server, monitor_id, _PROXY),
            _put(server, monitor_id, _PROXY, _OTHER_PEER),
        ]

    assert outcomes == [(200, True), (200, True), (403, False), (403, False)]


def test_a_trusted_proxy_can_have_an_ipv6_address(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = {"OPENRUM_HTTP": "[::1]:0", "OPENRUM_TRUSTED_PROXIES": "::1"}
    folder = tmp_path_factory.mktemp("ipv6")
    with Guarded(folder, **settings) as server, server.policy(allow(IpAddress=_ALLOWED)):
        monitor_id = server.monitor_id()
        outcomes = [
            _put(server, monitor_id, "::1", "2001:db8:2::1"),
            _put(server, monitor_id, "::1", "2001:db8:3::1"),
            _put(server, monitor_id, "::1"),
        ]

    assert outcomes == [(200, True), (403, False), (403, False)]
