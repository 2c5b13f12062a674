"""The addresses at which clients reach the servers, which can differ from where they listen."""

from __future__ import annotations

__all__ = ["client_address", "client_url"]

import ipaddress
import socket

from rum_bridge.settings import BridgeSettings
from rum_endpoint.address import Address


def client_url(settings: BridgeSettings, listening: str) -> str:
    """Return the URL of the bridge for clients: OPENRUM_PUBLIC_URL, or where it listens.

    Args:
        listening: host:port that the bridge listens on.
    """
    scheme = "https" if settings.http_certificate_file else "http"
    return settings.public_url or f"{scheme}://{client_address(listening)}"


def client_address(listening: str) -> Address:
    """Return the address for clients, with the host name if it listens on all interfaces."""
    address = Address.parse(listening)
    try:
        if ipaddress.ip_address(address.host).is_unspecified:
            return Address(socket.gethostname(), address.port)
    except ValueError:
        pass  # a host name
    return address
