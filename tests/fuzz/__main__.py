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
from tests.fuzz.parsers import INPUTS, PARSERS, outcomes
from tests.fuzz.running import Harness, grpc_calls, http_requests, usage
from tests.fuzz.source_maps import source_map_uploads
from tests.support.batches import batch
from tests.support.page_tables import with_rows
from tests.support.running import OpenRum

_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "robustness.md"
_SENT: dict[str, tuple[Harness, int, type[OpenRum]]] = {
    "HTTP requests": (http_requests, 8_000, OpenRum),
    "insight queries": (insight_queries, 4_000, Projecting),
    "gRPC calls": (grpc_calls, 4_000, OpenRum),
    "source map uploads": (source_map_uploads, 2_000, OpenRum),
}
_FLOODS = {(flood.__doc__ or "").removeprefix("Send ").rstrip("."): flood for flood in FLOODS}


_ALL = "all of these"
_NOT_REJECTED = {"accepted", "unsigned", "200", "OK"}


def _parsed(name: str) -> Counter[str]:
    counts = outcomes(PARSERS[name], range(INPUTS))
    _write("inputs", name, _row(name, "", "", counts))
    return counts


def _sent(name: str) -> Counter[str]:
    send, count, kind = _SENT[name]
    with tempfile.TemporaryDirectory() as folder, kind(Path(folder)) as server:
        send(server, range(count // 4))
        before = usage(server.pid)
        counts = send(server, range(count))
        grown = usage(server.pid).memory_mib - before.memory_mib
        tracebacks = "".join(server.output).count("Traceback")
    _write("inputs", name, _row(name, f"{grown:+.0f} MiB", f"{tracebacks}", counts))
    return counts


def _row(name: str, grown: str, tracebacks: str, counts: Counter[str]) -> str:
    found = ", ".join(f"{outcome} {count:,}" for outcome, count in counts.most_common())
    return f"| {name} | {counts.total():,} | {grown} | {tracebacks} | {found} |"


def _flooded(name: str) -> Counter[str]:
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
    _write("floods", name, f"| {name} | {figures} | {status}, {waited_ms:.0f} ms |")
    return Counter()


def _write(table: str, name: str, row: str) -> None:
    print(row, flush=True)
    names = {"inputs": [*PARSERS, *_SENT, _ALL], "floods": [*_FLOODS]}[table]
    _PAGE.write_text(with_rows(_PAGE.read_text(), table, {name: row}, names))


def main(*parts: str) -> None:
    """Write the rows whose names contain one of the parts, or all."""
    measures = {
        **dict.fromkeys(PARSERS, _parsed),
        **dict.fromkeys(_SENT, _sent),
        **dict.fromkeys(_FLOODS, _flooded),
    }
    counts = Counter[str]()
    for name, measure in measures.items():
        if not parts or any(part in name for part in parts):
            counts += measure(name)
    if not parts:
        rejected = sum(count for name, count in counts.items() if name not in _NOT_REJECTED)
        _write("inputs", _ALL, f"| {_ALL} | {counts.total():,} |  |  | rejected {rejected:,} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
