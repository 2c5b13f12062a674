"""Event patterns: the events that a metric counts, in the JSON syntax of EventBridge. Pure.

    {"event_type": ["my.event"], "event_details": {"duration": [{"numeric": [">=", 2000]}]}}

An object contains fields. A list contains the alternatives for a field: values or comparisons.
Source: the service model of the AWS SDKs, MetricDefinitionRequest; Amazon EventBridge User Guide,
"Comparison operators".
"""

from __future__ import annotations

__all__ = ["Alternatives", "parse_pattern"]

from collections.abc import Callable

from rum_service.errors import ValidationException
from rum_service.events.json_text import parse_object
from rum_service.events.nesting import is_nested_too_deeply

Alternatives = list[object]
"""The alternatives for a field: values, or objects with a comparison."""

_SIGNS = ("=", "<", "<=", ">", ">=")


def parse_pattern(text: str) -> dict[str, Alternatives]:
    """Return the fields in a pattern by path, such as `event_details.duration`.

    Raises:
        ValidationException: the text is not a JSON object in this syntax, or is nested more than
            100 deep; the message names the field.
    """
    if is_nested_too_deeply(text):
        raise ValidationException("EventPattern must not be nested more than 100 deep.")
    pattern = parse_object(text)
    if pattern is None:
        raise ValidationException("EventPattern must be a JSON object.")
    fields: dict[str, Alternatives] = {}
    remaining = list(pattern.items())
    while remaining:
        path, value = remaining.pop(0)
        if isinstance(value, dict) and value:
            remaining += [(f"{path}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, list) and value:
            for alternative in value:
                _check(path, alternative)
            fields[path] = value
        else:
            raise _invalid(path, "must be an object or a list, and not empty")
    return fields


def _check(path: str, alternative: object) -> None:
    if isinstance(alternative, dict):
        if len(alternative) != 1:
            raise _invalid(path, "must have one operator in each comparison")
        ((operator, operand),) = alternative.items()
        if operator not in _OPERATORS:
            raise _invalid(path, f"must use one of the operators {', '.join(_OPERATORS)}")
        if not _OPERATORS[operator](operand):
            raise _invalid(path, f"has an operand that {operator} does not accept")
    elif isinstance(alternative, list):
        raise _invalid(path, "must not have a list inside a list")


def _is_scalar(operand: object) -> bool:
    return operand is None or isinstance(operand, str | int | float)


def _is_text(operand: object) -> bool:
    return isinstance(operand, str) and operand != ""


def _is_range(operand: object) -> bool:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        return False
    numbers = (type(number) in (int, float) for number in operand[1::2])
    return all(sign in _SIGNS for sign in operand[::2]) and all(numbers)


def _is_exclusion(operand: object) -> bool:
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
    "anything-but": _is_exclusion,
}


def _invalid(path: str, problem: str) -> ValidationException:
    return ValidationException(f"EventPattern: {path[:280]} {problem}.")
