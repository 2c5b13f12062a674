"""Turn the members of requests into selections. Pure.

Every method that has `after`, `before` and `filter` reads them here.
"""

from __future__ import annotations

__all__ = [
    "choose_step",
    "compared_selection",
    "distributions_of",
    "limit_of",
    "offset_of",
    "selection_of",
]

import math
from collections.abc import Iterable

from rum_projector.queries.base import Selection
from rum_projector.queries.measures import MEASURED_KINDS
from rum_service.errors import ValidationException
from rum_service.events.conditions import parse_conditions
from rum_service.page_tokens import decode_token

_DAY_MS = 86_400_000
_MAX_RANGE_MS = 400 * _DAY_MS
# Years 1970 to 9999, which date libraries can show.
_LATEST_MS = 253_402_300_799_999
_MAX_RESULTS = 200
_MAX_OFFSET = 100_000

_MINUTE_MS = 60_000
_STEPS_MS = [
    *(minutes * _MINUTE_MS for minutes in (1, 5, 10, 15, 30, 60, 180, 360)),
    _DAY_MS,
]
_USUAL_STEPS = 150
_MAX_STEPS = 2000


def selection_of(monitor: int, after: float, before: float, filters: Iterable[str]) -> Selection:
    """Return the selection that a request describes.

    Raises:
        ValidationException: a member, which the message names, is invalid.
    """
    after_ms, before_ms = _time("after", after), _time("before", before)
    if after_ms >= before_ms:
        raise ValidationException("before must be later than after.")
    if before_ms - after_ms > _MAX_RANGE_MS:
        raise ValidationException("The time from after to before must be at most 400 days.")
    return Selection(monitor, after_ms, before_ms, parse_conditions(filters))


def compared_selection(selection: Selection, compare_after: float) -> Selection | None:
    """Return the same selection at another time, or None if the request compares with nothing."""
    if not compare_after:
        return None
    return selection.at(_time("compareAfter", compare_after))


def choose_step(step_ms: float, length_ms: int) -> int:
    """Return the step length for a series: the requested one, or one that suits the range."""
    if not step_ms:
        # The first that has few enough steps: at most 220, because steps are up to three times as
        # long as the next shorter ones.
        for step in _STEPS_MS:
            if length_ms / step <= _USUAL_STEPS * 1.5:
                return step
        return _STEPS_MS[-1]
    if not 1000 <= step_ms <= _MAX_RANGE_MS or not step_ms.is_integer():
        raise ValidationException(f"stepMs must be a whole number from 1000 to {_MAX_RANGE_MS}.")
    if length_ms / step_ms > _MAX_STEPS:
        raise ValidationException(f"stepMs must give at most {_MAX_STEPS} steps.")
    return int(step_ms)


def distributions_of(members: Iterable[str]) -> tuple[str, ...]:
    """Return the distributions that a request needs, by member. Raises ValidationException."""
    wanted = set(members)
    if not wanted <= MEASURED_KINDS.keys():
        raise ValidationException(f"distribution must be one of {', '.join(MEASURED_KINDS)}.")
    return tuple(member for member in MEASURED_KINDS if member in wanted or not wanted)


def limit_of(max_results: int, *, default: int, most: int = _MAX_RESULTS) -> int:
    """Return how many results to return. Raises ValidationException."""
    if not 0 <= max_results <= most:
        raise ValidationException(f"maxResults must be from 1 to {most}.")
    return max_results or default


def _time(member: str, value: float) -> int:
    if not math.isfinite(value) or not 0 <= value <= _LATEST_MS:
        raise ValidationException(
            f"{member} must be a time in milliseconds since 1970, before the year 10000."
        )
    return math.ceil(value)  # events have whole milliseconds: the same ones are at or after it


def offset_of(token: str, *, most: int = _MAX_OFFSET) -> int:
    """Return how many results earlier pages had. Raises ValidationException."""
    if not token:
        return 0
    (offset,) = decode_token("nextToken", token, int)
    return min(offset, most)
