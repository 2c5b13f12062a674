"""A gRPC call's context, and the caller's credentials and origin in it."""

from __future__ import annotations

__all__ = ["MAX_REQUEST_ID", "SILENT_CALL", "Behavior", "Context", "call_of"]

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias
from urllib.parse import unquote

import grpc.aio
from google.protobuf.message import DecodeError

from rum.internal.v1.caller_pb2 import HttpCaller
from rum_endpoint.metadata import AUTHORIZATION_KEY, CALLER_KEY
from rum_service.auth.callers import Call
from rum_service.errors import ValidationException

# Quoted: the class is generic in its stub only.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Behavior = Callable[[Any, Context], Awaitable[Any]]
"""Takes a request and the context of its call, and returns the response."""

MAX_REQUEST_ID = 64
"""Characters of a request ID. The rest of a longer one is ignored."""
SILENT_CALL = Call()
"""A call whose metadata says nothing about its caller."""


def call_of(context: Context) -> Call:
    """Return the credentials and the origin that a call carries. Raises ValidationException."""
    metadata = _without_duplicates(context.invocation_metadata() or ())
    scheme, _, token = str(metadata.get(AUTHORIZATION_KEY, "")).partition(" ")
    kind, _, peer = unquote(context.peer()).partition(":")
    relayed = metadata.get(CALLER_KEY)
    names = [*context.auth_context().get("x509_common_name", ())]
    return Call(
        bearer_token=token.strip() if scheme.lower() == "bearer" else None,
        certificate_name=names[0].decode() if names else None,
        peer_ip=peer.rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else None,
        relayed=_relayed(relayed) if isinstance(relayed, bytes) else None,
    )


def _without_duplicates(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Reject duplicates: a proxy might trust a different copy than we do."""
    metadata: dict[str, Any] = {}
    for key, value in pairs:
        if key in metadata and key in (AUTHORIZATION_KEY, CALLER_KEY):
            raise ValidationException(f"{key} must appear at most once.")
        metadata[key] = value
    return metadata


def _relayed(message: bytes) -> HttpCaller:
    try:
        return HttpCaller.FromString(message)
    except DecodeError:
        raise ValidationException(f"{CALLER_KEY} is not an HttpCaller.") from None
