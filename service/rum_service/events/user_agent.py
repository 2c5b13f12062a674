"""Browser, system and device from a User-Agent, for clients that send no client hints. Pure.

aws-rum-web 3 in Firefox and Safari sends only `aws:userAgent`. Names and versions are those that
aws-rum-web 1 sends, so that a filter or an event pattern finds the events of both.
"""

from __future__ import annotations

__all__ = ["UserAgent", "parse_user_agent"]

from functools import lru_cache
from typing import NamedTuple

# Parsing costs 15 us, and most visitors share a few hundred User-Agents.
_CACHED = 4096
_MAX_INPUT = 512

# From the names of ua-parser to those of ua-parser-js, which aws-rum-web 1 and 2 contain.
_BROWSERS = {
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome WebView",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "HeadlessChrome": "Chrome Headless",
    "Mobile Safari UI/WKWebView": "Mobile Safari",
    "Opera Mobile": "Opera",
    "Yandex Browser": "Yandex",
}
_SYSTEMS = {"Chrome OS": "Chromium OS", "Mac OS X": "Mac OS"}


class UserAgent(NamedTuple):
    """Browser, system and device. An unknown one is empty."""

    browser: str
    version: str
    os: str
    os_version: str
    device: str


def parse_user_agent(text: str) -> UserAgent:
    """Return the browser and the system, with their versions, and the type of device."""
    return _parse(text[:_MAX_INPUT])


@lru_cache(_CACHED)
def _parse(text: str) -> UserAgent:
    # Imported here: compiling its patterns takes 0.2 s and 33 MB, and most clients send hints.
    import ua_parser

    # JSON can contain lone surrogates, which the patterns cannot take.
    result = ua_parser.parse(text.encode(errors="replace").decode())
    browser, system = result.user_agent, result.os
    return UserAgent(
        browser=_BROWSERS.get(browser.family, browser.family) if browser else "",
        version=_version(browser.major, browser.minor, browser.patch, browser.patch_minor)
        if browser
        else "",
        os=_SYSTEMS.get(system.family, system.family) if system else "",
        os_version=_version(system.major, system.minor, system.patch) if system else "",
        device=_device(text),
    )


def _version(*parts: str | None) -> str:
    return ".".join(part for part in parts if part)


def _device(text: str) -> str:
    # Like aws-rum-web: an Android without "Mobile" is a tablet. An iPad says that it is a Mac.
    if "iPad" in text or "Tablet" in text or ("Android" in text and "Mobile" not in text):
        return "tablet"
    if "Mobi" in text:
        return "mobile"
    return "desktop" if "Mozilla/" in text else ""
