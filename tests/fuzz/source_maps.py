"""Uploads of source maps in broken messages, to a running server."""

from __future__ import annotations

__all__ = ["source_map_uploads"]

import json
import random
from collections import Counter
from collections.abc import Iterator

import grpc

from rum.v1.source_map_service_pb2 import UploadSourceMapRequest
from tests.fuzz.mutation import flipped, mutated
from tests.support.running import OpenRum

_UPLOAD = "/rum.v1.SourceMapService/UploadSourceMap"
_MAP = json.dumps(
    {
        "version": 3,
        "file": "app.js",
        "sources": ["src/cart.ts", "src/\N{GRINNING FACE}.ts"],
        "sourcesContent": ["export const total = 1;\n" * 200, None],
        "names": ["total", "addItem"],
        "mappings": "AAAA,SAASA;AACT,MAAMC,KAAK" * 100,
    }
).encode()
_CHUNK_BYTES = 1000


def source_map_uploads(server: OpenRum, inputs: range) -> Counter[str]:
    """Upload with these numbers. Return how often each code came."""
    counts: Counter[str] = Counter()
    with grpc.insecure_channel(server.grpc) as channel:
        upload = channel.stream_unary(_UPLOAD)
        for number in inputs:
            try:
                upload(_messages(number), timeout=30)
                counts["OK"] += 1
            except grpc.RpcError as error:
                counts[error.code().name] += 1  # type: ignore[attr-defined]
    return counts


def _messages(number: int) -> Iterator[bytes]:
    """Return the messages of an upload, of which one or all contents are broken."""
    chance = random.Random(number)
    content = mutated([_MAP], number) if number % 3 == 0 else _MAP
    chunks = [
        content[start : start + _CHUNK_BYTES] for start in range(0, len(content), _CHUNK_BYTES)
    ]
    # A few names, so that the quota of the app monitor is not reached.
    file = f"assets/{number % 8}.js"
    messages = [
        UploadSourceMapRequest(app_monitor="my-app", release="1", file=file, content=chunks[0]),
        *(UploadSourceMapRequest(content=chunk) for chunk in chunks[1:]),
    ]
    serialized = [message.SerializeToString() for message in messages]
    if number % 3:
        broken = 0 if number % 2 else chance.randrange(len(serialized))
        change = flipped if number % 3 == 1 else mutated
        serialized[broken] = change([serialized[broken]], number)
    return iter(serialized)
