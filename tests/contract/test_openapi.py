"""The OpenAPI document is valid, up to date, and says what the model, the code and clients say."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import OperationModel, StructureShape
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from docs.openapi import DOCUMENT, text
from rum_bridge import errors as bridge_errors
from tests.support.batches import batch, event
from tests.support.traffic import NAMES, load

_MODEL = botocore.session.get_session().get_service_model("rum")
_OPERATIONS = [_MODEL.operation_model(name) for name in _MODEL.operation_names]
_SPEC: dict[str, Any] = json.loads(DOCUMENT.read_text())
_BRIDGE = Path(bridge_errors.__file__).parent
# The bridge returns these to requests that call no operation or are not HTTP/1.1, and to clients
# that have disconnected.
_OUTSIDE = {
    ("MethodNotAllowedException", 405),
    ("BadRequestException", 400),
    ("RequestAbortedException", 400),
}
_BROWSERS = [name for name in NAMES if name.startswith("web")]


def _operation(model: OperationModel) -> dict[str, Any]:
    path = model.http["requestUri"].rstrip("/")
    operation: dict[str, Any] = _SPEC["paths"][path][model.http["method"].lower()]
    return operation


def _response(operation: dict[str, Any], status: str) -> dict[str, Any]:
    response: dict[str, Any] = operation["responses"][status]
    if "$ref" in response:
        response = _SPEC["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return response


def _error_types(operation: dict[str, Any]) -> set[tuple[str, int]]:
    return {
        (name, int(status))
        for status in operation["responses"]
        if status != "200"
        for name in _response(operation, status)["headers"]["x-amzn-ErrorType"]["schema"]["enum"]
    }


def test_the_document_is_up_to_date() -> None:
    assert text() == DOCUMENT.read_text(), "run `make docs`"


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(_SPEC).validate()


@pytest.mark.parametrize("model", _OPERATIONS, ids=lambda model: model.name)
def test_every_operation_of_the_model_has_its_method_and_path(model: OperationModel) -> None:
    assert _operation(model)["operationId"] == model.name


@pytest.mark.parametrize("model", _OPERATIONS, ids=lambda model: model.name)
def test_the_required_members_of_a_request_are_those_of_the_model(model: OperationModel) -> None:
    operation = _operation(model)
    body = operation.get("requestBody", {"content": {}})["content"].get("application/json")
    required = {part["name"] for part in operation["parameters"] if part["required"]}
    if body:
        schema = _SPEC["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]
        required |= set(schema.get("required", ()))
    shape = model.input_shape
    assert isinstance(shape, StructureShape)

    # An empty list in a query is the same as none.
    lists = {"tagKeys", "metricDefinitionIds"}
    assert required == {_wire_name(shape, name) for name in shape.required_members} - lists


def _wire_name(shape: StructureShape, name: str) -> str:
    serialization = shape.members[name].serialization
    in_query = serialization.get("location") == "querystring"
    return str(serialization["name"]) if in_query else name


@pytest.mark.parametrize("model", _OPERATIONS, ids=lambda model: model.name)
def test_every_exception_of_the_model_is_a_response(model: OperationModel) -> None:
    documented = {name for name, _ in _error_types(_operation(model))}
    modeled = {shape.name for shape in model.error_shapes}
    # The model does not say when an update is in conflict, or which resource a new app monitor
    # could miss. We never return these.
    never = {"ConflictException", "ServiceQuotaExceededException"}
    if model.name == "CreateAppMonitor":
        never = {"ResourceNotFoundException"}

    assert modeled - documented <= never


def test_every_error_that_the_bridge_raises_is_a_response() -> None:
    raised = {
        (call.args[1].value, call.args[0].value)
        for file in _BRIDGE.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "HttpError"
        if all(isinstance(argument, ast.Constant) for argument in call.args[:2])
    }
    documented = set.union(*(_error_types(_operation(model)) for model in _OPERATIONS))

    assert len(raised) > 5
    assert raised - documented - _OUTSIDE == set()


def _put_schema() -> Draft202012Validator:
    return Draft202012Validator(
        {"$ref": "#/components/schemas/PutRumEventsRequest", "components": _SPEC["components"]}
    )


@pytest.mark.parametrize("name", _BROWSERS)
def test_the_batches_of_browsers_match_the_schema(name: str) -> None:
    schema = _put_schema()
    puts = [
        request
        for request in load(name)
        if request.method == "POST" and re.search(r"/appmonitors/[^/?]+/?(\?|$)", request.url)
    ]

    assert [error.message for put in puts for error in schema.iter_errors(put.document)] == []


@pytest.mark.parametrize(
    "body",
    [
        batch(BatchId=None),
        batch(BatchId="1"),
        batch(RumEvents=None),
        batch(UserDetails=None),
        batch(AppMonitorDetails=None),
        batch(UserDetails={"userId": "me"}),
        batch(Alias=""),
        batch([event(id=None)]),
        batch([event(type=None)]),
        batch([event(details=None)]),
        batch([event(details={})]),
        batch([event(timestamp=None)]),
        batch([event(timestamp=1_700_000_000_000)]),
    ],
)
def test_a_batch_that_is_rejected_does_not_match_the_schema(body: object) -> None:
    assert not _put_schema().is_valid(body)
