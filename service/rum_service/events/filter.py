"""The Filters of GetAppMonitorData. Pure.

Source: the service model of the AWS SDKs, QueryFilter.
"""

from __future__ import annotations

__all__ = ["EventFilter"]

from collections.abc import Iterable

from rum.v1.control_plane_service_pb2 import QueryFilter
from rum.v1.data_plane_service_pb2 import RumEvent
from rum_service.errors import ValidationException

_MEMBERS = {
    "Browser": "browserName",
    "Device": "deviceType",
    "Country": "countryCode",
    "Page": "pageId",
    "OS": "osName",
}
_NAMES = (*_MEMBERS, "EventType")


class EventFilter:
    """Tells which events match all filters; those of one name match where any of their values does.

    Undocumented: what Invert means. We chose: its values name the filters to turn round
    (`EventType` gives every type but the listed ones); `true` turns all of them round.
    """

    def __init__(self, filters: Iterable[QueryFilter]) -> None:
        wanted: dict[str, set[str]] = {}
        for item in filters:
            wanted.setdefault(item.name, set()).update(item.values)
        inverted = wanted.pop("Invert", set())
        if unknown := inverted - {*_NAMES, "true", "false"}:
            raise ValidationException(
                f"Filters: Invert takes true, false or one of {', '.join(_NAMES)}, "
                f"not {len(unknown)} other value(s)."
            )
        self._conditions = [
            (name, values, name in inverted or "true" in inverted)
            for name, values in wanted.items()
        ]

    def __call__(self, event: RumEvent, metadata: dict[str, object]) -> bool:
        """Says whether the event, with its merged metadata, matches."""
        return all(
            (_property(name, event, metadata) in values) is not inverted
            for name, values, inverted in self._conditions
        )


def _property(name: str, event: RumEvent, metadata: dict[str, object]) -> str | None:
    if name == "EventType":
        return event.type
    value = metadata.get(_MEMBERS[name])
    return value if isinstance(value, str) else None
