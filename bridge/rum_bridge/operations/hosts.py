"""The Host headers that the control plane accepts where callers are not authorized.

A site can make its own name resolve to this server (DNS rebinding). The browser then lets the
site's page read the responses, because they seem to come from that site. The Host header still has
the name of the site.
"""

from __future__ import annotations

__all__ = ["AllowedHosts"]

import ipaddress
import re
from urllib.parse import urlsplit

from rum_bridge.errors import HttpError
from rum_bridge.settings import BridgeSettings

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]*)?")


class AllowedHosts:
    """The hosts of one bridge: IP addresses, localhost, and the names in its settings."""

    def __init__(self, settings: BridgeSettings) -> None:
        public = urlsplit(settings.public_url).hostname
        self._names = {"localhost", *map(str.lower, settings.allowed_hosts), public}
        # An attacker's page has no credentials: the browser does not send those of another site.
        self._every = settings.authorization_required

    def check(self, host: str) -> None:
        """Return if a request with this Host header is accepted. Raises HttpError."""
        if not self._every and not self._is_allowed(host):
            raise HttpError(
                403,
                "AccessDeniedException",
                "The Host header must have an IP address, localhost or a name in"
                " OPENRUM_ALLOWED_HOSTS, because callers are not authorized.",
            )

    def _is_allowed(self, host: str) -> bool:
        parts = _HOST.fullmatch(host)
        if parts is None:
            return False
        name = (parts[1] or parts[2]).lower()
        return name in self._names or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
