"""Events of visits to a shop, as aws-rum-web sends them: many, the same in every run."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent

START_MS = 1_780_000_000_000
"""Thursday, 28 May 2026."""
HOUR_MS = 3_600_000

_PAGES = ["/", "/products", "/cart", "/checkout", "/search"]
_BROWSERS = ["Chrome", "Firefox", "Safari"]
_SYSTEMS = ["macOS", "Windows", "iOS"]
_DEVICES = ["desktop", "mobile", "tablet"]
_COUNTRIES = ["DE", "FR", "US"]
_RELEASES = ["1.0.0", "1.1.0"]
_VITALS = {
    "largest_contentful_paint": 2800.0,
    "first_input_delay": 90.0,
    "interaction_to_next_paint": 180.0,
    "first_contentful_paint": 1500.0,
    "time_to_first_byte": 600.0,
}


class Stored(NamedTuple):
    """A batch, and when it was received."""

    received_ms: int
    request: PutRumEventsRequest
    country: str | None = None


def visits(sessions: int, *, hours: int = 48, seed: int = 1) -> Iterator[Stored]:
    """Yield the batches of sessions that start within `hours`, in the order of their times."""
    chance = random.Random(seed)
    starts = sorted(chance.randrange(hours * HOUR_MS) for _ in range(sessions))
    for start in starts:
        yield from _Visit(chance, START_MS + start).batches()


class _Visit:
    def __init__(self, chance: random.Random, now_ms: int) -> None:
        self._chance = chance
        self._now_ms = now_ms
        self._session = self._id()
        # Some users visit several times.
        self._user = str(uuid.UUID(int=chance.randrange(200), version=4))
        self._metadata = {
            "version": "1.0.0",
            "browserName": chance.choice(_BROWSERS),
            "browserVersion": f"{chance.randrange(100, 104)}.0",
            "osName": chance.choice(_SYSTEMS),
            "deviceType": chance.choice(_DEVICES),
            "countryCode": chance.choice(_COUNTRIES),
            "aws:releaseId": chance.choice(_RELEASES),
            "domain": "shop.example",
        }
        self._events: list[RumEvent] = []

    def batches(self) -> Iterator[Stored]:
        self._add("session_start_event")
        for number in range(self._chance.randrange(1, 6)):
            page = self._chance.choice(_PAGES)
            self._metadata["pageId"] = page
            self._page(page, number)
            if self._chance.random() < 0.5:
                yield self._batch()
        if self._events:
            yield self._batch()

    def _page(self, page: str, number: int) -> None:
        chance = self._chance
        self._add("page_view_event", pageId=page, pageInteractionId=f"{page}-{number}")
        if chance.random() < 0.8:
            self._navigation()
        for name, scale in _VITALS.items():
            if chance.random() < 0.7:
                value = round(chance.lognormvariate(0, 0.6) * scale, 1)
                self._add(f"{name}_event", value=value, attribution=self._attribution(name))
        if chance.random() < 0.6:
            self._add(
                "cumulative_layout_shift_event",
                value=round(chance.expovariate(12), 4),
                attribution={"largestShiftTarget": chance.choice(["#hero", "#footer"])},
            )
        for _ in range(chance.randrange(4)):
            self._add(
                "performance_resource_event",
                duration=round(chance.expovariate(1 / 200), 1),
                fileType=chance.choice(["script", "image", "stylesheet"]),
                transferSize=chance.randrange(100, 100_000),
                targetUrl=f"https://shop.example/static/{chance.choice('abc')}.js",
            )
        for _ in range(chance.randrange(3)):
            self._http()
        if chance.random() < 0.15:
            self._error()

    def _navigation(self) -> None:
        chance = self._chance
        parts = {
            name: round(chance.expovariate(1 / 50), 1)
            for name in ("dns", "connect", "tlsTime", "timeToFirstByte", "responseTime")
        }
        self._add(
            "performance_navigation_event",
            initiatorType="navigation",
            startTime=0,
            duration=round(chance.lognormvariate(0, 1) * 2500, 1),
            **parts,
        )

    def _attribution(self, name: str) -> dict[str, Any]:
        chance = self._chance
        if name == "largest_contentful_paint":
            return {"timeToFirstByte": chance.randrange(500), "elementRenderDelay": 10}
        if name == "interaction_to_next_paint":
            target = chance.choice(["#buy", "#search"])
            return {"interactionTarget": target, "inputDelay": chance.randrange(50)}
        return {}

    def _http(self) -> None:
        chance = self._chance
        request = {
            "method": chance.choice(["GET", "POST"]),
            "url": f"https://api.example/{chance.choice(['cart', 'user'])}/{chance.randrange(99)}",
        }
        status = chance.choice([200, 200, 200, 404, 429, 500, 503, 0, None])
        if status is None:
            self._add("http_event", request=request, error={"message": "Failed to fetch"})
        else:
            self._add("http_event", request=request, response={"status": status})

    def _error(self) -> None:
        message = self._chance.choice(["x is undefined", "Failed to load 5", "Failed to load 77"])
        file = self._chance.choice(["app", "vendor"])
        self._add(
            "js_error_event",
            type="TypeError",
            message=message,
            filename=f"https://shop.example/{file}.js",
            lineno=1,
            colno=self._chance.randrange(9000),
            stack=f"TypeError: {message}\n    at buy (https://shop.example/{file}.js:1:77)",
        )

    def _add(self, kind: str, **details: Any) -> None:
        self._now_ms += self._chance.randrange(1, 20_000)
        self._events.append(
            RumEvent(
                id=self._id(),
                timestamp=self._now_ms / 1000,
                type=f"com.amazon.rum.{kind}",
                details=json.dumps({"version": "1.0.0", **details}),
                metadata=json.dumps(self._metadata),
            )
        )

    def _batch(self) -> Stored:
        request = PutRumEventsRequest(
            id="shop",
            batch_id=self._id(),
            app_monitor_details={},
            user_details={"user_id": self._user, "session_id": self._session},
            rum_events=self._events,
        )
        self._events = []
        return Stored(self._now_ms + 50, request)

    def _id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
