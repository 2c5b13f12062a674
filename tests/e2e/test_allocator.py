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
