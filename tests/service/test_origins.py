"""Pages of an app monitor's domains, and the check of puts with OPENRUM_CHECK_ORIGIN."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rum.internal.v1.caller_pb2 import HttpCaller
from rum.v1.control_plane_service_pb2 import UpdateAppMonitorRequest
from rum_service.auth.origins import is_allowed_page
from tests.service.authorized import OK, Authorized, authorized, bearer
from tests.service.served import LoopThread

DENIED = "AccessDeniedException"


@pytest.mark.parametrize(
    ("domains", "origin", "allowed"),
    [
        ("shop.example", "https://shop.example", True),
        ("shop.example", "http://shop.example", True),
        ("shop.example", "https://shop.example:8443", True),
        ("shop.example", "https://SHOP.Example", True),
        ("Shop.EXAMPLE", "https://shop.example", True),
        ("shop.example", "https://shop.example.", True),
        ("shop.example", "https://shop.example:x", True),
        ("shop.example", "https://www.shop.example", False),
        ("shop.example", "https://shop.example.evil.example", False),
        ("shop.example", "https://evilshop.example", False),
        ("shop.example", "https://shop.example@evil.example", False),
        ("shop.example", "https://evil.example/shop.example", False),
        ("shop.example", "https://evil.example?shop.example", False),
        ("shop.example", "https://evil.example#.shop.example", False),
        ("*.shop.example", "https://www.shop.example", True),
        ("*.shop.example", "https://a.b.shop.example", True),
        ("*.shop.example", "https://WWW.shop.example.", True),
        ("*.shop.example", "https://shop.example", False),
        ("*.shop.example", "https://.shop.example", False),
        ("*.shop.example", "https://evilshop.example", False),
        ("shop.*", "https://shop.example", True),
        ("shop.*", "https://shop.de", True),
        ("shop.*", "https://shop.co.uk", False),
        ("shop.*", "https://www.shop.de", False),
        ("shop.*", "https://shop", False),
        ("shop.*", "https://shop.", False),
        ("localhost", "http://localhost:3000", True),
        ("localhost", "http://localhost.evil.example", False),
        ("192.0.2.7", "http://192.0.2.7:80", True),
        ("192.0.2.7", "http://192.0.2.70", False),
        ("192.0.2.7", "http://[::ffff:192.0.2.7]", False),
        ("xn--bcher-kva.example", "https://xn--bcher-kva.example", True),
        ("shop.example", "null", False),
        ("shop.example", "file://", False),
        ("shop.example", "https://", False),
        ("shop.example", "https://[::1", False),
        ("shop.example", "shop.example", False),
        ("shop.example", "\ud800", False),
        ("a.example b.example", "https://b.example", True),
        ("a.example b.example", "https://c.example", False),
        ("", "https://shop.example", False),
    ],
)
def test_a_page_is_allowed_if_a_domain_matches(domains: str, origin: str, allowed: bool) -> None:
    names = domains.split()

    assert is_allowed_page(origin, None, names) == allowed
    assert is_allowed_page(None, f"{origin}/cart?a=b", names) == (allowed and origin != "null")


def test_the_origin_overrides_the_referer() -> None:
    domains = ["shop.example"]

    assert is_allowed_page("https://shop.example", "https://evil.example/", domains)
    assert not is_allowed_page("https://evil.example", "https://shop.example/", domains)
    assert not is_allowed_page("null", "https://shop.example/", domains)
    assert is_allowed_page(None, None, domains)


@pytest.fixture(scope="module", params=["auto", "required"])
def checking(
    request: pytest.FixtureRequest, loop: LoopThread, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Authorized]:
    folder = tmp_path_factory.mktemp("origins")
    with authorized(loop, folder, check_origin=True, auth=request.param) as service:
        yield service


@pytest.fixture(scope="module")
def shop(checking: Authorized) -> str:
    return checking.monitor("shop", domain="*.shop.example")


@pytest.fixture(scope="module")
def writer(checking: Authorized) -> str:
    """A token with write access."""
    return checking.token("writer", "write")


@pytest.mark.parametrize(
    ("page", "outcome"),
    [
        ({"origin": "https://www.shop.example"}, OK),
        ({"origin": "https://evil.example"}, DENIED),
        ({"origin": "null"}, DENIED),
        ({"referer": "https://www.shop.example/"}, OK),
        ({"referer": "https://evil.example/"}, DENIED),
        ({"origin": "https://evil.example", "referer": "https://www.shop.example/"}, DENIED),
        ({}, OK),
    ],
    ids=str,
)
def test_a_put_from_a_page_of_another_domain_is_rejected(
    checking: Authorized, shop: str, writer: str, page: dict[str, str], outcome: str
) -> None:
    report = HttpCaller(bearer_token=writer, **page)

    assert checking.relay_put(shop, report) == outcome


def test_a_put_over_grpc_is_allowed_without_a_page(checking: Authorized, shop: str) -> None:
    assert checking.put(shop, bearer(checking.operator)) == OK


def test_a_change_of_the_domain_takes_effect_at_once(checking: Authorized, writer: str) -> None:
    monitor = checking.monitor("moves", domain="old.example")
    report = HttpCaller(bearer_token=writer, origin="https://new.example")
    before = checking.relay_put(monitor, report)
    change = UpdateAppMonitorRequest(name="moves", domain="new.example")
    checking.call("UpdateAppMonitor", change, bearer(checking.operator))

    assert (before, checking.relay_put(monitor, report)) == (DENIED, OK)


def test_without_the_setting_every_page_is_allowed(
    loop: LoopThread, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with authorized(loop, tmp_path_factory.mktemp("unchecked"), auth="auto") as service:
        monitor = service.monitor("shop")

        assert service.relay_put(monitor, HttpCaller(origin="https://evil.example")) == OK
