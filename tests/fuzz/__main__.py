"""Run all harnesses and write their figures to docs/reference/robustness.md: `make fuzz`.

`python -m tests.fuzz gRPC` runs those whose names contain an argument.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.floods import FLOODS
from tests.fuzz.insight import Projecting, insight_queries
from tests.fuzz.parsers import PARSERS, outcomes
from tests.fuzz.running import Harness, grpc_calls, http_requests, usage
from tests.fuzz.source_maps import source_map_uploads
from tests.support.batches import batch
from tests.support.page_tables import with_rows
from tests.support.running import OpenRum

_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "robustness.md"
_PARSED = 22_000
_SENT: dict[str, tuple[Harness, int, type[OpenRum]]] = {
    "HTTP requests": (http_requests, 8_000, OpenRum),
    "insight queries": (insight_queries, 4_000, Projecting),
    "gRPC calls": (grpc_calls, 4_000, OpenRum),
    "source map uploads": (source_map_uploads, 2_000, OpenRum),
}
_FLOODS = {(flood.__doc__ or "").removeprefix("Send ").rstrip("."): flood for flood in FLOODS}


def _parsed(name: str) -> str:
    return _row(name, "", "", outcomes(PARSERS[name], range(_PARSED)))


def _sent(name: str) -> str:
    send, count, kind = _SENT[name]
    with tempfile.TemporaryDirectory() as folder, kind(Path(folder)) as server:
        send(server, range(count // 4))
        before = usage(server.pid)
        counts = send(server, range(count))
        grown = usage(server.pid).memory_mib - before.memory_mib
        tracebacks = "".join(server.output).count("Traceback")
    return _row(name, f"{grown:+.0f} MiB", f"{tracebacks}", counts)


def _row(name: str, grown: str, tracebacks: str, counts: Counter[str]) -> str:
    found = ", ".join(f"{outcome} {count:,}" for outcome, count in counts.most_common())
    return f"| {name} | {counts.total():,} | {grown} | {tracebacks} | {found} |"


def _flooded(name: str) -> str:
    flood = _FLOODS[name]
    with tempfile.TemporaryDirectory() as folder, OpenRum(Path(folder)) as server:
        path = f"/appmonitors/{server.monitor_id()}"
        server.post(path, batch())
        before = usage(server.pid)
        sent: list[int] = []
        flooding = threading.Thread(target=lambda: sent.append(flood(server)))
        flooding.start()
        began = time.monotonic()
        status = server.post(path, batch())[0]
        waited_ms = (time.monotonic() - began) * 1000
        flooding.join()
        server.post(path, batch())  # behind what is left of the flood
        after = usage(server.pid)
    cpu_ms = (after.cpu_s - before.cpu_s) * 1000
    grown = after.memory_mib - before.memory_mib
    figures = f"{sent[0]:,} | {cpu_ms:.0f} ms | {grown:+.0f} MiB"
    return f"| {name} | {figures} | {status}, {waited_ms:.0f} ms |"


def main(*parts: str) -> None:
    """Write the rows whose names contain one of the parts, or all."""
    inputs, floods = [*PARSERS, *_SENT], [*_FLOODS]
    measures = {
        **dict.fromkeys(PARSERS, _parsed),
        **dict.fromkeys(_SENT, _sent),
        **dict.fromkeys(_FLOODS, _flooded),
    }
    for name, measure in measures.items():
        if parts and not any(part in name for part in parts):
            continue
        row = measure(name)
        print(row, flush=True)
        table, names = ("floods", floods) if name in _FLOODS else ("inputs", inputs)
        _PAGE.write_text(with_rows(_PAGE.read_text(), table, {name: row}, names))


if __name__ == "__main__":
    main(*sys.argv[1:])
