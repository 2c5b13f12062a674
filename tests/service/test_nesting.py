"""JSON can be nested 100 levels deep, independently of the interpreter's own limit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rum_service.events.nesting import MAX_NESTING, is_nested_too_deeply


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * 100 + "]" * 100, False),
        ("[" * 101 + "]" * 101, True),
        ('{"a":' * 100 + "1" + "}" * 100, False),
        ('{"a":' * 101 + "1" + "}" * 101, True),
        ('[{"a":' * 50 + "1" + "}]" * 50, False),
        ('[{"a":' * 51 + "1" + "}]" * 51, True),
        ("[" + "[1]," * 500 + "1]", False),
        (json.dumps("[" * 500), False),
        (json.dumps('"' + "[" * 500), False),
        (json.dumps("\\" + "[" * 500), False),
        (json.dumps(["\\"] * 500), False),
        ('["\\\\"' + ",[" * 100 + "]" * 101, True),
        ('"' + "[" * 500, False),
        ("]" * 500 + "[" * 500, False),
        ("[" * 100_000, True),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_more_than_100_levels_are_too_deep(text: str, expected: bool) -> None:
    assert is_nested_too_deeply(text) is expected


def depth(value: Any) -> int:
    if not isinstance(value, list | dict):
        return 0
    items = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, items), default=0)


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.text('[]{}"\\'),
        lambda inner: st.lists(inner) | st.dictionaries(st.text('[{"\\'), inner),
    ),
    st.integers(MAX_NESTING - 3, MAX_NESTING),
)
def test_the_levels_of_any_json_are_counted(value: Any, levels: int) -> None:
    text = "[" * levels + json.dumps(value) + "]" * levels

    assert (levels + depth(value) > MAX_NESTING) is is_nested_too_deeply(text)
