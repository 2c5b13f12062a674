"""Settings of the bridge: an invalid one is an error that names it and shows a valid value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rum_bridge.settings import BridgeSettings

FromEnvironment = Callable[..., BridgeSettings]


def _error(**settings: Any) -> str:
    with pytest.raises(ValidationError) as error:
        BridgeSettings(**settings)
    problem = error.value.errors(include_url=False, include_input=False)[0]
    return ": ".join([*(str(part) for part in problem["loc"]), problem["msg"]])


@pytest.fixture
def from_environment(monkeypatch: pytest.MonkeyPatch) -> FromEnvironment:
    def read(**variables: str) -> BridgeSettings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return BridgeSettings()

    return read


@pytest.mark.parametrize(
    ("text", "proxies"),
    [
        ("10.0.0.0/8,127.0.0.1", ["10.0.0.0/8", "127.0.0.1"]),
        ("::1, 2001:db8::/32", ["::1", "2001:db8::/32"]),
        ("", []),
    ],
)
def test_proxies_are_separated_by_commas(
    from_environment: FromEnvironment, text: str, proxies: list[str]
) -> None:
    assert from_environment(OPENRUM_TRUSTED_PROXIES=text).trusted_proxies == proxies


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("https://shop.example", ["https://shop.example"]),
        ("https://a.example,http://localhost:3000", ["https://a.example", "http://localhost:3000"]),
        ("*", ["*"]),
        ("", []),
    ],
)
def test_origins_are_separated_by_commas(
    from_environment: FromEnvironment, text: str, origins: list[str]
) -> None:
    assert from_environment(OPENRUM_ALLOWED_ORIGINS=text).allowed_origins == origins


def test_a_json_array_is_rejected_with_the_same_list_in_the_new_form() -> None:
    assert _error(trusted_proxies='["10.0.0.0/8", "127.0.0.1"]') == (
        "trusted_proxies: Value error, must be separated by commas, without brackets or quotes:"
        " 10.0.0.0/8,127.0.0.1"
    )
    assert _error(allowed_origins="[]").endswith(": https://shop.example,https://www.example")


@pytest.mark.parametrize("proxy", ["proxy", "10.0.0.1/8", "127.0.0.1:80", "[::1]", "*"])
def test_a_proxy_is_an_address_or_a_network(proxy: str) -> None:
    assert _error(trusted_proxies=["127.0.0.1", proxy]).startswith(
        "trusted_proxies: Value error, must be addresses and networks: "
    )


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://rum.example.com", "https://rum.example.com"),
        ("https://rum.example.com/", "https://rum.example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://example.com/stage/rum/", "https://example.com/stage/rum"),
        ("", ""),
    ],
)
def test_the_public_url_is_an_http_url(
    from_environment: FromEnvironment, url: str, kept: str
) -> None:
    assert from_environment(OPENRUM_PUBLIC_URL=url).public_url == kept


@pytest.mark.parametrize(
    "url",
    [
        "rum.example.com",
        "ftp://rum.example.com",
        "https://",
        "https:///path",
        "https://:443",
        "https://rum.example.com:0",
        "https://rum.example.com:65536",
        "https://rum.example.com:port",
        "https://[::1",
        "https://[rum]",
        "https://user@rum.example.com",
        "https://rum.example.com?query",
        "https://rum.example.com/#fragment",
        "https://rum.example.com/a b",
        "https://rum.example.com/'",
        "https://rum.example.com\n",
        " https://rum.example.com",
    ],
)
def test_another_public_url_is_rejected(url: str) -> None:
    assert _error(public_url=url) == (
        "public_url: Value error, must be an http or https URL without user, query or fragment,"
        " such as https://rum.example.com"
    )


@pytest.mark.parametrize("address", ["8080", "127.0.0.1", "127.0.0.1:65536", ""])
def test_an_invalid_address_is_rejected(address: str) -> None:
    assert _error(http=address) == (
        "http: Value error, must be host:port, such as 127.0.0.1:8080 or [::1]:8080"
    )


@pytest.mark.parametrize(
    ("http", "auth", "required"),
    [
        ("127.0.0.1:8080", "auto", False),
        ("[::1]:8080", "auto", False),
        ("localhost:8080", "required", True),
        ("0.0.0.0:8080", "auto", True),
        ("rum.example.com:8080", "auto", True),
    ],
)
def test_callers_are_authorized_unless_the_bridge_listens_on_loopback(
    http: str, auth: Any, required: bool
) -> None:
    assert BridgeSettings(http=http, auth=auth).authorization_required == required


@pytest.mark.parametrize("what", ["HTTP", "SERVICE"])
@pytest.mark.parametrize("which", ["certificate", "key"])
def test_a_certificate_and_its_key_are_set_together(what: str, which: str) -> None:
    settings = {f"{what.lower()}_{which}_file": Path("file")}

    assert _error(**settings).endswith(
        f"OPENRUM_{what}_CERTIFICATE_FILE and OPENRUM_{what}_KEY_FILE must be set together"
    )
