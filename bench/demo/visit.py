"""The events of one visit, as aws-rum-web sends them: batches of one session.

Source: the event schemas of aws-rum-web.
"""

from __future__ import annotations

__all__ = ["Conditions", "SentBatch", "batches_of_visit"]

import math
import random
import uuid
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from bench.demo.shop import (
    APIS,
    DEVICES,
    ERRORS,
    FILES,
    SHOP,
    SLOW_PAGES,
    Choice,
    Monitor,
    PageError,
    page_of,
)
from rum.v1.data_plane_service_pb2 import (
    AppMonitorDetails,
    PutRumEventsRequest,
    RumEvent,
    UserDetails,
)

_RUM = "com.amazon.rum."
_MAX_PAGES = 25
_USERS = 60_000
# Of version 3 of the client, which sends what all events share once for each batch.
_SHARE_OF_V3 = 0.7


@dataclass(frozen=True)
class Conditions:
    """What is special about the time of a visit."""

    release: str
    new_error: PageError | None = None
    """An error that the release brings."""
    failing: float = 0.008
    """The share of requests to the API that get status 503."""
    slow_checkout: float = 1.0
    """Durations of the pages below /checkout are this many times longer."""


class SentBatch(NamedTuple):
    """A batch and the time when the server received it."""

    received_s: float
    monitor: Monitor
    request: PutRumEventsRequest


def batches_of_visit(
    monitor: Monitor, start_s: float, conditions: Conditions, rng: random.Random
) -> list[SentBatch]:
    """Return the batches of a visit of 1 to 25 pages that begins at `start_s`, Unix seconds."""
    visit = _Visit(monitor, start_s, conditions, rng)
    for number in range(min(1 + int(rng.expovariate(1 / 2.6)), _MAX_PAGES)):
        visit.view(page_of(monitor, rng), is_first=number == 0)
    visit.send()
    return visit.sent


class _Visit:
    def __init__(
        self, monitor: Monitor, start_s: float, conditions: Conditions, rng: random.Random
    ) -> None:
        self._monitor = monitor
        self._now_s = start_s
        self._conditions = conditions
        self._rng = rng
        self._device = DEVICES(rng)
        self._user = str(_uuid(random.Random(rng.randrange(_USERS))))
        self._session = str(_uuid(rng))
        self._is_v3 = rng.random() < _SHARE_OF_V3
        self._common = self._common_metadata()
        self._interaction = 0
        self._parent = ""
        self._metadata = ""
        self._pending: list[RumEvent] = []
        self.sent: list[SentBatch] = []

    def _common_metadata(self) -> dict[str, object]:
        device, rng = self._device, self._rng
        version = rng.randint(*device.versions)
        named: dict[str, object] = {
            "browserName": device.browser,
            "browserVersion": str(version),
            "osName": device.os,
        }
        if self._is_v3 and device.user_agent:
            named = {"aws:userAgent": device.user_agent.format(v=version)}
        return {
            "version": "1.0.0",
            **named,
            "browserLanguage": "en",
            "deviceType": device.type,
            "platformType": "web",
            "domain": self._monitor.domain,
            "countryCode": device.country,
            "aws:client": "arw-module",
            "aws:clientVersion": "3.2.1" if self._is_v3 else "1.25.0",
            "aws:releaseId": self._conditions.release,
        }

    def view(self, page: str, *, is_first: bool) -> None:
        """Look at one page for a while."""
        rng = self._rng
        is_route_change = not is_first and rng.random() < 0.35
        slow = self._slowness_of(page)
        self._begin_page(page, is_first=is_first)
        ttfb = rng.lognormvariate(5.3, 0.6) * slow
        fcp = ttfb + rng.lognormvariate(6.3, 0.5) * slow
        lcp = fcp + rng.lognormvariate(6.1, 0.8) * slow
        if is_route_change:
            self._route_change(rng.lognormvariate(5.9, 0.7) * slow)
        else:
            self._load(ttfb, fcp, max(lcp, fcp + rng.lognormvariate(6.6, 0.6) * slow))
        count = rng.randrange(4, 12) if is_route_change else rng.randrange(10, 30)
        self._resources(count, ttfb, slow)
        for _ in range(rng.randrange(0, 5)):
            self._http_request()
        self._maybe_error(page)
        self.send(after_s=5)
        stay_s = min(2 + rng.expovariate(1 / 28), 600)
        self._interactions(stay_s)
        if not is_route_change:
            self._vitals(ttfb, lcp, stay_s)
        self._now_s += stay_s
        if rng.random() < 0.2:
            self.send()
        self._parent, self._interaction = page, self._interaction + 1

    def send(self, after_s: float = 0) -> None:
        """Send the events that wait."""
        if not self._pending:
            return
        received_s = self._now_s + after_s + 0.3 + self._rng.random()
        request = PutRumEventsRequest(
            id=self._monitor.id,
            batch_id=str(_uuid(self._rng)),
            app_monitor_details=AppMonitorDetails(
                id=self._monitor.id, version=self._conditions.release
            ),
            user_details=UserDetails(user_id=self._user, session_id=self._session),
            rum_events=self._pending,
        )
        if self._is_v3:
            request.session_metadata = orjson.dumps(self._common).decode()
        self.sent.append(SentBatch(received_s, self._monitor, request))
        self._pending = []

    def _slowness_of(self, page: str) -> float:
        slow = self._device.slowness * SLOW_PAGES.get(page, 1.25 if "/orders/" in page else 1.0)
        return slow * (self._conditions.slow_checkout if page.startswith("/checkout") else 1.0)

    def _begin_page(self, page: str, *, is_first: bool) -> None:
        metadata: dict[str, object] = {
            "version": "1.0.0",
            "title": page.strip("/").replace("/", " ").title() or "Home",
            "pageId": page,
            "interaction": self._interaction,
        }
        view = {
            "version": "1.0.0",
            "pageId": page,
            "interaction": self._interaction,
            "pageInteractionId": f"{page}-{self._interaction}",
        }
        if is_first:
            view |= {"referrer": "", "referrerDomain": ""}
        else:
            metadata["parentPageId"] = self._parent
            view["parentPageInteractionId"] = f"{self._parent}-{self._interaction - 1}"
            view["timeOnParentPage"] = self._rng.randrange(900, 90_000)
        self._metadata = orjson.dumps(metadata if self._is_v3 else self._common | metadata).decode()
        if is_first:
            self._add("session_start_event", {"version": "1.0.0"})
        self._add("page_view_event", view)

    def _route_change(self, duration: float) -> None:
        self._add(
            "performance_navigation_event",
            {
                "version": "1.0.0",
                "initiatorType": "route_change",
                "navigationType": "navigate",
                "startTime": round(self._rng.random() * 1e5, 1),
                "duration": round(duration, 1),
            },
            duration / 1000,
        )

    def _load(self, ttfb: float, fcp: float, load: float) -> None:
        times = {
            "fetchStart": ttfb * 0.05,
            "domainLookupStart": ttfb * 0.05,
            "dns": ttfb * 0.1,
            "connectStart": ttfb * 0.15,
            "connect": ttfb * 0.2,
            "secureConnectionStart": ttfb * 0.2,
            "tlsTime": ttfb * 0.15,
            "requestStart": ttfb * 0.4,
            "timeToFirstByte": ttfb * 0.6,
            "responseStart": ttfb,
            "responseTime": ttfb * 0.2,
            "domInteractive": fcp,
            "domContentLoadedEventStart": fcp * 1.02,
            "domContentLoaded": fcp * 0.01,
            "domComplete": load * 0.97,
            "domProcessingTime": load * 0.5,
            "loadEventStart": load * 0.97,
            "loadEventTime": load * 0.03,
            "duration": load,
        }
        self._add(
            "performance_navigation_event",
            {
                "version": "1.0.0",
                "initiatorType": "navigation",
                "navigationType": "navigate",
                "startTime": 0,
                "nextHopProtocol": "h2",
                "transferSize": self._rng.randrange(2_000, 90_000),
                **{name: round(value, 1) for name, value in times.items()},
            },
            load / 1000,
        )
        self._vital("first_contentful_paint_event", fcp, {"timeToFirstByte": ttfb}, fcp / 1000)
        self._vital("time_to_first_byte_event", ttfb, {"requestDuration": ttfb * 0.6}, ttfb / 1000)

    def _resources(self, count: int, ttfb: float, slow: float) -> None:
        for number in range(count):
            initiator, file_type, extension = FILES[number % len(FILES)]
            start = ttfb + number * 31
            self._add(
                "performance_resource_event",
                {
                    "version": "1.0.0",
                    "initiatorType": initiator,
                    "startTime": round(start, 1),
                    "duration": round(self._rng.lognormvariate(4.2, 0.9) * slow, 1),
                    "fileType": file_type,
                    "transferSize": self._rng.randrange(300, 200_000),
                    "targetUrl": f"https://cdn.shop.example/a/{file_type}-{number}.{extension}",
                },
                start / 1000,
            )

    def _http_request(self) -> None:
        rng = self._rng
        method, url = APIS(rng)
        chance, failing = rng.random(), self._conditions.failing
        statuses = ((failing, 503), (0.004, 500), (0.016, 404), (0.003, 429), (0.004, 0))
        status = 200
        for share, failure in statuses:
            if chance < share:
                status = failure
                break
            chance -= share
        details: dict[str, object] = {
            "version": "1.0.0",
            "request": {"method": method, "url": url.format(rng.getrandbits(20))},
        }
        if status:
            details["response"] = {"status": status, "statusText": ""}
        else:
            details["error"] = {
                "version": "1.0.0",
                "type": "TypeError",
                "message": "Failed to fetch",
            }
        self._add("http_event", details, 0.5 + rng.random())

    def _maybe_error(self, page: str) -> None:
        rng, new = self._rng, self._conditions.new_error
        if new and page.startswith(new.page) and rng.random() < 0.2:
            self._error(new, page)
        elif rng.random() < 0.05:
            possible = [error for error in ERRORS if error.page in ("", page)]
            self._error(Choice(possible, [error.weight for error in possible])(rng), page)

    def _error(self, error: PageError, page: str) -> None:
        rng = self._rng
        message = error.message.format(rng.getrandbits(16))
        cdn = f"https://cdn.{self._monitor.domain}/a/"
        url = cdn + error.file if error.file else f"https://{self._monitor.domain}{page}"
        line, column = 1, 1_000 + sum(error.function.encode()) * 37
        frames = [
            f"    at {error.function} ({url}:{line}:{column})",
            f"    at dispatch ({cdn}vendor.11c0.js:1:20411)",
            f"    at HTMLButtonElement.handle ({cdn}vendor.11c0.js:1:18211)",
        ]
        self._add(
            "js_error_event",
            {
                "version": "1.0.0",
                "type": error.type,
                "message": message,
                "filename": url,
                "lineno": line,
                "colno": column,
                "stack": "\n".join([f"{error.type}: {message}", *frames]),
            },
            1 + rng.random(),
        )

    def _interactions(self, stay_s: float) -> None:
        rng = self._rng
        for _ in range(rng.randrange(0, 4)):
            clicked = {"event": "click", "element": "A", "elementId": f"nav-{rng.randrange(30)}"}
            self._add("dom_event", {"version": "1.1.0", **clicked}, stay_s * rng.random())
        if self._monitor is SHOP and rng.random() < 0.08:
            item = {"sku": f"SKU-{rng.randrange(9000)}", "quantity": rng.randrange(1, 4)}
            price = round(rng.random() * 200, 2)
            self._add_typed("shop.add_to_cart", {**item, "price": price}, stay_s * 0.6)

    def _vitals(self, ttfb: float, lcp: float, stay_s: float) -> None:
        rng = self._rng
        rest = lcp - ttfb
        self._vital(
            "largest_contentful_paint_event",
            lcp,
            {
                "element": "#main>img",
                "url": "https://cdn.shop.example/a/hero.webp",
                "timeToFirstByte": ttfb,
                "resourceLoadDelay": rest * 0.2,
                "resourceLoadTime": rest * 0.4,
                "elementRenderDelay": rest * 0.4,
            },
            lcp / 1000,
        )
        shift = 0.0 if rng.random() < 0.55 else rng.lognormvariate(-3.2, 1.2)
        target: dict[str, str | float] = {
            "largestShiftTarget": "#banner",
            "largestShiftValue": shift * 0.7,
        }
        self._vital("cumulative_layout_shift_event", shift, target, stay_s, digits=5)
        if rng.random() < 0.7:
            delay = 8.0 * math.ceil(rng.lognormvariate(4.2, 0.8) * self._device.slowness / 8)
            self._vital(
                "interaction_to_next_paint_event",
                delay,
                {
                    "interactionTarget": "#buy",
                    "interactionType": "pointer",
                    "inputDelay": delay * 0.2,
                    "processingDuration": delay * 0.5,
                    "presentationDelay": delay * 0.3,
                },
                stay_s,
            )
            self._vital("first_input_delay_event", delay * 0.1, {"eventType": "click"}, stay_s / 2)

    def _vital(
        self,
        kind: str,
        value: float,
        attribution: dict[str, str | float],
        after_s: float,
        digits: int = 1,
    ) -> None:
        rounded = {
            name: part if isinstance(part, str) else round(part, digits)
            for name, part in attribution.items()
        }
        details = {"version": "1.0.0", "value": round(value, digits), "attribution": rounded}
        self._add(kind, details, after_s)

    def _add(self, kind: str, details: object, after_s: float = 0.0) -> None:
        self._add_typed(_RUM + kind, details, after_s)

    def _add_typed(self, event_type: str, details: object, after_s: float) -> None:
        self._pending.append(
            RumEvent(
                id=str(_uuid(self._rng)),
                timestamp=round(self._now_s + after_s, 3),
                type=event_type,
                metadata=self._metadata,
                details=orjson.dumps(details).decode(),
            )
        )


def _uuid(rng: random.Random) -> uuid.UUID:
    return uuid.UUID(int=rng.getrandbits(128), version=4)
