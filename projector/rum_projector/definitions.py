"""The metrics that app monitors define, and their values in events.

A definition applies to the events that are projected while it exists. A rebuild applies the
definitions that exist then to all events in the log.
"""

from __future__ import annotations

__all__ = ["Definitions", "add_samples"]

import json
from collections.abc import Callable, Sequence

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_projector.engines.base import Chunk, CustomMetricRow
from rum_projector.json_text import json_object
from rum_service.errors import ValidationException
from rum_service.events.custom_metrics import MetricDefinition
from rum_service.events.document import event_members, merged_metadata
from rum_service.events.json_text import JsonObject
from rum_service.storage.base import MetricStore
from rum_service.storage.records import CommittedBatch

_PAGE = 1000
_KEPT_S = 10.0


class Definitions:
    """The definitions of each app monitor, read again after some seconds.

    Args:
        clock: seconds.
    """

    def __init__(self, store: MetricStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._kept: dict[int, tuple[float, list[MetricDefinition]]] = {}

    def of(self, app_monitor: int) -> list[MetricDefinition]:
        """Return an app monitor's definitions."""
        now_s = self._clock()
        read_s, found = self._kept.get(app_monitor, (now_s - _KEPT_S, []))
        if now_s - read_s >= _KEPT_S:
            found = self._read(app_monitor)
            self._kept[app_monitor] = (now_s, found)
        return found

    def _read(self, app_monitor: int) -> list[MetricDefinition]:
        found: list[MetricDefinition] = []
        after = 0
        while destinations := self._store.list_destinations(app_monitor, after=after, limit=_PAGE):
            for destination in destinations:
                after = destination.key
                found += self._of_destination(destination.key)
        return found

    def _of_destination(self, destination: int) -> list[MetricDefinition]:
        found: list[MetricDefinition] = []
        after = 0
        while records := self._store.list_definitions(destination, after=after, limit=_PAGE):
            for record in records:
                after = record.sequence
                try:
                    found.append(MetricDefinition(record.id, record.document))
                except ValidationException:  # a version with other rules stored it
                    continue
        return found


def add_samples(
    chunk: Chunk,
    definitions: Sequence[MetricDefinition],
    batch: CommittedBatch,
    request: PutRumEventsRequest,
    event: RumEvent,
    *,
    of_session: Callable[[], JsonObject],
    ts: int,
) -> None:
    """Add the values that an event has for these definitions. Pure.

    Args:
        of_session: returns the metadata for all events in the batch.
    """
    matching = [each for each in definitions if each.may_match(event.type)]
    if not matching:
        return
    metadata = merged_metadata(of_session(), event)
    details = json_object(event.details)
    members = event_members(
        request,
        event,
        metadata,
        details,
        monitor_name="",
        account_id="",
        names=frozenset().union(*(each.members for each in matching)),
    )
    document = {**members, "event_details": details or event.details}
    for definition in matching:
        if (sample := definition.sample(document)) is not None:
            chunk.custom_metrics.append(
                CustomMetricRow(
                    batch.app_monitor,
                    definition.id,
                    definition.name,
                    definition.namespace,
                    ts,
                    sample.value,
                    json.dumps(sample.dimensions, sort_keys=True),
                    batch.sequence,
                )
            )
