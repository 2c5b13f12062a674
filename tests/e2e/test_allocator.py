"""Freed memory is reused by the process instead of being returned to the kernel."""

from __future__ import annotations

import subprocess
import sys

# Groups of buffers that are larger together than what glibc keeps by default.
_BUFFERS = """
import resource
from rum_cli.allocator import reuse_freed_memory

reuse_freed_memory()

def group():
    return [b"x" * (1 << 20) for _ in range(8)]

group()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    group()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_groups_of_large_buffers_cause_no_page_faults() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _BUFFERS], capture_output=True, text=True, check=True
    )

    assert int(run.stdout) < 1000  # 35,000 with the defaults of glibc


_THREADS = """
import ctypes
import threading
from rum_cli.allocator import reuse_freed_memory

reuse_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
started = threading.Barrier(16)
heaps = set()

def allocate():
    # Arenas of threads begin at multiples of 64 MiB.
    started.wait()
    heaps.add(libc.malloc(2048) >> 26)
    started.wait()

threads = [threading.Thread(target=allocate) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(heaps))
"""


def test_threads_share_few_heaps() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _THREADS], capture_output=True, text=True, check=True
    )

    assert int(run.stdout) <= 2  # up to 16 with the defaults of glibc
