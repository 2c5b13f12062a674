"""Finds batches that are stored twice, in 16 bytes of memory for each batch of the log."""

from __future__ import annotations

__all__ = ["RepeatedKeys"]

from array import array
from collections.abc import Callable, Iterator

import numpy as np

from rum_service.storage.database import BatchKey

_HASH_BITS = 64


class RepeatedKeys:
    """Remembers a hash of each batch's app monitor and ID."""

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._sequences = array("q")

    def add(self, key: BatchKey, sequence: int) -> None:
        """Add a batch."""
        self._hashes.append(hash(key) % 2**_HASH_BITS)
        self._sequences.append(sequence)

    def groups(self, key_of: Callable[[int], BatchKey | None]) -> Iterator[list[int]]:
        """Yield the sequences of batches with the same key, in ascending order.

        Args:
            key_of: returns the key of a sequence, because equal hashes do not prove equal keys.
        """
        hashes = np.frombuffer(self._hashes, dtype=np.uint64)
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        is_repeated = ordered[1:] == ordered[:-1]
        found: dict[BatchKey, list[int]] = {}
        for position in np.flatnonzero(is_repeated):
            for index in order[position : position + 2]:
                sequence = self._sequences[index]
                if key := key_of(sequence):
                    sequences = found.setdefault(key, [])
                    if sequence not in sequences:
                        sequences.append(sequence)
        for sequences in found.values():
            if len(sequences) > 1:
                yield sorted(sequences)
