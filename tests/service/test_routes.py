from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rum_service.events.routes import MAX_PATTERN, method_and_url, page_pattern, url_pattern
from tests.support import traffic

_UUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
_JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_X"


@pytest.mark.parametrize(
    ("page", "pattern"),
    [
        ("/", "/"),
        ("/product/4711?color=red", "/product/:id"),
        ("/spa/item/343", "/spa/item/:id"),
        ("/docs/2026-01-31", "/docs/:id"),
        (f"/v1/users/{_UUID}/edit", "/v1/users/:id/edit"),
        (f"/v1/users/{_UUID.upper()}", "/v1/users/:id"),
        ("/o/507f1f77bcf86cd799439011", "/o/:id"),
        ("/o/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/o/:id"),
        ("/watch/dQw4w9WgXcQ", "/watch/:id"),
        ("/c/cus_9s6XKzkNRiz8i3", "/c/:id"),
        ("/n/V1StGXR8_Z5jdHi6B-myT", "/n/:id"),
        ("/x/dGhpcyBpcyBhIHRlc3Q=", "/x/:id"),
        (f"/t/{_JWT}", "/t/:id"),
        ("/u/ann@example.org/orders", "/u/:id/orders"),
        ("/u/ann%40example.org", "/u/:id"),
        ("/shop/product-12345.html", "/shop/product-:id.html"),
        ("/order/ORD-2026-000123", "/order/ORD-:id-:id"),
        ("/cart;jsessionid=0F1A/pay", "/cart/pay"),
        ("Product 284", "Product :id"),
        ("#/orders/123?tab=1", "#/orders/:id"),
        ("#about", "#about"),
        ("/app#/orders/9f1c2ab0", "/app#/orders/:id"),
        ("/app#!/orders/12", "/app#!/orders/:id"),
        ("/app#section", "/app"),
        ("https://shop.example:8443/a/1#top", "/a/:id"),
        ("https://shop.example", "/"),
    ],
)
def test_the_pattern_of_a_page_has_no_ids(page: str, pattern: str) -> None:
    assert page_pattern(page) == pattern


@pytest.mark.parametrize(
    "page",
    [
        "/help/%C3%BCn%C3%AFcode-p%C3%A4ge.html",
        "/iphone-15-pro/reviews",
        "/v2/api",
        "/s3/h264/x86_64",
        "/web3conference2024summit",
        "/getUserAccountInformationByCustomer",
        "/facade/decade",
        "checkout:step2",
        "/search/hello%20world",
    ],
)
def test_names_with_digits_stay(page: str) -> None:
    assert page_pattern(page) == page


@pytest.mark.parametrize(
    ("url", "pattern"),
    [
        ("/api/items?page=10", "/api/items"),
        ("https://shop.example:8443/a/1", "/a/:id"),
        ("HTTPS://Shop.Example/a", "/a"),
        ("https://api.example/u/1?token=x", "api.example/u/:id"),
        ("https://user:secret@api.example:81/u", "api.example:81/u"),
        ("//cdn.example/a.3f9d2c1a.js", "cdn.example/a.:id.js"),
        ("wss://live.example/feed", "live.example/feed"),
        ("data:image/png;base64,AAAA", "data:"),
        (f"blob:https://shop.example/{_UUID}", "blob:"),
        ("chrome-extension://abcdefghijklmnop/x.js", "chrome-extension:"),
    ],
)
def test_the_pattern_of_a_url_keeps_only_another_host(url: str, pattern: str) -> None:
    assert url_pattern(url, "shop.example") == pattern


def test_a_request_is_method_and_pattern() -> None:
    assert method_and_url("get", "/api/products/7?x=1") == "GET /api/products/:id"
    assert method_and_url("", "/api") == "GET /api"


def test_a_pattern_has_at_most_12_segments() -> None:
    assert page_pattern("/a" * 40) == "/a" * 12 + "/…"


def test_a_long_page_gives_a_bounded_pattern() -> None:
    assert len(page_pattern("/" + "x-" * 100_000)) == MAX_PATTERN


def test_the_pages_of_captured_traffic_become_few_patterns() -> None:
    pages, patterns = set(), set()
    for name in traffic.NAMES:
        for request in traffic.load(name):
            for event in (request.document or {}).get("RumEvents", []):
                if '"pageId":"' in event.get("metadata", ""):
                    page = event["metadata"].split('"pageId":"')[1].split('"')[0]
                    pages.add(page)
                    patterns.add(page_pattern(page))

    assert len(pages) > 100
    assert patterns == {
        "/",
        "/account/orders.html",
        "/cart.html",
        "/checkout.html",
        "/help/%C3%BCn%C3%AFcode-p%C3%A4ge.html",
        "/product.html",
        "/products.html",
        "/spa/",
        "/spa/item/:id",
        "/virtual/:id",
    }


@given(st.text(alphabet=st.characters(), max_size=2000))
def test_any_text_gives_a_pattern_that_can_be_stored(text: str) -> None:
    for pattern in (page_pattern(text), url_pattern(text, text), url_pattern(text)):
        assert len(pattern) <= MAX_PATTERN
        assert "\0" not in pattern
        assert "\n" not in pattern
        pattern.encode()


@given(st.integers(min_value=0), st.uuids(), st.sampled_from(["a", "orders", "über", "v2"]))
def test_ids_of_the_same_route_give_the_same_pattern(number: int, uuid: object, word: str) -> None:
    assert page_pattern(f"/{word}/{number}/{uuid}/edit") == f"/{word}/:id/:id/edit"
