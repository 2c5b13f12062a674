"""The addresses of clients, as limits count them."""

from __future__ import annotations

__all__ = ["IpAddress", "ip_of", "network_of"]

import ipaddress
from typing import TypeAlias

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def ip_of(address: str) -> IpAddress | None:
    """Return an address as text as an IP address, or None: a Unix socket has no address."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return mapped or ip


def network_of(ip: IpAddress) -> str:
    """Return what is counted as one client: an IPv4 address or an IPv6 /64 network."""
    # A host with IPv6 usually has a network of 2**64 addresses.
    return str(ip if ip.version == 4 else ipaddress.ip_network((ip, 64), strict=False))
