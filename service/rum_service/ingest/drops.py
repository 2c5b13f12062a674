"""Removes events that are not stored from batches, and counts them by reason."""

from __future__ import annotations

__all__ = ["CUSTOM_EVENTS_DISABLED", "Drops", "Remaining"]

from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.auth.policy import Policy
from rum_service.events.custom import has_custom_events, is_custom
from rum_service.ingest.replays import REPLAY_EVENT, Replays
from rum_service.ingest.validation import Times, times_of
from rum_service.monitors import Monitor
from rum_service.storage.records import Dropped

logger = structlog.get_logger()

CUSTOM_EVENTS_DISABLED = "CustomEventsDisabled"
"""The reason of custom events that the app monitor does not enable."""


class Remaining(NamedTuple):
    """The events that remain in a batch from which others were dropped."""

    content: bytes
    times: Times
    dropped: tuple[Dropped, ...]
    """One for each reason, at least one."""


class Drops:
    """The rules of one service. For use on one event loop."""

    def __init__(self, replays: Replays) -> None:
        self._replays = replays if replays.may_drop else None

    def apply(
        self,
        monitor: Monitor[Policy],
        request: PutRumEventsRequest,
        types: Sequence[str],
        received: bytes,
        request_id: Callable[[], str],
    ) -> Remaining | None:
        """Return what remains, or None if nothing is dropped.

        Args:
            types: those of the events.
            received: the serialized request. The request does not change.
            request_id: returns the ID under which the put is logged.
        """
        drops_custom = not monitor.keeps_custom_events and has_custom_events(types)
        why_replays = ""
        if self._replays and REPLAY_EVENT in types:
            replays = (event for event in request.rum_events if event.type == REPLAY_EVENT)
            why_replays = self._replays.take(monitor, sum(event.ByteSize() for event in replays))
        if not (drops_custom or why_replays):
            return None
        remaining = _without(
            request, CUSTOM_EVENTS_DISABLED if drops_custom else "", why_replays, received
        )
        if drops_custom:
            _log_custom(monitor, remaining.dropped, request_id())
        return remaining


def _without(
    request: PutRumEventsRequest, why_custom: str, why_replays: str, received: bytes
) -> Remaining:
    """Return the batch without its custom events, its replay events, or both."""
    kept, sizes = [], dict[str, list[int]]()
    for event in request.rum_events:
        kind = event.type
        reason = why_replays if kind == REPLAY_EVENT else why_custom if is_custom(kind) else ""
        if reason:
            sizes.setdefault(reason, []).append(event.ByteSize())
        else:
            kept.append(event)
    remaining = PutRumEventsRequest()
    remaining.CopyFrom(request)
    remaining.ClearField("rum_events")
    remaining.rum_events.extend(kept)
    content = remaining.SerializeToString()
    # What frames the events in the message belongs to the last reason, so that the sums agree.
    dropped, left = [], len(received) - len(content)
    for number, (reason, found) in enumerate(sizes.items(), start=1):
        size = left if number == len(sizes) else sum(found)
        dropped.append(Dropped(reason, len(found), size))
        left -= size
    return Remaining(content, times_of(kept), tuple(dropped))


def _log_custom(monitor: Monitor[Policy], dropped: Sequence[Dropped], request_id: str) -> None:
    counts = {reason: events for reason, events, _ in dropped}
    logger.info(
        "custom events dropped: the app monitor does not enable them",
        request_id=request_id,
        app_monitor=monitor.name,
        dropped=counts[CUSTOM_EVENTS_DISABLED],
    )
