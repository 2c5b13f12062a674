"""Parse a request's AWS Signature Version 4 and build the text that it signs.

The service verifies the signature, because the bridge has no secrets. There are two forms:

    header      Authorization: AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...
    presigned   ?X-Amz-Algorithm=...&X-Amz-Credential=...&X-Amz-Signature=... (aws-rum-web beacons)

Source: AWS Signature Version 4 for API requests, "Authentication methods".
"""

from __future__ import annotations

__all__ = ["SignatureError", "carries_signature", "signed_request"]

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from rum.internal.v1.caller_pb2 import SignedRequest
from rum_bridge.signing.canonical import (
    Fields,
    Headers,
    Pairs,
    canonical_request,
    fields_of,
    folded,
    query_pairs,
)

_ALGORITHM = "AWS4-HMAC-SHA256"
# What all SDKs send. Any other form is parsed part by part, which takes 2 µs longer.
_USUAL = re.compile(
    rb"AWS4-HMAC-SHA256 Credential=([!-+\--<>-~]+), ?SignedHeaders=([!-+\--<>-~]+),"
    rb" ?Signature=([!-+\--<>-~]+)"
)
_HEADER_PARTS = ("Credential", "SignedHeaders", "Signature")
_QUERY_PARTS = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "X-Amz-Date",
    "X-Amz-Expires",
)
# Any of these makes a request presigned, so that removing one does not make it unsigned.
# Undocumented: we accept only AWS's spelling of the names, because every SDK uses it.
_QUERY_MARKS = frozenset({b"X-Amz-Algorithm", b"X-Amz-Credential", b"X-Amz-Signature"})
_AMZ = b"x-amz-"
_EXPIRES = re.compile(r"0|[1-9][0-9]{0,8}")
_TOKEN = r"[a-z0-9!#$%&'*+.^_`|~-]+"  # noqa: S105 (a header name, RFC 9110 5.6.2, in lower case)
# Each one is looked up among all headers. SDKs and aws-rum-web sign at most ten.
_MAX_SIGNED_HEADERS = 50
_SIGNED_HEADERS = re.compile(f"{_TOKEN}(;{_TOKEN})*")
# The names of ten headers. Longer texts could fill the memory.
_MAX_CACHED_CHARS = 256


class SignatureError(Exception):
    """A signature that cannot be parsed: the name of AWS's exception and its message."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name, self.message = name, message


@dataclass(slots=True, repr=False)
class _Claim:
    """A signature's decoded parts. Only the presigned form has an expiry."""

    credential: str
    signed_headers: str
    signature: str
    amz_date: str
    session_token: str | None
    expires_seconds: int | None = None


def carries_signature(raw_query: bytes, headers: Headers) -> bool:
    """Return whether a request is signed, so that `signed_request` needs the hash of its body."""
    for name, value in headers:
        if name == b"authorization" and _is_of_aws(value):
            return True
    return _is_presigned(query_pairs(raw_query))


def signed_request(
    method: str,
    raw_path: bytes,
    raw_query: bytes,
    headers: Headers,
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
    claim = _claim(fields, pairs)
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


def _claim(fields: Fields, pairs: Pairs) -> _Claim | None:
    authorizations = _authorizations(fields)
    presigned = _is_presigned(pairs)
    if authorizations and presigned:
        raise SignatureError(
            "InvalidSignatureException",
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP"
            " header.",
        )
    if len(authorizations) > 1:
        raise _incomplete("The request has more than one AWS Authorization header.")
    if authorizations:
        return _header_claim(authorizations[0], fields)
    return _query_claim(pairs) if presigned else None


def _authorizations(fields: Fields) -> list[bytes]:
    """Return AWS's Authorization headers, of any version and algorithm."""
    return [value for value in fields.get(b"authorization", ()) if _is_of_aws(value)]


def _is_of_aws(authorization: bytes) -> bool:
    return authorization.startswith(b"AWS4-") or authorization.lstrip()[:5].upper() == b"AWS4-"


def _is_presigned(pairs: Pairs) -> bool:
    return bool(pairs) and any(name in _QUERY_MARKS for name, _ in pairs)


def _header_claim(header: bytes, fields: Fields) -> _Claim:
    if usual := _USUAL.fullmatch(header):
        credential, signed_headers, signature = map(bytes.decode, usual.groups())
        parts = {"Credential": credential, "SignedHeaders": signed_headers, "Signature": signature}
    else:
        algorithm, _, rest = _text(header).strip().partition(" ")
        _require_algorithm(algorithm)
        parts = _authorization_parts(rest)
    amz_date = _text(folded(fields, b"x-amz-date"))
    missing = _missing(_HEADER_PARTS, parts, "Authorization header requires '{}' parameter. ")
    if not amz_date:
        # AWS also accepts a Date header; no RUM client sends one.
        missing += "Authorization header requires existence of a 'X-Amz-Date' header. "
    if missing:
        raise _incomplete(missing.rstrip())
    return _Claim(
        credential=parts["Credential"],
        signed_headers=parts["SignedHeaders"],
        signature=parts["Signature"],
        amz_date=amz_date,
        session_token=_text(folded(fields, b"x-amz-security-token")) or None,
    )


def _authorization_parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        name, equals, value = item.partition("=")
        if not equals:
            raise _incomplete("Authorization header has a part that is not a key=value pair.")
        if name in parts:
            raise _incomplete("Authorization header has a parameter more than once.")
        parts[name] = value
    return parts


def _query_claim(pairs: Pairs) -> _Claim:
    parts = _query_parts(pairs)
    if missing := _missing(_QUERY_PARTS, parts, "AWS query-string parameters must include '{}'. "):
        raise _incomplete(f"{missing}Re-examine the query-string parameters.")
    _require_algorithm(parts["X-Amz-Algorithm"])
    return _Claim(
        credential=parts["X-Amz-Credential"],
        signed_headers=parts["X-Amz-SignedHeaders"],
        signature=parts["X-Amz-Signature"],
        amz_date=parts["X-Amz-Date"],
        session_token=parts.get("X-Amz-Security-Token") or None,
        expires_seconds=_expires_seconds(parts["X-Amz-Expires"]),
    )


def _query_parts(pairs: Pairs) -> dict[str, str]:
    parts: dict[str, str] = {}
    for raw_name, value in pairs:
        if raw_name.startswith(b"X-Amz-"):
            name = _text(raw_name)
            if name in parts:
                raise _incomplete("The query string has an 'X-Amz-' parameter more than once.")
            parts[name] = _text(unquote_to_bytes(value))
    return parts


def _require_algorithm(algorithm: str) -> None:
    if algorithm != _ALGORITHM:
        raise _incomplete(f"Unsupported AWS 'algorithm' (only {_ALGORITHM} for now).")


def _missing(names: Sequence[str], parts: Mapping[str, str], complaint: str) -> str:
    if all(map(parts.get, names)):
        return ""
    return "".join(complaint.format(name) for name in names if not parts.get(name))


def _credential(text: str) -> list[str]:
    parts = text.split("/")
    if len(parts) != 5 or not all(parts):
        raise _incomplete("Credential must have exactly 5 slash-delimited elements.")
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
            raise _incomplete(
                f"'{name.decode()}' is named as a SignedHeader, but it does not exist in the"
                " request."
            )
    return signed


def _names(text: str) -> _Names:
    names = text.encode().split(b";")
    if len(names) > _MAX_SIGNED_HEADERS:
        raise _incomplete(f"SignedHeaders must have at most {_MAX_SIGNED_HEADERS} names.")
    if not _SIGNED_HEADERS.fullmatch(text) or names != sorted(set(names)):
        raise _incomplete("SignedHeaders must be lower-case header names, sorted, each one once.")
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


def _expires_seconds(text: str) -> int:
    if not _EXPIRES.fullmatch(text):
        raise _incomplete("X-Amz-Expires must be a number of seconds.")
    return int(text)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError:
        raise _incomplete("The signature has characters outside ASCII.") from None


def _incomplete(message: str) -> SignatureError:
    return SignatureError("IncompleteSignatureException", message)
