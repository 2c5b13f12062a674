"""Matches events against event patterns, like EventBridge. Pure.

An event matches a pattern if all fields match. A field matches if one of its alternatives matches
the value in the event. If the value is a list, one of its first 100 items must match.
Source: Amazon EventBridge User Guide, "Comparison operators".
"""

from __future__ import annotations

__all__ = ["MISSING", "Matcher", "Path"]

import operator
import re
from collections.abc import Callable, Mapping

from rum_service.events.pattern import Alternatives

_Condition = Callable[[object], bool]

# Clients repeat the metadata of a session with each of 10,000 events: with a list of 30,000 items,
# a definition took 50 s for a batch (2026-11).
_MAX_ITEMS = 100


class _Missing:
    """The value for fields that the event does not have. JSON's null is None."""


MISSING = _Missing()


class Path:
    """A field's path, such as `event_details.response.status`.

    Keys may contain dots: `metadata.a.b` finds both `{"a.b": …}` and `{"a": {"b": …}}`.
    """

    def __init__(self, path: str) -> None:
        # The service model of AWS spells it so in one place; events have `application_id`.
        self._keys = path.replace("application_Id", "application_id", 1).split(".")
        self.first = self._keys[0]
        """The member of the event that has the field."""

    def value(self, event: Mapping[str, object]) -> object:
        """Return the value of the field in an event, or `MISSING`."""
        value: object = event
        for index, key in enumerate(self._keys):
            if not isinstance(value, Mapping):
                return MISSING
            if key not in value:
                return value.get(".".join(self._keys[index:]), MISSING)
            value = value[key]
        return value


class Matcher:
    """Matches events against one pattern, given as `parse_pattern` returns it."""

    def __init__(self, fields: Mapping[str, Alternatives]) -> None:
        self._fields = [
            (Path(path), [_condition(alternative) for alternative in alternatives])
            for path, alternatives in fields.items()
        ]
        self.members = frozenset(path.first for path, _ in self._fields)
        """The members of events that have the fields."""

    def matches(self, event: Mapping[str, object]) -> bool:
        """Return whether every field matches."""
        return all(_matches(path.value(event), conditions) for path, conditions in self._fields)


def _matches(value: object, conditions: list[_Condition]) -> bool:
    values = value[:_MAX_ITEMS] if isinstance(value, list) and value else [value]
    return any(condition(item) for condition in conditions for item in values)


def _condition(alternative: object) -> _Condition:
    if isinstance(alternative, dict):
        ((name, operand),) = alternative.items()
        return _OPERATORS[name](operand)
    return _equal_to(alternative)


def _equal_to(expected: object) -> _Condition:
    kind = _kind(expected)
    return lambda value: _kind(value) is kind and value == expected


def _kind(value: object) -> object:
    """Return the JSON type: true is not 1, but 1 is 1.0."""
    return float if type(value) is int else type(value)


def _numeric(operand: list[object]) -> _Condition:
    comparisons = [
        (_COMPARISONS[str(sign)], number)
        for sign, number in zip(operand[::2], operand[1::2], strict=True)
    ]
    return lambda value: (
        _kind(value) is float and all(compare(value, number) for compare, number in comparisons)
    )


def _exists(operand: bool) -> _Condition:
    # As in EventBridge, an object's members are fields, but the object itself is not.
    return lambda value: (value is not MISSING and not isinstance(value, Mapping)) is operand


def _anything_but(operand: object) -> _Condition:
    if isinstance(operand, dict):
        prefix = str(operand["prefix"])
        return lambda value: isinstance(value, str) and not value.startswith(prefix)
    excluded = [_equal_to(item) for item in (operand if isinstance(operand, list) else [operand])]
    return lambda value: value is not MISSING and not any(matches(value) for matches in excluded)


def _of_text(matches: Callable[[str], bool]) -> _Condition:
    return lambda value: isinstance(value, str) and matches(value)


def _wildcard(operand: str) -> _Condition:
    """Match with `*` for any characters. A backslash escapes `*` and itself."""
    parts = [""]
    for piece in re.findall(r"\\[*\\]|[^*\\]+|\\|\*", operand):
        if piece == "*":
            parts.append("")
        else:
            parts[-1] += piece[1:] if piece in (r"\*", r"\\") else piece
    return _of_text(lambda text: _has_parts(text, parts))


def _has_parts(text: str, parts: list[str]) -> bool:
    """Return whether the parts follow each other in the text, the first and last at its ends.

    A regular expression could take a time that grows with a power of the length.
    """
    first, *others = parts
    if not others:
        return text == first
    *middle, last = others
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    start, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, start, end)
        if found < 0:
            return False
        start = found + len(part)
    return True


_COMPARISONS: dict[str, Callable[[object, object], bool]] = {
    "=": operator.eq,
    "<": operator.lt,  # type: ignore[dict-item]  # only numbers get here
    "<=": operator.le,  # type: ignore[dict-item]
    ">": operator.gt,  # type: ignore[dict-item]
    ">=": operator.ge,  # type: ignore[dict-item]
}
_OPERATORS: dict[str, Callable[..., _Condition]] = {
    "numeric": _numeric,
    "exists": _exists,
    "prefix": lambda operand: _of_text(lambda text: text.startswith(operand)),
    "suffix": lambda operand: _of_text(lambda text: text.endswith(operand)),
    "equals-ignore-case": lambda operand: _of_text(
        lambda text: text.casefold() == operand.casefold()
    ),
    "wildcard": _wildcard,
    "anything-but": _anything_but,
}
