"""Callers: as a call describes them, and as authenticated. Pure."""

from __future__ import annotations

__all__ = [
    "ADMIN",
    "ANONYMOUS",
    "READ",
    "TRUSTED",
    "UNVERIFIED",
    "WRITE",
    "Call",
    "Caller",
    "Principal",
]

from dataclasses import dataclass
from typing import NamedTuple

from rum.internal.v1.caller_pb2 import HttpCaller

READ = "read"
WRITE = "write"
ADMIN = "admin"


class Call(NamedTuple):
    """The credentials and the origin that a gRPC call carries. Only the certificate is verified.

    Calls and callers are tuples, because those are created four times as fast as a frozen
    dataclass.
    """

    bearer_token: str | None = None
    """From `authorization: Bearer`, or None."""
    certificate_name: str | None = None
    """The common name of a client certificate that the client CA signed, or None."""
    peer_ip: str | None = None
    """The address of the other end of the connection; None on a Unix socket."""
    relayed: HttpCaller | None = None
    """What a bridge reports about the HTTP request that it relays, or None."""

    def relaying(self, caller: HttpCaller) -> Call:
        """Return the same call for one request that its bridge relays."""
        return Call(self.bearer_token, self.certificate_name, self.peer_ip, caller)


@dataclass(frozen=True, slots=True)
class Principal:
    """An identity and its access."""

    arn: str | None
    """The identity as policies name it; None is anonymous."""
    access: frozenset[str] = frozenset()
    app_monitor: int | None = None
    """Key of the only app monitor that the access covers; None covers all."""

    def may(self, access: str, app_monitor: int | None) -> bool:
        """Return whether this access to this app monitor (None: to all of them) is granted."""
        if ADMIN in self.access:
            return True
        return access in self.access and self.app_monitor in (None, app_monitor)


ANONYMOUS = Principal(arn=None)
UNVERIFIED = Principal(arn=None)
"""A caller that signs with a temporary key of AWS. It may do what an anonymous caller may do."""
TRUSTED = Principal(arn=None, access=frozenset({ADMIN}))
"""Every caller of a service whose authorization is off."""


class Caller(NamedTuple):
    """A principal, and where the request came from, as far as that can be trusted."""

    principal: Principal
    peer_ip: str | None = None
    """The address of a caller that uses no bridge."""
    http: HttpCaller | None = None
    """What a bridge reports. Read only where a rule needs it: most puts need nothing of it."""

    @property
    def source_ip(self) -> str | None:
        """The address of the caller."""
        return self.peer_ip if self.http is None else self.http.source_ip or None

    @property
    def origin(self) -> str | None:
        """The Origin header."""
        return self.http.origin or None if self.http else None

    @property
    def referer(self) -> str | None:
        """The Referer header."""
        return self.http.referer or None if self.http else None

    @property
    def user_agent(self) -> str | None:
        """The User-Agent header."""
        return self.http.user_agent or None if self.http else None
