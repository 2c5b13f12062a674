"""Signed HTTP requests from captures and from botocore, and their verification."""

from __future__ import annotations

__all__ = [
    "ACCESS_KEY_ID",
    "REGION",
    "SECRET",
    "Request",
    "captured",
    "check_signature",
    "outcome_name",
    "sign",
]

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from rum_bridge.signing.sigv4 import SignatureError, carries_signature, signed_request
from rum_service.auth.sigv4 import verify
from rum_service.errors import RumError
from tests.support.traffic import CapturedRequest

ACCESS_KEY_ID = "AKIDEXAMPLE00000TEST"
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"
REGION = "us-west-2"


@dataclass(frozen=True)
class Request:
    """A request as a server receives it, and the time on its clock."""

    method: str
    path: bytes
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    now: datetime

    def header(self, name: bytes) -> bytes:
        return dict(self.headers)[name]

    def with_header(self, name: bytes, change: Callable[[bytes], bytes]) -> Request:
        headers = [(n, change(v) if n == name else v) for n, v in self.headers]
        return replace(self, headers=tuple(headers))

    def without_header(self, name: bytes) -> Request:
        return replace(self, headers=tuple(h for h in self.headers if h[0] != name))

    def plus_header(self, name: bytes, value: bytes) -> Request:
        return replace(self, headers=(*self.headers, (name, value)))


def captured(request: CapturedRequest) -> Request:
    return Request(
        method=request.method,
        path=request.raw_path,
        query=request.raw_query,
        headers=request.asgi_headers,
        body=request.body,
        now=request.received_at,
    )


def check_signature(
    request: Request, *, secret: str = SECRET, **credentials: Any
) -> Exception | str:
    """Return "accepted", "unsigned", or the exception that the request is rejected with."""
    digest = hashlib.sha256(request.body).hexdigest()
    head = (request.query, request.headers)
    try:
        signed = signed_request(request.method, request.path, *head, digest)
        assert carries_signature(*head) == (signed is not None)
        if signed is None:
            return "unsigned"
        verify(signed, secret, **{"now": request.now, "region": REGION, **credentials})
    except (SignatureError, RumError) as rejection:
        return rejection
    return "accepted"


def outcome_name(outcome: Exception | str) -> str:
    """Return the name of the exception on the wire, or the outcome."""
    if isinstance(outcome, SignatureError):
        return outcome.name
    return outcome if isinstance(outcome, str) else type(outcome).__name__


def sign(
    method: str = "POST",
    target: str = "/appmonitors/7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e11/",
    headers: Sequence[tuple[str, str]] = (("Content-Type", "application/json"),),
    body: bytes = b'{"RumEvents":[]}',
    *,
    at: datetime = datetime(2026, 11, 22, 0, 35, 24, tzinfo=UTC),
    presigned_s: int | None = None,
    token: str | None = None,
    region: str = REGION,
    service: str = "rum",
    leave_out: str = "",
    payload: str | None = None,
) -> Request:
    """Return a request signed by botocore.

    Args:
        target: Path and query as on the wire.
        leave_out: A header that botocore does not sign.
        payload: Replaces the hash of the body in the canonical request.
    """
    url = f"http://127.0.0.1:9105{target}"
    request = AWSRequest(method=method, url=url, data=None if presigned_s else body)
    for name, value in headers:
        request.headers[name] = value
    with patch.object(botocore.auth, "get_current_datetime", lambda: at):
        _signer(
            Credentials(ACCESS_KEY_ID, SECRET, token),
            service,
            region,
            presigned_s,
            leave_out=leave_out,
            payload=payload or hashlib.sha256(body).hexdigest(),
        ).add_auth(request)
    path, _, query = request.url.removeprefix("http://127.0.0.1:9105").partition("?")
    sent = [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
    return Request(
        method=method,
        path=path.encode(),
        query=query.encode(),
        headers=((b"host", b"127.0.0.1:9105"), *sent),
        body=body,
        now=at,
    )


def _signer(
    credentials: Credentials,
    service: str,
    region: str,
    presigned_s: int | None,
    *,
    leave_out: str,
    payload: str,
) -> botocore.auth.SigV4Auth:
    base = botocore.auth.SigV4QueryAuth if presigned_s else botocore.auth.SigV4Auth

    class Signer(base):  # type: ignore[misc, valid-type]
        """A signer of botocore that leaves out a header and signs another payload."""

        def headers_to_sign(self, request: AWSRequest) -> Any:
            signed = super().headers_to_sign(request)
            del signed[leave_out]
            return signed

        def payload(self, _request: AWSRequest) -> str:
            return payload

    expiry = {"expires": presigned_s} if presigned_s else {}
    return Signer(credentials, service, region, **expiry)
