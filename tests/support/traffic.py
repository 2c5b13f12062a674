"""Captured requests of real clients. See golden/README.md."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

MONITOR_ID = "7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e11"
_FOLDER = Path(__file__).parents[1] / "golden" / "traffic"
NAMES = sorted(file.name.removesuffix(".jsonl.gz") for file in _FOLDER.glob("*.jsonl.gz"))


@dataclass(frozen=True)
class CapturedRequest:
    """A request with exactly the bytes that the client sent."""

    received_at: datetime
    method: str
    url: str
    """Path and query, still percent-encoded."""
    headers: list[tuple[str, str]]
    """In their original order and case."""
    body: bytes
    """Still gzipped if the client sent it so."""

    @property
    def raw_path(self) -> bytes:
        return self.url.encode().partition(b"?")[0]

    @property
    def raw_query(self) -> bytes:
        return self.url.encode().partition(b"?")[2]

    @property
    def asgi_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The headers in the form of ASGI, with lower-case names."""
        return tuple(
            (name.lower().encode(), value.encode("latin-1")) for name, value in self.headers
        )

    def header(self, name: str) -> str | None:
        """Return the value of a header. The case of its name does not matter."""
        for known, value in self.headers:
            if known.lower() == name.lower():
                return value
        return None

    @cached_property
    def document(self) -> Any:
        """The JSON of the body, or None without a body."""
        gzipped = self.header("content-encoding") == "gzip"
        content = gzip.decompress(self.body) if gzipped else self.body
        return json.loads(content) if content else None


def load(name: str) -> list[CapturedRequest]:
    """Return the requests of `golden/traffic/NAME.jsonl.gz`, oldest first."""
    lines = gzip.decompress((_FOLDER / f"{name}.jsonl.gz").read_bytes()).splitlines()
    return [_captured(json.loads(line)) for line in lines]


def _captured(record: dict[str, Any]) -> CapturedRequest:
    flat = record["raw_headers"]
    return CapturedRequest(
        received_at=datetime.fromtimestamp(record["t"], UTC),
        method=record["method"],
        url=record["url"],
        headers=list(zip(flat[::2], flat[1::2], strict=True)),
        body=base64.b64decode(record["body_b64"]),
    )
