"""The canonical request: the form in which AWS Signature Version 4 signs an HTTP request.

    method
    path        without empty and dot segments, percent-encoded again (S3 does neither)
    query       sorted, as encoded by the client, without X-Amz-Signature
    headers     the signed headers as name:value, white space folded
                (an empty line)
    names       names of the signed headers, separated by semicolons
    body        SHA-256 of the body as received

Source: AWS Signature Version 4 for API requests, "Create a canonical request".
Undocumented: stray ampersands, unnecessary escapes and dot segments are treated as by botocore.
"""

from __future__ import annotations

__all__ = [
    "Fields",
    "Pairs",
    "RawHeaders",
    "canonical_request",
    "fields_of",
    "folded",
    "query_pairs",
]

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote

# Lower-case names and values in the order received, as in ASGI.
RawHeaders: TypeAlias = Sequence[tuple[bytes, bytes]]
# The values of each header in the order received, by lower-case name.
Fields: TypeAlias = Mapping[bytes, Sequence[bytes]]
# Query parameters in the order received, still percent-encoded.
Pairs: TypeAlias = Sequence[tuple[bytes, bytes]]

# The path of nearly every request. Its canonical form is the same.
_PLAIN_PATH = re.compile(rb"(/[A-Za-z0-9_~-]+)+/?")


def canonical_request(
    method: str,
    raw_path: bytes,
    pairs: Pairs,
    fields: Fields,
    *,
    signed_headers: Sequence[bytes],
    body_sha256: str,
) -> bytes:
    """Return the canonical request. `signed_headers` keeps its order; absent headers are empty."""
    lines = (
        method.upper().encode(),
        _path(raw_path),
        _query(pairs),
        *[name + b":" + folded(fields, name) for name in signed_headers],
        b"",
        b";".join(signed_headers),
        body_sha256.encode(),
    )
    return b"\n".join(lines)


def query_pairs(raw_query: bytes) -> list[tuple[bytes, bytes]]:
    """Split a query, given without its question mark. `flag` and `flag=` are the same."""
    if not raw_query:
        return []
    return [pair.partition(b"=")[::2] for pair in raw_query.split(b"&")]


def fields_of(headers: RawHeaders) -> Fields:
    """Return the values of all headers by name."""
    fields = {name: (value,) for name, value in headers}
    if len(fields) == len(headers):  # as nearly always
        return fields
    repeated: dict[bytes, list[bytes]] = {name: [] for name in fields}
    for name, value in headers:
        repeated[name].append(value)
    return repeated


def folded(fields: Fields, name: bytes) -> bytes:
    """Return a header's values, white space folded, joined by commas; empty if absent."""
    values = fields.get(name, ())
    if len(values) == 1:  # as nearly always
        return b" ".join(values[0].split())
    return b",".join([b" ".join(value.split()) for value in values])


def _path(raw_path: bytes) -> bytes:
    if _PLAIN_PATH.fullmatch(raw_path):
        return raw_path
    kept: list[bytes] = []
    for segment in raw_path.split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment not in (b"", b"."):
            kept.append(segment)
    end = b"/" if kept and raw_path.endswith(b"/") else b""
    return quote(b"/" + b"/".join(kept) + end, safe="/~").encode()


def _query(pairs: Pairs) -> bytes:
    if not pairs:
        return b""
    signed = sorted(pair for pair in pairs if pair[0] != b"X-Amz-Signature")
    return b"&".join(name + b"=" + value for name, value in signed)
