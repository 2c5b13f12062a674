"""Who calls: what a call brings along, and who that turns out to be. Pure."""

from __future__ import annotations

__all__ = ["ADMIN", "ANONYMOUS", "READ", "WRITE", "Call", "Caller", "Operation", "Principal"]

from dataclasses import dataclass, replace

from rum.internal.v1.caller_pb2 import HttpCaller

READ = "read"
WRITE = "write"
ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Call:
    """What a gRPC call brings along. Nothing in it is verified but the certificate."""

    bearer_token: str | None = None
    """From `authorization: Bearer`, or None."""
    certificate_name: str | None = None
    """The common name of a client certificate that the client CA signed, or None."""
    peer_ip: str | None = None
    """The other end of the connection; None on a Unix socket."""
    relayed: HttpCaller | None = None
    """What a bridge reports of the HTTP request that it relays, or None."""

    def relaying(self, caller: HttpCaller) -> Call:
        """Returns the same call, for one request that its bridge relays."""
        return replace(self, relayed=caller)


@dataclass(frozen=True, slots=True)
class Operation:
    """What a call asks for."""

    action: str
    """The operation, as `GetAppMonitor`."""
    http_method: str
    """Of its REST form; empty where it has none, and then no signature is good for it."""
    path: str
    """Of its REST form, decoded, without prefix or trailing slash; empty where it has none."""
    app_monitor_name: str | None = None
    """The app monitor it is about; None: all, or none."""
    shows: bool = False
    """Whether it only shows app monitors or their events, so that the access `read` will do."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a caller is, and what they may do."""

    arn: str | None
    """As policies name them; None: anonymous."""
    access: frozenset[str] = frozenset()
    app_monitor: int | None = None
    """Key of the only app monitor that the access is for; None: all."""

    def may(self, access: str, app_monitor: int | None) -> bool:
        """Says whether this access to this app monitor (None: to all of them) is granted."""
        if ADMIN in self.access:
            return True
        return access in self.access and self.app_monitor in (None, app_monitor)


ANONYMOUS = Principal(arn=None)


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal, and where the request came from, as far as it is believed."""

    principal: Principal
    source_ip: str | None = None
    origin: str | None = None
    referer: str | None = None
    user_agent: str | None = None
