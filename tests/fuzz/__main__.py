"""Run all harnesses and write their figures to docs/reference/robustness.md: `make fuzz`."""

from __future__ import annotations

import datetime
import re
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.floods import FLOODS
from tests.fuzz.insight import Projecting, insight_queries
from tests.fuzz.parsers import PARSERS, outcomes
from tests.fuzz.running import grpc_calls, http_requests, usage
from tests.support.batches import batch
from tests.support.running import OpenRum

_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "robustness.md"
_MARKS = re.compile(r"(?<=written by `make fuzz` -->\n).*?(?=<!-- end -->)", re.DOTALL)
_PARSED = 22_000
_SENT = (
    ("HTTP requests", http_requests, 8_000, OpenRum),
    ("insight queries", insight_queries, 4_000, Projecting),
    ("gRPC calls", grpc_calls, 4_000, OpenRum),
)


def _inputs() -> list[str]:
    rows = ["| inputs | count | outcomes |", "|---|---|---|"]
    for name, parser in PARSERS.items():
        rows.append(_row(name, outcomes(parser, range(_PARSED))))
    for name, send, count, kind in _SENT:
        with tempfile.TemporaryDirectory() as folder, kind(Path(folder)) as server:
            send(server, range(count // 4))
            before = usage(server.pid)
            counts = send(server, range(count))
            grown = usage(server.pid).memory_mib - before.memory_mib
            tracebacks = "".join(server.output).count("Traceback")
        text = f"{name}, memory {grown:+.0f} MiB, {tracebacks} tracebacks"
        rows.append(_row(text, counts))
    return rows


def _row(name: str, counts: Counter[str]) -> str:
    found = ", ".join(f"{outcome} {count:,}" for outcome, count in counts.most_common())
    return f"| {name} | {counts.total():,} | {found} |"


def _floods() -> list[str]:
    rows = [
        "| flood | bytes sent | CPU | memory | put beside it |",
        "|---|---|---|---|---|",
    ]
    for flood in FLOODS:
        with tempfile.TemporaryDirectory() as folder, OpenRum(Path(folder)) as server:
            path = f"/appmonitors/{server.monitor_id()}"
            server.post(path, batch())
            before = usage(server.pid)
            sent: list[int] = []
            flooding = threading.Thread(target=lambda: sent.append(flood(server)))  # noqa: B023
            flooding.start()
            began = time.monotonic()
            status = server.post(path, batch())[0]
            waited_ms = (time.monotonic() - began) * 1000
            flooding.join()
            server.post(path, batch())  # behind what is left of the flood
            after = usage(server.pid)
        cpu_ms = (after.cpu_s - before.cpu_s) * 1000
        grown = after.memory_mib - before.memory_mib
        what = (flood.__doc__ or "").removeprefix("Send ").rstrip(".")
        figures = f"{sent[0]:,} | {cpu_ms:.0f} ms | {grown:+.0f} MiB"
        rows.append(f"| {what} | {figures} | {status}, {waited_ms:.0f} ms |")
    return rows


def main() -> None:
    """Write the page."""
    date = datetime.date.today().isoformat()
    lines = [f"Run on {date}, `openrum up` with SQLite.", "", *_inputs(), "", *_floods()]
    text = _PAGE.read_text()
    _PAGE.write_text(_MARKS.sub(lambda _: "\n".join(lines) + "\n", text))


if __name__ == "__main__":
    main()
