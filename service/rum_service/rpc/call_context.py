"""A gRPC call's context, and the caller's credentials and origin in it."""

from __future__ import annotations

__all__ = ["MAX_REQUEST_ID", "SILENT_CALL", "Behavior", "Context", "call_of", "counted_address"]

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias
from urllib.parse import unquote

import grpc.aio
from google.protobuf.message import DecodeError

from rum.internal.v1.caller_pb2 import HttpCaller
from rum_endpoint.addresses import ip_of, network_of
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
    relayed = metadata.get(CALLER_KEY)
    names = [*context.auth_context().get("x509_common_name", ())]
    return Call(
        bearer_token=token.strip() if scheme.lower() == "bearer" else None,
        certificate_name=names[0].decode() if names else None,
        peer_ip=_ip(context.peer()),
        relayed=_relayed(relayed) if isinstance(relayed, bytes) else None,
    )


def counted_address(peer: str) -> str:
    """Return what limits count as one address: an IPv4 address or an IPv6 /64 network.

    Args:
        peer: as `Context.peer` returns it.
    """
    ip = ip_of(_ip(peer) or "")
    return network_of(ip) if ip else peer or "?"


def _ip(peer: str) -> str | None:
    """Return the address in `ipv4:192.0.2.1:50000` or `ipv6:%5B2001:db8::1%5D:50000`."""
    kind, _, rest = unquote(peer).partition(":")
    return rest.rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else None


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
