"""Account for puts: each one that arrives is accepted, or rejected with a reason.

The reason is the name of the exception in the response, except for a quota that is reached. The
source of the error tells whether the bridge passed the batch on.
"""

from __future__ import annotations

__all__ = [
    "PutAccounting",
    "PutInProgress",
    "in_progress",
    "in_progress_extension",
]

from time import perf_counter

from starlette.types import Scope

from rum_bridge.errors import BRIDGE, NO_ANSWER, HttpError
from rum_bridge.puts.full_monitors import QUOTA_CODE
from rum_bridge.request_id import new_request_id
from rum_endpoint.histogram import SECONDS, Histogram
from rum_endpoint.ledger import ACCEPTED, REJECTED, Amount, Ledger
from rum_endpoint.request_log import RequestLog

QUOTA = "StoredBytesQuota"
"""The reason of puts whose app monitor has reached its quota, as in the service."""
_ACCEPTED = ("", ACCEPTED, "")
_CANCELLED = (NO_ANSWER, REJECTED, "Cancelled")
_ID_LENGTH = 36
_EXTENSION = "rum.put"
_CANCELLED_STATUS = 499  # as in the logs of nginx; nothing is sent


class PutInProgress:
    """A put that has no response yet."""

    __slots__ = ("app_monitor_id", "events", "is_received", "request_id", "size", "started_s")

    def __init__(self, app_monitor_id: str, request_id: str) -> None:
        self.app_monitor_id = app_monitor_id
        self.request_id = request_id
        self.started_s = perf_counter()
        self.is_received = False
        self.events = 0
        self.size = 0
        """The length of the body as sent, in bytes. 0 if it was not read."""


def in_progress_extension(put: PutInProgress) -> dict[str, object]:
    """Return the ASGI extension for a put that was held before it was parsed."""
    return {_EXTENSION: put}


def in_progress(app_monitor_id: str, scope: Scope) -> PutInProgress:
    """Return the request's put: the one that was held, or a new one."""
    extensions = scope.get("extensions")
    put = extensions.get(_EXTENSION) if extensions else None
    if isinstance(put, PutInProgress):
        return put
    return PutInProgress(app_monitor_id, new_request_id())


class PutAccounting:
    """The counts of one bridge. Use it from one event loop only.

    Args:
        requests: takes puts that have ended. None: no put is logged.
    """

    def __init__(self, requests: RequestLog | None = None) -> None:
        self.requests = requests or RequestLog("bridge", 0.0)
        self.ledger = Ledger()
        self.seconds = Histogram(SECONDS)
        self._rejections: dict[int, int] = {}
        # Found once: the key costs as much as the addition.
        self._accepted = self.ledger.ended[_ACCEPTED] = Amount()

    def receive(self, put: PutInProgress, events: int) -> None:
        """Count a put whose body has been read. `events` is 0 if the body cannot be parsed."""
        put.is_received = True
        put.events = events
        self.ledger.receive(events, put.size)

    def accept(self, put: PutInProgress) -> None:
        """Count a put whose batch is on disk."""
        accepted = self._accepted
        accepted.batches += 1
        accepted.events += put.events
        accepted.bytes += put.size
        self.seconds.observe(perf_counter() - put.started_s)

    def reject(self, put: PutInProgress, error: HttpError) -> None:
        """Count a put that gets an error."""
        # The service can say that an app monitor does not exist before the body is read.
        source = error.source if put.is_received else BRIDGE
        is_quota = error.members.get("quotaCode") == QUOTA_CODE
        reason = QUOTA if is_quota else error.error_type
        self._reject(put, (source, REJECTED, reason), error.status)

    def cancel(self, put: PutInProgress) -> None:
        """Count a put that gets no response, because the bridge stops."""
        self._reject(put, _CANCELLED, _CANCELLED_STATUS)

    def _reject(self, put: PutInProgress, end: tuple[str, str, str], status: int) -> None:
        if not put.is_received:
            self.receive(put, 0)
        self.ledger.end(end, put.events, put.size)
        self._rejections[status] = self._rejections.get(status, 0) + 1
        self.seconds.observe(perf_counter() - put.started_s)

    def log(self, put: PutInProgress, status: int, outcome: str) -> None:
        """Log a put that has ended."""
        self.requests.write(
            put.request_id,
            "PutRumEvents",
            put.started_s,
            outcome,
            error=status != 200,
            status=status,
            app_monitor_id=put.app_monitor_id[:_ID_LENGTH],
            events=put.events,
            bytes=put.size,
        )

    @property
    def statuses(self) -> dict[int, int]:
        """The number of responses by HTTP status."""
        return {200: self._accepted.batches, **self._rejections}
