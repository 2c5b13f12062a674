"""Parse a request's AWS Signature Version 4 and build the text that it signs.

The service verifies the signature, because the bridge has no secrets.
Source: AWS Signature Version 4 for API requests, "Create a canonical request".
"""

from __future__ import annotations

__all__ = ["SignatureError", "carries_signature", "signed_request"]

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from rum.internal.v1.caller_pb2 import SignedRequest
from rum_bridge.signing.canonical import (
    Fields,
    RawHeaders,
    canonical_request,
    fields_of,
    query_pairs,
)
from rum_bridge.signing.claims import (
    SignatureError,
    claim_of,
    incomplete,
    is_of_aws,
    is_presigned,
)

_AMZ = b"x-amz-"
_TOKEN = r"[a-z0-9!#$%&'*+.^_`|~-]+"  # noqa: S105 (a header name, RFC 9110 5.6.2, in lower case)
# Each one is looked up among all headers. SDKs and aws-rum-web sign at most ten.
_MAX_SIGNED_HEADERS = 50
_SIGNED_HEADERS = re.compile(f"{_TOKEN}(;{_TOKEN})*")
# The names of ten headers. Longer texts could fill the memory.
_MAX_CACHED_CHARS = 256


def carries_signature(raw_query: bytes, headers: RawHeaders) -> bool:
    """Return whether a request is signed, so that `signed_request` needs the hash of its body."""
    for name, value in headers:
        if name == b"authorization" and is_of_aws(value):
            return True
    return is_presigned(query_pairs(raw_query))


def signed_request(
    method: str,
    raw_path: bytes,
    raw_query: bytes,
    headers: RawHeaders,
    body_sha256: str,
    *,
    into: SignedRequest | None = None,
) -> SignedRequest | None:
    """Parse a request's signature and build its canonical request.

    Args:
        method: the HTTP method.
        raw_path: the path as received, percent-encoded, without the query.
        raw_query: the query as received, without the question mark; may be empty.
        headers: lower-case names and values in the order received, as in ASGI. `host` is the Host
            header as received, with its port.
        body_sha256: SHA-256 of the body as received, still compressed, 64 lower-case hex digits.
        into: an empty message to fill and return. It stays empty if the request is not signed, or
            if an error is raised. None: a new one.

    Returns:
        The unverified signature, or None if the request is not signed. An Authorization header
        with another scheme is ignored: pages can configure any header in aws-rum-web.

    Raises:
        SignatureError: IncompleteSignatureException if a part is missing, repeated or unreadable;
            InvalidSignatureException if the request is signed in both forms.
    """
    pairs = query_pairs(raw_query)
    fields = fields_of(headers)
    claim = claim_of(fields, pairs)
    if claim is None:
        return None
    scope = _credential(claim.credential)
    names = _signed_names(claim.signed_headers, fields)
    # Setting members takes half as long as creating a message with them and copying it.
    signed = SignedRequest() if into is None else into
    signed.access_key_id, signed.date, signed.region, signed.service, signed.terminator = scope
    signed.amz_date = claim.amz_date
    if claim.expires_seconds is not None:
        signed.expires_seconds = claim.expires_seconds
    signed.signed_headers.extend(names.texts)
    if unsigned := _unsigned_names(names, fields):
        signed.unsigned_headers.extend(unsigned)
    signed.signature = claim.signature
    if claim.session_token is not None:
        signed.session_token = claim.session_token
    signed.canonical_request = canonical_request(
        method, raw_path, pairs, fields, signed_headers=names.names, body_sha256=body_sha256
    )
    return signed


def _credential(text: str) -> list[str]:
    parts = text.split("/")
    if len(parts) != 5 or not all(parts):
        raise incomplete("Credential must have exactly 5 slash-delimited elements.")
    return parts


class _Names(NamedTuple):
    """The names in SignedHeaders."""

    names: Sequence[bytes]
    texts: Sequence[str]
    of_aws: int
    """How many begin with x-amz-."""


def _signed_names(text: str, fields: Fields) -> _Names:
    signed = _cached_names(text) if len(text) <= _MAX_CACHED_CHARS else _names(text)
    for name in signed.names:
        if name not in fields:
            raise incomplete(
                f"'{name.decode()}' is named as a SignedHeader, but it does not exist in the"
                " request."
            )
    return signed


def _names(text: str) -> _Names:
    names = text.encode().split(b";")
    if len(names) > _MAX_SIGNED_HEADERS:
        raise incomplete(f"SignedHeaders must have at most {_MAX_SIGNED_HEADERS} names.")
    if not _SIGNED_HEADERS.fullmatch(text) or names != sorted(set(names)):
        raise incomplete("SignedHeaders must be lower-case header names, sorted, each one once.")
    of_aws = sum(name.startswith(_AMZ) for name in names)
    return _Names(tuple(names), tuple(text.split(";")), of_aws)


# A client always signs the same headers.
_cached_names = lru_cache(maxsize=256)(_names)


def _unsigned_names(signed: _Names, fields: Fields) -> list[str]:
    # All signed headers are in the request. Counting takes half as long as looking at each name.
    if b"\n".join([b"", *fields]).count(b"\n" + _AMZ) == signed.of_aws:
        return []
    unsigned = [name for name in fields if name.startswith(_AMZ) and name not in signed.names]
    return sorted([name.decode("latin-1") for name in unsigned])
