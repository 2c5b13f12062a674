"""DNS rebinding: a page whose site resolves to this server cannot use the control plane."""

from __future__ import annotations

from typing import Any

import pytest

from rum_bridge.settings import BridgeSettings
from tests.bridge.conftest import Started
from tests.bridge.wire import send
from tests.support.batches import batch
from tests.support.running import OpenRum


@pytest.fixture(scope="module")
def server(started: Started) -> OpenRum:
    """A server that does not authorize callers, with two names."""
    return started(
        OPENRUM_ALLOWED_HOSTS="Rum.internal, openrum", OPENRUM_PUBLIC_URL="https://rum.example:8443"
    )


def _statuses(server: OpenRum, host: str) -> dict[str, int]:
    """Return the status of each call of the control plane."""
    calls: dict[str, tuple[str, str, Any]] = {
        "list": ("POST", "/appmonitors", {}),
        "get": ("GET", "/appmonitor/my-app", None),
        "read": ("POST", "/appmonitor/my-app/data", {"TimeRange": {"After": 0}}),
        "update": ("PATCH", "/appmonitor/my-app", {"Domain": "localhost"}),
        "tags": ("GET", "/tags/arn:aws:rum:us-east-1:000000000000:appmonitor/my-app", None),
    }
    return {
        name: send(server.url, path, body, method=method, headers={"Host": host}).status
        for name, (method, path, body) in calls.items()
    }


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8080",
        "192.0.2.1:80",
        "[::1]",
        "[2001:DB8::1]:8080",
        "localhost:8080",
        "LOCALHOST",
        "rum.internal:8080",
        "openrum",
        "rum.example",
        "rum.example:1",
    ],
)
def test_an_address_and_a_configured_name_are_accepted(server: OpenRum, host: str) -> None:
    assert set(_statuses(server, host).values()) == {200}


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil-localhost",
        "127.0.0.1@evil.example",
        "evil.example@127.0.0.1",
        "evil.example/127.0.0.1",
        "127.0.0.1, evil.example",
        "[evil.example]",
        "[::1",
        "::1",
        "internal",
        "\xfc.example",
    ],
)
def test_another_name_is_rejected_while_callers_are_not_authorized(
    server: OpenRum, host: str
) -> None:
    response = send(server.url, "/appmonitor/my-app", method="GET", headers={"Host": host})

    assert set(_statuses(server, host).values()) == {403}
    assert response.error_type == "AccessDeniedException"
    assert "OPENRUM_ALLOWED_HOSTS" in response.message


def test_events_are_accepted_under_every_name(server: OpenRum) -> None:
    path = f"/appmonitors/{server.monitor_id()}"

    assert send(server.url, path, batch(), headers={"Host": "shop.example"}).status == 200


def test_every_name_is_accepted_where_callers_are_authorized(started: Started) -> None:
    server = started(OPENRUM_AUTH="required")
    response = send(
        server.url, "/appmonitor/my-app", method="GET", headers={"Host": "evil.example"}
    )

    assert response.error_type == "MissingAuthenticationTokenException"


@pytest.mark.parametrize("name", ["rum.internal:8080", "https://rum.internal", "*", "a b", "[::1]"])
def test_a_host_name_with_a_port_or_a_scheme_is_not_a_valid_setting(name: str) -> None:
    with pytest.raises(ValueError, match="must be host names without ports"):
        BridgeSettings(allowed_hosts=[name])
