"""Report HTTP callers to the service, which authenticates and authorizes them.

The bridge has no secrets and cannot verify a signature. The source address is that of the
connection, or the one in X-Forwarded-For if a trusted proxy sent it (uvicorn checks this).
"""

from __future__ import annotations

__all__ = ["CallerReport"]

import hashlib

from starlette.requests import Request

from rum.internal.v1.caller_pb2 import HttpCaller, SignatureFault
from rum_bridge.signing.sigv4 import SignatureError, carries_signature, signed_request
from rum_endpoint.metadata import TOKEN_PREFIX

# Policy conditions need no more of these headers.
_MAX_HEADER_CHARS = 2048


class CallerReport:
    """Creates the reports of one bridge."""

    def __init__(self, *, authorization_required: bool) -> None:
        self._authorization_required = authorization_required

    def __call__(self, request: Request, raw_body: bytes) -> HttpCaller:
        """Return the report for a request. `raw_body` is the body as received."""
        headers = request.headers
        caller = HttpCaller(
            source_ip=request.client.host if request.client else None,
            origin=_short(headers.get("origin")),
            referer=_short(headers.get("referer")),
            user_agent=_short(headers.get("user-agent")),
            authorization_required=self._authorization_required,
        )
        query = request.scope["query_string"]
        if carries_signature(query, headers.raw):
            caller.MergeFrom(_signed(request, query, raw_body))
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.startswith(TOKEN_PREFIX):
            caller.bearer_token = token[:_MAX_HEADER_CHARS]
        return caller


def _signed(request: Request, query: bytes, raw_body: bytes) -> HttpCaller:
    digest = hashlib.sha256(raw_body).hexdigest()
    path, headers = request.scope["raw_path"], request.headers.raw
    try:
        signed = signed_request(request.method, path, query, headers, digest)
    except SignatureError as error:
        fault = SignatureFault(exception=error.name, message=error.message)
        return HttpCaller(signature_fault=fault)
    return HttpCaller(signed_request=signed)


def _short(value: str | None) -> str | None:
    return value[:_MAX_HEADER_CHARS] if value else None
