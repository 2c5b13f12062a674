"""Send prepared requests, a fixed number at a time, and measure the time to each response."""

from __future__ import annotations

__all__ = ["Load", "grpc_load", "http_load"]

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
import httptools

_CHANNELS = 2
_UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
# An OK status in a serialized response.
_OK_STATUS = b"\x0a\x00"


@dataclass
class Load:
    """The result of sending requests."""

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    """Seconds to each response, in no order."""
    failures: int = 0

    def percentile_ms(self, percent: float) -> float:
        """Return the latency that `percent` of the requests did not exceed."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


async def http_load(address: str, requests: list[bytes], connections: int) -> Load:
    """Send requests over keep-alive connections, one at a time on each."""
    host, _, port = address.rpartition(":")
    loop, load, left = asyncio.get_running_loop(), Load(), iter(requests)
    opened = [
        (await loop.create_connection(lambda: _Connection(load, left), host, int(port)))[1]
        for _ in range(min(connections, len(requests)))
    ]
    began = time.perf_counter()
    for connection in opened:
        connection.send_next()
    await asyncio.gather(*(connection.finished for connection in opened))
    load.seconds = time.perf_counter() - began
    return load


class _Connection(asyncio.Protocol):
    def __init__(self, load: Load, left: Iterator[bytes]) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._load, self._left = load, left
        self._parser = httptools.HttpResponseParser(self)
        self._sent_at = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(exc or ConnectionError("closed by the server"))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._load.latencies_s.append(time.perf_counter() - self._sent_at)
        self._load.failures += self._parser.get_status_code() != 200
        self._parser = httptools.HttpResponseParser(self)
        self.send_next()

    def send_next(self) -> None:
        request = next(self._left, None)
        if request is None:
            self.finished.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


async def grpc_load(address: str, method: str, requests: list[bytes], in_flight: int) -> Load:
    """Make unary calls over two channels, `in_flight` at a time."""
    load, left = Load(), iter(requests)
    # Channels to one address share a connection unless their options differ.
    channels = [
        grpc.aio.insecure_channel(address, [*_UNLIMITED, ("bench.channel", number)])
        for number in range(_CHANNELS)
    ]
    for channel in channels:
        await channel.channel_ready()

    async def caller(channel: grpc.aio.Channel) -> None:
        call: Any = channel.unary_unary(method)
        for request in left:
            sent_at = time.perf_counter()
            try:
                response = await call(request)
                load.failures += response.strip(_OK_STATUS) != b""
            except grpc.aio.AioRpcError:
                load.failures += 1
            load.latencies_s.append(time.perf_counter() - sent_at)

    began = time.perf_counter()
    await asyncio.gather(*(caller(channels[n % _CHANNELS]) for n in range(in_flight)))
    load.seconds = time.perf_counter() - began
    for channel in channels:
        await channel.close()
    return load
