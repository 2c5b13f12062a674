"""What a page sends to the data plane, seen from inside the browser, as events to be stored."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page as PlaywrightPage
from playwright.async_api import Request, Response

from tests.tools.chromium import Page

__all__ = ["Post", "Traffic", "as_stored", "shown"]

_KEEP_BEACONS = """
    const send = navigator.sendBeacon.bind(navigator);
    navigator.sendBeacon = (url, body) => {
        const kept = JSON.parse(localStorage.beacons ?? "[]");
        localStorage.beacons = JSON.stringify([...kept, {url, body}]);
        return send(url, body);
    };
"""
_SHOWN = (
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
    """Listens to a page from before its first request; attach it before the page is opened."""

    page: Page
    posts: list[Post] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    preflights: list[int] = field(default_factory=list)
    """Statuses of the answers to preflights."""
    asked: list[list[str]] = field(default_factory=list)
    """Headers that preflights asked for."""
    refusals: list[tuple[int, str]] = field(default_factory=list)
    """Status and x-amzn-ErrorType of the answers that were no success."""

    def __post_init__(self) -> None:
        self.page.do(self._listen)

    async def _listen(self, page: PlaywrightPage) -> None:
        await page.add_init_script(_KEEP_BEACONS)
        page.on("request", self._on_request)
        page.on("response", self._on_answer)
        page.on("requestfailed", lambda request: self.failures.append(request.failure or ""))
        # Only the protocol beneath shows preflights.
        session = await page.context.new_cdp_session(page)
        await session.send("Network.enable")
        session.on("Network.responseReceived", self._on_response)
        session.on("Network.requestWillBeSentExtraInfo", self._on_headers)

    def _on_request(self, request: Request) -> None:
        if "/appmonitors/" in request.url:
            body = request.post_data_buffer or b""
            self.posts.append(Post(request.url, request.headers, body))

    def _on_answer(self, answer: Response) -> None:
        if "/appmonitors/" in answer.url and not answer.ok:
            self.refusals.append((answer.status, answer.headers.get("x-amzn-errortype", "")))

    def _on_response(self, answer: dict[str, Any]) -> None:
        if answer["type"] == "Preflight":
            self.preflights.append(answer["response"]["status"])

    def _on_headers(self, request: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in request["headers"].items()}
        if asked := headers.get("access-control-request-headers"):
            self.asked.append(asked.split(","))

    def beacons(self) -> list[dict[str, Any]]:
        """Bodies of the beacons that pages of the open page's origin have sent."""
        return [json.loads(beacon["body"]) for beacon in self._beacons()]

    def beacon_urls(self) -> list[str]:
        """Where those beacons were sent to."""
        return [beacon["url"] for beacon in self._beacons()]

    def _beacons(self) -> list[dict[str, str]]:
        kept: list[dict[str, str]] = json.loads(
            str(self.page.evaluate("() => localStorage.beacons ?? '[]'"))
        )
        return kept

    def batches(self) -> list[dict[str, Any]]:
        """Bodies of all batches, each once however often it was sent."""
        fetched = [_document(post) for post in self.posts]
        return list({body["BatchId"]: body for body in fetched + self.beacons()}.values())


def _document(post: Post) -> dict[str, Any]:
    packed = post.headers.get("content-encoding") == "gzip"
    body: dict[str, Any] = json.loads(gzip.decompress(post.body) if packed else post.body)
    return body


def as_stored(monitor_id: str, batches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns what `shown` must return of the events of these batches."""
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


def shown(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the members of stored events that a client decides, in an order of their own."""
    return _sorted({name: document[name] for name in _SHOWN} for document in documents)


def _sorted(events: Any) -> list[dict[str, Any]]:
    return sorted(events, key=lambda event: (event["batch_id"], event["event_id"]))
