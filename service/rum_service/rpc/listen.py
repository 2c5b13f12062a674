"""Bind the addresses that the service listens on: gRPC with or without TLS, and a Unix socket."""

from __future__ import annotations

__all__ = ["listen"]

import os
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
    address.bind("OPENRUM_GRPC", rolling=settings.rolling).close()
    if pair := settings.grpc_pair:
        bound = server.add_secure_port(str(address), server_credentials(*pair, settings.client_ca))
    else:
        bound = server.add_insecure_port(str(address))
    if settings.socket:
        _listen_on_socket(server, settings.socket, rolling=settings.rolling)
    return str(replace(address, port=bound))


def _listen_on_socket(server: grpc.aio.Server, path: str, *, rolling: bool) -> None:
    if not rolling:
        _check_unused(path)
    # A rolling process replaces the socket of another one. gRPC deletes the path that it bound when
    # it stops, which must not be the path of the next process.
    bound = f"{path}.{os.getpid()}" if rolling else path
    try:
        server.add_insecure_port(f"unix:{bound}")
    except RuntimeError:
        raise StartError(
            f"OPENRUM_SOCKET: cannot listen on {bound}: its folder must exist and be"
            " writable, and the path must be shorter than 108 bytes"
        ) from None
    # For a bridge in the group of the service, as its token: the umask would close both.
    Path(bound).chmod(0o660)
    if rolling:
        Path(bound).rename(path)


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
