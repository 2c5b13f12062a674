"""Measures how fast the views of the page are: `python -m bench.views`, beside `make demo`.

Each view is opened in a new Chromium with an empty cache. A view is complete when the last response
of the API has arrived. The table has the medians of all runs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.cpu import cpu_seconds
from bench.page import write_part
from tests.tools.chromium import Page, chromium

_PAGE = Path(__file__).parents[1] / "docs" / "reference" / "insight.md"
_VIEWS = {
    "Overview": "overview",
    "Pages": "pages",
    "One page": "pages/%2F",
    "Errors": "errors",
    "HTTP": "http",
    "Sessions": "sessions",
    "Segments, all dimensions": "segments",
    "Segments by browser": "segments?by=browser",
    "Live": "live",
}
_WITHOUT_RANGE = "Live"
_POLL_S = 0.1
_TIMEOUT_S = 60.0
# A view has one more response as long as it says that it is loading.
_IS_COMPLETE = """() => document.querySelector("main h1") !== null
    && document.querySelector("main [role=status]:not(.banner), [aria-busy=true]") === null
    && performance.getEntriesByType("resource").some(entry => entry.name.includes("/insight/"))"""
_TIMES = """() => [
    performance.getEntriesByName("first-contentful-paint")[0].startTime,
    Math.max(...performance.getEntriesByType("resource")
        .filter(entry => entry.name.includes("/insight/")).map(entry => entry.responseEnd)),
]"""


@dataclass(frozen=True)
class Opened:
    """How one view was opened, in milliseconds."""

    first_paint: float
    complete: float
    cpu: float
    """Of the projector."""


def opened(url: str, projector: int) -> Opened:
    """Open a view in a new browser."""
    with chromium() as browser, browser.page() as page:
        cpu_s = cpu_seconds([projector])
        page.open(url)
        _wait(page)
        times: Any = page.evaluate(_TIMES)
        first_paint, complete = times
        return Opened(first_paint, complete, (cpu_seconds([projector]) - cpu_s) * 1000)


def _wait(page: Page) -> None:
    """Wait until the view has been complete twice: it may start another request after a paint."""
    ends, complete = time.monotonic() + _TIMEOUT_S, 0
    while complete < 2:
        if time.monotonic() > ends:
            raise SystemExit("The view did not become complete.")
        time.sleep(_POLL_S)
        complete = complete + 1 if page.evaluate(_IS_COMPLETE) else 0


def _rows(
    url: str, monitor: str, ranges: Sequence[str], runs: int, projector: int
) -> Iterator[str]:
    for name, view in _VIEWS.items():
        cells = []
        for number, length in enumerate(ranges):
            if name == _WITHOUT_RANGE and number:
                cells += [""] * 2
                continue
            sep = "&" if "?" in view else "?"
            place = f"{url}/ui/#/{view}{sep}monitor={monitor}&range={length}"
            found = [opened(place, projector) for _ in range(runs)]
            if not number:
                cells.append(_ms([run.first_paint for run in found]))
            cells += [_ms([run.complete for run in found]), _ms([run.cpu for run in found])]
        yield f"| {name} | {' | '.join(cells)} |"


def _ms(values: Sequence[float]) -> str:
    return f"{median(values):,.0f} ms"


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("projector", type=int, help="the ID of the projector's process")
    parser.add_argument("--url", default="http://127.0.0.1:8090", help="of the server")
    parser.add_argument("--monitor", default="shop")
    parser.add_argument("--ranges", default="24h,7d,30d")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--page", action="store_true", help="write it into docs/reference")
    options = parser.parse_args()
    ranges = options.ranges.split(",")
    columns = [f"{what}, {length}" for length in ranges for what in ("complete", "CPU")]
    lines = [f"| view | first paint | {' | '.join(columns)} |", "|---" * (len(columns) + 2) + "|"]
    print("\n".join(lines))
    for row in _rows(options.url, options.monitor, ranges, options.runs, options.projector):
        print(row, flush=True)
        lines.append(row)
    if options.page:
        write_part(_PAGE, "views", "\n".join(lines))


if __name__ == "__main__":
    main()
