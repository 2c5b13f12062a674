"""Conditions on the dimensions of events, such as `browser=Chrome` or `page!=/cart`. Pure."""

from __future__ import annotations

__all__ = ["NAMES", "Condition", "parse_conditions"]

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rum_service.errors import ValidationException
from rum_service.events.dimensions import Dimensions

NAMES = ("page", "browser", "os", "device", "country", "release")
"""The dimensions that conditions name."""

_MAX_CONDITIONS = 20
_MAX_CONDITION = 300
_CONDITION = re.compile(r"([a-z]+)(!?=)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that events must meet."""

    dimension: str
    values: tuple[str, ...]
    """Alternatives."""
    excluded: bool = False
    """Whether the dimension must have none of the values."""

    def is_met(self, dimensions: Dimensions) -> bool:
        """Return whether an event with these dimensions meets the condition."""
        return (getattr(dimensions, self.dimension) in self.values) is not self.excluded


def parse_conditions(filters: Iterable[str]) -> tuple[Condition, ...]:
    """Return the conditions that the member `filter` of a request describes.

    Those with `=` and the same name are alternatives.

    Raises:
        ValidationException: a condition, which the message names, is invalid.
    """
    filters = list(filters)
    if len(filters) > _MAX_CONDITIONS:
        raise ValidationException(f"filter must have at most {_MAX_CONDITIONS} conditions.")
    required: dict[str, list[str]] = {}
    excluded: dict[str, list[str]] = {}
    for number, text in enumerate(filters):
        if len(text) > _MAX_CONDITION:
            raise ValidationException(
                f"filter[{number}] must have at most {_MAX_CONDITION} characters."
            )
        parts = _CONDITION.fullmatch(text)
        if parts is None or parts[1] not in NAMES:
            raise ValidationException(
                f"filter[{number}] must be a name, = or !=, and a value. The names are"
                f" {', '.join(NAMES)}."
            )
        (required if parts[2] == "=" else excluded).setdefault(parts[1], []).append(parts[3])
    return (
        *(Condition(name, tuple(values)) for name, values in required.items()),
        *(Condition(name, tuple(values), excluded=True) for name, values in excluded.items()),
    )
