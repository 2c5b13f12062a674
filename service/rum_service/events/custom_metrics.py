"""The metrics that an app monitor defines: which events count, and with what value. Pure.

Source: the service model of the AWS SDKs, MetricDefinitionRequest.
"""

from __future__ import annotations

__all__ = ["AWS_NAMESPACE", "MetricDefinition", "Sample"]

import json
import math
from collections.abc import Mapping
from typing import NamedTuple

from rum_service.events.matching import Matcher, Path
from rum_service.events.pattern import Alternatives, parse_pattern
from rum_service.events.text import clean

AWS_NAMESPACE = "AWS/RUM"
"""The namespace of extended metrics."""
# Like the values of CloudWatch dimensions.
_MAX_DIMENSION = 256
_DURATION = "event_details.duration"


class Sample(NamedTuple):
    """A metric's value in one event."""

    value: float
    dimensions: dict[str, str]
    """Values by the names of dimensions. Without those that the event does not have."""


class MetricDefinition:
    """A metric definition, compiled.

    Args:
        document: ProtoJSON of rum.v1.MetricDefinition, as the store has it.

    Raises:
        ValidationException: the EventPattern is not valid.
    """

    def __init__(self, identifier: str, document: str) -> None:
        members = json.loads(document)
        self.id = identifier
        self.name: str = members.get("Name", "")
        self.namespace: str = members.get("Namespace", AWS_NAMESPACE)
        pattern = members.get("EventPattern")
        fields = parse_pattern(pattern) if pattern else {}
        if self.namespace == AWS_NAMESPACE:
            fields = _as_documented(self.name, fields)
        self.event_types = _event_types(fields)
        self._matcher = Matcher(fields)
        value_key = members.get("ValueKey")
        self._value = Path(value_key) if value_key else None
        self._dimensions = [
            (Path(path), name) for path, name in sorted(members.get("DimensionKeys", {}).items())
        ]
        paths = [path for path, _ in self._dimensions] + ([self._value] if self._value else [])
        self.members = self._matcher.members.union(path.first for path in paths)
        """The members of events that `sample` reads."""

    def may_match(self, event_type: str) -> bool:
        """Return False if no event of this type matches. Check it before building the document."""
        return self.event_types is None or event_type in self.event_types

    def sample(self, event: Mapping[str, object]) -> Sample | None:
        """Return an event's sample. The event has the form that `event_members` returns.

        None if the event does not match or does not have the value. Without ValueKey, each event
        counts as 1.
        """
        if not self._matcher.matches(event):
            return None
        value = 1.0 if self._value is None else _number(self._value.value(event))
        if value is None:
            return None
        found = ((name, _text(path.value(event))) for path, name in self._dimensions)
        return Sample(value, {name: text for name, text in found if text is not None})


def _as_documented(name: str, fields: dict[str, Alternatives]) -> dict[str, Alternatives]:
    """Return an extended metric's pattern, with the comparison that its name implies.

    The service model of AWS shows `> 2000` for NavigationSatisfiedTransaction in one place, which
    callers copy.
    """
    if name == "NavigationSatisfiedTransaction":
        return {**fields, _DURATION: [{"numeric": ["<=", 2000]}]}
    return fields


def _event_types(fields: Mapping[str, Alternatives]) -> frozenset[str] | None:
    """Return the event types that can match. None: all, or those that a comparison selects."""
    alternatives = fields.get("event_type", [None])
    types = [item for item in alternatives if isinstance(item, str)]
    return frozenset(types) if len(types) == len(alternatives) else None


def _number(value: object) -> float | None:
    if type(value) not in (int, float):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _text(value: object) -> str | None:
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, float):
        value = f"{value:.15g}"  # 404, not 404.0
    elif isinstance(value, int):
        value = str(value)
    return clean(value, _MAX_DIMENSION) if isinstance(value, str) else None
