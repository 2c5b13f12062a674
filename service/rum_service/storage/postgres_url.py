"""PostgreSQL's URLs may name several hosts, as in postgresql://user@one:5432,two:5433/database."""

from __future__ import annotations

__all__ = ["with_single_host"]

import re

_SEVERAL_HOSTS = re.compile(
    r"(?P<scheme>postgresql(?:\+psycopg)?://(?:[^@/?#]*@)?)"
    r"(?P<hosts>[^@/?#]*,[^@/?#]*)(?P<path>/?[^?#]*)(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_HOST = re.compile(r"(?:\[(?P<address>[^\]]*)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[0-9]*))?")
_PORT = "5432"


def with_single_host(url: str) -> str:
    """Move several hosts into the query, where SQLAlchemy accepts them. Keep every other URL."""
    found = _SEVERAL_HOSTS.fullmatch(url)
    if not found:
        return url
    hosts = [_HOST.fullmatch(host) for host in found["hosts"].split(",")]
    if not all(hosts):
        return url  # SQLAlchemy rejects it
    names = ",".join(host["address"] or host["name"] or "" for host in hosts if host)
    ports = ",".join(host["port"] or _PORT for host in hosts if host)
    query = f"host={names}&port={ports}" + (f"&{found['query']}" if found["query"] else "")
    return f"{found['scheme']}{found['path']}?{query}"
