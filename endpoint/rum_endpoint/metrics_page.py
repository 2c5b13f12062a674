"""Serve metrics to Prometheus on an address for operators.

A process declares its metrics as `Metric` and yields a `Sample` of each when the page is read.
Nothing that serves a request touches prometheus-client, which is imported with the first page.
"""

from __future__ import annotations

__all__ = ["CONTENT_TYPE", "Metric", "Sample", "Samples", "exposition", "metrics_page"]

import asyncio
import errno
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from threading import Thread
from typing import TYPE_CHECKING, Literal, NamedTuple

import structlog

from rum_endpoint.address import Address
from rum_endpoint.histogram import Histogram
from rum_endpoint.metrics_server import MetricsServer
from rum_endpoint.start_error import StartError

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

logger = structlog.get_logger()

_SNAPSHOT_TIMEOUT_S = 5.0
_RETRY_S = 0.5


@dataclass(frozen=True)
class Metric:
    """A metric, as Prometheus and docs/reference/metrics.md name it."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


class Sample(NamedTuple):
    """A metric's present value."""

    metric: Metric
    value: float | Histogram
    labels: tuple[str, ...] = ()
    """The values of the labels, in the order of `Metric.labels`."""


CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The media type of `exposition`."""

Samples = Callable[[], Iterable[Sample]]
"""Returns all samples of a part. Called on the event loop, so that the values fit together."""


def exposition(samples: Iterable[Sample]) -> bytes:
    """Return samples as text in the format of Prometheus."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(list(samples)))
    return generate_latest(registry)


@asynccontextmanager
async def metrics_page(
    address: Address | None, *parts: Samples, rolling: bool = False
) -> AsyncIterator[None]:
    """Serve the samples of all parts and of this process while the context is open.

    Args:
        address: where to listen. None: nothing is served.
        rolling: whether the process before this one may still use the address. The page is served
            as soon as it ends.

    Raises:
        StartError: the address cannot be bound.
    """
    if address is None:
        yield
        return
    page = _Page(address, parts)
    stopping = asyncio.Event()
    starting: asyncio.Task[None] | None = None
    try:
        await page.start()
    except OSError as error:
        if not rolling or error.errno != errno.EADDRINUSE:
            reason = (error.strerror or str(error)).lower()
            raise StartError(f"OPENRUM_METRICS: cannot listen on {address}: {reason}") from error
        starting = asyncio.create_task(page.start_later(stopping))
    try:
        yield
    finally:
        stopping.set()
        if starting:
            await starting
        await page.stop()


class _Page:
    """A server in a thread, for the page of prometheus-client."""

    def __init__(self, address: Address, parts: tuple[Samples, ...]) -> None:
        from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector

        self._address = address
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._registry.register(_Collector(parts, asyncio.get_running_loop()))
        self._running: tuple[MetricsServer, Thread] | None = None

    async def start(self) -> None:
        """Listen. Raises OSError."""
        from prometheus_client import make_wsgi_app

        address = self._address
        # In a thread, because it looks up the name of the host.
        server = await asyncio.to_thread(MetricsServer, address, make_wsgi_app(self._registry))
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self._running = server, thread
        port = server.server_port
        logger.info("metrics served", metrics=str(replace(address, port=port)))

    async def start_later(self, stopping: asyncio.Event) -> None:
        """Listen as soon as the address is free, unless the process stops first."""
        while self._running is None and not stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _RETRY_S)
                return
            with suppress(OSError):
                await self.start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._running is None:
            return
        server, thread = self._running
        # In a thread, because a page that is being read waits for the event loop.
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        await asyncio.to_thread(thread.join)


class _Given:
    """Returns samples that are there already."""

    def __init__(self, samples: list[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Family]:
        """Return all metrics."""
        return _families(self._samples)


class _Collector:
    """Called by prometheus-client, in a thread of its server, for each page."""

    def __init__(self, parts: tuple[Samples, ...], loop: asyncio.AbstractEventLoop) -> None:
        self._parts = parts
        self._loop = loop

    def collect(self) -> Iterator[Family]:
        """Return all metrics."""
        snapshot = asyncio.run_coroutine_threadsafe(self._snapshot(), self._loop)
        return _families(snapshot.result(_SNAPSHOT_TIMEOUT_S))

    async def _snapshot(self) -> list[Sample]:
        return [sample for part in self._parts for sample in part()]


def _families(samples: Iterable[Sample]) -> Iterator[Family]:
    from prometheus_client.core import Metric as Family

    families: dict[Metric, Family] = {}
    for metric, value, values in samples:
        family = families.get(metric)
        if family is None:
            name = metric.name.removesuffix("_total")  # the format adds it to counters
            family = families[metric] = Family(name, metric.help, metric.kind)
        labels = dict(zip(metric.labels, values, strict=True))
        if isinstance(value, Histogram):
            buckets = value.cumulative()
            for bound, count in buckets:
                family.add_sample(f"{metric.name}_bucket", {**labels, "le": bound}, count)
            family.add_sample(f"{metric.name}_sum", labels, value.sum)
            family.add_sample(f"{metric.name}_count", labels, buckets[-1][1])
        else:
            family.add_sample(metric.name, labels, value)
    yield from families.values()
