"""A session of aws-rum-web: what the client sends with each event, and its batches."""

from __future__ import annotations

__all__ = ["SentBatch", "Session"]

import random
import uuid
from typing import NamedTuple

import orjson

from bench.demo.shop import DEVICES, Monitor
from rum.v1.data_plane_service_pb2 import (
    AppMonitorDetails,
    PutRumEventsRequest,
    RumEvent,
    UserDetails,
)

_RUM = "com.amazon.rum."
_USERS = 60_000
# Of version 3 of the client, which sends what all events share once for each batch.
_SHARE_OF_V3 = 0.7


class SentBatch(NamedTuple):
    """A batch and the time when the server received it."""

    received_s: float
    monitor: Monitor
    request: PutRumEventsRequest


class Session:
    """A user with one device, who looks at pages of one app monitor.

    Attributes:
        now_s: the time, Unix seconds.
        sent: the batches up to now.
    """

    def __init__(self, monitor: Monitor, release: str, start_s: float, rng: random.Random) -> None:
        self.monitor = monitor
        self.now_s = start_s
        self.rng = rng
        self.device = DEVICES(rng)
        self.sent: list[SentBatch] = []
        self._release = release
        self._user = str(_uuid(random.Random(rng.randrange(_USERS))))
        self._session = str(_uuid(rng))
        self._is_v3 = rng.random() < _SHARE_OF_V3
        self._common = self._common_metadata()
        self._interaction = 0
        self._parent = ""
        self._metadata = ""
        self._pending: list[RumEvent] = []

    def begin_page(self, page: str, *, is_first: bool) -> None:
        """Add the event of a page view. The events added from here on belong to this page."""
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
            view["timeOnParentPage"] = self.rng.randrange(900, 90_000)
        self._metadata = orjson.dumps(metadata if self._is_v3 else self._common | metadata).decode()
        if is_first:
            self.add("session_start_event", {"version": "1.0.0"})
        self.add("page_view_event", view)
        self._parent, self._interaction = page, self._interaction + 1

    def add(self, kind: str, details: object, after_s: float = 0.0) -> None:
        """Add an event of type `com.amazon.rum.KIND`, `after_s` seconds from now."""
        self.add_typed(_RUM + kind, details, after_s)

    def add_typed(self, event_type: str, details: object, after_s: float) -> None:
        """Add an event of any type, `after_s` seconds from now."""
        self._pending.append(
            RumEvent(
                id=str(_uuid(self.rng)),
                timestamp=round(self.now_s + after_s, 3),
                type=event_type,
                metadata=self._metadata,
                details=orjson.dumps(details).decode(),
            )
        )

    def send(self, after_s: float = 0) -> None:
        """Send the events that wait."""
        if not self._pending:
            return
        received_s = self.now_s + after_s + 0.3 + self.rng.random()
        request = PutRumEventsRequest(
            id=self.monitor.id,
            batch_id=str(_uuid(self.rng)),
            app_monitor_details=AppMonitorDetails(id=self.monitor.id, version=self._release),
            user_details=UserDetails(user_id=self._user, session_id=self._session),
            rum_events=self._pending,
        )
        if self._is_v3:
            request.session_metadata = orjson.dumps(self._common).decode()
        self.sent.append(SentBatch(received_s, self.monitor, request))
        self._pending = []

    def _common_metadata(self) -> dict[str, object]:
        device, rng = self.device, self.rng
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
            "domain": self.monitor.domain,
            "countryCode": device.country,
            "aws:client": "arw-module",
            "aws:clientVersion": "3.2.1" if self._is_v3 else "1.25.0",
            "aws:releaseId": self._release,
        }


def _uuid(rng: random.Random) -> uuid.UUID:
    return uuid.UUID(int=rng.getrandbits(128), version=4)
