"""Browser and system from a User-Agent, for clients that send no client hints. Pure.

aws-rum-web 3 in Firefox and Safari sends only `aws:userAgent`.
"""

from __future__ import annotations

__all__ = ["UserAgent", "parse_user_agent"]

from functools import lru_cache
from typing import NamedTuple

# Parsing costs 15 us, and most visitors share a few hundred User-Agents.
_CACHED = 4096
_MAX_INPUT = 512


class UserAgent(NamedTuple):
    """Browser, system and device. An unknown one is empty."""

    browser: str
    version: str
    os: str
    device: str


def parse_user_agent(text: str) -> UserAgent:
    """Return the browser, its major version, the system and the type of device."""
    return _parse(text[:_MAX_INPUT])


@lru_cache(_CACHED)
def _parse(text: str) -> UserAgent:
    # Imported here: compiling its patterns takes 0.2 s, and most clients send client hints.
    import ua_parser

    # JSON can contain lone surrogates, which the patterns cannot take.
    result = ua_parser.parse(text.encode(errors="replace").decode())
    browser, system = result.user_agent, result.os
    return UserAgent(
        browser=browser.family if browser else "",
        version=(browser.major or "") if browser else "",
        os=system.family if system else "",
        device=_device(text),
    )


def _device(text: str) -> str:
    # Like aws-rum-web: an Android without "Mobile" is a tablet. An iPad says that it is a Mac.
    if "iPad" in text or "Tablet" in text or ("Android" in text and "Mobile" not in text):
        return "tablet"
    if "Mobi" in text:
        return "mobile"
    return "desktop" if "Mozilla/" in text else ""
