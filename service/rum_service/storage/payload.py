"""How a batch is stored, and when a stored batch equals another one. Pure.

payload     the serialized request, compressed with zstd
digest      empty, except where events were dropped: then over the request as received, so that a
            retry is recognized. Batches stored by the first version all have one.
"""

from __future__ import annotations

__all__ = ["decompress", "is_same", "stored_form"]

import hashlib
import threading

import zstandard

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.storage.records import Batch


class _Compressor(threading.local):
    """A compressor per thread: one is not safe to share."""

    def __init__(self) -> None:
        # Level 1: 68 µs for 50 events and a sixth of the bytes; level 3 costs a fifth more for 4 %.
        self.compress = zstandard.ZstdCompressor(level=1).compress


_compressor = _Compressor()
decompress = zstandard.decompress


def stored_form(batch: Batch) -> tuple[bytes, bytes]:
    """Return the payload and the digest to store for a batch."""
    digest = b"" if batch.received is None else _digest(batch.received)
    return _compressor.compress(batch.content), digest


def is_same(batch: Batch, payload: bytes, digest: bytes) -> bool:
    """Return whether a batch is the one that was stored with this payload and digest."""
    received = batch.content if batch.received is None else batch.received
    if digest:
        return _digest(received) == digest
    stored = decompress(payload)
    return stored == received or _canonical(stored) == _canonical(received)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(_canonical(content), digest_size=16).digest()


def _canonical(content: bytes) -> bytes:
    """Return the one serialization of a request: clients may order its fields differently."""
    return PutRumEventsRequest.FromString(content).SerializeToString(deterministic=True)
