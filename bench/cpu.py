"""CPU time and memory of processes, as the kernel counts them.

CPU time is what other work on the machine disturbs least. The kernel keeps a clock with
nanoseconds for each process; /proc/PID/stat counts in steps of 10 ms.
"""

from __future__ import annotations

__all__ = [
    "busy_share",
    "cpu_seconds",
    "current_memory_mb",
    "descendants",
    "peak_memory_mb",
]

import time
from collections.abc import Iterable
from pathlib import Path

_CPUCLOCK_SCHED = 2


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU time that these processes have used, user and system, all threads."""
    # The clock's number as clock_getcpuclockid(3) computes it.
    return sum(time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED) for pid in pids)


def busy_share(seconds: float = 1.0) -> float:
    """Return which share of the machine's CPU time is used, measured for some time."""
    before = _machine_ticks()
    time.sleep(seconds)
    busy, total = (now - then for now, then in zip(_machine_ticks(), before, strict=True))
    return busy / total


def descendants(pid: int) -> set[int]:
    """Return the processes below `pid` that run now."""
    parents = dict(_parents())
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in found | {pid}} - found:
        found |= more
    return found


def peak_memory_mb(pid: int) -> float:
    """Return the largest resident set that a process has had, in megabytes."""
    return _status_mb(pid, "VmHWM:")


def current_memory_mb(pid: int) -> float:
    """Return the resident set of a process, in megabytes."""
    return _status_mb(pid, "VmRSS:")


def _machine_ticks() -> tuple[int, int]:
    """Return the time in which CPUs were busy, and all time, since the machine has started."""
    user, nice, system, idle, waiting, *others = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    )
    busy = user + nice + system + sum(others)
    return busy, busy + idle + waiting


def _status_mb(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"the kernel does not report the memory of process {pid}")


def _parents() -> Iterable[tuple[int, int]]:
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in parentheses may contain anything; numbers follow it.
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # the process has ended
        yield int(file.parent.name), int(fields[1])
