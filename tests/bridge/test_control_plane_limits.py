"""Bodies of the control plane: limited before they become messages, which is slow."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

from rum.v1 import control_plane_service_pb2, metrics_pb2
from rum_bridge.errors import HttpError
from rum_bridge.operations.members import message_of
from rum_bridge.settings import BridgeSettings
from tests.bridge.conftest import Bridge
from tests.bridge.wire import Response, send

_KIB = 1 << 10
_CREATE = control_plane_service_pb2.CreateAppMonitorRequest.DESCRIPTOR
_DEFINITIONS = metrics_pb2.BatchCreateRumMetricDefinitionsRequest.DESCRIPTOR
_DEFINITION = {"DimensionKeys": {f"metadata.{number}": "x" for number in range(29)}}


def _error(members: dict[str, Any]) -> str:
    with pytest.raises(HttpError) as error:
        message_of(_DEFINITIONS, members)
    assert (error.value.status, error.value.error_type) == (400, "ValidationException")
    return error.value.message


async def _create(bridge: Bridge, *bodies: bytes, **headers: str) -> list[Response]:
    json_headers = {"Content-Type": "application/json", **headers}
    async with bridge() as url:
        return [
            await asyncio.to_thread(send, url, "/appmonitor", body, headers=json_headers)
            for body in bodies
        ]


async def test_a_body_over_256_kib_is_rejected(bridge: Bridge) -> None:
    fits, longer = (b'{"Name":"a"' + b" " * (size - 12) + b"}" for size in (1 << 18, 262_145))
    plain = await _create(bridge, fits, longer)
    packed = await _create(
        bridge, gzip.compress(fits), gzip.compress(longer), **{"Content-Encoding": "gzip"}
    )

    assert [response.status for response in (*plain, *packed)] == [200, 413, 200, 413]
    assert packed[1].message == "The body must have at most 262144 bytes."


async def test_a_smaller_limit_of_all_bodies_applies(bridge: Bridge) -> None:
    async with bridge(max_body_bytes=2000, max_decoded_bytes=1024) as url:
        responses = [
            await asyncio.to_thread(send, url, "/appmonitor", {"Name": "n" * size})
            for size in (500, 3000)
        ]

    assert [response.status for response in responses] == [200, 413]
    assert BridgeSettings().max_body_bytes > 256 * _KIB


@pytest.mark.parametrize("unit", [b"[]", b"{}"])
async def test_many_lists_and_objects_are_rejected_before_parsing(
    bridge: Bridge, unit: bytes
) -> None:
    """They may be in a member that is not documented."""
    [response] = await _create(bridge, b'{"x":[' + b",".join([unit] * 20_000) + b"]}")

    assert (response.status, response.error_type) == (400, "ValidationException")
    assert response.message == "The body must have at most 20000 lists and objects."


@pytest.mark.parametrize("value", ["{}", '"x"', "5", "[]"])
@pytest.mark.parametrize("member", ["TagKeys", "tag_keys", "name", "x"])
async def test_members_that_are_not_documented_are_ignored(
    bridge: Bridge, member: str, value: str
) -> None:
    """Also the names that protobuf has for documented members."""
    [response] = await _create(bridge, f'{{"Name":"a","{member}":{value}}}'.encode())

    assert response.status == 200


def test_protobuf_names_are_not_read() -> None:
    message = message_of(_CREATE, {"Name": "a", "domain_list": ["x"]})

    assert (message.name, list(message.domain_list)) == ("a", [])


def test_the_number_of_items_is_limited() -> None:
    fits = message_of(_DEFINITIONS, {"MetricDefinitions": [{} for _ in range(1000)]})

    assert len(fits.metric_definitions) == 1000
    assert _error({"MetricDefinitions": [{}] * 1001}) == (
        "MetricDefinitions must have at most 1000 items."
    )
    names = {f"{number}": "x" for number in range(1001)}
    assert _error({"MetricDefinitions": [{"DimensionKeys": names}]}) == (
        "MetricDefinitions.DimensionKeys must have at most 1000 items."
    )


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"AppMonitorName": 5}, "AppMonitorName must be a string."),
        ({"MetricDefinitions": {}}, "MetricDefinitions must be a list."),
        ({"MetricDefinitions": ["x"]}, "MetricDefinitions must be an object."),
        ({"MetricDefinitions": [{"Name": 1}]}, "MetricDefinitions.Name must be a string."),
        (
            {"MetricDefinitions": [{"DimensionKeys": {"a": 1}}]},
            "MetricDefinitions.DimensionKeys must be an object with strings.",
        ),
    ],
    ids=str,
)
def test_a_wrong_type_is_rejected_with_the_right_one(members: dict[str, Any], message: str) -> None:
    assert _error(members) == message


def test_the_number_of_values_is_limited() -> None:
    largest_valid = {"MetricDefinitions": [_DEFINITION] * 200}
    message = message_of(_DEFINITIONS, largest_valid)

    assert len(message.metric_definitions[199].dimension_keys) == 29
    assert _error({"MetricDefinitions": [_DEFINITION] * 400}) == (
        "The body must have at most 10000 values."
    )


@pytest.mark.parametrize("start", [" at x", "Failed to parse x field: "], ids=["tail", "wrapper"])
async def test_an_invalid_value_of_any_length_is_rejected_by_name(
    bridge: Bridge, start: str
) -> None:
    """json_format's messages contain the value. Searching it took time squared in its length."""
    rate = start + "." * 200_000 + "!"
    body = json.dumps({"AppMonitorConfiguration": {"SessionSampleRate": rate}}).encode()
    [response] = await _create(bridge, body)

    assert (response.status, response.error_type) == (400, "ValidationException")
    assert response.message == "AppMonitorConfiguration.SessionSampleRate must be a number."
