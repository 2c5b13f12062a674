"""Ranges of IPv4 and IPv6 addresses in conditions.

Source: IAM User Guide, "IP address condition operators".
"""

from __future__ import annotations

__all__ = ["Address", "address_of", "compile_ranges"]

import re
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network
_CIDR = re.compile(r"[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?")


def address_of(text: str | None) -> Address | None:
    """Return the address that a text is, or None if it is not an address."""
    try:
        return ip_address(text) if text else None
    except ValueError:
        return None


def compile_ranges(texts: Iterable[str]) -> Callable[[Address], bool]:
    """Return a function that returns whether an address is in one of the ranges.

    A range is an address or a CIDR range. Bits after the prefix are ignored, as by IAM. An
    IPv4-mapped IPv6 address, which a dual-stack listener reports, counts as the IPv4 address.

    Raises:
        ValueError: a text is neither an address nor a CIDR range.
    """
    masks: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
    for network in map(_network, texts):
        masks[network.version].append((int(network.netmask), int(network.network_address)))

    def contains(address: Address) -> bool:
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        number = int(address)
        return any(number & mask == start for mask, start in masks[address.version])

    return contains


def _network(text: str) -> _Network:
    # Undocumented: the prefix length for an IPv6 address without one. IAM's text says /32 for any
    # address, which in IPv6 is a whole provider. We chose /128, the address alone.
    if not _CIDR.fullmatch(text):
        raise ValueError("neither an address nor a CIDR range")
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((int(mapped), network.prefixlen - 96))
    return network
