"""Make the C library reuse freed memory."""

from __future__ import annotations

__all__ = ["reuse_freed_memory"]

import ctypes

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_KEPT_BYTES = 32 << 20  # the largest threshold for mmap


def reuse_freed_memory() -> None:
    """Keep up to 32 MiB of freed memory in the process.

    By default, glibc returns the memory of bodies and messages to the kernel after each group of
    puts, and the kernel clears it when it is needed again. This was 10 to 20 % of the bridge's CPU
    for puts of 50 events (2026-11). Both thresholds are needed: setting one of them stops glibc
    from adapting the other. Other C libraries have no such function.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
