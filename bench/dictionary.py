"""Train the dictionary with which the service compresses small batches.

A dictionary in use never changes, because stored batches need it. A better one gets the next
number, and the service keeps both. Usage: python -m bench.dictionary FILE
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import zstandard

from bench.corpus import samples

_SIZE = 16_384
_DICTIONARY_ID = 32_768
"""The first number that zstd's format leaves to applications."""
_BATCHES = {1: 1200, 3: 300, 10: 100}
"""How many batches of how many events to train with."""


def train() -> bytes:
    """Return a dictionary from one half of the captured events. The benchmark puts the other."""
    batches: list[bytes | bytearray | memoryview] = [
        batch for events, count in _BATCHES.items() for batch in samples(events, count, half=0)
    ]
    random.Random(0).shuffle(batches)
    return zstandard.train_dictionary(_SIZE, batches, dict_id=_DICTIONARY_ID).as_bytes()


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(train())
