"""The cores of the server and of the load generators, so that neither takes CPU from the other."""

from __future__ import annotations

__all__ = ["generator_cores", "on_cores", "server_cores"]

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager


def server_cores() -> set[int]:
    """Return the core of the server: the first one of this process."""
    return {min(os.sched_getaffinity(0))}


def generator_cores() -> set[int]:
    """Return the other cores of this process, or all if it has only one."""
    cores = os.sched_getaffinity(0)
    return cores - server_cores() or cores


@contextmanager
def on_cores(cores: Collection[int]) -> Iterator[None]:
    """Start processes on these cores while the context is open. It applies to this thread."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
