"""A server with two days of visits to a shop, for the tests of the page."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import grpc

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent, UserDetails
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from tests.e2e.shown import read_api
from tests.insight.visits import HOUR_MS, START_MS, visits
from tests.support.batches import new_id
from tests.support.running import OpenRum, wait_until

MONITOR = "my-app"
HOSTILE = '<img src=x onerror="window.hacked=1">'
"""The message of an error, and the name of a page."""
HOSTILE_SESSION = "deadbeef-0000-4000-8000-000000000001"


class _Projecting(OpenRum):
    """`openrum up` with its projector."""

    projects = True


@dataclass(frozen=True)
class Visited:
    """The server, and the time range of the visits in milliseconds."""

    server: OpenRum
    after: int
    before: int

    @property
    def range(self) -> dict[str, object]:
        """The time range, as parameters of the page and of the API."""
        return {"after": self.after, "before": self.before}

    def read(self, *path: str, **members: object) -> dict[str, object]:
        """Return a response of InsightService about the time range."""
        return read_api(self.server, "insight", MONITOR, *path, **self.range, **members)

    def tail(self, **members: object) -> dict[str, object]:
        """Return the latest events."""
        return read_api(self.server, "insight", MONITOR, "tail", **members)

    def put(self, requests: Iterable[PutRumEventsRequest], monitor: str = MONITOR) -> None:
        """Store batches, and wait until the numbers contain them."""
        monitor_id = self.server.monitor_id(monitor)
        with grpc.insecure_channel(self.server.grpc) as channel:
            stub = DataPlaneServiceStub(channel)
            for request in requests:
                request.id = monitor_id
                stub.PutRumEvents(request, metadata=self.server.operator)
        wait_until(self._is_projected)

    def _is_projected(self) -> bool:
        query = urlencode(self.range)
        status, text = self.server.get(f"/insight/{MONITOR}/overview?{query}")
        if status != 200:  # the projector starts after the server
            return False
        freshness = json.loads(text)["freshness"]
        return 0 < freshness["logSequence"] == freshness["projectedSequence"]


@contextmanager
def visited(folder: Path, *, sessions: int = 300, **settings: str) -> Iterator[Visited]:
    """Run a server with visits that began 47 hours ago, and with one hostile visit."""
    after = (int(time.time()) // 60 - 47 * 60) * 60_000
    with _Projecting(folder, **settings) as server:
        found = Visited(server, after, after + 48 * HOUR_MS)
        shifted = (_shifted(stored.request, after) for stored in visits(sessions, hours=46))
        found.put([*shifted, hostile_visit(after + HOUR_MS)])
        yield found
        server.stop()


def _shifted(request: PutRumEventsRequest, start_ms: int) -> PutRumEventsRequest:
    for event in request.rum_events:
        event.timestamp += (start_ms - START_MS) / 1000
    return request


def hostile_visit(time_ms: int, text: str = HOSTILE) -> PutRumEventsRequest:
    """Return a batch with this text wherever a client may write one."""
    page = json.dumps({"pageId": f"/{text}", "browserName": text, "aws:releaseId": text})
    request = {"method": "GET", "url": f"https://shop.example/{text}"}
    details: dict[str, dict[str, object]] = {
        "page_view_event": {"pageId": f"/{text}", "pageInteractionId": "h-0"},
        "js_error_event": {"type": "Error", "message": text, "stack": f"Error: {text}\n"},
        "http_event": {"request": request, "response": {"status": 500}},
    }
    return PutRumEventsRequest(
        batch_id=new_id(),
        app_monitor_details={},
        user_details=UserDetails(user_id=new_id(), session_id=HOSTILE_SESSION),
        rum_events=[
            RumEvent(
                id=new_id(),
                timestamp=time_ms / 1000,
                type=f"com.amazon.rum.{kind}",
                details=json.dumps({"version": "1.0.0", **members}),
                metadata=page,
            )
            for kind, members in details.items()
        ],
    )
