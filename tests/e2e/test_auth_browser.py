"""aws-rum-web in Chromium, on a site of another origin, before a server that authorizes callers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.guarded import Guarded, Key, allow
from tests.e2e.sent import Traffic, as_stored, shown
from tests.support.running import wait_until
from tests.tools.chromium import Page
from tests.tools.rum_page import RumPage, demo_site
from tests.tools.toolbox import tools_needed

_NEVER_MS = 600_000
_SIGNED_HEADERS = {"authorization", "content-type", "x-amz-content-sha256", "x-amz-date"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with Guarded(tmp_path_factory.mktemp("guarded")) as running:
        yield running


@pytest.fixture(scope="module")
def origins_checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A server that takes pages of localhost, the domain of my-app, and no others."""
    folder = tmp_path_factory.mktemp("origins")
    with Guarded(folder, OPENRUM_CHECK_ORIGIN="true") as running, running.policy(allow()):
        yield running


@contextmanager
def _visit(
    server: Guarded, traffic: Traffic, *, key: Key | None = None, host: str = "", **settings: object
) -> Iterator[RumPage]:
    """Opens a site that reports on demand or when it is left; it signs where it has a key."""
    settings = {"dispatchInterval": _NEVER_MS, "signing": key is not None, **settings}
    with tools_needed(), demo_site(server.url, server.monitor_id(), settings) as url:
        visitor = RumPage(traffic.page, url.replace("127.0.0.1", host or "127.0.0.1"))
        if key:
            traffic.page.evaluate(
                "([accessKeyId, secretAccessKey]) =>"
                " rum.setAwsCredentials({accessKeyId, secretAccessKey})",
                [*key],
            )
        yield visitor


def _of_session(server: Guarded, traffic: Traffic) -> list[dict[str, Any]]:
    """The stored events of the session that the page's batches belong to."""
    sessions = {batch["UserDetails"]["sessionId"] for batch in traffic.batches()}
    return [event for event in server.stored() if event["sessionId"] in sessions]


def _is_stored(server: Guarded, kind: str) -> bool:
    return kind in {event["event_type"] for event in server.stored()}


def test_what_a_page_signs_is_stored_once(server: Guarded, page: Page) -> None:
    """A gzipped fetch, signed in its headers; then, as the page is left, a presigned beacon."""
    traffic = Traffic(page)
    key = server.key(name="browser")
    with _visit(server, traffic, key=key) as visitor:
        visitor.record("signed_fetch", {"text": "x" * 10_000})
        visitor.dispatch()
        wait_until(lambda: _is_stored(server, "signed_fetch"))
        visitor.record("signed_beacon", {"items": 1})
        visitor.leave()
        wait_until(lambda: _is_stored(server, "signed_beacon"))
        sent = traffic.batches()
        events = _of_session(server, traffic)
        (beacon,) = traffic.beacon_urls()

    (post,) = traffic.posts
    signed = re.search("SignedHeaders=([^,]+)", post.headers["authorization"])
    assert as_stored(server.monitor_id(), sent) == shown(events)
    assert len(sent) == 2
    assert post.headers["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={key.id}/")
    assert post.headers["content-encoding"] == "gzip"
    assert signed
    assert "content-encoding" in signed[1].split(";")
    assert traffic.preflights == [200]
    assert set(traffic.asked[0]) >= {*_SIGNED_HEADERS, "content-encoding"}
    query = parse_qs(urlsplit(beacon).query)
    assert query["X-Amz-Credential"][0].startswith(f"{key.id}/")
    assert "X-Amz-Signature" in query


def test_an_unsigned_page_is_let_in_by_a_policy_for_everybody(server: Guarded, page: Page) -> None:
    traffic = Traffic(page)
    with server.policy(allow()), _visit(server, traffic) as visitor:
        visitor.record("unsigned_fetch", {})
        visitor.dispatch()
        wait_until(lambda: _is_stored(server, "unsigned_fetch"))
        visitor.record("unsigned_beacon", {})
        visitor.leave()
        wait_until(lambda: _is_stored(server, "unsigned_beacon"))
        sent = traffic.batches()
        events = _of_session(server, traffic)

    assert (len(traffic.posts), len(sent), traffic.refusals) == (1, 2, [])
    assert as_stored(server.monitor_id(), sent) == shown(events)


def test_the_alias_that_a_policy_asks_for_lets_a_page_in(server: Guarded, page: Page) -> None:
    traffic = Traffic(page)
    policy = allow(StringEquals={"rum:alias": ["shop", "shop-2"]})
    with server.policy(policy), _visit(server, traffic, alias="shop-2") as visitor:
        visitor.record("right_alias", {})
        visitor.dispatch()
        wait_until(lambda: _is_stored(server, "right_alias"))
        sent = traffic.batches()

    assert [batch["Alias"] for batch in sent] == ["shop-2"]
    assert as_stored(server.monitor_id(), sent) == shown(_of_session(server, traffic))


@pytest.mark.parametrize("settings", [{"alias": "shopping"}, {}], ids=["another", "none"])
def test_another_alias_is_refused_and_the_client_stops(
    server: Guarded, page: Page, settings: dict[str, str]
) -> None:
    traffic = Traffic(page)
    policy = allow(StringEquals={"rum:alias": ["shop"]})
    with server.policy(policy), _visit(server, traffic, **settings) as visitor:
        _refused_for_good(traffic, visitor)
        events = _of_session(server, traffic)

    assert traffic.refusals == [(403, "MissingAuthenticationTokenException")]
    assert events == []


def test_without_a_policy_an_unsigned_page_is_refused_and_stops(
    server: Guarded, page: Page
) -> None:
    traffic = Traffic(page)
    with _visit(server, traffic) as visitor:
        _refused_for_good(traffic, visitor)
        events = _of_session(server, traffic)

    assert traffic.refusals == [(403, "MissingAuthenticationTokenException")]
    assert events == []


def _refused_for_good(traffic: Traffic, visitor: RumPage) -> None:
    """The first fetch is refused, and nothing follows it, whatever happens on the page."""
    visitor.dispatch()
    traffic.page.wait_for("!rum.dispatchManager.enabled")
    visitor.record("after_the_refusal", {})
    visitor.dispatch()
    visitor.leave()
    assert (len(traffic.posts), traffic.beacons()) == (1, [])


def test_a_wrong_secret_is_refused_with_and_without_a_policy(server: Guarded, page: Page) -> None:
    """aws-rum-web tries once more with new credentials, and stops at the second refusal."""
    traffic = Traffic(page)
    wrong = Key(server.key().id, "no-secret-of-any-key-there-is")
    with server.policy(allow()), _visit(server, traffic, key=wrong) as visitor:
        visitor.dispatch()
        wait_until(lambda: len(traffic.refusals) == 1)
        visitor.record("with_new_credentials", {})
        visitor.dispatch()
        traffic.page.wait_for("!rum.dispatchManager.enabled")
        sent = traffic.batches()
        events = _of_session(server, traffic)

    assert traffic.refusals == [(403, "InvalidSignatureException")] * 2
    assert (len(sent), events) == (2, [])


def test_a_page_of_a_domain_of_the_app_monitor_passes(origins_checked: Guarded, page: Page) -> None:
    traffic = Traffic(page)
    with _visit(origins_checked, traffic, host="localhost") as visitor:
        visitor.record("fetch_from_home", {})
        visitor.dispatch()
        wait_until(lambda: _is_stored(origins_checked, "fetch_from_home"))
        visitor.record("beacon_from_home", {})
        visitor.leave()
        wait_until(lambda: _is_stored(origins_checked, "beacon_from_home"))
        sent = traffic.batches()
        events = _of_session(origins_checked, traffic)

    assert as_stored(origins_checked.monitor_id(), sent) == shown(events)


def test_a_page_of_another_domain_is_refused_by_fetch_and_by_beacon(
    origins_checked: Guarded, page: Page
) -> None:
    traffic = Traffic(page)
    with _visit(origins_checked, traffic) as visitor:
        visitor.record("beacon_from_elsewhere", {})
        visitor.leave()
        (beacon,) = traffic.beacons()
        # The page is told nothing of a beacon's answer.
        wait_until(lambda: [line for line in origins_checked.output if '"put refused"' in line])
    with _visit(origins_checked, traffic) as visitor:
        _refused_for_good(traffic, visitor)

    (refused, _) = [line for line in origins_checked.output if '"put refused"' in line]
    assert "The page is not in a domain of this app monitor." in refused
    assert traffic.refusals == [(403, "AccessDeniedException")]
    assert "beacon_from_elsewhere" in {event["type"] for event in beacon["RumEvents"]}
    assert _of_session(origins_checked, traffic) == []
