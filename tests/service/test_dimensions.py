from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rum_service.events.dimensions import Dimensions, dimensions
from tests.support import traffic

_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)
_IPAD = _IPHONE.replace("iPhone; CPU iPhone OS", "iPad; CPU OS")
_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


def test_members_of_the_metadata_become_dimensions() -> None:
    metadata = {
        "pageId": "/product/12",
        "browserName": "Chrome",
        "browserVersion": "141.0.0.0",
        "osName": "Mac OS",
        "deviceType": "Desktop",
        "countryCode": "de",
        "aws:releaseId": "2026.1",
    }

    expected = Dimensions("/product/:id", "Chrome", 141, "macOS", "desktop", "DE", "2026.1")
    assert dimensions(metadata) == expected


def test_an_event_without_metadata_has_unknown_dimensions() -> None:
    assert dimensions({}) == Dimensions("", "", 0, "", "", "", "")


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("Google Chrome", "Chrome"),
        ("Microsoft Edge", "Edge"),
        ("HeadlessChrome", "Chrome Headless"),
        ("Mobile Safari", "Mobile Safari"),
        ("unknown", ""),
        ("Vivaldi", "Vivaldi"),
    ],
)
def test_a_browser_has_one_name(sent: str, name: str) -> None:
    assert dimensions({"browserName": sent}).browser == name


@pytest.mark.parametrize(
    "brand", ["Not:A-Brand", " Not;A Brand", "Not_A Brand", "Not/A)Brand", "Not?A_Brand"]
)
def test_an_invented_brand_is_a_chromium_of_unknown_version(brand: str) -> None:
    found = dimensions({"browserName": brand, "browserVersion": "8"})

    assert (found.browser, found.browser_major) == ("Chromium", 0)


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (_IPHONE, ("Mobile Safari", 18, "iOS", "mobile")),
        (_IPAD, ("Mobile Safari", 18, "iOS", "tablet")),
        (_FIREFOX, ("Firefox", 143, "Linux", "desktop")),
        ("curl/8", ("curl", 8, "", "")),
        ("?", ("", 0, "", "")),
    ],
)
def test_a_user_agent_alone_gives_browser_system_and_device(
    user_agent: str, expected: tuple[str, int, str, str]
) -> None:
    assert dimensions({"aws:userAgent": user_agent})[1:5] == expected


def test_the_user_agent_wins_over_the_device_that_is_sent_with_it() -> None:
    # aws-rum-web 3 without client hints.
    assert dimensions({"aws:userAgent": _IPHONE, "deviceType": "desktop"}).device == "mobile"


@pytest.mark.parametrize("code", ["D", "DEU", "1A", "ÄÖ", "", 5, None, ["DE"]])
def test_a_country_is_two_letters(code: object) -> None:
    assert dimensions({"countryCode": code}).country == ""


@pytest.mark.parametrize("version", ["x", "-1", "²", "123456", "", "9" * 5000])
def test_a_version_that_is_no_number_is_unknown(version: str) -> None:
    assert dimensions({"browserName": "Chrome", "browserVersion": version}).browser_major == 0


def test_the_url_is_the_page_of_events_without_a_page_id() -> None:
    assert dimensions({"url": "https://shop.example/a/1?b"}).page == "/a/:id"


def test_captured_clients_of_all_versions_have_the_same_names() -> None:
    found: Counter[tuple[str, str]] = Counter()
    for name in traffic.NAMES:
        for request in traffic.load(name):
            batch = request.document or {}
            session = json.loads(batch.get("SessionMetadata", "{}"))
            for event in batch.get("RumEvents", []) if name.startswith("web") else []:
                seen = dimensions({**session, **json.loads(event["metadata"])})
                found[seen.browser, seen.os] += 1

    assert set(found) == {
        ("Chrome", "Android"),
        ("Chrome", "Windows"),
        ("Chrome Headless", "Linux"),
        ("Chromium", "Linux"),
        ("Edge", "macOS"),
        ("Firefox", "Linux"),
        ("Mobile Safari", "iOS"),
        ("Safari", "macOS"),
        ("Samsung Internet", "Android"),
    }


_MEMBERS = [
    "pageId",
    "url",
    "browserName",
    "browserVersion",
    "osName",
    "deviceType",
    "aws:userAgent",
    "countryCode",
    "aws:releaseId",
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_LONG = st.text(st.characters(), min_size=1).map(lambda text: text * 600)


def test_a_user_agent_with_a_lone_surrogate_is_parsed() -> None:
    found = dimensions({"aws:userAgent": "\ud800 Mozilla/5.0 (iPhone) Mobile"})

    assert found.device == "mobile"


@given(st.dictionaries(st.sampled_from(_MEMBERS), _JSON | _LONG))
def test_any_metadata_gives_dimensions_that_can_be_stored(metadata: dict[str, object]) -> None:
    found = dimensions(metadata)

    assert 0 <= found.browser_major <= 65535
    for text in found[:2] + found[3:]:
        assert isinstance(text, str)
        assert len(text) <= 256
        text.encode()
