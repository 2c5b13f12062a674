"""The Filters of GetAppMonitorData. Pure.

Source: the service model of the AWS SDKs, QueryFilter.
"""

from __future__ import annotations

__all__ = ["EventFilter"]

from collections.abc import Iterable, Mapping

from rum.v1.control_plane_service_pb2 import QueryFilter
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
    """Matches the events that all filters match.

    Filters with the same name match if one of their values does.
    Undocumented: the meaning of Invert. We chose: its values name the filters to invert
    (`EventType` matches every type except those listed); `true` inverts all filters.
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
        conditions = {
            name: (values, name in inverted or "true" in inverted)
            for name, values in wanted.items()
        }
        self._type = conditions.pop("EventType", None)
        self._metadata = [(_MEMBERS[name], *condition) for name, condition in conditions.items()]

    def may_match(self, batch: bytes) -> bool:
        """Return False if no event in this serialized batch has a type that matches.

        Searching the bytes takes a fraction of the time that parsing them would take.
        """
        if self._type is None:
            return True
        values, inverted = self._type
        return inverted or any(value.encode() in batch for value in values)

    def matches_type(self, event_type: str) -> bool:
        """Return whether the type matches. Check it first: it needs no parsed metadata."""
        if self._type is None:
            return True
        values, inverted = self._type
        return (event_type in values) is not inverted

    def matches_metadata(self, metadata: Mapping[str, object]) -> bool:
        """Return whether an event's merged metadata matches."""
        return all(
            (_text(metadata.get(member)) in values) is not inverted
            for member, values, inverted in self._metadata
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
