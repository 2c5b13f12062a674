"""Puts that arrive faster than the service stores them, and puts whose client has gone."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager

import pytest

from rum.internal.v1 import bridge_service_pb2 as pb
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_bridge import server
from rum_bridge.errors import HttpError
from rum_bridge.http.connection_limits import ConnectionLimits
from rum_bridge.limits import drain_rate, rejections
from rum_bridge.limits.address_limits import AddressLimits
from rum_bridge.puts import admission, coalesce
from rum_bridge.puts.put_queue import SLOW_S
from rum_bridge.server import RunningBridge, running_bridge
from rum_bridge.settings import BridgeSettings
from rum_endpoint.metrics_page import Sample
from tests.bridge.standin import StandIn, all_ok
from tests.bridge.wire import ORIGIN, Response, connect, expect_error, read_response, send
from tests.support.batches import batch, event, new_id

_SHOP, _BLOG = new_id(), new_id()
_BODY = json.dumps(batch()).encode()
_HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
_LONG_BODY = json.dumps(batch([event(details="x" * (3 << 19))])).encode()
_ENOUGH = 3
"""So many long bodies fill the queue for a call."""


def _head(app_monitor: str = _SHOP, *headers: str, length: int = len(_BODY)) -> bytes:
    lines = [f"POST /appmonitors/{app_monitor} HTTP/1.1", "Host: x", f"Content-Length: {length}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode()


class _Clients:
    """Connections to a bridge, each with requests that are sent as they are."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._stack = ExitStack()

    def send(self, data: bytes) -> socket.socket:
        """Send data on a new connection. The bridge has read it when this returns."""
        (connection,) = self.send_all([data])
        return connection

    def send_all(self, requests: list[bytes]) -> list[socket.socket]:
        """Send requests, each on a new connection, in this order."""
        connections = [self._stack.enter_context(connect(self.url)) for _ in requests]
        for connection, data in zip(connections, requests, strict=True):
            connection.sendall(data)
        self.sync()
        return connections

    def sync(self) -> None:
        """Return when the bridge has read everything that was sent."""
        assert send(self.url, "/healthz", method="GET").status == 200

    def close(self) -> None:
        self._stack.close()


class _Overloaded:
    """A bridge whose call does not end, and whose queue for the next one is full."""

    def __init__(self, running: RunningBridge, standin: StandIn) -> None:
        self.running = running
        self.clients = _Clients(f"http://{running.address}")
        self._standin = standin
        self._gate = asyncio.Event()
        self.calls: list[list[str]] = []
        """The app monitors in each call, in the order of arrival."""

    async def fill(self) -> None:
        """Put until the queue is full."""

        async def respond(request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
            entries = [PutRumEventsRequest.FromString(e.request) for e in request.entries]
            self.calls.append([entry.id for entry in entries])
            await self._gate.wait()
            return await all_ok(request)

        for monitor in (_SHOP, _BLOG):  # the bridge has to know that they exist
            await _answer(self.clients.send, _head(monitor) + _BODY)
            await self._standin.arrived.acquire()
        self._standin.respond = respond
        # Once a call is slow, the bridge makes no other one meanwhile.
        await asyncio.to_thread(self.clients.send, _head() + _BODY)
        await self._standin.arrived.acquire()
        await asyncio.sleep(SLOW_S + 0.05)
        long = _head(length=len(_LONG_BODY)) + _LONG_BODY
        await asyncio.to_thread(self.clients.send_all, [long] * _ENOUGH)
        await self.wait_for_batches(1 + _ENOUGH)
        assert self.held == 0

    async def wait_for_batches(self, count: int) -> None:
        """Return when so many batches wait for the service."""
        async with asyncio.timeout(30):
            while self._value("openrum_bridge_waiting_batches") < count:
                await asyncio.sleep(0.01)

    def open(self) -> None:
        """Let calls end."""
        self._gate.set()

    async def send(self, data: bytes) -> socket.socket:
        """Send data on a new connection."""
        return await asyncio.to_thread(self.clients.send, data)

    async def send_all(self, data: bytes, count: int) -> list[socket.socket]:
        """Send the same data on several new connections."""
        return await asyncio.to_thread(self.clients.send_all, [data] * count)

    @property
    def held(self) -> int:
        return int(self._value("openrum_bridge_held_puts"))

    @property
    def rejected_unparsed(self) -> int:
        return int(self._value("openrum_bridge_rejected_unparsed_total"))

    def ended(self, reason: str) -> int:
        """Return how many puts the bridge has rejected for a reason."""
        return sum(
            amount.batches
            for (_, _, why), amount in self.running.ledger.ended.items()
            if why == reason
        )

    def _value(self, name: str) -> float:
        (sample,) = [each for each in self.running.samples() if _name(each) == name]
        assert isinstance(sample.value, int | float)
        return sample.value


def _name(sample: Sample) -> str:
    return sample.metric.name


async def _answer(put: Callable[[bytes], socket.socket], data: bytes) -> Response:
    return await _read(await asyncio.to_thread(put, data))


def _fields(response: Response, without: set[str]) -> dict[str, str]:
    fields = {name.lower(): value for name, value in response.headers.items()}
    return {name: value for name, value in fields.items() if name not in without}


def _until_closed(connection: socket.socket) -> bytes:
    received = b""
    while data := connection.recv(1 << 16):
        received += data
    return received


async def _read(connection: socket.socket) -> Response:
    return await asyncio.to_thread(read_response, connection)


@asynccontextmanager
async def _overloaded(
    standin: StandIn, limits: ConnectionLimits | None = None, **settings: object
) -> AsyncIterator[_Overloaded]:
    known = {"http": "127.0.0.1:0", "service": standin.address, "drain_s": 1.0}
    values = BridgeSettings(**{**known, **settings})  # type: ignore[arg-type]
    async with running_bridge(values, limits=limits) as running:
        overloaded = _Overloaded(running, standin)
        await overloaded.fill()
        yield overloaded


@pytest.fixture
async def overloaded(standin: StandIn) -> AsyncIterator[_Overloaded]:
    async with _overloaded(standin) as bridge:
        try:
            yield bridge
        finally:
            bridge.open()
            bridge.clients.close()


async def test_a_put_that_finds_no_room_is_stored_when_there_is_room(
    overloaded: _Overloaded,
) -> None:
    put = await overloaded.send(_head() + _BODY)
    held = overloaded.held
    overloaded.open()
    response = await _read(put)

    assert (held, overloaded.held) == (1, 0)
    assert response.status == 200
    assert overloaded.rejected_unparsed == 0


async def test_a_put_that_waits_too_long_is_rejected_and_its_connection_goes_on(
    overloaded: _Overloaded,
) -> None:
    origin = f"Origin: {ORIGIN}"
    whole = await overloaded.send(_head(_SHOP, origin) + _BODY)
    half = await overloaded.send(_head(_SHOP, origin) + _BODY[:5])
    last = await overloaded.send(_head(_SHOP, origin, "Connection: close") + _BODY)
    piped = await overloaded.send(
        _head(_SHOP) + _BODY + _head("none", "Connection: close", length=1) + b"x"
    )
    responses = [await _read(each) for each in (whole, half, last)]
    half.sendall(_BODY[5:] + _HEALTHZ)
    whole.sendall(_HEALTHZ)
    later = [await _read(each) for each in (whole, half)]
    ends = [await asyncio.to_thread(_until_closed, each) for each in (last, piped)]

    for response in responses:
        expect_error(response, 429, "ThrottlingException")
        assert response.headers["Retry-After"] == "2"
        assert json.loads(response.body)["quotaCode"] == "waiting-requests"
    assert [each.headers["Connection"] for each in responses] == [None, None, "close"]
    assert [each.status for each in later] == [200, 200]
    assert ends[0] == b""
    assert ends[1].count(b"HTTP/1.1 429") == 2
    assert (overloaded.rejected_unparsed, overloaded.held) == (5, 0)
    assert overloaded.ended("ThrottlingException") == 5


async def test_a_connection_that_is_idle_after_a_rejection_is_closed(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_MAX_WAIT_S", 0.3)
    monkeypatch.setattr(server, "_TICKS_PER_SECOND", 1)
    async with _overloaded(standin, ConnectionLimits(keep_alive_s=0.3)) as overloaded:
        put = await overloaded.send(_head() + _BODY)
        response = await _read(put)
        rest = await asyncio.to_thread(_until_closed, put)
        overloaded.open()
    overloaded.clients.close()

    assert response.status == 429
    assert rest == b""


@pytest.mark.parametrize("rejected", ["before", "during"])
async def test_the_rest_of_a_rejected_put_does_not_delay_the_stop(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch, rejected: str
) -> None:
    monkeypatch.setattr(admission, "_MAX_WAIT_S", 0.3)
    limits = ConnectionLimits(stopping_s=0.1)
    async with _overloaded(standin, limits, drain_s=60.0) as overloaded:
        put = await overloaded.send(_head() + _BODY[:5])
        reading = asyncio.create_task(_read(put))
        reading.add_done_callback(lambda _: overloaded.open())
        if rejected == "before":
            await reading
        began_s = time.monotonic()
    took_s = time.monotonic() - began_s
    response = await reading
    rest = await asyncio.to_thread(_until_closed, put)
    overloaded.clients.close()

    assert response.status == 429
    assert took_s < 20
    assert rest == b""


async def test_the_429_of_a_held_put_has_the_headers_of_the_others(
    overloaded: _Overloaded,
) -> None:
    chunked = f"Transfer-Encoding: chunked\r\nOrigin: {ORIGIN}"
    parsed = f"POST /appmonitors/{_SHOP} HTTP/1.1\r\nHost: x\r\n{chunked}\r\n\r\n".encode()
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(_LONG_BODY), _LONG_BODY)
    await overloaded.send_all(parsed + body, _ENOUGH)
    await overloaded.wait_for_batches(1 + 2 * _ENOUGH)
    held = await overloaded.send(_head(_SHOP, f"Origin: {ORIGIN}") + _BODY)
    expected = await _answer(overloaded.clients.send, parsed)
    response = await _read(held)

    assert response.status == expected.status == 429
    assert response.body == expected.body
    unlike = {"x-amzn-requestid", "date", "retry-after"}
    assert _fields(response, unlike) == _fields(expected, unlike)


async def test_a_held_put_is_parsed_with_what_arrives_later(overloaded: _Overloaded) -> None:
    piped = await overloaded.send(_head() + _BODY[:5])
    piped.sendall(_BODY[5:] + _head("none", "Connection: close", length=0))
    await asyncio.to_thread(overloaded.clients.sync)
    half = await overloaded.send(_head() + _BODY[:5])
    overloaded.open()
    responses = await asyncio.to_thread(_until_closed, piped)
    half.sendall(_BODY[5:])
    last = await _read(half)

    assert [line[:12] for line in responses.split(b"\r\n") if line.startswith(b"HTTP")] == [
        b"HTTP/1.1 200",
        b"HTTP/1.1 400",
    ]
    assert last.status == 200


async def test_only_puts_are_held(overloaded: _Overloaded) -> None:
    await overloaded.send(_head() + _BODY)
    chunked = "Transfer-Encoding: chunked"
    others = [
        _HEALTHZ,
        b"OPTIONS /appmonitors/x HTTP/1.1\r\nHost: x\r\n\r\n",
        f"POST /appmonitors/{_BLOG} HTTP/1.1\r\nHost: x\r\n{chunked}\r\n\r\n".encode()
        + b"1\r\nx\r\n0\r\n\r\n",
    ]
    statuses = [(await _answer(overloaded.clients.send, each)).status for each in others]

    assert statuses == [200, 405, 400]
    assert overloaded.held == 1


async def test_app_monitors_take_turns_although_one_has_more_puts(
    overloaded: _Overloaded,
) -> None:
    shop = await overloaded.send_all(_head(_SHOP) + _BODY, 100)
    blog = await overloaded.send(_head(_BLOG) + _BODY)
    overloaded.open()
    responses = [await _read(each) for each in (blog, *shop)]

    assert {response.status for response in responses} == {200}
    order = [app_monitor for call in overloaded.calls for app_monitor in call]
    assert len(order) == 1 + _ENOUGH + 101
    assert order.index(_BLOG) < 20


async def test_a_put_whose_client_disconnects_while_it_is_held_is_not_sent(
    overloaded: _Overloaded,
) -> None:
    put = await overloaded.send(_head(_BLOG) + _BODY)
    put.close()
    await asyncio.to_thread(overloaded.clients.sync)
    overloaded.open()
    response = await _answer(overloaded.clients.send, _head(_SHOP) + _BODY)

    assert response.status == 200
    assert overloaded.ended("RequestTimeoutException") == 1
    assert all(_BLOG not in call for call in overloaded.calls)


async def test_bodies_that_have_no_room_are_discarded(standin: StandIn) -> None:
    async with _overloaded(standin, max_waiting_bytes=10 << 20) as overloaded:
        body = _BODY + b" " * (60 << 10)
        head = _head(_SHOP, length=len(body))
        connections = await overloaded.send_all(head + body, 50)
        held = overloaded.held
        responses = [await _read(each) for each in connections]
        connections[-1].sendall(_HEALTHZ)
        after = await _read(connections[-1])

    overloaded.clients.close()
    assert 0 < held < 50
    assert {response.status for response in responses} == {429}
    assert after.status == 200


async def test_a_put_that_would_wait_for_too_long_is_not_held(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_ALWAYS_HELD", 1)
    monkeypatch.setattr(drain_rate, "_FIRST_PER_S", 0.0)
    monkeypatch.setattr(rejections, "_EARLIEST_S", 0.05)
    monkeypatch.setattr(coalesce, "SLOW_S", 60.0)  # for slow calls, the rate does not count
    async with _overloaded(standin) as overloaded:
        try:
            while not overloaded.held:
                await overloaded.send(_head(length=len(_LONG_BODY)) + _LONG_BODY)
            monitors = [_SHOP, _SHOP, _BLOG]
            puts = [await overloaded.send(_head(monitor) + _BODY) for monitor in monitors]
            held = overloaded.held
            rejected = await _read(puts[1])
            overloaded.open()
            stored = [await _read(put) for put in (puts[0], puts[2])]
        finally:
            overloaded.open()
            overloaded.clients.close()

    assert held == 3  # the long one, and one of each app monitor
    assert rejected.status == 429
    assert [response.status for response in stored] == [200, 200]


async def test_a_put_from_an_address_that_sends_too_much_is_not_held(
    overloaded: _Overloaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    _limit_loopback(monkeypatch)
    put = await overloaded.send(_head(_SHOP, f"Origin: {ORIGIN}") + _BODY)
    held = overloaded.held
    response = await _read(put)

    assert held == 0
    expect_error(response, 429, "ThrottlingException")
    assert response.headers["Retry-After"] == "7"
    assert json.loads(response.body)["quotaCode"] == "requests-per-address"
    assert overloaded.ended("ThrottlingException") == 1


async def test_a_put_through_a_proxy_is_held_whatever_others_send_through_it(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    _limit_loopback(monkeypatch)
    async with _overloaded(standin, trusted_proxies="127.0.0.1") as overloaded:
        await overloaded.send(_head() + _BODY)
        held = overloaded.held
        overloaded.open()
    overloaded.clients.close()

    assert held == 1


def _limit_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the address of all clients have reached its limit. Puts that are parsed go on."""
    error = HttpError(
        429, "ThrottlingException", "x", {"quotaCode": "requests-per-address"}, retry_after_s=7
    )
    monkeypatch.setattr(
        AddressLimits, "reached", lambda _, address: error if address == "127.0.0.1" else None
    )
    monkeypatch.setattr(AddressLimits, "check", lambda _, __: None)


async def test_a_bridge_that_stops_answers_what_it_holds(standin: StandIn) -> None:
    async with _overloaded(standin) as overloaded:
        put = await overloaded.send(_head() + _BODY)
    response = await _read(put)
    overloaded.clients.close()

    assert (response.status, response.error_type) == (429, "ThrottlingException")
    assert response.headers["Connection"] == "close"


async def test_a_held_put_is_stored_while_the_bridge_stops(standin: StandIn) -> None:
    async with _overloaded(standin) as overloaded:
        put = await overloaded.send(_head() + _BODY)
        asyncio.get_running_loop().call_later(0.1, overloaded.open)
    response = await _read(put)
    overloaded.clients.close()

    assert response.status == 200
    assert response.headers["Connection"] == "close"
