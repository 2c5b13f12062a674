"""Whether a page may send events to an app monitor: a comparison with its domains. Pure.

Undocumented: AWS does not compare them (docs/reference/wire.md), so the check is off by default.
"""

from __future__ import annotations

__all__ = ["is_allowed_page"]

from collections.abc import Collection
from urllib.parse import urlsplit


def is_allowed_page(origin: str | None, referer: str | None, domains: Collection[str]) -> bool:
    """Return whether a request's page is in one of its app monitor's domains.

    Requests without a page, such as those of SDKs, are allowed: a browser always sends the page.
    Sandboxed frames and files have the origin `null`, which matches no domain.
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
    """Return whether a host matches a domain.

    `*.example.com` matches every subdomain, `example.*` every top-level domain.
    """
    host, domain = host.lower().rstrip("."), domain.lower()
    if domain.startswith("*."):
        return host.endswith(domain[1:]) and host != domain[1:]
    if domain.endswith(".*"):
        name, _, suffix = host.rpartition(".")
        return bool(suffix) and name == domain[:-2]
    return host == domain
