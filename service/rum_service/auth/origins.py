"""Whether a page may send events to an app monitor, by the domains the app monitor names. Pure.

Undocumented: AWS compares nothing (docs/wire.md), so this is off unless asked for.
"""

from __future__ import annotations

__all__ = ["is_allowed_page"]

from collections.abc import Collection
from urllib.parse import urlsplit


def is_allowed_page(origin: str | None, referer: str | None, domains: Collection[str]) -> bool:
    """Return whether the page of a request is in one of the domains of its app monitor.

    A request that names no page passes, as those of SDKs: a browser always names one. The origin
    `null`, of sandboxed frames and files, is not a domain.
    """
    page = origin or referer
    if page is None:
        return True
    try:
        host = urlsplit(page).hostname
    except ValueError:
        host = None
    return host is not None and any(_matches(host, domain) for domain in domains)


def _matches(host: str, domain: str) -> bool:
    """`*.example.com` is every name under it; `example.*` every top-level domain."""
    host, domain = host.lower().rstrip("."), domain.lower()
    if domain.startswith("*."):
        return host.endswith(domain[1:]) and host != domain[1:]
    if domain.endswith(".*"):
        name, _, suffix = host.rpartition(".")
        return bool(suffix) and name == domain[:-2]
    return host == domain
