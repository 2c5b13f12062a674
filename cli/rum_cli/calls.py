"""Groups batches that share a call of the service."""

from __future__ import annotations

__all__ = ["in_calls"]

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

_Batch = TypeVar("_Batch")

_MAX_BATCHES = 500
# Below the service's limit for one message. A longer batch has a call to itself.
_MAX_BYTES = 2 << 20


def in_calls(batches: Iterable[_Batch], size_of: Callable[[_Batch], int]) -> Iterator[list[_Batch]]:
    """Yield the batches, in order, in groups that fit into one call each.

    Args:
        size_of: returns a serialized batch's length.
    """
    together: list[_Batch] = []
    size = 0
    for batch in batches:
        length = size_of(batch)
        if together and (len(together) == _MAX_BATCHES or size + length > _MAX_BYTES):
            yield together
            together, size = [], 0
        together.append(batch)
        size += length
    if together:
        yield together
