"""Results as Markdown: medians with their ranges, and ratios within a round to cancel noise."""

from __future__ import annotations

__all__ = ["report"]

import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from bench.cases import CEILING, NAIVE, Case, Variant
from bench.rounds import Measured, Results

_HEAD = (
    "| | CPU ms/request | of ceiling | naive / this | requests/s | p50 ms | p99 ms |\n"
    "|---|---|---|---|---|---|---|"
)


def report(results: Results, *, command: str, commit: str, folder: Path) -> str:
    """Return the results as a Markdown page."""
    rounds = max(len(m) for variants in results.values() for m in variants.values())
    lines = [
        f"# {commit}",
        "",
        f"`{command}`: {rounds} rounds, 32 requests in flight, database under {folder}.",
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; load average at the end "
        f"{', '.join(f'{load:.1f}' for load in os.getloadavg())}.",
        "",
        "CPU is the user and system time of all processes of a server. Each cell shows the median,"
        " the minimum and the maximum of the rounds. Ratios compare CPU within a round: the share"
        " that the no-op server needs, and how many times as much the naive server needs.",
    ]
    for case, variants in results.items():
        lines += ["", f"## {case.name}", "", _HEAD, *_rows(case, variants)]
    return "\n".join(lines) + "\n"


def _rows(case: Case, variants: dict[Variant, list[Measured]]) -> list[str]:
    by_name = {variant.name: measured for variant, measured in variants.items()}

    def ratio(of: str, measured: list[Measured], show: Callable[[float], str]) -> str:
        if of not in by_name:
            return ""
        pairs = zip(by_name[of], measured, strict=True)
        return _range([other.cpu_ms / this.cpu_ms for other, this in pairs], show)

    return [
        f"| {name} "
        f"| {_range([m.cpu_ms for m in measured], '{:.3f}'.format)} "
        f"| {ratio(CEILING, measured, '{:.0%}'.format)} "
        f"| {ratio(NAIVE, measured, '{:.1f}'.format)} "
        f"| {_range([m.per_second for m in measured], '{:.0f}'.format)} "
        f"| {_range([m.p50_ms for m in measured], '{:.1f}'.format)} "
        f"| {_range([m.p99_ms for m in measured], '{:.1f}'.format)} |"
        for name, measured in by_name.items()
    ]


def _range(values: Sequence[float], show: Callable[[float], str]) -> str:
    if len(values) == 1:
        return show(values[0])
    return f"{show(median(values))} ({show(min(values))}-{show(max(values))})"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
