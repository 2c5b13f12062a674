"""Reading back: what a page costs in a long log, and what a reader costs those who put.

The app monitor `history` has batches whose events are one second apart, so that the oldest batch
is also the oldest by time.
"""

from __future__ import annotations

__all__ = ["EVENTS", "preload", "puts_beside_a_reader", "read_pages"]

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc

from bench.cases import CASES, Variant
from bench.cpu import cpu_seconds
from bench.generator import Generators, Job
from bench.rounds import measure_case
from bench.servers import Server, Servers
from rum.v1.control_plane_service_pb2 import (
    GetAppMonitorDataRequest,
    GetAppMonitorDataResponse,
    QueryFilter,
    TimeRange,
)
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub

EVENTS = 50
_START_S = 1_700_000_000.0
# Bounds the memory of a load generator.
_BATCHES_A_JOB = 500
_PUT = "/rum.v1.DataPlaneService/PutRumEvents"
# Calls for each kind of page. One that scans the log takes much longer than the others.
_PAGES = {"newest": 10, "oldest": 10, "without a match": 3}
_TIMEOUT_S = 60.0
# A call of the reader takes a good part of a second; fewer puts would end before it does.
_MIN_SCALE = 0.2
_Read = Callable[..., GetAppMonitorDataResponse]
# Every batch of the corpus has a browser; none has this one.
_NO_MATCH = QueryFilter(name="Browser", values=["Netscape Navigator"])


def preload(server: Server, generators: Generators, batches: int) -> None:
    """Put batches of 50 events into the app monitor `history`."""
    for start in range(0, batches, _BATCHES_A_JOB):
        count = min(_BATCHES_A_JOB, batches - start)
        job = Job(
            address=server.grpc,
            monitor_id=server.history_monitor,
            count=count,
            events=EVENTS,
            method=_PUT,
            start_s=_START_S + start,
        )
        generators.run(job, lambda: None)
        if server.ledger:
            server.ledger.acknowledged += count


def read_pages(server: Server) -> dict[str, float]:
    """Return the service's CPU for each kind of page, in milliseconds for each call."""
    with grpc.insecure_channel(server.grpc) as channel:
        read = ControlPlaneServiceStub(channel).GetAppMonitorData
        return {
            kind: _cpu_ms(server, read, request, _PAGES[kind])
            for kind, request in {
                "newest": _request(TimeRange(after=0)),
                "oldest": _request(TimeRange(after=0, before=round(_START_S * 1000) + 2000)),
                "without a match": _request(TimeRange(after=0), _NO_MATCH),
            }.items()
        }


def _request(times: TimeRange, *filters: QueryFilter) -> GetAppMonitorDataRequest:
    return GetAppMonitorDataRequest(name="history", time_range=times, filters=filters)


def _cpu_ms(server: Server, read: _Read, request: GetAppMonitorDataRequest, calls: int) -> float:
    pids = [server.pids["service"]]
    read(request, timeout=_TIMEOUT_S)  # the first call warms caches
    before = cpu_seconds(pids)
    for _ in range(calls):
        read(request, timeout=_TIMEOUT_S)
    return (cpu_seconds(pids) - before) / calls * 1000


def puts_beside_a_reader(
    servers: Servers, generators: Generators, variant: Variant, scale: float
) -> float:
    """Return the puts per second beside a reader that matches nothing, over those without one."""
    case = next(case for case in CASES if case.name == "REST, 1 event")
    scale = max(scale, _MIN_SCALE)
    alone = measure_case(servers, generators, case, variant, scale)
    with _reader(servers[variant.server]):
        beside = measure_case(servers, generators, case, variant, scale)
    return beside.per_second / alone.per_second


@contextmanager
def _reader(server: Server) -> Iterator[None]:
    """Read the log again and again, one call at a time, with a filter that matches nothing."""
    ended = threading.Event()
    failures: list[grpc.RpcError] = []

    def read() -> None:
        request = _request(TimeRange(after=0), _NO_MATCH)
        with grpc.insecure_channel(server.grpc) as channel:
            stub = ControlPlaneServiceStub(channel)
            while not ended.is_set():
                try:
                    page = stub.GetAppMonitorData(request, timeout=_TIMEOUT_S)
                except grpc.RpcError as error:
                    failures.append(error)
                    return
                if page.HasField("next_token"):
                    request.next_token = page.next_token
                else:
                    request.ClearField("next_token")  # begin again

    thread = threading.Thread(target=read, name="reader")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_TIMEOUT_S)
    if failures:
        raise RuntimeError(f"the reader failed: {failures[0]}")
