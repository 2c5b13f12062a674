"""The shop and the blog: their pages, requests, errors, and the devices of their visitors."""

from __future__ import annotations

__all__ = [
    "APIS",
    "BLOG",
    "DEVICES",
    "ERRORS",
    "FILES",
    "HOURS",
    "SHOP",
    "SLOW_PAGES",
    "Choice",
    "Device",
    "Monitor",
    "PageError",
    "page_of",
]

import itertools
import random
from bisect import bisect
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Monitor(NamedTuple):
    """An app monitor."""

    name: str
    id: str
    domain: str


class Device(NamedTuple):
    """One kind of visitor."""

    browser: str
    versions: tuple[int, int]
    os: str
    type: str
    country: str
    slowness: float
    """Durations are this many times those of a desktop with a good line."""
    weight: float
    user_agent: str = ""
    """Sent instead of the names where the client knows only this."""


class PageError(NamedTuple):
    """An error that pages throw."""

    type: str
    message: str
    """With `{}` for a number that differs each time."""
    file: str
    function: str
    weight: float
    page: str = ""
    """Empty: any page."""


class Choice(Generic[T]):
    """Chooses one of some items by weight."""

    def __init__(self, items: Sequence[T], weights: Sequence[float]) -> None:
        self._items = items
        self._sums = list(itertools.accumulate(weights))

    def __call__(self, rng: random.Random) -> T:
        return self._items[bisect(self._sums, rng.random() * self._sums[-1])]


SHOP = Monitor("shop", "5d1f6c1e-8c43-4f0e-9a57-0b6a3c7e2d01", "shop.example")
BLOG = Monitor("blog", "5d1f6c1e-8c43-4f0e-9a57-0b6a3c7e2d02", "blog.example")

# The share of the visits that begin in each hour, UTC.
HOURS = Choice(
    range(24),
    [3, 2, 1.5, 1, 1, 2, 3, 5, 7, 8, 8.5, 8.5, 9, 8.5, 8, 8, 8, 8.5, 9.5, 11, 11.5, 10, 7.5, 5],
)
_FIREFOX = "Mozilla/5.0 ({}; rv:{{v}}.0) Gecko/20100101 Firefox/{{v}}.0"
_SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/{v}.1 Safari/605.1.15"
)
_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {v}_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/{v}.1 Mobile/15E148 Safari/604.1"
)
_WINDOWS = _FIREFOX.format("Windows NT 10.0; Win64; x64")
_DEVICES = [
    Device("Chrome", (139, 141), "Windows", "desktop", "US", 1.0, 16),
    Device("Chrome", (139, 141), "Windows", "desktop", "DE", 0.95, 9),
    Device("Chrome", (139, 141), "Android", "mobile", "US", 1.8, 10),
    Device("Chrome", (137, 141), "Android", "mobile", "IN", 3.0, 9),
    Device("Chrome", (138, 141), "Android", "mobile", "BR", 2.6, 6),
    Device("Chrome", (139, 141), "macOS", "desktop", "US", 0.8, 4),
    Device("Chrome", (139, 141), "Chrome OS", "desktop", "US", 1.5, 1),
    Device("Mobile Safari", (17, 19), "iOS", "mobile", "US", 1.2, 11, _IPHONE),
    Device("Mobile Safari", (17, 19), "iOS", "mobile", "JP", 1.1, 4, _IPHONE),
    Device("Mobile Safari", (16, 18), "iOS", "mobile", "GB", 1.2, 5, _IPHONE),
    Device("Safari", (17, 19), "macOS", "desktop", "US", 0.8, 5, _SAFARI),
    Device("Safari", (17, 19), "macOS", "desktop", "FR", 0.8, 2, _SAFARI),
    Device("Edge", (139, 141), "Windows", "desktop", "GB", 1.0, 4),
    Device("Edge", (139, 141), "Windows", "desktop", "DE", 1.0, 3),
    Device("Firefox", (140, 143), "Windows", "desktop", "DE", 1.1, 3, _WINDOWS),
    Device("Firefox", (140, 143), "Windows", "desktop", "US", 1.1, 2, _WINDOWS),
    Device(
        "Firefox", (140, 143), "Linux", "desktop", "FR", 1.0, 1.5, _FIREFOX.format("X11; Linux")
    ),
    Device("Samsung Internet", (26, 28), "Android", "mobile", "KR", 1.7, 3),
    Device("Samsung Internet", (26, 28), "Android", "tablet", "IN", 2.4, 2),
    Device("Opera", (121, 123), "Windows", "desktop", "NG", 3.2, 1),
]
DEVICES = Choice(_DEVICES, [device.weight for device in _DEVICES])

_FIXED = [
    "/", "/cart", "/checkout", "/checkout/payment", "/checkout/done", "/search", "/account",
    "/login", "/help", "/help/returns", "/about", "/sale", "/new", "/stores", "/wishlist",
    "/c/shoes", "/c/boots", "/c/shirts", "/c/jeans", "/c/coats", "/c/hats", "/c/bags", "/c/kids",
]  # fmt: skip
_PRODUCTS = [f"/product/{1000 + 37 * number}" for number in range(120)]
_ARTICLES = [
    f"/blog/{first}-{second}"
    for first in ("ten", "best", "new", "why", "how")
    for second in ("shoes", "trends", "winter", "care", "sizes")
]
_any_fixed = Choice(_FIXED, [(1 + rank) ** -0.7 for rank in range(len(_FIXED))])
_any_product = Choice(_PRODUCTS, [(1 + rank) ** -0.9 for rank in range(len(_PRODUCTS))])
_any_article = Choice(_ARTICLES, [(1 + rank) ** -1.0 for rank in range(len(_ARTICLES))])

SLOW_PAGES = {"/search": 1.7, "/checkout": 1.3, "/checkout/payment": 1.6, "/": 0.8}


def page_of(monitor: Monitor, rng: random.Random) -> str:
    """Return the ID of a page that somebody looks at."""
    if monitor is BLOG:
        return _any_article(rng)
    chance = rng.random()
    if chance < 0.07:
        return f"/account/orders/{10_000_000 + rng.getrandbits(22)}"
    return (_any_product if chance < 0.45 else _any_fixed)(rng)


_APP, _VENDOR = "app.4f3a.js", "vendor.11c0.js"
_UNDEFINED = "Cannot read properties of undefined (reading 'price')"
_NULL = "Cannot read properties of null (reading 'addEventListener')"
_CART_FAILED = "Request failed with status code 500 for /api/cart/{}"
ERRORS = [
    PageError("TypeError", _UNDEFINED, _APP, "renderPrice", 9),
    PageError("TypeError", _NULL, _APP, "bind", 6),
    PageError("TypeError", "Failed to fetch", _APP, "load", 8),
    PageError("TypeError", "undefined is not an object (evaluating 'a.items')", _APP, "each", 3),
    PageError("SyntaxError", "Unexpected token '<'", _APP, "parse", 2),
    PageError("ChunkLoadError", "Loading chunk {} failed.", "runtime.99aa.js", "require", 5),
    PageError("ReferenceError", "gtag is not defined", "", "track", 4),
    PageError("RangeError", "Maximum call stack size exceeded", _VENDOR, "walk", 1),
    PageError("UnhandledRejection", "timeout of {}ms exceeded", _VENDOR, "ontimeout", 4),
    PageError("Error", _CART_FAILED, _VENDOR, "settle", 30, "/cart"),
    PageError("Error", "Payment session {} expired", "checkout.c01d.js", "pay", 20, "/checkout"),
    *(
        PageError("Error", f"Widget {number} failed", "widgets.77b1.js", f"start{number}", 0.15)
        for number in range(60)
    ),
]

# Method, URL with `{}` for a number, weight.
_APIS = [
    ("GET", "https://shop.example/api/products/{}", 20),
    ("GET", "https://shop.example/api/cart", 10),
    ("POST", "https://shop.example/api/cart/items", 5),
    ("GET", "https://shop.example/api/recommendations?u={}", 9),
    ("GET", "https://shop.example/api/session", 10),
    ("GET", "https://shop.example/api/search?q={}", 4),
    ("POST", "https://shop.example/api/checkout", 3),
    ("POST", "https://shop.example/api/payments/{}/confirm", 2),
    ("GET", "https://maps.example.net/v1/stores", 1),
]
APIS = Choice([(method, url) for method, url, _ in _APIS], [weight for *_, weight in _APIS])

# Initiator, type, and extension.
FILES = [
    ("script", "script", "js"),
    ("link", "stylesheet", "css"),
    ("img", "image", "webp"),
    ("css", "font", "woff2"),
    ("img", "image", "png"),
    ("script", "script", "js"),
    ("img", "image", "svg"),
]
