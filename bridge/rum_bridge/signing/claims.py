"""Parse the parts of a request's AWS Signature Version 4, in either of its two forms.

    header      Authorization: AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...
    presigned   ?X-Amz-Algorithm=...&X-Amz-Credential=...&X-Amz-Signature=... (aws-rum-web beacons)

Source: AWS Signature Version 4 for API requests, "Authentication methods".
"""

from __future__ import annotations

__all__ = ["Claim", "SignatureError", "claim_of", "incomplete", "is_of_aws", "is_presigned"]

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from rum_bridge.signing.canonical import Fields, Pairs, folded

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
_EXPIRES = re.compile(r"0|[1-9][0-9]{0,8}")


class SignatureError(Exception):
    """A signature that cannot be parsed: the name of AWS's exception and its message."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name, self.message = name, message


@dataclass(slots=True, repr=False)
class Claim:
    """A signature's decoded parts. Only the presigned form has an expiry."""

    credential: str
    signed_headers: str
    signature: str
    amz_date: str
    session_token: str | None
    expires_seconds: int | None = None


def claim_of(fields: Fields, pairs: Pairs) -> Claim | None:
    """Return a request's signature. None: the request is not signed.

    Raises:
        SignatureError: a part is missing, repeated or unreadable, or there are two signatures.
    """
    authorizations = _authorizations(fields)
    presigned = is_presigned(pairs)
    if authorizations and presigned:
        raise SignatureError(
            "InvalidSignatureException",
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP"
            " header.",
        )
    if len(authorizations) > 1:
        raise incomplete("The request has more than one AWS Authorization header.")
    if authorizations:
        return _header_claim(authorizations[0], fields)
    return _query_claim(pairs) if presigned else None


def _authorizations(fields: Fields) -> list[bytes]:
    return [value for value in fields.get(b"authorization", ()) if is_of_aws(value)]


def is_of_aws(authorization: bytes) -> bool:
    """Return whether an Authorization header is AWS's, of any version and algorithm."""
    return authorization.startswith(b"AWS4-") or authorization.lstrip()[:5].upper() == b"AWS4-"


def is_presigned(pairs: Pairs) -> bool:
    """Return whether a query has a part of a signature."""
    return bool(pairs) and any(name in _QUERY_MARKS for name, _ in pairs)


def _header_claim(header: bytes, fields: Fields) -> Claim:
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
        raise incomplete(missing.rstrip())
    return Claim(
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
            raise incomplete("Authorization header has a part that is not a key=value pair.")
        if name in parts:
            raise incomplete("Authorization header has a parameter more than once.")
        parts[name] = value
    return parts


def _query_claim(pairs: Pairs) -> Claim:
    parts = _query_parts(pairs)
    if missing := _missing(_QUERY_PARTS, parts, "AWS query-string parameters must include '{}'. "):
        raise incomplete(f"{missing}Re-examine the query-string parameters.")
    _require_algorithm(parts["X-Amz-Algorithm"])
    return Claim(
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
                raise incomplete("The query string has an 'X-Amz-' parameter more than once.")
            parts[name] = _text(unquote_to_bytes(value))
    return parts


def _require_algorithm(algorithm: str) -> None:
    if algorithm != _ALGORITHM:
        raise incomplete(f"Unsupported AWS 'algorithm' (only {_ALGORITHM} for now).")


def _missing(names: Sequence[str], parts: Mapping[str, str], complaint: str) -> str:
    if all(map(parts.get, names)):
        return ""
    return "".join(complaint.format(name) for name in names if not parts.get(name))


def _expires_seconds(text: str) -> int:
    if not _EXPIRES.fullmatch(text):
        raise incomplete("X-Amz-Expires must be a number of seconds.")
    return int(text)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError:
        raise incomplete("The signature has characters outside ASCII.") from None


def incomplete(message: str) -> SignatureError:
    """Return the error for a signature that cannot be parsed."""
    return SignatureError("IncompleteSignatureException", message)
