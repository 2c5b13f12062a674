"""Damages stored batches, as a failing disk does."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from google.protobuf.message import DecodeError
from sqlalchemy import create_engine, select, update

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.storage.payload import UnreadableError, decompress
from rum_service.storage.schema import batches

# The longest header of zstd.
_FRAME_HEADER_BYTES = 18

Damage = Callable[[bytes], bytes]


def damage(url: str, sequence: int, how: Damage, *, has_checksum: bool = True) -> None:
    """Change the stored payload of a batch.

    Args:
        has_checksum: whether the row keeps its checksum, as the rows of older versions have none.
    """
    is_it = batches.c.sequence == sequence
    engine = create_engine(url)
    with engine.begin() as connection:
        payload = connection.execute(select(batches.c.payload).where(is_it)).scalar_one()
        change = update(batches).where(is_it).values(payload=how(payload))
        connection.execute(change if has_checksum else change.values(checksum=None))
    engine.dispose()


def two_flipped_bytes(payload: bytes) -> bytes:
    """Return a payload that cannot be decompressed."""
    return bytes([payload[0] ^ 0xFF, payload[1] ^ 0xFF]) + payload[2:]


def truncated(payload: bytes) -> bytes:
    """Return the beginning of a payload."""
    return payload[:9]


def with_other_user(payload: bytes) -> bytes:
    """Return a payload with one flipped bit: the user ID is another one, and the rest is equal."""
    stored = PutRumEventsRequest.FromString(decompress(payload))
    for position, bit in product(range(_FRAME_HEADER_BYTES, len(payload)), range(8)):
        damaged = bytearray(payload)
        damaged[position] ^= 1 << bit
        try:
            request = PutRumEventsRequest.FromString(decompress(bytes(damaged)))
        except (UnreadableError, DecodeError):
            continue
        if request.user_details.user_id != stored.user_details.user_id:
            request.user_details.user_id = stored.user_details.user_id
            if request == stored:
                return bytes(damaged)
    raise AssertionError("no flipped bit changes the user ID alone")
