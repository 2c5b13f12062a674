"""Control plane requests must meet the constraints of AWS's model; messages name the member."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.loaders import Loader
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from rum.v1 import control_plane_service_pb2 as pb
from rum_service.control.constraints import validate_control
from rum_service.errors import ValidationException

MODEL: dict[str, Any] = Loader().load_service_model("rum", "service-2")
OPERATIONS = [
    "CreateAppMonitor",
    "GetAppMonitor",
    "ListAppMonitors",
    "UpdateAppMonitor",
    "DeleteAppMonitor",
    "GetAppMonitorData",
]
SMALLEST: dict[str, dict[str, Any]] = {
    "CreateAppMonitor": {"Name": "shop"},
    "GetAppMonitor": {"Name": "shop"},
    "ListAppMonitors": {},
    "UpdateAppMonitor": {"Name": "shop"},
    "DeleteAppMonitor": {"Name": "shop"},
    "GetAppMonitorData": {"Name": "shop", "TimeRange": {"After": 0}},
}
FIFTY_ONE_KEYS = ["k" * length for length in range(1, 52)]


def request_of(operation: str, members: dict[str, Any]) -> Message:
    return ParseDict(members, getattr(pb, f"{operation}Request")())


def rejection(operation: str, members: dict[str, Any]) -> str | None:
    """Return the message that the request is rejected with; None if it is valid."""
    try:
        validate_control(request_of(operation, members))
    except ValidationException as error:
        return error.message
    return None


def places(shape_name: str, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    """Return the path (in wire names) and the shape of each member in a shape of the model."""
    found = []
    shape = MODEL["shapes"][shape_name]
    for name, member in shape.get("members", {}).items():
        here = (*path, member.get("locationName", name))
        found += [(here, member["shape"]), *places(member["shape"], here)]
    if shape["type"] == "list":
        here = (*path, "[]")
        found += [(here, shape["member"]["shape"]), *places(shape["member"]["shape"], here)]
    if shape["type"] == "map":
        found += [((*path, "{key}"), shape["key"]["shape"])]
        found += [((*path, "{value}"), shape["value"]["shape"])]
    return found


PLACES = [
    pytest.param(operation, path, MODEL["shapes"][shape], id=".".join((operation, *path)))
    for operation in OPERATIONS
    for path, shape in places(f"{operation}Request")
]


def nested(path: tuple[str, ...], value: object) -> Any:
    """Return the value inside objects and lists, at the path."""
    for step in reversed(path):
        if step == "[]":
            value = [value]
        elif step == "{key}":
            value = {value: "value"}
        elif step == "{value}":
            value = {"key": value}
        elif step == "S3Uri":
            value = {"Status": "ENABLED", "S3Uri": value}
        elif step == "Values":
            value = {"Name": "Page", "Values": value}
        elif step == "Before":
            value = {"After": 0, "Before": value}
        else:
            value = {step: value}
    return value


def rejection_at(operation: str, path: tuple[str, ...], value: object) -> str | None:
    return rejection(operation, {**SMALLEST[operation], **nested(path, value)})


def member_of(path: tuple[str, ...]) -> str:
    """Return the member's name in messages."""
    text = ".".join(path).replace(".[]", "[0]").replace(".{key}", " key")
    return text.replace(".{value}", "[key]")


@pytest.mark.parametrize(("operation", "path", "shape"), PLACES)
def test_lengths_and_ranges_are_those_of_the_model(
    operation: str, path: tuple[str, ...], shape: dict[str, Any]
) -> None:
    wrong: list[object] = []
    if shape["type"] == "string":
        wrong += ["x" * (shape["min"] - 1)] if shape.get("min") else []
        wrong += ["x" * (shape["max"] + 1)] if "max" in shape else []
    elif shape["type"] in ("integer", "double"):
        wrong += [shape["min"] - 1] if "min" in shape else []
        wrong += [shape["max"] + 1] if "max" in shape else []
    elif shape["type"] == "list" and "max" in shape:
        wrong += [["https://example.com"] * (shape["max"] + 1)]

    for value in wrong:
        message = rejection_at(operation, path, value)
        assert message is not None, value
        assert message.startswith(f"{member_of(path)} must ")


@pytest.mark.parametrize(
    ("operation", "path", "shape"),
    [place for place in PLACES if "pattern" in place.values[2] or "enum" in place.values[2]],
)
def test_patterns_and_enumerations_are_those_of_the_model(
    operation: str, path: tuple[str, ...], shape: dict[str, Any]
) -> None:
    # The model's patterns are Java's: $ at the end matches the end of the text only.
    pattern = re.compile(shape.get("pattern", "|".join(shape.get("enum", []))).replace("$", r"\Z"))
    wrong = [text for text in TEXTS if not pattern.fullmatch(text)]
    right = [text for text in TEXTS if pattern.fullmatch(text) and has_valid_length(shape, text)]

    assert right, "no text in the table matches"
    assert [text for text in right if rejection_at(operation, path, text)] == []
    assert [text for text in wrong if not rejection_at(operation, path, text)] in (
        [],
        ALSO_ACCEPTED.get(path),
    )


def has_valid_length(shape: dict[str, Any], text: str) -> bool:
    return shape.get("min", 0) <= len(text) <= shape.get("max", 4096)


# AWS's pattern for pages requires a dot in the host. OpenRUM also accepts hosts such as localhost.
ALSO_ACCEPTED = {
    ("AppMonitorConfiguration", pages, "[]"): ["http://localhost:8080/"]
    for pages in ("ExcludedPages", "IncludedPages")
}
TEXTS = [
    "shop", "a.b-c_d#E9", ".shop", "sh op", "shöp", "shop\n", "",
    "localhost", "localhost\n", "xlocalhost", "127.0.0.1", "256.0.0.1", "127.0.0.1\n",
    "example.com", "example.com\n", "*.example.com", "example.*", "*.com", "-a.example.com",
    "a..example.com", "exa_mple.com", "example.com-", "a" * 64 + ".com", "*", "a*b.example.com",
    "Web", "Android", "iOS", "web", "errors", "performance", "http", "https",
    "ENABLED", "DISABLED", "enabled",
    "eu-west-1:0a1b2c3d-0000-4000-8000-000000000000", "eu-west-1:xyz", ":0",
    "https://example.com", "http://www.example.com/a?b=c#d", "http://localhost:8080/",
    "page https://example.com/ here", "ftp://example.com", "https://", "//example.com",
    "arn:aws:iam::000000000000:role/guest", "arn:aws:iam", "an arn:aws:iam::0:role/guest",
    "s3://bucket", "s3://bucket/maps/of-1.0/", "s3://Bucket", "s3://b", "s3:/bucket",
    "s3://bucket//maps", "s3://bucket/m aps",
    "team", "aws:team", "a+b-c=d.e_f:g/h", "te am", "a;b",
]  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS)
def test_required_members_are_those_of_the_model(operation: str) -> None:
    required = MODEL["shapes"][f"{operation}Request"].get("required", [])
    for name in required:
        members = {key: value for key, value in SMALLEST[operation].items() if key != name}
        assert rejection(operation, members) == f"{name} is required."
    assert rejection(operation, SMALLEST[operation]) is None


@pytest.mark.parametrize(
    ("operation", "members", "message"),
    [
        ("GetAppMonitorData", {"Name": "a", "TimeRange": {}}, "TimeRange.After is required."),
        (
            "GetAppMonitorData",
            {**SMALLEST["GetAppMonitorData"], "Filters": [{"Values": ["x"]}]},
            "Filters[0].Name is required.",
        ),
        (
            "GetAppMonitorData",
            {**SMALLEST["GetAppMonitorData"], "Filters": [{"Name": "Page"}, {"Name": "page"}]},
            "Filters[1].Name must be one of Browser, Device, Country, Page, OS, EventType, Invert.",
        ),
        (
            "CreateAppMonitor",
            {"Name": "a", "DeobfuscationConfiguration": {"JavaScriptSourceMaps": {}}},
            "DeobfuscationConfiguration.JavaScriptSourceMaps.Status is required.",
        ),
        ("CreateAppMonitor", {"Name": ""}, "Name must have 1 to 255 characters."),
        ("CreateAppMonitor", {"Name": "a", "Id": "x" * 36}, "Id must match"),
        (
            "CreateAppMonitor",
            {"Name": "a", "DomainList": ["shop.example", "http://localhost:3000"]},
            "DomainList[1] must be localhost, an IPv4 address, or a host name such as ",
        ),
        (
            "CreateAppMonitor",
            {"Name": "a", "Tags": dict.fromkeys(FIFTY_ONE_KEYS, "")},
            "Tags must have at most 50 items.",
        ),
        ("CreateAppMonitor", {"Name": "a", "Tags": {"k": "x" * 257}}, "Tags[k] must have 0 to 256"),
        (
            "CreateAppMonitor",
            {"Name": "a", "AppMonitorConfiguration": {"GuestRoleArn": "arn:a:b:c:d:\0"}},
            "AppMonitorConfiguration.GuestRoleArn must not contain NUL.",
        ),
        (
            "CreateAppMonitor",
            {"Name": "a", "AppMonitorConfiguration": {"SessionSampleRate": "NaN"}},
            "AppMonitorConfiguration.SessionSampleRate must be between 0 and 1.",
        ),
        ("ListAppMonitors", {"maxResults": 0}, "maxResults must be between 1 and 100."),
        (
            "GetAppMonitorData",
            {**SMALLEST["GetAppMonitorData"], "MaxResults": -1},
            "MaxResults must be between 0 and 100.",
        ),
    ],
)
def test_a_message_names_the_member_and_the_constraint(
    operation: str, members: dict[str, Any], message: str
) -> None:
    assert (rejection(operation, members) or "").startswith(message)


def test_max_results_of_zero_is_valid() -> None:
    members = {**SMALLEST["GetAppMonitorData"], "MaxResults": 0}

    assert rejection("GetAppMonitorData", members) is None


@settings(max_examples=40, deadline=None)
@given(
    name=st.from_regex(MODEL["shapes"]["AppMonitorName"]["pattern"], fullmatch=True),
    tags=st.dictionaries(
        st.from_regex(MODEL["shapes"]["TagKey"]["pattern"], fullmatch=True).filter(
            lambda key: len(key) <= 128
        ),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=256),
        max_size=50,
    ),
    rate=st.floats(0, 1),
)
def test_any_name_tags_and_rate_that_the_model_allows_are_valid(
    name: str, tags: dict[str, str], rate: float
) -> None:
    members = {
        "Name": name[:255],
        "Tags": tags,
        "AppMonitorConfiguration": {"SessionSampleRate": rate},
    }

    assert rejection("CreateAppMonitor", json.loads(json.dumps(members))) is None
