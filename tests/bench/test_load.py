"""The load generator: what it counts, and what its clients need from a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import grpc
import grpc.aio
import pytest

from bench.http1 import http_connections
from bench.http2 import grpc_channels
from bench.load import RequestFailedError, send_all, send_at_rate

_METHOD = "/bench.Test/Put"


class _Slot:
    """Answers each request after a delay."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self.requests: list[bytes] = []

    def send(self, request: bytes, done: Callable[[str], None]) -> None:
        self.requests.append(request)
        asyncio.get_running_loop().call_later(self._delay_s, done, "")

    def close(self) -> None:
        pass


async def test_a_closed_loop_sends_every_request_once() -> None:
    slots = [_Slot(0.001) for _ in range(3)]
    requests = [b"%d" % number for number in range(10)]

    load = await send_all(slots, requests)

    assert sorted(request for slot in slots for request in slot.requests) == requests
    assert len(load.latencies_s) == 10


async def test_an_open_loop_counts_the_time_that_a_late_request_waits() -> None:
    """100 requests per second into a server that takes 50 ms for each: the last waits 0.4 s."""
    slot = _Slot(0.05)

    load = await send_at_rate([slot], [b"x"] * 10, rate=100.0)

    assert len(slot.requests) == 10
    assert max(load.latencies_s) > 0.35
    assert min(load.latencies_s) < 0.2


async def test_an_open_loop_keeps_its_rate() -> None:
    load = await send_at_rate([_Slot(0.0), _Slot(0.0)], [b"x"] * 20, rate=200.0)

    assert load.seconds >= 19 / 200


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A gRPC server that keeps messages; it rejects those that start with `bad`."""
    received: list[bytes] = []

    async def put(message: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        received.append(message)
        if message.startswith(b"bad"):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "bad")
        return b""

    handler = grpc.unary_unary_rpc_method_handler(put)
    started = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    started.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("bench.Test", {"Put": handler}),)
    )
    port = started.add_insecure_port("127.0.0.1:0")
    await started.start()
    yield f"127.0.0.1:{port}", received
    await started.stop(None)


async def test_messages_larger_than_all_windows_arrive_unchanged(
    server: tuple[str, list[bytes]],
) -> None:
    address, received = server
    messages = [bytes([number]) * (1 << 20) for number in range(8)]
    (channel,) = await grpc_channels(address, _METHOD, 1)

    load = await send_all([channel] * 4, messages)
    channel.close()

    assert len(load.latencies_s) == 8
    assert sorted(received) == messages


async def test_many_calls_on_one_connection_succeed(server: tuple[str, list[bytes]]) -> None:
    address, received = server
    (channel,) = await grpc_channels(address, _METHOD, 1)

    await send_all([channel] * 16, [b"%d" % number for number in range(500)])
    channel.close()

    assert len(received) == 500


async def test_a_rejected_call_ends_the_load(server: tuple[str, list[bytes]]) -> None:
    address, _ = server
    (channel,) = await grpc_channels(address, _METHOD, 1)

    with pytest.raises(RequestFailedError, match="grpc-status"):
        await send_all([channel], [b"good", b"bad", b"good"])
    channel.close()


async def test_an_http_status_other_than_200_ends_the_load() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        slots = await http_connections(f"127.0.0.1:{port}", 1)
        with pytest.raises(RequestFailedError, match="status 429"):
            await send_all(slots, [b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"])
        slots[0].close()
