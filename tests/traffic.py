"""Reads the captured requests under tests/golden/traffic."""

from __future__ import annotations

__all__ = ["CapturedRequest", "load", "names"]

import base64
import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "golden" / "traffic"


@dataclass(frozen=True)
class CapturedRequest:
    """One HTTP request as a client sent it; `headers` in the form of ASGI, `body` as received."""

    received_at: datetime
    method: str
    url: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def raw_path(self) -> bytes:
        return self.url.encode().partition(b"?")[0]

    @property
    def raw_query(self) -> bytes:
        return self.url.encode().partition(b"?")[2]


def names() -> list[str]:
    """The names of all captures: `web-v3-signed` for web-v3-signed.jsonl.gz."""
    return sorted(path.name.partition(".")[0] for path in _FOLDER.glob("*.jsonl*"))


def load(name: str) -> list[CapturedRequest]:
    """The requests of one capture, in the order received, preflights included."""
    plain = _FOLDER / f"{name}.jsonl"
    raw = plain.read_bytes() if plain.exists() else gzip.decompress(_compressed(name).read_bytes())
    return [_request(json.loads(line)) for line in raw.splitlines()]


def _compressed(name: str) -> Path:
    return _FOLDER / f"{name}.jsonl.gz"


def _request(line: dict[str, Any]) -> CapturedRequest:
    flat = line["raw_headers"]
    headers = zip(flat[::2], flat[1::2], strict=True)
    return CapturedRequest(
        received_at=datetime.fromtimestamp(line["t"], UTC),
        method=line["method"],
        url=line["url"],
        headers=tuple((name.lower().encode(), value.encode("latin-1")) for name, value in headers),
        body=base64.b64decode(line["body_b64"]),
    )
