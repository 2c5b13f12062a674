"""Databases of countries in MaxMind's format. The library that writes them is not under test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPNetwork, IPSet

__all__ = ["country", "write_countries"]


def country(code: str) -> dict[str, object]:
    """Return a record as GeoLite2-Country and DB-IP write it."""
    return {"continent": {"code": "EU"}, "country": {"iso_code": code, "names": {"en": code}}}


def write_countries(
    path: Path, networks: Mapping[str, Mapping[str, object]], *, ip_version: int = 6
) -> Path:
    """Write the records of networks to a new file, and return its path."""
    writer = MMDBWriter(ip_version, database_type="Test-Country", ipv4_compatible=ip_version == 6)
    for network, record in networks.items():
        writer.insert_network(IPSet([IPNetwork(network)]), record)
    new = path.with_suffix(".new")
    writer.to_db_file(str(new))
    new.replace(path)
    return path
