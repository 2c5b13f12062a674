"""Measures erasures: `python -m bench.erasing`.

search         the time to search a month of a shop's traffic for a user, in a service without puts
interference   the latency of REST puts at a fixed rate, with and without erasures, in turn
projection     the time until a projection has neither the rows nor the bytes of a session
"""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import closing
from pathlib import Path
from statistics import median

import grpc

from bench.demo.shop import SHOP
from bench.load import Load
from bench.log_options import large_log, options_of
from bench.projection import put_at_rate
from rum.operator.v1.operator_service_pb2 import (
    Erasure,
    ErasureSubject,
    GetErasureRequest,
    StartErasureRequest,
)
from rum.operator.v1.operator_service_pb2_grpc import OperatorServiceStub
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_projector.server import open_projection
from rum_projector.settings import ProjectorSettings
from rum_service.events.subjects import Subject
from rum_service.storage import open_store
from tests.support.running import OpenRum

_POLL_S = 0.02


def erase(server: OpenRum, user: str, stop: threading.Event | None = None) -> tuple[Erasure, float]:
    """Erase a user, and return the proof and how long it took."""
    with grpc.insecure_channel(server.grpc) as channel:
        operator = OperatorServiceStub(channel)
        subject = ErasureSubject(user_id=user)
        request = StartErasureRequest(app_monitor_name=SHOP.name, subject=subject)
        began_s = time.perf_counter()
        erasure = operator.StartErasure(request, metadata=server.operator).erasure
        while not erasure.HasField("finish_time") and not (stop and stop.is_set()):
            time.sleep(_POLL_S)
            found = GetErasureRequest(id=erasure.id)
            erasure = operator.GetErasure(found, metadata=server.operator).erasure
        return erasure, time.perf_counter() - began_s


def interference(server: OpenRum, *, rate: float, seconds: float, turns: int) -> None:
    """Print the latency of puts with and without erasures."""
    address = server.url.removeprefix("http://")
    put_at_rate(address, rate, 1.0)  # warm
    found: dict[str, list[Load]] = {"without": [], "with": []}
    for _ in range(turns):
        found["without"].append(put_at_rate(address, rate, seconds))
        stop = threading.Event()
        erasing = threading.Thread(target=_erase_on, args=(server, stop))
        erasing.start()
        found["with"].append(put_at_rate(address, rate, seconds))
        stop.set()
        erasing.join()
    for name, loads in found.items():
        for percent in (50, 99):
            values = [load.percentile_ms(percent) for load in loads]
            print(f"{name}: p{percent} {median(values):.2f} ms ({[round(v, 2) for v in values]})")


def _erase_on(server: OpenRum, stop: threading.Event) -> None:
    while not stop.is_set():
        erase(server, str(uuid.uuid4()), stop)


def projection(url: str, file: Path) -> None:
    """Print how long a projection takes to follow an erasure."""
    settings = ProjectorSettings(database_url=url, projection=str(file))
    with open_projection(settings) as (store, engine, running, _):
        running.start()
        while running.step():
            pass
        rows = running.freshness().events
        (batch,) = store.log.after(store.log.newest_sequence() // 2, limit=1, max_bytes=1)
        request = PutRumEventsRequest.FromString(batch.content)
        subject = Subject("session", request.user_details.session_id)
        begun = store.erasures.begin(
            batch.app_monitor,
            SHOP.name,
            kind=subject.kind,
            subject=subject.id,
            digest=bytes(32),
            erased_by="bench",
            now_ms=0,
        )
        store.erasures.advance(
            begun.key, sequences=[batch.sequence], below=0, remainder=subject.remainder
        )
        began_s = time.perf_counter()
        running.step()
        rows_s = time.perf_counter() - began_s
        for unfinished in store.erasures.unfinished():  # the server was stopped, too
            store.erasures.finish(unfinished.key, now_ms=0)
        before = engine.size_bytes()
        began_s = time.perf_counter()
        running.step()
        print(
            f"projection of {rows} events: rows {rows_s:.2f} s, bytes"
            f" {time.perf_counter() - began_s:.1f} s, file {before >> 20} MiB before and"
            f" {engine.size_bytes() >> 20} MiB after"
        )


def main() -> None:
    """Measure, and print."""
    options = options_of(__doc__)
    with large_log(options) as (folder, url):
        with closing(open_store(url)) as store:
            batches = store.log.newest_sequence()
        with OpenRum(folder, OPENRUM_DATABASE_URL=url) as server:
            _, took_s = erase(server, str(uuid.uuid4()))
            print(f"search of {batches} batches: {took_s:.2f} s")
            if options.turns:
                interference(
                    server, rate=options.rate, seconds=options.seconds, turns=options.turns
                )
            server.stop()
        projection(url, folder / "insight.duckdb")


if __name__ == "__main__":
    main()
