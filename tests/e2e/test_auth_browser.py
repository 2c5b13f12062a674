"""aws-rum-web in Chromium, on a site of another origin, with a server that authorizes callers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.guarded import Guarded, Key, allow
from tests.e2e.sent import Traffic, comparable, expected_events
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
def origin_checking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A server that accepts only pages of localhost, the domain of my-app."""
    folder = tmp_path_factory.mktemp("origins")
    with Guarded(folder, OPENRUM_CHECK_ORIGIN="true") as running, running.policy(allow()):
        yield running


@contextmanager
def _visit(
    server: Guarded, traffic: Traffic, *, key: Key | None = None, host: str = "", **settings: object
) -> Iterator[RumPage]:
    """Open a site that sends events on demand or when it is left, signed if there is a key."""
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
    """Return the stored events of the page's sessions."""
    sessions = {batch["UserDetails"]["sessionId"] for batch in traffic.batches()}
    return [event for event in server.stored() if event["sessionId"] in sessions]


def _is_stored(server: Guarded, kind: str) -> bool:
    return kind in {event["event_type"] for event in server.stored()}


def _rejections(server: Guarded) -> list[str]:
    return [line for line in server.output if '"put rejected"' in line]


def test_signed_fetches_and_beacons_are_stored_once(server: Guarded, page: Page) -> None:
    """The page sends a gzipped fetch with signed headers, then a presigned beacon on leaving."""
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
    assert expected_events(server.monitor_id(), sent) == comparable(events)
    assert len(sent) == 2
    assert post.headers["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={key.id}/")
    assert post.headers["content-encoding"] == "gzip"
    assert signed
    assert "content-encoding" in signed[1].split(";")
    assert traffic.preflights == [200]
    assert set(traffic.preflight_headers[0]) >= {*_SIGNED_HEADERS, "content-encoding"}
    query = parse_qs(urlsplit(beacon).query)
    assert query["X-Amz-Credential"][0].startswith(f"{key.id}/")
    assert "X-Amz-Signature" in query


def test_an_unsigned_page_is_allowed_by_a_policy_for_anyone(server: Guarded, page: Page) -> None:
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

    assert (len(traffic.posts), len(sent), traffic.rejections) == (1, 2, [])
    assert expected_events(server.monitor_id(), sent) == comparable(events)


def test_a_page_with_the_alias_required_by_a_policy_is_allowed(server: Guarded, page: Page) -> None:
    traffic = Traffic(page)
    policy = allow(StringEquals={"rum:alias": ["shop", "shop-2"]})
    with server.policy(policy), _visit(server, traffic, alias="shop-2") as visitor:
        visitor.record("right_alias", {})
        visitor.dispatch()
        wait_until(lambda: _is_stored(server, "right_alias"))
        sent = traffic.batches()

    assert [batch["Alias"] for batch in sent] == ["shop-2"]
    assert expected_events(server.monitor_id(), sent) == comparable(_of_session(server, traffic))


@pytest.mark.parametrize("settings", [{"alias": "shopping"}, {}], ids=["another alias", "no alias"])
def test_a_page_without_the_required_alias_is_rejected_and_stops(
    server: Guarded, page: Page, settings: dict[str, str]
) -> None:
    traffic = Traffic(page)
    policy = allow(StringEquals={"rum:alias": ["shop"]})
    with server.policy(policy), _visit(server, traffic, **settings) as visitor:
        _assert_rejected_and_stopped(traffic, visitor)
        events = _of_session(server, traffic)

    assert traffic.rejections == [(403, "MissingAuthenticationTokenException")]
    assert events == []


def test_an_unsigned_page_without_a_policy_is_rejected_and_stops(
    server: Guarded, page: Page
) -> None:
    traffic = Traffic(page)
    with _visit(server, traffic) as visitor:
        _assert_rejected_and_stopped(traffic, visitor)
        events = _of_session(server, traffic)

    assert traffic.rejections == [(403, "MissingAuthenticationTokenException")]
    assert events == []


def _assert_rejected_and_stopped(traffic: Traffic, visitor: RumPage) -> None:
    """Check that the page sends one fetch, and nothing after it was rejected."""
    visitor.dispatch()
    traffic.page.wait_for("!rum.dispatchManager.enabled")
    visitor.record("after_the_rejection", {})
    visitor.dispatch()
    visitor.leave()
    assert (len(traffic.posts), traffic.beacons()) == (1, [])


def test_a_wrong_secret_is_rejected_although_a_policy_allows_anyone(
    server: Guarded, page: Page
) -> None:
    """aws-rum-web retries once with new credentials, and stops after the second rejection."""
    traffic = Traffic(page)
    wrong = Key(server.key().id, "no-secret-of-any-key-there-is")
    with server.policy(allow()), _visit(server, traffic, key=wrong) as visitor:
        visitor.dispatch()
        wait_until(lambda: len(traffic.rejections) == 1)
        visitor.record("with_new_credentials", {})
        visitor.dispatch()
        traffic.page.wait_for("!rum.dispatchManager.enabled")
        sent = traffic.batches()
        events = _of_session(server, traffic)

    assert traffic.rejections == [(403, "InvalidSignatureException")] * 2
    assert (len(sent), events) == (2, [])


def test_a_page_of_the_app_monitors_domain_is_allowed(origin_checking: Guarded, page: Page) -> None:
    traffic = Traffic(page)
    with _visit(origin_checking, traffic, host="localhost") as visitor:
        visitor.record("fetch_from_own_domain", {})
        visitor.dispatch()
        wait_until(lambda: _is_stored(origin_checking, "fetch_from_own_domain"))
        visitor.record("beacon_from_own_domain", {})
        visitor.leave()
        wait_until(lambda: _is_stored(origin_checking, "beacon_from_own_domain"))
        sent = traffic.batches()
        events = _of_session(origin_checking, traffic)

    assert expected_events(origin_checking.monitor_id(), sent) == comparable(events)


def test_fetches_and_beacons_from_another_domain_are_rejected(
    origin_checking: Guarded, page: Page
) -> None:
    traffic = Traffic(page)
    with _visit(origin_checking, traffic) as visitor:
        visitor.record("beacon_from_another_domain", {})
        visitor.leave()
        (beacon,) = traffic.beacons()
        # A page cannot see the response to a beacon.
        wait_until(lambda: _rejections(origin_checking))
    with _visit(origin_checking, traffic) as visitor:
        _assert_rejected_and_stopped(traffic, visitor)

    wait_until(lambda: len(_rejections(origin_checking)) == 2)
    rejection, _ = _rejections(origin_checking)
    assert "The page is not in a domain of this app monitor." in rejection
    assert traffic.rejections == [(403, "AccessDeniedException")]
    assert "beacon_from_another_domain" in {event["type"] for event in beacon["RumEvents"]}
    assert _of_session(origin_checking, traffic) == []
