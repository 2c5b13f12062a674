"""An event's dimensions: page, browser, system, device, country, release. Pure.

The members of the metadata depend on the client. aws-rum-web 1 and 2 send the names of ua-parser-js
(`Mac OS`), aws-rum-web 3 those of client hints (`Google Chrome`, `macOS`) or only a User-Agent.
Each thing gets one name.
Source: the metadata schema of aws-rum-web; Chromium, "GREASE" of User-Agent brands.
"""

from __future__ import annotations

__all__ = ["Dimensions", "dimensions"]

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from rum_service.events.routes import page_pattern
from rum_service.events.text import clean
from rum_service.events.user_agent import parse_user_agent

_MAX_NAME = 64
_MAX_RELEASE = 200
_MAX_MAJOR = 65535
_MAX_TEXT = 512
_CACHED = 4096

_COUNTRY = re.compile(r"[A-Za-z]{2}")
# A brand that Chromium invents so that servers do not depend on the list of brands: `Not:A-Brand`.
_INVENTED_BRAND = re.compile(r"\W*Not[\W_]+A[\W_]+Brand\W*", re.IGNORECASE)
_BROWSERS = {
    "google chrome": "Chrome",
    "mobile chrome": "Chrome",
    "headlesschrome": "Chrome Headless",
    "android webview": "Chrome WebView",
    "microsoft edge": "Edge",
    "microsoft edge webview2": "Edge WebView2",
    "mobile firefox": "Firefox",
    "opera mobi": "Opera",
    "yabrowser": "Yandex",
    "yandex browser": "Yandex",
    "internet explorer": "IE",
}
_SYSTEMS = {
    "mac os": "macOS",
    "mac os x": "macOS",
    "macos": "macOS",
    "chromium os": "Chrome OS",
    "chromeos": "Chrome OS",
    "win32": "Windows",
}
_UNKNOWN = frozenset({"", "unknown", "undefined", "null", "other"})


class Dimensions(NamedTuple):
    """Values to group and filter events by. An unknown one is empty, or 0."""

    page: str
    """The route pattern of the page."""
    browser: str
    browser_major: int
    os: str
    device: str
    """desktop, mobile or tablet, or another word from the client."""
    country: str
    """ISO 3166 code of two capital letters."""
    release: str


def dimensions(metadata: Mapping[str, object]) -> Dimensions:
    """Return the dimensions in an event's merged metadata."""
    get = metadata.get
    page = get("pageId") or get("url") or get("pageUrl")
    sent = (
        get("browserName"),
        get("browserVersion"),
        get("osName"),
        get("deviceType"),
        get("aws:userAgent"),
        get("countryCode"),
        get("aws:releaseId"),
    )
    try:
        other = _without_page(*sent)
    except (TypeError, ValueError):  # unhashable, or not text
        other = _without_page(*map(_text, sent))
    return Dimensions(page_pattern(page) if isinstance(page, str) else "", *other)


def _text(value: object) -> str:
    return value[:_MAX_TEXT] if isinstance(value, str) else ""


@lru_cache(_CACHED)
def _without_page(*sent: object) -> tuple[str, int, str, str, str, str]:
    """Return the other dimensions. Raises ValueError if a value is not a short text or None."""
    # The cache would keep long values. It keeps nothing if a call raises.
    if not all(value is None or _is_short_text(value) for value in sent):
        raise ValueError
    browser, version, system, device, user_agent, country, release = map(_text, sent)
    return (
        *_client(browser, version, system, device, user_agent),
        country.upper() if _COUNTRY.fullmatch(country) else "",
        clean(release, _MAX_RELEASE),
    )


def _is_short_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT


def _client(
    browser: str, version: str, system: str, device: str, user_agent: str
) -> tuple[str, int, str, str]:
    browser, system, device = (_known(name) for name in (browser, system, device))
    if user_agent and not browser:
        # Without client hints, aws-rum-web 3 also calls every phone a desktop.
        parsed = parse_user_agent(user_agent)
        browser, version = _known(parsed.browser), parsed.version
        system, device = system or _known(parsed.os), parsed.device or device
    if _INVENTED_BRAND.fullmatch(browser):
        browser, version = "Chromium", ""
    return (
        _BROWSERS.get(browser.lower(), browser),
        _major(version),
        _SYSTEMS.get(system.lower(), system),
        device.lower(),
    )


def _known(name: str) -> str:
    name = clean(name, _MAX_NAME).strip()
    return "" if name.lower() in _UNKNOWN else name


def _major(version: str) -> int:
    major = version.partition(".")[0].strip()
    if not (major.isascii() and major.isdecimal()) or len(major) > 5:
        return 0
    return min(int(major), _MAX_MAJOR)
