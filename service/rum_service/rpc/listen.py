"""Bind the addresses that the service listens on: gRPC with or without TLS, and a Unix socket."""

from __future__ import annotations

__all__ = ["listen"]

import socket
from dataclasses import replace
from pathlib import Path

import grpc.aio

from rum_endpoint.start_error import StartError
from rum_service.rpc.tls import server_credentials
from rum_service.settings import ServiceSettings


def listen(server: grpc.aio.Server, settings: ServiceSettings) -> str:
    """Bind the addresses in the settings and return host:port of OPENRUM_GRPC, as bound.

    Raises:
        StartError: an address cannot be bound, or a certificate cannot be read.
    """
    address = settings.grpc_address
    # gRPC's own error is ten lines long and names no setting.
    address.bind("OPENRUM_GRPC").close()
    if pair := settings.grpc_pair:
        bound = server.add_secure_port(str(address), server_credentials(*pair, settings.client_ca))
    else:
        bound = server.add_insecure_port(str(address))
    if settings.socket:
        _check_unused(settings.socket)
        try:
            server.add_insecure_port(f"unix:{settings.socket}")
        except RuntimeError:
            raise StartError(
                f"OPENRUM_SOCKET: cannot listen on {settings.socket}: its folder must exist and be"
                " writable, and the path must be shorter than 108 bytes"
            ) from None
        # For a bridge in the group of the service, as its token: the umask would close both.
        Path(settings.socket).chmod(0o660)
    return str(replace(address, port=bound))


def _check_unused(path: str) -> None:
    # gRPC replaces an existing socket: the callers of the other process would call this one.
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except BlockingIOError:  # its queue of connections is full
            pass
        except OSError:
            return
    raise StartError(f"OPENRUM_SOCKET: cannot listen on {path}: another process listens on it")
