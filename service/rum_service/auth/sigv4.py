"""Verifies AWS Signature Version 4 from what the bridge reports and a secret access key.

    shape       the canonical request is one, and says what the message's other fields say
    time        signed lately (header form), or not expired (presigned form)
    coverage    host, x-amz-date and every x-amz-* header are signed
    scope       date, region, service, terminator
    payload     a declared hash is the real one: no unsigned payload
    signature   compared in constant time
    session     the token is that of the credentials, which have not expired

The order is AWS's. Pure: the clock and the secret come in as arguments, and neither the secret nor
the signature nor a token is ever part of a message.
Source: AWS Signature Version 4 for API requests; names and texts as AWS services answer them.
"""

from __future__ import annotations

__all__ = ["signing_key", "verify"]

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_to_bytes

from rum.internal.v1.caller_pb2 import SignedRequest
from rum_service.errors import (
    AccessDeniedException,
    ExpiredTokenException,
    IncompleteSignatureException,
    InvalidSignatureException,
    UnrecognizedClientException,
)

_ALGORITHM = "AWS4-HMAC-SHA256"
_TERMINATOR = "aws4_request"
_MAX_EXPIRES_S = 604_800
_AMZ_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SHA256 = re.compile(rb"[0-9a-f]{64}")
# CloudFront adds it to what it forwards, after the client has signed.
_MAY_BE_UNSIGNED = frozenset({"x-amz-cf-id"})
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS"
    " Secret Access Key and signing method. Consult the service documentation for details."
)


def verify(
    signed: SignedRequest,
    secret_access_key: str,
    *,
    now: datetime,
    region: str | None,
    service: str = "rum",
    max_skew_s: int = 300,
    session_token: str | None = None,
    session_expires: datetime | None = None,
) -> None:
    """Returns if `signed` was made with these credentials for now and here. Does not block.

    The caller has looked the credentials up by `signed.access_key_id` and raises
    UnrecognizedClientException itself where there are none.

    Args:
        signed: what the bridge reports.
        secret_access_key: the secret of `signed.access_key_id`; not empty.
        now: the time, aware.
        region: the only region to accept; None accepts any.
        service: the only service to accept.
        max_skew_s: how far apart the clocks may be, in seconds. A presigned request may not be
            older than its X-Amz-Expires, however the clocks differ.
        session_token: the token of the credentials, where they are temporary.
        session_expires: when the credentials expire, aware, where they do.

    Raises:
        IncompleteSignatureException: X-Amz-Date or X-Amz-Expires is not one.
        InvalidSignatureException: wrong signature, time, scope or payload.
        AccessDeniedException: x-amz-* headers are not signed.
        UnrecognizedClientException: the session token is not that of the credentials.
        ExpiredTokenException: the credentials have expired.
    """
    if not secret_access_key:
        raise ValueError("an empty secret access key verifies nothing")
    canonical = _parse(signed)
    _check_time(signed, now.astimezone(UTC), timedelta(seconds=max_skew_s))
    _check_coverage(signed)
    _check_report(signed, canonical)
    _check_scope(signed, region, service)
    _check_payload(canonical)
    _check_signature(signed, secret_access_key)
    _check_session(signed, session_token, session_expires, now)


def signing_key(secret_access_key: str, date: str, region: str, service: str) -> bytes:
    """Derives the key that signs for a day (YYYYMMDD), region and service. 32 bytes."""
    key = f"AWS4{secret_access_key}".encode()
    for part in (date, region, service, _TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@dataclass(frozen=True, repr=False)
class _Canonical:
    """A canonical request, read: header lines, X-Amz- query parameters (decoded), last line."""

    headers: Mapping[bytes, bytes]
    query: Mapping[bytes, bytes]
    payload: bytes


def _parse(signed: SignedRequest) -> _Canonical:
    names = [name.encode() for name in signed.signed_headers]
    lines = signed.canonical_request.split(b"\n")
    headers = [line.partition(b":")[::2] for line in lines[3:-3]]
    if (
        len(lines) != 6 + len(names)
        or [name for name, _ in headers] != names
        or lines[-3] != b""
        or lines[-2] != b";".join(names)
    ):
        raise InvalidSignatureException(_MISMATCH)
    pairs = (pair.partition(b"=") for pair in lines[2].split(b"&") if pair.startswith(b"X-Amz-"))
    query = {name: unquote_to_bytes(value) for name, _, value in pairs}
    return _Canonical(dict(headers), query, lines[-1])


def _check_time(signed: SignedRequest, now: datetime, skew: timedelta) -> None:
    signed_at = _instant(signed.amz_date)
    lifetime = skew
    if signed.HasField("expires_seconds"):
        if not 1 <= signed.expires_seconds <= _MAX_EXPIRES_S:
            raise IncompleteSignatureException(
                f"X-Amz-Expires must be between 1 and {_MAX_EXPIRES_S} seconds."
            )
        lifetime = timedelta(seconds=signed.expires_seconds)
    if signed_at < now - lifetime:
        raise InvalidSignatureException(
            f"Signature expired: {signed.amz_date} is now earlier than {_basic(now - lifetime)}"
            f" ({_basic(now)} - {lifetime.total_seconds() / 60:g} min.)"
        )
    if signed_at > now + skew:
        raise InvalidSignatureException(
            f"Signature not yet current: {signed.amz_date} is still later than {_basic(now + skew)}"
            f" ({_basic(now)} + {skew.total_seconds() / 60:g} min.)"
        )


def _instant(amz_date: str) -> datetime:
    try:
        if _AMZ_DATE.fullmatch(amz_date):
            return datetime.fromisoformat(amz_date)
    except ValueError:  # the thirtieth of February
        pass
    raise IncompleteSignatureException("X-Amz-Date must be in ISO-8601 'basic format'.")


def _basic(instant: datetime) -> str:
    return instant.strftime("%Y%m%dT%H%M%SZ")


def _check_coverage(signed: SignedRequest) -> None:
    if "host" not in signed.signed_headers:
        raise InvalidSignatureException(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        )
    if not signed.HasField("expires_seconds") and "x-amz-date" not in signed.signed_headers:
        raise InvalidSignatureException(
            "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization."
        )
    if unsigned := [name for name in signed.unsigned_headers if name not in _MAY_BE_UNSIGNED]:
        raise AccessDeniedException(
            f"There were headers present in the request which were not signed: {unsigned[0]}"
        )


def _check_report(signed: SignedRequest, canonical: _Canonical) -> None:
    """The fields that the signature does not cover by themselves are those that it does cover."""
    token = signed.session_token.encode()
    if signed.HasField("expires_seconds"):
        said = canonical.query
        credential = f"{signed.access_key_id}/{_scope(signed)}"
        same = (
            said.get(b"X-Amz-Algorithm") == _ALGORITHM.encode()
            and said.get(b"X-Amz-Credential") == credential.encode()
            and said.get(b"X-Amz-Date") == signed.amz_date.encode()
            and said.get(b"X-Amz-Expires") == str(signed.expires_seconds).encode()
            and said.get(b"X-Amz-SignedHeaders") == ";".join(signed.signed_headers).encode()
            and said.get(b"X-Amz-Security-Token", b"") == token
        )
    else:
        said = canonical.headers
        same = (
            said.get(b"x-amz-date") == signed.amz_date.encode()
            and said.get(b"x-amz-security-token", b"") == token
        )
    if not same:
        raise InvalidSignatureException(_MISMATCH)


def _check_scope(signed: SignedRequest, region: str | None, service: str) -> None:
    wrong = []
    if region is not None and signed.region != region:
        wrong.append("Credential should be scoped to a valid region.")
    if signed.service != service:
        wrong.append(f"Credential should be scoped to correct service: '{service}'.")
    if signed.terminator != _TERMINATOR:
        wrong.append(f"Credential should be scoped with a valid terminator: '{_TERMINATOR}'.")
    if signed.date != signed.amz_date[:8]:
        wrong.append("Date in Credential scope does not match YYYYMMDD of the date from HTTP.")
    if wrong:
        raise InvalidSignatureException(" ".join(wrong))


def _check_payload(canonical: _Canonical) -> None:
    real = canonical.payload
    declared = (
        canonical.headers.get(b"x-amz-content-sha256", real),
        canonical.query.get(b"X-Amz-Content-Sha256", real),
    )
    if not _SHA256.fullmatch(real) or declared != (real, real):
        # Of AWS's services only S3 takes UNSIGNED-PAYLOAD and the STREAMING- forms.
        raise InvalidSignatureException(
            "The provided 'x-amz-content-sha256' header does not match what was computed."
        )


def _check_signature(signed: SignedRequest, secret_access_key: str) -> None:
    hashed = hashlib.sha256(signed.canonical_request).hexdigest()
    to_sign = "\n".join((_ALGORITHM, signed.amz_date, _scope(signed), hashed))
    key = signing_key(secret_access_key, signed.date, signed.region, signed.service)
    expected = hmac.digest(key, to_sign.encode(), "sha256").hex()
    if not hmac.compare_digest(expected.encode(), signed.signature.encode()):
        raise InvalidSignatureException(_MISMATCH)


def _check_session(
    signed: SignedRequest, token: str | None, expires: datetime | None, now: datetime
) -> None:
    if not hmac.compare_digest((token or "").encode(), signed.session_token.encode()):
        raise UnrecognizedClientException
    if expires is not None and now >= expires:
        raise ExpiredTokenException


def _scope(signed: SignedRequest) -> str:
    return f"{signed.date}/{signed.region}/{signed.service}/{signed.terminator}"
