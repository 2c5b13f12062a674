"""Numbers computed straight from the log, with plain Python and without code of the projector."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from google.protobuf.json_format import MessageToDict

from rum.v1 import insight_service_pb2 as pb
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.storage.base import LogStore

_DIMENSIONS = {
    "page": "pageId",
    "browser": "browserName",
    "os": "osName",
    "device": "deviceType",
    "country": "countryCode",
    "release": "aws:releaseId",
}
_VITALS = {
    "lcp": ("largest_contentful_paint_event", 2500, 4000),
    "inp": ("interaction_to_next_paint_event", 200, 500),
    "cls": ("cumulative_layout_shift_event", 0.1, 0.25),
    "fcp": ("first_contentful_paint_event", 1800, 3000),
    "ttfb": ("time_to_first_byte_event", 800, 1800),
    "fid": ("first_input_delay_event", 100, 300),
}


@dataclass(frozen=True)
class Seen:
    """An event in the log."""

    ts: int
    type: str
    session: str
    user: str
    details: dict[str, Any]
    dimensions: dict[str, str]
    length: int
    sequence: int
    position: int

    def status(self) -> int:
        """Return the status of the response, 0 without a response, or -1 if it is hidden."""
        status = self.details.get("response", {}).get("status")
        return 0 if status is None else int(status) or -1

    def is_failed(self) -> bool:
        return self.status() == 0 or self.status() >= 400


def read(log: LogStore) -> list[Seen]:
    """Return all events in the log."""
    found = []
    for logged in log.after(0, limit=100_000, max_bytes=1 << 30):
        batch = PutRumEventsRequest.FromString(logged.content)
        # aws-rum-web 3 sends once for the batch what all events share.
        shared = json.loads(batch.session_metadata or "{}")
        for position, event in enumerate(batch.rum_events):
            metadata = {**shared, **json.loads(event.metadata or "{}")}
            # The only browser of the captured traffic that does not name itself.
            if "Firefox/" in metadata.get("aws:userAgent", ""):
                metadata.setdefault("browserName", "Firefox")
            found.append(
                Seen(
                    round(event.timestamp * 1000),
                    event.type.removeprefix("com.amazon.rum."),
                    batch.user_details.session_id,
                    batch.user_details.user_id,
                    json.loads(event.details),
                    {name: metadata.get(key, "") for name, key in _DIMENSIONS.items()},
                    len(event.details.encode()) + len(event.metadata.encode()),
                    logged.sequence,
                    position,
                )
            )
    return found


def nearest_rank(values: Iterable[float], share: str) -> float:
    """Return the value with the rank ceil(share * n)."""
    ordered = sorted(values)
    rank = Fraction(share) * len(ordered)
    return ordered[-(-rank.numerator // rank.denominator) - 1]


def measures(events: list[Seen]) -> dict[str, Any]:
    """Return `rum.v1.Measures` of events as JSON."""
    found: dict[str, Any] = {"counts": _counts(events)}
    for member, (kind, good, poor) in _VITALS.items():
        values = [e.details["value"] for e in events if e.type == kind]
        found[member] = {
            **_distribution(values),
            "good": sum(value <= good for value in values),
            "needsImprovement": sum(good < value <= poor for value in values),
            "poor": sum(value > poor for value in values),
        }
    for member in ("navigation", "resource"):
        kind = f"performance_{member}_event"
        values = [e.details["duration"] for e in events if e.type == kind]
        found[member] = {**_distribution(values), "good": 0, "needsImprovement": 0, "poor": 0}
    return found


def as_json(message: Any) -> Any:
    """Return a message as JSON with its zeros."""
    return MessageToDict(message, always_print_fields_with_no_presence=True)


def _counts(events: list[Seen]) -> dict[str, Any]:
    def number(kind: str, where: Callable[[Seen], bool] = lambda _: True) -> int:
        return sum(event.type == kind and where(event) for event in events)

    loads = [e.details["duration"] for e in events if e.type == "performance_navigation_event"]
    satisfied = sum(load <= 2000 for load in loads)
    tolerated = sum(2000 < load <= 8000 for load in loads)
    counts = {
        "events": len(events),
        "sessions": len({event.session for event in events}),
        "users": len({event.user for event in events}),
        "pageViews": number("page_view_event"),
        "jsErrors": number("js_error_event"),
        "errorSessions": len({e.session for e in events if e.type == "js_error_event"}),
        "httpRequests": number("http_event"),
        "http4xx": number("http_event", lambda event: event.status() // 100 == 4),
        "http5xx": number("http_event", lambda event: event.status() // 100 == 5),
        "httpNoResponse": number("http_event", lambda event: event.status() == 0),
        "navigationsSatisfied": satisfied,
        "navigationsTolerated": tolerated,
        "navigationsFrustrated": len(loads) - satisfied - tolerated,
        "payloadBytes": sum(event.length for event in events),
    }
    return counts | ({"apdex": (satisfied + tolerated / 2) / len(loads)} if loads else {})


def _distribution(values: list[float]) -> dict[str, float]:
    shares = {"p50": "0.5", "p75": "0.75", "p90": "0.9", "p99": "0.99"}
    found = {name: nearest_rank(values, share) for name, share in shares.items()} if values else {}
    return {"samples": len(values), **found}


EMPTY = as_json(pb.Measures())
