"""Each put that reaches the bridge is counted once, however it ends."""

from __future__ import annotations

import asyncio
import json
from typing import cast

import pytest
from google.rpc.status_pb2 import Status
from starlette.types import Message

from rum.internal.v1 import bridge_service_pb2 as pb
from rum_bridge.errors import HttpError
from rum_bridge.puts.accounting import PutAccounting
from rum_bridge.puts.coalesce import Coalescer
from rum_bridge.puts.put_events import PutEvents
from rum_bridge.settings import BridgeSettings
from rum_bridge.upstream.caller import CallerReport
from rum_bridge.upstream.known_monitors import KnownMonitors
from rum_endpoint.ledger import ACCEPTED, REJECTED, Amount
from rum_service.errors import ThrottlingException
from rum_service.rpc.status import to_status
from tests.bridge.limits import unlimited
from tests.support.batches import batch

_BODY = json.dumps(batch(3)).encode()


class _Monitors:
    """The app monitors that the service knows: any."""

    async def check(self, _: str) -> None:
        return None


class _Bridge:
    """The endpoint of puts over a function that stands for the service."""

    def __init__(self, respond: object) -> None:
        self.accounting = PutAccounting()
        coalescer = Coalescer(respond, max_waiting_bytes=1 << 20, timeout_s=0.2)  # type: ignore[arg-type]
        report = CallerReport(authorization_required=False)
        settings = BridgeSettings(max_events=3)
        monitors = cast("KnownMonitors", _Monitors())
        self._endpoint = PutEvents(
            coalescer, monitors, self.accounting, report, limits=unlimited(), settings=settings
        )

    async def put(self, body: bytes = _BODY, media_type: bytes = b"application/json") -> int:
        """Put a body and return the status of the response."""
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/appmonitors/id",
            "query_string": b"",
            "headers": [(b"content-type", media_type)],
            "client": ("127.0.0.1", 1),
        }
        await self._endpoint.serve("id", scope, receive, send)
        status: int = sent[0]["status"]
        return status

    def ended(self) -> dict[tuple[str, str, str], tuple[int, int]]:
        """Return batches and events by their end, without ends that no batch had."""
        ended = self.accounting.ledger.ended.items()
        return {end: (a.batches, a.events) for end, a in ended if a.batches}


async def _stored(_request: bytes, _timeout_s: float) -> pb.BatchPutRumEventsResponse:
    return pb.BatchPutRumEventsResponse(statuses=[Status()])


async def _throttled(_request: bytes, _timeout_s: float) -> pb.BatchPutRumEventsResponse:
    status = to_status(ThrottlingException("later"))
    return pb.BatchPutRumEventsResponse(statuses=[status])


async def _silent(_request: bytes, timeout_s: float) -> pb.BatchPutRumEventsResponse:
    await asyncio.sleep(timeout_s)
    raise TimeoutError


async def test_an_accepted_put_is_counted_with_its_events_and_bytes() -> None:
    bridge = _Bridge(_stored)

    assert await bridge.put() == 200
    assert bridge.accounting.ledger.received == Amount(1, 3, len(_BODY))
    assert bridge.accounting.ledger.ended["", ACCEPTED, ""] == Amount(1, 3, len(_BODY))
    assert bridge.accounting.statuses == {200: 1}


@pytest.mark.parametrize(
    ("body", "media_type", "status", "reason", "events"),
    [
        (_BODY, b"image/png", 415, "UnsupportedMediaTypeException", 0),
        (b"{", b"", 400, "ValidationException", 0),
        (json.dumps(batch(2, BatchId=1)).encode(), b"", 400, "ValidationException", 2),
        (json.dumps(batch(4)).encode(), b"", 400, "ValidationException", 4),
    ],
    ids=["media type", "not JSON", "wrong type", "too many events"],
)
async def test_a_put_that_the_bridge_rejects_is_counted_with_its_reason(
    body: bytes, media_type: bytes, status: int, reason: str, events: int
) -> None:
    bridge = _Bridge(_stored)

    assert await bridge.put(body, media_type) == status
    assert bridge.ended() == {("bridge", REJECTED, reason): (1, events)}
    assert bridge.accounting.ledger.in_progress() == Amount()
    assert bridge.accounting.statuses == {200: 0, status: 1}


async def test_a_put_that_the_service_rejects_is_counted_as_its_error() -> None:
    bridge = _Bridge(_throttled)

    assert await bridge.put() == 429
    assert bridge.ended() == {("service", REJECTED, "ThrottlingException"): (1, 3)}


async def test_a_put_without_an_answer_is_counted_as_such() -> None:
    bridge = _Bridge(_silent)

    assert await bridge.put() == 504
    assert bridge.ended() == {("no_answer", REJECTED, "ServiceUnavailable"): (1, 3)}
    assert bridge.accounting.ledger.in_progress() == Amount()


async def test_a_put_that_a_stopping_bridge_drops_is_counted() -> None:
    bridge = _Bridge(_silent)
    put = asyncio.create_task(bridge.put())
    await asyncio.sleep(0)
    waiting = bridge.accounting.ledger.in_progress()
    put.cancel()
    await asyncio.gather(put, return_exceptions=True)

    assert waiting == Amount(1, 3, len(_BODY))
    assert bridge.ended() == {("no_answer", REJECTED, "Cancelled"): (1, 3)}


def test_an_error_of_the_bridge_is_its_own_unless_it_says_otherwise() -> None:
    assert HttpError(400, "ValidationException", "").source == "bridge"
