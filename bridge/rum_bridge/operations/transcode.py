"""The contract over REST, built from its google.api.http annotations: all methods but puts.

As in grpc-gateway, request members are path variables plus either the body, if the
annotation has `body: "*"`, or the query. Never both: any page can send any query without a
preflight.
"""

from __future__ import annotations

__all__ = ["RestForm", "Transcoder"]

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc.aio
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from rum.internal.v1.caller_pb2 import HttpCaller
from rum_bridge.errors import HttpError, from_rpc_error, validation_error
from rum_bridge.headers import Headers, first_values
from rum_bridge.http.body import BodyReader
from rum_bridge.json_text import load_json
from rum_bridge.limits.budget import ByteBudget
from rum_bridge.operations.hosts import AllowedHosts
from rum_bridge.operations.http_rules import http_rules, starlette_path, takes_body
from rum_bridge.operations.lists import check_lists, with_emptied_lists
from rum_bridge.operations.members import message_of
from rum_bridge.operations.resource_route import ResourceRoute
from rum_bridge.operations.same_origin import is_from_own_page
from rum_bridge.request_id import request_id_of
from rum_bridge.settings import BridgeSettings
from rum_bridge.upstream.caller import CallerReport
from rum_bridge.upstream.caller_check import CallerCheck
from rum_bridge.upstream.channel import BridgeToken
from rum_endpoint.metadata import CALLER_KEY, REPLICA_LAG_KEY, REQUEST_ID_KEY

_CALL_TIMEOUT_S = 30.0
# A body of this size with many more lists and objects takes 30 ms to parse (2026-11).
_MAX_BODY_BYTES = 256 << 10
_MAX_CONTAINERS = 20_000

_Metadata: TypeAlias = list[tuple[str, str | bytes]]


@dataclass(frozen=True)
class RestForm:
    """How one service's methods read the query and write responses."""

    query: Callable[[Descriptor, Request], dict[str, Any]]
    """Returns the members in the query under their JSON names. Raises HttpError."""
    respond: Callable[[Request, Descriptor, bytes], Awaitable[Response]]
    """Returns the response for a serialized message."""
    is_whole: bool = False
    """Whether a response has all pages of a list. Its messages have the member next_token."""


class Transcoder:
    """Serves the methods of the service over REST.

    Args:
        budget: of the bytes of requests that are being read or decoded.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        token: BridgeToken,
        report: CallerReport,
        *,
        budget: ByteBudget,
        settings: BridgeSettings,
    ) -> None:
        self._channel = channel
        self._token = token
        self._report = report
        self._check_caller = CallerCheck(channel, token, timeout_s=_CALL_TIMEOUT_S)
        self._hosts = AllowedHosts(settings)
        self._prefixes = dict.fromkeys(("", settings.path_prefix))
        self._body = BodyReader(
            budget,
            max_bytes=min(_MAX_BODY_BYTES, settings.max_body_bytes),
            max_decoded_bytes=min(_MAX_BODY_BYTES, settings.max_decoded_bytes),
            timeout_s=settings.body_timeout_s,
        )

    def routes(
        self,
        service: ServiceDescriptor,
        form: RestForm,
        *,
        other_forms: Mapping[str, tuple[str, RestForm]] | None = None,
    ) -> list[Route]:
        """Return routes for a service's annotated methods.

        Each path is served with and without a trailing slash, and also under OPENRUM_PATH_PREFIX.
        A mount under the prefix would match paths of the data plane, too.

        Args:
            other_forms: names of rpcs that have a second form, by its path.
        """
        calls: dict[str, dict[str, _Call]] = defaultdict(dict)
        for verb, template, rpc in http_rules(service):
            calls[template][verb] = self._call(rpc, form)
        for path, (name, other) in (other_forms or {}).items():
            calls[path]["GET"] = self._call(service.methods_by_name[name], other)
        return [
            ResourceRoute(
                prefix + starlette_path(template) + slash, _Resource(by_method, self._hosts)
            )
            for template, by_method in calls.items()
            for prefix in self._prefixes
            for slash in ("/", "")  # in this order: {name:path} matches a trailing slash
        ]

    def _call(self, rpc: MethodDescriptor, form: RestForm) -> _Call:
        return _Call(
            rpc,
            form,
            self._channel,
            self._token,
            report=self._report,
            check_caller=self._check_caller,
            body=self._body,
        )


class _Resource:
    """All methods of one path. It answers 405 itself, so that no later route matches the path."""

    def __init__(self, calls: dict[str, _Call], hosts: AllowedHosts) -> None:
        self._calls = calls
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        call = self._calls.get(request.method)
        if call is None:
            raise HttpError(
                405,
                "MethodNotAllowedException",
                f"{request.method} is not allowed for this path.",
                headers={"Allow": ", ".join(self._calls)},
            )
        # Browsers send Origin with every request that can change something; SDKs do not.
        if "origin" in request.headers and not is_from_own_page(request):
            raise HttpError(
                403,
                "AccessDeniedException",
                "The control plane does not accept calls from pages of other sites.",
            )
        # A page that rebinds its name has our origin, but not one of our names.
        self._hosts.check(request.headers.get("host", ""))
        response = await call(request)
        await response(scope, receive, send)


class _Call:
    """One rpc behind a path."""

    def __init__(
        self,
        rpc: MethodDescriptor,
        form: RestForm,
        channel: grpc.aio.Channel,
        token: BridgeToken,
        *,
        report: CallerReport,
        check_caller: CallerCheck,
        body: BodyReader,
    ) -> None:
        self._form = form
        self._token = token
        self._report = report
        self._takes_body = takes_body(rpc)
        self._input = rpc.input_type
        self._output = rpc.output_type
        self._output_class: Any = GetMessageClass(rpc.output_type)
        self._body = body
        self._method = rpc.name
        self._check_caller = check_caller
        self._rpc: grpc.aio.UnaryUnaryMultiCallable[Message, bytes] = channel.unary_unary(
            f"/{rpc.containing_service.full_name}/{rpc.name}",
            request_serializer=GetMessageClass(rpc.input_type).SerializeToString,
        )

    async def __call__(self, request: Request) -> Response:
        headers = first_values(request.scope)
        raw, body = await self._body.read(request.receive, headers)
        self._body.budget.reserve(len(body))
        try:
            return await self._call(request, headers, raw, body)
        finally:
            self._body.budget.release(len(body))

    async def _call(self, request: Request, headers: Headers, raw: bytes, body: bytes) -> Response:
        variables = {self._json_name(name): text for name, text in request.path_params.items()}
        request_id = request_id_of(request.scope)
        caller = self._report(request.scope, headers, raw)
        metadata: list[tuple[str, str | bytes]] = [
            *self._token.metadata(),
            (REQUEST_ID_KEY, request_id),
            (CALLER_KEY, caller.SerializeToString()),
        ]
        if body:  # because decoding costs more than asking
            await self._check(variables, caller, request_id)
        try:
            document = _document(headers, body)
            members = document if self._takes_body else self._form.query(self._input, request)
            check_lists(self._input, members)
            members = with_emptied_lists(self._input, members)
            message = message_of(self._input, {**members, **variables})
        except HttpError:
            if not body:  # a caller that may not make the call learns nothing else about it
                await self._check(variables, caller, request_id)
            raise
        try:
            content, trailing = await self._response_of(message, metadata)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None
        response = await self._form.respond(request, self._output, content)
        response.headers["x-amzn-RequestId"] = request_id
        for key, value in trailing:
            if key == REPLICA_LAG_KEY:
                response.headers[key] = str(value)
        return response

    async def _response_of(self, message: Message, metadata: _Metadata) -> tuple[bytes, _Metadata]:
        """Return the serialized response and its trailing metadata."""
        # Serialized messages in a row are one message with all values of their lists.
        content = b""
        following: Any = message
        while True:
            call = self._rpc(following, timeout=_CALL_TIMEOUT_S, metadata=metadata)
            page = await call
            content += page
            next_token = self._form.is_whole and self._output_class.FromString(page).next_token
            if not next_token:
                return content, [(k, v) for k, v in await call.trailing_metadata() or ()]
            following.next_token = next_token

    async def _check(self, variables: dict[str, str], caller: HttpCaller, request_id: str) -> None:
        """Return if the caller may make the call. Otherwise raise HttpError."""
        path = message_of(self._input, variables)
        await self._check_caller(self._method, path, caller, request_id)

    def _json_name(self, name: str) -> str:
        return self._input.fields_by_name[name].json_name


def _document(headers: Headers, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    # The only type of these that a page cannot send to another site without a preflight.
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != b"application/json":
        raise HttpError(
            415, "UnsupportedMediaTypeException", "Content-Type must be application/json."
        )
    # Texts may contain brackets, too. The largest policy and 200 patterns have far fewer.
    if body.count(b"[") + body.count(b"{") > _MAX_CONTAINERS:
        raise validation_error(f"The body must have at most {_MAX_CONTAINERS} lists and objects.")
    return load_json(body)
