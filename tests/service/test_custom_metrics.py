from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.events.custom_metrics import MetricDefinition, Sample
from rum_service.events.document import event_document, event_members
from rum_service.events.matching import MISSING, Matcher, Path
from rum_service.events.pattern import parse_pattern

_HTTP = "com.amazon.rum.http_event"
_NAVIGATION = "com.amazon.rum.performance_navigation_event"


def _matches(pattern: object, event: dict[str, object]) -> bool:
    return Matcher(parse_pattern(json.dumps(pattern))).matches(event)


def _definition(pattern: object, **members: object) -> MetricDefinition:
    return MetricDefinition(
        "id", json.dumps({"Name": "m", "EventPattern": json.dumps(pattern), **members})
    )


@pytest.mark.parametrize(
    ("alternative", "matching", "others"),
    [
        ("a", ["a", ["b", "a"]], ["A", 1, None, ["b"], {}, []]),
        (1, [1, 1.0], [True, "1", 2]),
        (True, [True], [1, "true"]),
        (None, [None], [False, "", 0]),
        ({"numeric": [">=", 400, "<", 500]}, [400, 499.5, [1, 404]], [399, 500, "404", True]),
        ({"numeric": ["=", 5]}, [5, 5.0], [6]),
        ({"exists": True}, ["", None, 0, [1]], [{}]),
        ({"prefix": "ab"}, ["ab", "abc"], ["a", "b ab", 1]),
        ({"suffix": ".js"}, ["a.js"], ["a.jsx"]),
        ({"equals-ignore-case": "Ab"}, ["aB"], ["abc"]),
        ({"anything-but": "a"}, ["b", 1, None], ["a"]),
        ({"anything-but": ["a", 1]}, ["b", 2, True], ["a", 1, 1.0]),
        ({"anything-but": {"prefix": "a"}}, ["b"], ["ab", 1]),
        ({"wildcard": "/a/*/c*"}, ["/a/b/c", "/a//cd", "/a/b/b/c/c"], ["/a/c", "/a/b", "x/a/b/c"]),
        ({"wildcard": r"a\*b"}, ["a*b"], ["axb", r"a\*b"]),
        ({"wildcard": "ab*ba"}, ["abba", "abxba"], ["aba"]),
        ({"wildcard": "*"}, ["", "x"], [1]),
    ],
    ids=str,
)
def test_an_alternative_matches(
    alternative: object, matching: list[object], others: list[object]
) -> None:
    for value in matching:
        assert _matches({"f": [alternative]}, {"f": value}), value
    for value in others:
        assert not _matches({"f": [alternative]}, {"f": value}), value


def test_a_missing_field_matches_only_exists_false() -> None:
    assert _matches({"f": [{"exists": False}]}, {})
    assert not _matches({"f": [None, {"anything-but": "a"}, {"exists": True}]}, {"g": 1})


def test_all_fields_must_match_and_one_alternative_of_each() -> None:
    pattern = {"type": ["a", "b"], "details": {"n": [1, {"numeric": [">", 5]}]}}

    assert _matches(pattern, {"type": "b", "details": {"n": 6}})
    assert not _matches(pattern, {"type": "b", "details": {"n": 2}})
    assert not _matches(pattern, {"type": "c", "details": {"n": 1}})


def test_a_path_finds_keys_with_dots() -> None:
    assert Path("metadata.a.b").value({"metadata": {"a.b": 1}}) == 1
    assert Path("metadata.a.b").value({"metadata": {"a": {"b": 2}}}) == 2
    assert Path("metadata.a.b").value({"metadata": {"a": 3}}) is MISSING
    assert Path("application_Id").value({"application_id": "x"}) == "x"


def test_a_definition_without_value_key_counts_events() -> None:
    definition = _definition(
        {
            "event_type": [_HTTP],
            "event_details": {"response": {"status": [{"numeric": [">=", 400, "<", 500]}]}},
            "metadata": {"browserName": [{"exists": True}]},
        },
        DimensionKeys={
            "metadata.browserName": "BrowserName",
            "event_details.response.status": "Status",
        },
    )
    event: dict[str, Any] = {
        "event_type": _HTTP,
        "metadata": {"browserName": "Edge"},
        "event_details": {"response": {"status": 404.0}},
    }

    assert definition.sample(event) == Sample(1.0, {"BrowserName": "Edge", "Status": "404"})
    event["event_details"]["response"]["status"] = 500
    assert definition.sample(event) is None


def test_a_value_key_selects_the_value() -> None:
    definition = _definition(
        {"event_type": [_NAVIGATION]}, ValueKey="event_details.duration", Namespace="RUM/Shop"
    )

    def sample(value: object) -> Sample | None:
        return definition.sample({"event_type": _NAVIGATION, "event_details": {"duration": value}})

    assert sample(12.5) == Sample(12.5, {})
    for value in ("12", None, True, float("nan"), 10**400, [1]):
        assert sample(value) is None


def test_a_satisfied_navigation_takes_at_most_2000_ms_however_it_was_copied() -> None:
    definition = _definition(
        {"event_type": [_NAVIGATION], "event_details": {"duration": [{"numeric": [">", 2000]}]}},
        Name="NavigationSatisfiedTransaction",
    )

    def sample(duration: float) -> Sample | None:
        details = {"duration": duration}
        return definition.sample({"event_type": _NAVIGATION, "event_details": details})

    assert sample(2000) == Sample(1.0, {})
    assert sample(2001) is None


def test_a_definition_knows_which_types_can_match() -> None:
    assert _definition({"event_type": ["a", "b"]}).may_match("b")
    assert not _definition({"event_type": ["a", "b"]}).may_match("c")
    assert _definition({"event_type": [{"prefix": "a"}]}).may_match("c")
    assert _definition({"userId": ["a"]}).may_match("c")


def test_the_members_are_those_of_the_event_document() -> None:
    request = PutRumEventsRequest(id="app", batch_id="b")
    event = RumEvent(id="e", timestamp=1.5, type="t", metadata='{"a":1}', details='{"b":2}')
    names = {"monitor_name": "shop", "account_id": "1"}

    document = json.loads(event_document(request, event, {"a": 1}, **names))
    members = event_members(request, event, {"a": 1}, {"b": 2}, **names)

    assert document == {**members, "event_details": {"b": 2}}


def test_only_the_members_that_are_named_are_read() -> None:
    names = {"monitor_name": "shop", "account_id": "1"}
    event = RumEvent(id="e", type="t")

    members = event_members(
        PutRumEventsRequest(), event, {"a": 1}, None, names={"metadata", "event_details"}, **names
    )

    assert members == {"metadata": {"a": 1}}


def test_a_definition_names_the_members_that_it_reads() -> None:
    pattern = {"application_Id": ["a"], "metadata": {"a": ["b"]}}
    definition = _definition(
        pattern, ValueKey="event_details.ms", DimensionKeys={"userId": "User"}, Namespace="Shop"
    )

    assert definition.members == {"application_id", "metadata", "event_details", "userId"}


def test_at_most_100_items_of_a_list_are_compared() -> None:
    assert _matches({"f": ["wanted"]}, {"f": ["x"] * 99 + ["wanted"]})
    assert not _matches({"f": ["wanted"]}, {"f": ["x"] * 100 + ["wanted"]})


_TEXT = st.text(alphabet="ab*\\", max_size=12)


@given(_TEXT, _TEXT)
def test_a_wildcard_matches_like_a_regular_expression(pattern: str, text: str) -> None:
    tokens = re.findall(r"\\[*\\]|.", pattern, re.DOTALL)
    expression = "".join(".*" if token == "*" else re.escape(token[-1]) for token in tokens)
    expected = re.fullmatch(expression, text, re.DOTALL) is not None
    if pattern:
        assert _matches({"f": [{"wildcard": pattern}]}, {"f": text}) is expected


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(), max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("f"), inner),
    max_leaves=6,
)


@given(_JSON)
def test_any_value_can_be_compared(value: object) -> None:
    alternatives = [
        "a",
        1,
        None,
        {"numeric": ["<", 1]},
        {"exists": False},
        {"prefix": "x"},
        {"anything-but": ["a", 1]},
        {"wildcard": "*a"},
        {"equals-ignore-case": "a"},
    ]
    for alternative in alternatives:
        _matches({"f": [alternative]}, {"f": value})
    definition = _definition({}, ValueKey="f", DimensionKeys={"f": "F"})
    found = definition.sample({"f": value})
    for text in found.dimensions.values() if found else ():
        text.encode()
