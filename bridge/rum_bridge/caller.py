"""What the service is told of who calls over HTTP. The bridge reports; it knows no secret.

Where a request comes from is the connection's other end, or what trusted proxies say (uvicorn takes
X-Forwarded-For from those alone).
"""

from __future__ import annotations

__all__ = ["TOKEN_PREFIX", "CallerReport"]

import hashlib

from starlette.requests import Request

from rum.internal.v1.caller_pb2 import HttpCaller, SignatureFault
from rum_bridge.signing.sigv4 import SignatureError, carries_signature, signed_request

# Other bearers are not ours: aws-rum-web sends whatever headers its page tells it to.
TOKEN_PREFIX = "openrum_"  # noqa: S105 - a prefix, not a secret
# Longer ones say nothing that a policy could ask for.
_MAX_HEADER = 2048


class CallerReport:
    """Makes the report of a request."""

    def __init__(self, *, authorization_required: bool) -> None:
        self._authorization_required = authorization_required

    def __call__(self, request: Request, raw_body: bytes) -> HttpCaller:
        """Returns the report."""
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
            caller.bearer_token = token[:_MAX_HEADER]
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
    return value[:_MAX_HEADER] if value else None
