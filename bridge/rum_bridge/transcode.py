"""Calls behind the control plane's paths, made from the google.api.http annotations.

As grpc-gateway: path variables, then query parameters, then the body, are the request's members.
"""

from __future__ import annotations

__all__ = ["http_rules", "transcoded_routes"]

import re
import uuid
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import grpc.aio
from google.api import annotations_pb2
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from rum_bridge.body import read_body
from rum_bridge.codec import load_json
from rum_bridge.errors import HttpError, from_rpc_error, validation_error
from rum_bridge.settings import BridgeSettings

_CALL_TIMEOUT_S = 30.0


def http_rules(service: ServiceDescriptor) -> Iterator[tuple[str, str, MethodDescriptor]]:
    """Yields HTTP method, path template and rpc of each annotated rpc of a service."""
    for rpc in service.methods:
        rule = rpc.GetOptions().Extensions[annotations_pb2.http]
        verb = rule.WhichOneof("pattern")
        if verb:
            yield verb.upper(), getattr(rule, verb), rpc


def transcoded_routes(
    service: ServiceDescriptor, channel: grpc.aio.Channel, settings: BridgeSettings
) -> list[Route]:
    """Returns routes for all annotated rpcs; each path also with a slash at its end."""
    calls: dict[str, dict[str, _Call]] = defaultdict(dict)
    for verb, template, rpc in http_rules(service):
        calls[template][verb] = _Call(rpc, channel, settings)
    return [
        Route(starlette_path(template) + slash, _Resource(by_method))
        for template, by_method in calls.items()
        for slash in ("/", "")  # in this order: {name:path} would take the slash for its own
    ]


def starlette_path(template: str) -> str:
    """Returns a path template in Starlette's words: `{name=**}` is `{name:path}`."""
    return re.sub(r"\{(\w+)=\*\*\}", r"{\1:path}", template)


class _Resource:
    """All methods of one path. It takes every method, so that no other route sees the path."""

    def __init__(self, calls: dict[str, _Call]) -> None:
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        request.state.request_id = str(uuid.uuid4())
        call = self._calls.get(request.method)
        if call is None:
            raise HttpError(
                405,
                "MethodNotAllowedException",
                f"{request.method} is not allowed here.",
                headers={"Allow": ", ".join(self._calls)},
            )
        response = await call(request)
        await response(scope, receive, send)


class _Call:
    """One rpc behind a path."""

    def __init__(
        self, rpc: MethodDescriptor, channel: grpc.aio.Channel, settings: BridgeSettings
    ) -> None:
        self._request_type = GetMessageClass(rpc.input_type)
        self._input = rpc.input_type
        self._output = rpc.output_type
        self._settings = settings
        self._rpc = channel.unary_unary(
            f"/{rpc.containing_service.full_name}/{rpc.name}",
            request_serializer=self._request_type.SerializeToString,
            response_deserializer=GetMessageClass(rpc.output_type).FromString,
        )

    async def __call__(self, request: Request) -> JSONResponse:
        message = self._message(
            {
                **await self._body(request),
                **_query(self._input, request),
                **{self._json_name(name): text for name, text in request.path_params.items()},
            }
        )
        try:
            answer = await self._rpc(message, timeout=_CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None
        headers = {"x-amzn-RequestId": request.state.request_id}
        return JSONResponse(_to_json(self._output, answer), headers=headers)

    async def _body(self, request: Request) -> dict[str, Any]:
        _, body = await read_body(
            request,
            max_bytes=self._settings.max_body_bytes,
            max_decoded_bytes=self._settings.max_decoded_bytes,
            timeout_s=self._settings.body_timeout_s,
        )
        if not body:
            return {}
        # Only this type: a page of another site can send any other without asking first.
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise HttpError(
                415, "UnsupportedMediaTypeException", "Content-Type must be application/json."
            )
        return load_json(body)

    def _message(self, members: dict[str, Any]) -> Message:
        try:
            return ParseDict(members, self._request_type(), ignore_unknown_fields=True)
        except ParseError as error:
            path = ".".join(re.findall(r"Failed to parse (\w+) field", str(error)))
            raise validation_error(f"{path or 'A member'} is not of the documented type.") from None
        except RecursionError:
            raise validation_error("The body is nested too deep.") from None

    def _json_name(self, name: str) -> str:
        return self._input.fields_by_name[name].json_name


def _query(message: Descriptor, request: Request) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for field in message.fields:
        values = request.query_params.getlist(field.json_name)
        if values:
            members[field.json_name] = values if field.is_repeated else values[-1]
    return members


def _to_json(message: Descriptor, answer: Message) -> dict[str, Any]:
    members = MessageToDict(answer)
    for field in message.fields:
        # Lists and maps are there even when empty: people write response["Events"].
        if field.is_repeated:
            is_map = field.message_type and field.message_type.GetOptions().map_entry
            members.setdefault(field.json_name, {} if is_map else [])
    return members
