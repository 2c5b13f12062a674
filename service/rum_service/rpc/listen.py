"""The addresses that the service listens on: gRPC with or without TLS, and a Unix socket."""

from __future__ import annotations

__all__ = ["StartError", "listen"]

import socket

import grpc.aio

from rum_service.rpc.tls import TlsError, server_credentials
from rum_service.settings import ServiceSettings


class StartError(Exception):
    """The service cannot start; the text names the setting and the reason, in one line."""


def listen(server: grpc.aio.Server, settings: ServiceSettings) -> str:
    """Binds the addresses of the settings and returns host:port of the first, the port as bound.

    Raises:
        StartError: an address is taken or cannot be had, or a certificate cannot be read.
    """
    host, _, port = settings.grpc.rpartition(":")
    _check_free(host.strip("[]"), int(port))
    if settings.grpc_certificate_file and settings.grpc_key_file:
        try:
            tls = server_credentials(
                settings.grpc_certificate_file, settings.grpc_key_file, settings.client_ca_file
            )
        except TlsError as error:
            raise StartError(str(error)) from error
        bound = server.add_secure_port(settings.grpc, tls)
    else:
        bound = server.add_insecure_port(settings.grpc)
    if settings.socket:
        try:
            server.add_insecure_port(f"unix:{settings.socket}")
        except RuntimeError:
            raise StartError(
                f"OPENRUM_SOCKET: cannot listen on {settings.socket}: its folder must exist and be"
                " writable, and the path have fewer than 108 bytes"
            ) from None
    return f"{host}:{bound}"


def _check_free(host: str, port: int) -> None:
    """Asks the system first: gRPC's own failure is ten lines long and names no setting."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(address[0]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address[4])
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StartError(f"OPENRUM_GRPC: cannot listen on {host}:{port}: {reason}") from error
