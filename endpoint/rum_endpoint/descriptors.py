"""Divide the files that a process may open among its connections, and keep some free."""

from __future__ import annotations

__all__ = ["RESERVED_DESCRIPTORS", "descriptor_limit", "share_of_descriptors"]

import resource

RESERVED_DESCRIPTORS = 256
"""How many file descriptors connections leave free, for databases, certificates and others."""


def descriptor_limit(wanted: int) -> int:
    """Return how many files the process may open, after raising the limit to at least `wanted`.

    The result is lower if the system does not allow as many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else soft


def share_of_descriptors(connections: int, *, others: int = 0) -> int:
    """Return how many of these connections may be open, so that the others can be opened too.

    Args:
        others: the most other connections in this process.

    Returns:
        All, or if the process may not open as many files, a share of those that it may open.
    """
    both = connections + others
    left = descriptor_limit(both + RESERVED_DESCRIPTORS) - RESERVED_DESCRIPTORS
    return connections if left >= both else max(1, left * connections // both)
