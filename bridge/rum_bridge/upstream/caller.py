"""Report HTTP callers to the service, which authenticates and authorizes them.

The bridge has no secrets and cannot verify a signature. The source address is that of the
connection, or the one in X-Forwarded-For if a trusted proxy sent it (uvicorn checks this).
"""

from __future__ import annotations

__all__ = ["CallerReport"]

import hashlib

from starlette.types import Scope

from rum.internal.v1.caller_pb2 import HttpCaller, SignatureFault
from rum_bridge.headers import Headers
from rum_bridge.signing.sigv4 import SignatureError, carries_signature, signed_request
from rum_endpoint.metadata import TOKEN_PREFIX

# Policy conditions need no more of these headers.
_MAX_HEADER_CHARS = 2048


class CallerReport:
    """Creates the reports of one bridge."""

    def __init__(self, *, authorization_required: bool) -> None:
        self._authorization_required = authorization_required

    def __call__(self, scope: Scope, headers: Headers, raw_body: bytes) -> HttpCaller:
        """Return the report for a request.

        Args:
            headers: the first values of the headers in `scope`.
            raw_body: the body as received.
        """
        client = scope["client"]
        caller = HttpCaller(
            source_ip=client[0] if client else None,
            origin=_short(headers.get(b"origin")),
            referer=_short(headers.get(b"referer")),
            user_agent=_short(headers.get(b"user-agent")),
            authorization_required=self._authorization_required,
        )
        authorization = headers.get(b"authorization")
        # Browsers' puts have neither, unless they are signed.
        if authorization is not None or scope["query_string"]:
            _add_credentials(caller, scope, authorization or b"", raw_body)
        return caller


def _add_credentials(
    caller: HttpCaller, scope: Scope, authorization: bytes, raw_body: bytes
) -> None:
    if authorization.startswith(b"AWS4-"):  # as of SDKs
        _add_signature(caller, scope, raw_body)
        return
    # All headers: a repeated Authorization header counts as a signature, too.
    if carries_signature(scope["query_string"], scope["headers"]):
        _add_signature(caller, scope, raw_body)
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() == "bearer" and token.startswith(TOKEN_PREFIX):
        caller.bearer_token = token[:_MAX_HEADER_CHARS]


def _add_signature(caller: HttpCaller, scope: Scope, raw_body: bytes) -> None:
    digest = hashlib.sha256(raw_body).hexdigest()
    path, query, headers = scope["raw_path"], scope["query_string"], scope["headers"]
    try:
        signed_request(scope["method"], path, query, headers, digest, into=caller.signed_request)
    except SignatureError as error:
        fault = SignatureFault(exception=error.name, message=error.message)
        caller.signature_fault.CopyFrom(fault)


def _short(value: bytes | None) -> str | None:
    return value[:_MAX_HEADER_CHARS].decode("latin-1") if value else None
