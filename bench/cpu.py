"""CPU time of process trees, from /proc. Other work on the machine disturbs it the least.

Its resolution is a clock tick, usually 10 ms, so measure at least half a second of CPU time.
"""

from __future__ import annotations

__all__ = ["TICK_S", "cpu_seconds"]

import os
from collections.abc import Iterable
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the user and system time that these processes and their descendants have used."""
    stats = dict(_stats())
    wanted = set(pids)
    while more := {pid for pid, (parent, _) in stats.items() if parent in wanted} - wanted:
        wanted |= more
    return sum(stats[pid][1] for pid in wanted) * TICK_S


def _stats() -> Iterable[tuple[int, tuple[int, int]]]:
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in parentheses can contain anything. The fields from the third on follow it.
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # the process has ended
        yield int(file.parent.name), (int(fields[1]), int(fields[11]) + int(fields[12]))
