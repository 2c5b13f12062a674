"""Event patterns: which events a metric counts, as JSON in EventBridge's form. Pure.

    {"event_type": ["my.event"], "event_details": {"duration": [{"numeric": [">=", 2000]}]}}

An object goes down one level; a list holds what the field may be: values, or comparisons.
Source: the service model of the AWS SDKs, MetricDefinitionRequest; Amazon EventBridge User Guide,
"Comparison operators".
"""

from __future__ import annotations

__all__ = ["Alternatives", "parse_pattern"]

import json
from collections.abc import Callable
from typing import NoReturn

from rum_service.errors import ValidationException

Alternatives = list[object]
"""What a field may be: values, or objects that compare."""

_SIGNS = ("=", "<", "<=", ">", ">=")


def parse_pattern(text: str) -> dict[str, Alternatives]:
    """Returns the fields of a pattern by their paths, as `event_details.duration`.

    Raises:
        ValidationException: it is not a JSON object of the form above; the text names the field.
    """
    try:
        pattern = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        pattern = None
    if not isinstance(pattern, dict):
        raise ValidationException("EventPattern must be a JSON object.")
    fields: dict[str, Alternatives] = {}
    # A list, not recursion: 4,000 characters nest deeper than Python likes.
    left: list[tuple[str, object]] = list(pattern.items())
    while left:
        path, value = left.pop(0)
        if isinstance(value, dict) and value:
            left += [(f"{path}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, list) and value:
            for alternative in value:
                _check(path, alternative)
            fields[path] = value
        else:
            raise _wrong(path, "must be an object or a list, and not empty")
    return fields


def _check(path: str, alternative: object) -> None:
    if isinstance(alternative, dict):
        if len(alternative) != 1:
            raise _wrong(path, "must have comparisons of one operator each")
        ((operator, operand),) = alternative.items()
        if operator not in _OPERATORS:
            raise _wrong(path, f"takes the operators {', '.join(_OPERATORS)}")
        if not _OPERATORS[operator](operand):
            raise _wrong(path, f"has an operand that {operator} does not take")
    elif isinstance(alternative, list):
        raise _wrong(path, "must not have a list in a list")


def _is_scalar(operand: object) -> bool:
    return operand is None or isinstance(operand, str | int | float)


def _is_text(operand: object) -> bool:
    return isinstance(operand, str) and operand != ""


def _is_range(operand: object) -> bool:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        return False
    numbers = (type(number) in (int, float) for number in operand[1::2])
    return all(sign in _SIGNS for sign in operand[::2]) and all(numbers)


def _is_refusal(operand: object) -> bool:
    if isinstance(operand, dict):
        return list(operand) == ["prefix"] and _is_text(operand["prefix"])
    if isinstance(operand, list):
        return bool(operand) and all(_is_scalar(value) for value in operand)
    return _is_scalar(operand)


_OPERATORS: dict[str, Callable[[object], bool]] = {
    "numeric": _is_range,
    "exists": lambda operand: isinstance(operand, bool),
    "prefix": _is_text,
    "suffix": _is_text,
    "equals-ignore-case": _is_text,
    "wildcard": _is_text,
    "anything-but": _is_refusal,
}


def _wrong(path: str, problem: str) -> ValidationException:
    return ValidationException(f"EventPattern: {path[:280]} {problem}.")


def _refuse(constant: str) -> NoReturn:
    # NaN and Infinity: Python reads them, JSON has none.
    raise ValueError(constant)
