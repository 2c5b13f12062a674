"""What alternatives to parts of a put would cost, in CPU of one thread.

Usage: python -m bench.alternatives
"""

from __future__ import annotations

__all__ = ["alternative_table"]

import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import orjson
import zstandard
from google.protobuf.json_format import ParseDict
from isal import isal_zlib

from bench.corpus import json_batches, message_batches, samples
from bench.dictionary import train
from bench.stages import MONITOR_ID, SIZES, batch_count, decode, each_us
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_bridge.json_text import parse_json


def alternative_table(scale: float = 1.0) -> str:
    """Measure and return a Markdown table of alternatives to parts of a put.

    Args:
        scale: the share of the usual number of batches to measure.
    """
    count = batch_count(scale)
    measured = {events: _alternatives(events, count) for events in SIZES}
    head = "| CPU µs for each put | 1 event | 50 events |\n|---|---|---|\n"
    return head + "\n".join(
        f"| {name} | " + " | ".join(measured[events][name] for events in SIZES) + " |"
        for name in measured[SIZES[0]]
    )


def _alternatives(events: int, count: int) -> dict[str, str]:
    bodies = list(islice(json_batches(events), count))
    documents = [parse_json(body) for body in bodies]
    messages = list(islice(message_batches(events, MONITOR_ID), count))
    shown = {
        "JSON: orjson (used)": _us(orjson.loads, bodies),
        "JSON: the standard library": _us(json.loads, bodies),
        "JSON to message: keyword arguments (used)": _us(decode, documents),
        "JSON to message: json_format.ParseDict": _us(_parse_dict, documents),
        "digest on the way in: none (used)": "0",
        "digest on the way in: BLAKE2b": _us(hashlib.blake2b, messages),
        "digest on the way in: SHA-256": _us(hashlib.sha256, messages),
    }
    tested = samples(events, count, half=1)
    for name, compress in _compressors().items():
        size = sum(len(compress(message)) for message in tested) / len(tested)
        shown[f"compression: {name}"] = f"{_us(compress, tested)}, {size / events:.0f} B/event"
    return shown


def _us(function: Callable[[Any], object], arguments: Sequence[Any]) -> str:
    return f"{each_us(function, arguments):.1f}"


def _parse_dict(document: dict[str, Any]) -> object:
    return ParseDict({**document, "Id": MONITOR_ID}, PutRumEventsRequest())


def _compressors() -> dict[str, Callable[[bytes], bytes]]:
    trained = train()
    learned = zstandard.ZstdCompressionDict(trained)
    learned.precompute_compress(level=1)
    faster = zstandard.ZstdCompressionParameters.from_level(1, hash_log=15, target_length=2)
    return {
        "zstd, level 1 (used for large batches)": zstandard.ZstdCompressor(level=1).compress,
        "zstd, level 3": zstandard.ZstdCompressor(level=3).compress,
        "igzip, level 0": lambda message: isal_zlib.compress(message, 0),
        "zlib, level 1": lambda message: zlib.compress(message, 1),
        "zstd, level 1, with the dictionary (used for small batches)": zstandard.ZstdCompressor(
            level=1, dict_data=learned
        ).compress,
        "zstd, faster, with the dictionary (used from 24 to 64 KB)": zstandard.ZstdCompressor(
            compression_params=faster, dict_data=zstandard.ZstdCompressionDict(trained)
        ).compress,
    }


if __name__ == "__main__":
    print(alternative_table())
