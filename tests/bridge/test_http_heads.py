"""Heads of requests: limited in number and size, and read as RFC 9110 says."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from rum_bridge.http.connection_limits import ConnectionLimits
from tests.bridge.conftest import Bridge
from tests.bridge.standin import StandIn, all_ok
from tests.bridge.wire import connect, send, send_raw
from tests.support.batches import batch, new_id

_BODY = json.dumps(batch()).encode()
_LINE = f"POST /appmonitors/{new_id()} HTTP/1.1\r\nHost: x\r\n".encode()
_PUT = _LINE + f"Content-Length: {len(_BODY)}\r\n".encode()
_UPGRADE = b"GET /healthz HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
_TOO_LARGE = (431, "RequestHeaderFieldsTooLargeException")


def _exchange(url: str, data: bytes) -> list[int]:
    """Send bytes. Return the statuses of all responses until the server closes the connection."""
    received = b""
    with connect(url) as connection:
        try:
            connection.sendall(data)
            while more := connection.recv(1 << 16):
                received += more
        except ConnectionError:
            pass
    return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+) ", received)]


async def test_a_request_has_at_most_100_header_fields(bridge: Bridge) -> None:
    """Host and Content-Length are two of them."""
    async with bridge() as url:
        fits, more = [
            await asyncio.to_thread(send_raw, url, _PUT + b"X: y\r\n" * n + b"\r\n" + _BODY)
            for n in (98, 99)
        ]

    assert fits.status == 200
    assert (more.status, more.error_type) == _TOO_LARGE
    assert more.headers["Connection"] == "close"
    assert more.message == (
        "Request line and headers together, and trailers, must have at most 65536 bytes and 100"
        " fields."
    )


async def test_a_complete_head_over_the_limit_is_rejected(bridge: Bridge) -> None:
    """Also one that arrives in one piece with its body."""
    limits = ConnectionLimits(max_head_bytes=1000)
    statuses = []
    async with bridge(limits=limits) as url:
        for size in (950, 1050):
            padding = b"X: " + b"a" * (size - len(_PUT) - 5) + b"\r\n"
            response = await asyncio.to_thread(send_raw, url, _PUT + padding + b"\r\n" + _BODY)
            statuses.append(response.status)

    assert statuses == [200, 431]


async def test_trailers_have_at_most_100_fields(bridge: Bridge) -> None:
    chunked = _LINE + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n" % (len(_BODY), _BODY)
    async with bridge() as url:
        response = await asyncio.to_thread(send_raw, url, chunked + b"X: y\r\n" * 20_000)

    assert (response.status, response.error_type) == _TOO_LARGE


@pytest.mark.parametrize(
    ("connection", "closed"), [(b"Upgrade", False), (b"Upgrade, close", True), (b"CLOSE", True)]
)
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_put_that_offers_an_upgrade_is_stored(
    bridge: Bridge, standin: StandIn, connection: bytes, closed: bool, chunked: bool
) -> None:
    offer = b"Connection: " + connection + b"\r\nUpgrade: h2c\r\n\r\n"
    put = _PUT + offer + _BODY
    if chunked:
        put = _LINE + b"Transfer-Encoding: chunked\r\n" + offer
        put += b"%x\r\n%s\r\n0\r\n\r\n" % (len(_BODY), _BODY)
    last = _PUT + b"Connection: close\r\n\r\n" + _BODY
    async with bridge() as url:
        statuses = await asyncio.to_thread(_exchange, url, put if closed else put + last)

    assert statuses == ([200] if closed else [200, 200])
    assert sum(map(len, standin.calls)) == len(statuses)


async def test_a_flood_of_upgrades_ends_the_connection(
    bridge: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    async with bridge() as url:
        statuses = await asyncio.to_thread(_exchange, url, _UPGRADE * 4000)
        other = await asyncio.to_thread(send, url, "/healthz", method="GET")

    assert (statuses, other.status) == ([], 200)
    assert not caplog.records


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://x", 200),
        ("http://x?a=b", 200),
        ("http://x/healthz", 200),
        ("*", 404),
        ("http://x:99999999", 400),
        ("http://", 400),
    ],
)
async def test_a_target_that_is_not_a_path_is_answered(
    bridge: Bridge, target: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    head = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    async with bridge() as url:
        statuses = await asyncio.to_thread(_exchange, url, head)

    assert statuses == [status]
    assert not caplog.records


@pytest.mark.parametrize(("version", "statuses"), [(b"1.1", [100, 200]), (b"1.0", [200])])
async def test_only_a_client_of_http_1_1_can_expect_100_continue(
    bridge: Bridge, version: bytes, statuses: list[int]
) -> None:
    """A client of HTTP/1.0 would take 100 for the response (RFC 9110 10.1.1)."""
    head = _PUT.replace(b"HTTP/1.1", b"HTTP/" + version)
    async with bridge() as url:
        sent = head + b"Expect: 100-continue\r\nConnection: close\r\n\r\n" + _BODY
        assert await asyncio.to_thread(_exchange, url, sent) == statuses


async def test_connect_is_rejected(bridge: Bridge, caplog: pytest.LogCaptureFixture) -> None:
    async with bridge() as url:
        statuses = await asyncio.to_thread(_exchange, url, b"CONNECT x:1 HTTP/1.1\r\n\r\n")

    assert statuses == [400]
    assert not caplog.records


@pytest.mark.parametrize("garbage", [b"\x00\x00\r\n\r\n", _LINE + b"X: y\r\n" * 200 + b"\r\n"])
async def test_garbage_is_not_answered_in_place_of_an_earlier_request(
    bridge: Bridge, standin: StandIn, garbage: bytes
) -> None:
    """A page would drop its batch after a 400 that is about other data."""
    answer = asyncio.Event()

    async def respond(request: object) -> object:
        await answer.wait()
        return await all_ok(request)  # type: ignore[arg-type]

    standin.respond = respond  # type: ignore[assignment]
    async with bridge() as url:
        data = _PUT + b"\r\n" + _BODY + garbage
        exchange = asyncio.create_task(asyncio.to_thread(_exchange, url, data))
        await asyncio.wait_for(standin.arrived.acquire(), 30)
        answer.set()
        statuses = await exchange

    assert statuses == [200]
