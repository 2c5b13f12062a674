"""The document: operations from descriptors and google.api.http, and everything they refer to."""

from __future__ import annotations

__all__ = ["document"]

import re
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor

from docs.openapi.comments import Comments
from docs.openapi.failures import BRIDGE_ERROR, REQUEST_ID, Failures
from docs.openapi.schemas import Schemas
from rum.v1 import (
    control_plane_service_pb2,
    data_plane_service_pb2,
    errors_pb2,
    insight_service_pb2,
    source_map_service_pb2,
)
from rum_bridge.operations.http_rules import http_rules

_PROJECT = Path(__file__).parents[2] / "pyproject.toml"
_SERVICES = [
    data_plane_service_pb2.DESCRIPTOR.services_by_name["DataPlaneService"],
    control_plane_service_pb2.DESCRIPTOR.services_by_name["ControlPlaneService"],
    insight_service_pb2.DESCRIPTOR.services_by_name["InsightService"],
    source_map_service_pb2.DESCRIPTOR.services_by_name["SourceMapService"],
]
# What every method of a service can fail with, besides what its comment says.
_FURTHER = {
    "InsightService": [
        "ResourceNotFoundException",
        "QueryTimeoutException",
        "ProjectionUnavailableException",
    ],
    "SourceMapService": ["ResourceNotFoundException"],
}
_HEADERS = {
    "RequestId": {
        "description": "The ID of the request. The logs of the server have it too.",
        "required": True,
        "schema": {"type": "string"},
    },
    "RetryAfter": {
        "description": "Whole seconds to wait before the next try.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
_SECURITY_SCHEMES = {
    "SignatureVersion4": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "AWS Signature Version 4 in headers, for the service `rum`, with a key that "
        "`openrum keys` created or imported.",
    },
    "PresignedRequest": {
        "type": "apiKey",
        "in": "query",
        "name": "X-Amz-Signature",
        "description": "AWS Signature Version 4 in the query, as beacons send it.",
    },
}


def document(comments: Comments) -> dict[str, Any]:
    """Return the document as JSON."""
    operations = _Operations(comments)
    paths = operations.paths()
    schemas = operations.schemas
    for message in errors_pb2.DESCRIPTOR.message_types_by_name.values():
        schemas.add_error(message)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OpenRUM",
            "summary": "The API of Amazon CloudWatch RUM, self-hosted.",
            "version": tomllib.loads(_PROJECT.read_text())["project"]["version"],
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        # The empty one: pages need not sign where a resource policy allows everybody.
        "security": [{}, {"SignatureVersion4": []}, {"PresignedRequest": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted({**schemas.components, "BridgeError": BRIDGE_ERROR}.items())),
            "responses": operations.failures.components,
            "headers": _HEADERS,
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


class _Operations:
    def __init__(self, comments: Comments) -> None:
        self._comments = comments
        self.schemas = Schemas(comments)
        self.failures = Failures()

    def paths(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = defaultdict(dict)
        for service in _SERVICES:
            for verb, template, rpc in http_rules(service):
                in_path = set(re.findall(r"\{(\w+)", template))
                found[_path(template, rpc)][verb.lower()] = self._operation(rpc, in_path)
        return dict(found)

    def _operation(self, rpc: MethodDescriptor, in_path: set[str]) -> dict[str, Any]:
        comment = self._comments.of(rpc.name)
        takes_body = rpc.GetOptions().Extensions[annotations_pb2.http].body == "*"
        rest = [field for field in rpc.input_type.fields if field.name not in in_path]
        parameters = [
            self._parameter(field, "path" if field.name in in_path else "query")
            for field in rpc.input_type.fields
            if field.name in in_path or not takes_body
        ]
        operation: dict[str, Any] = {
            "operationId": rpc.name,
            "tags": [rpc.containing_service.name.removesuffix("Service")],
            "summary": comment.partition(". ")[0].rstrip("."),
            "description": comment,
            "parameters": parameters,
        }
        if takes_body:
            operation["requestBody"] = self._body(rpc, rest)
        further = _FURTHER.get(rpc.containing_service.name, [])
        further = [*further, *re.findall(r"\b\w+Exception\b", comment)]
        operation["responses"] = {"200": self._success(rpc), **self.failures.of(further)}
        return operation

    def _parameter(self, field: FieldDescriptor, place: str) -> dict[str, Any]:
        parameter = {
            "name": field.json_name,
            "in": place,
            "required": place == "path" or self.schemas.is_required(field),
            "schema": self.schemas.value_of(field),
        }
        description = self._comments.of_field(field)
        return {**parameter, "description": description} if description else parameter

    def _body(self, rpc: MethodDescriptor, rest: list[FieldDescriptor]) -> dict[str, Any]:
        schema = self.schemas.add(rpc.input_type, rest)
        content: dict[str, Any] = {"application/json": {"schema": schema}}
        if rpc.name == "PutRumEvents":
            # The type of beacons.
            text_schema = {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": schema,
            }
            content["text/plain"] = {"schema": text_schema}
        return {"required": True, "content": content}

    def _success(self, rpc: MethodDescriptor) -> dict[str, Any]:
        response = {"description": self._comments.of(rpc.output_type.name), "headers": REQUEST_ID}
        if rpc.name == "PutRumEvents":
            return response  # without a body
        schema = self.schemas.add_response(rpc.output_type)
        return {**response, "content": {"application/json": {"schema": schema}}}


def _path(template: str, rpc: MethodDescriptor) -> str:
    """Return a path template with the members' names on the wire."""
    names = {field.name: field.json_name for field in rpc.input_type.fields}
    return re.sub(r"\{(\w+)(=\*\*)?\}", lambda part: f"{{{names[part[1]]}}}", template)
