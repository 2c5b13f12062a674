"""CPU time of process trees, from /proc: of what a benchmark shows, what other work disturbs least.

In clock ticks, mostly 10 ms: a measurement should last for half a second of CPU.
"""

from __future__ import annotations

__all__ = ["TICK_S", "cpu_seconds"]

import os
from collections.abc import Iterable
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Iterable[int]) -> float:
    """Returns what these processes and their descendants have used so far, user and system."""
    stats = dict(_stats())
    wanted = set(pids)
    while more := {pid for pid, (parent, _) in stats.items() if parent in wanted} - wanted:
        wanted |= more
    return sum(stats[pid][1] for pid in wanted) * TICK_S


def _stats() -> Iterable[tuple[int, tuple[int, int]]]:
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            # A name in parentheses, which may hold anything, then the numbered fields from 3 on.
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended
        yield int(file.parent.name), (int(fields[1]), int(fields[11]) + int(fields[12]))
