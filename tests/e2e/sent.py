"""Requests of a page to the data plane, as the browser reports them, and the events in them."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page as PlaywrightPage
from playwright.async_api import Request, Response

from tests.tools.chromium import Page

__all__ = ["Post", "Traffic", "comparable", "expected_events"]

_KEEP_BEACONS = """
    const send = navigator.sendBeacon.bind(navigator);
    navigator.sendBeacon = (url, body) => {
        const kept = JSON.parse(localStorage.beacons ?? "[]");
        localStorage.beacons = JSON.stringify([...kept, {url, body}]);
        return send(url, body);
    };
"""
_COMPARED = (
    "event_id",
    "event_timestamp",
    "event_type",
    "event_details",
    "metadata",
    "batch_id",
    "userId",
    "sessionId",
    "application_id",
    "application_version",
)


@dataclass(frozen=True)
class Post:
    """One fetch to the data plane."""

    url: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Traffic:
    """Records the requests of a page. Create it before the page is opened."""

    page: Page
    posts: list[Post] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    preflights: list[int] = field(default_factory=list)
    """Statuses of the responses to preflights."""
    preflight_headers: list[list[str]] = field(default_factory=list)
    """Headers that each preflight requested."""
    rejections: list[tuple[int, str]] = field(default_factory=list)
    """Status and x-amzn-ErrorType of each response that is not a success."""

    def __post_init__(self) -> None:
        self.page.do(self._listen)

    async def _listen(self, page: PlaywrightPage) -> None:
        await page.add_init_script(_KEEP_BEACONS)
        page.on("request", self._on_request)
        page.on("response", self._on_response)
        page.on("requestfailed", lambda request: self.failures.append(request.failure or ""))
        # Playwright's events do not include preflights; those of the DevTools protocol do.
        session = await page.context.new_cdp_session(page)
        await session.send("Network.enable")
        session.on("Network.responseReceived", self._on_protocol_response)
        session.on("Network.requestWillBeSentExtraInfo", self._on_headers)

    def _on_request(self, request: Request) -> None:
        if "/appmonitors/" in request.url:
            body = request.post_data_buffer or b""
            self.posts.append(Post(request.url, request.headers, body))

    def _on_response(self, response: Response) -> None:
        if "/appmonitors/" in response.url and not response.ok:
            self.rejections.append((response.status, response.headers.get("x-amzn-errortype", "")))

    def _on_protocol_response(self, message: dict[str, Any]) -> None:
        if message["type"] == "Preflight":
            self.preflights.append(message["response"]["status"])

    def _on_headers(self, request: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in request["headers"].items()}
        if requested := headers.get("access-control-request-headers"):
            self.preflight_headers.append(requested.split(","))

    def beacons(self) -> list[dict[str, Any]]:
        """Return the bodies of the beacons that pages with the open page's origin have sent."""
        return [json.loads(beacon["body"]) for beacon in self._beacons()]

    def beacon_urls(self) -> list[str]:
        """Return the URLs of those beacons."""
        return [beacon["url"] for beacon in self._beacons()]

    def _beacons(self) -> list[dict[str, str]]:
        kept: list[dict[str, str]] = json.loads(
            str(self.page.evaluate("() => localStorage.beacons ?? '[]'"))
        )
        return kept

    def batches(self) -> list[dict[str, Any]]:
        """Return the bodies of all batches. A batch that was sent several times appears once."""
        fetched = [_document(post) for post in self.posts]
        return list({body["BatchId"]: body for body in fetched + self.beacons()}.values())


def _document(post: Post) -> dict[str, Any]:
    packed = post.headers.get("content-encoding") == "gzip"
    body: dict[str, Any] = json.loads(gzip.decompress(post.body) if packed else post.body)
    return body


def expected_events(monitor_id: str, batches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what `comparable` returns for the stored events of these batches."""
    return _sorted(
        {
            "event_id": event["id"],
            "event_timestamp": round(event["timestamp"] * 1000),
            "event_type": event["type"],
            "event_details": json.loads(event["details"]),
            "metadata": {
                **json.loads(batch.get("SessionMetadata", "{}")),
                **json.loads(event.get("metadata", "{}")),
            },
            "batch_id": batch["BatchId"],
            "userId": batch["UserDetails"]["userId"],
            "sessionId": batch["UserDetails"]["sessionId"],
            "application_id": monitor_id,
            "application_version": batch["AppMonitorDetails"].get("version", ""),
        }
        for batch in batches
        for event in batch["RumEvents"]
    )


def comparable(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the members of stored events that come from the client, sorted for comparison."""
    return _sorted({name: document[name] for name in _COMPARED} for document in documents)


def _sorted(events: Any) -> list[dict[str, Any]]:
    return sorted(events, key=lambda event: (event["batch_id"], event["event_id"]))
