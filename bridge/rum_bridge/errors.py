"""Errors as AWS's REST APIs return them: status, x-amzn- headers, JSON body.

The service reports errors as google.rpc.Status; the bridge raises HttpError.
Source: docs/reference/errors.md; the HTTP statuses are the canonical ones of gRPC codes.
"""

from __future__ import annotations

__all__ = [
    "BRIDGE",
    "NO_ANSWER",
    "SERVICE",
    "HttpError",
    "bridge_token_rejected",
    "error_response",
    "from_rpc_error",
    "from_status",
    "internal_error",
    "validation_error",
]

import json
import re
from dataclasses import dataclass, field

import grpc
import grpc.aio
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message
from google.rpc.status_pb2 import Status
from starlette.responses import Response

from rum.v1 import errors_pb2
from rum_endpoint.metadata import BRIDGE_TOKEN_REJECTED, STATUS_DETAILS_KEY

BRIDGE = "bridge"
"""The source of an error of a request that was not passed on."""
SERVICE = "service"
"""The source of an error that the service answered with."""
NO_ANSWER = "no_answer"
"""The source of an error of a request whose outcome is unknown."""


@dataclass(eq=False)
class HttpError(Exception):
    """An error response."""

    status: int
    error_type: str
    message: str
    members: dict[str, object] = field(default_factory=dict)
    """Members of the JSON body other than the message."""
    retry_after_s: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    source: str = BRIDGE
    """Where the error comes from: `BRIDGE`, `SERVICE` or `NO_ANSWER`."""


# Google's canonical table, https://cloud.google.com/apis/design/errors#handling_errors
_HTTP_STATUSES = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
_BY_NUMBER = {code.value[0]: status for code, status in _HTTP_STATUSES.items()}
# AWS uses 402 for this exception. No gRPC code corresponds to it.
_OVERRIDES = {"ServiceQuotaExceededException": 402}

# gRPC's own status for a message above OPENRUM_MAX_MESSAGE_BYTES is RESOURCE_EXHAUSTED, as for a
# caller that should try again. Only the text differs.
_TOO_LONG = "message larger than max"

_MAX_HEADER_CHARS = 1024
_NOT_FOR_HEADERS = re.compile(r"[^\x20-\x7e]")


def internal_error(source: str = BRIDGE) -> HttpError:
    """Return the error for an unexpected exception, which the log has."""
    message = "Internal service exception."
    return HttpError(500, "InternalServerException", message, retry_after_s=1, source=source)


def validation_error(message: str) -> HttpError:
    """Return the error for an invalid request that the service cannot detect."""
    return HttpError(400, "ValidationException", message)


def from_status(status: Status) -> HttpError:
    """Return the error for a status, with the exception in its details."""
    http_status = _BY_NUMBER.get(status.code, 500)
    exception = _exception(status)
    if exception is None:
        # gRPC or a proxy created the status, for example because the service is not running.
        return HttpError(
            http_status,
            "ServiceUnavailable",
            "The service is unavailable.",
            {},
            1,
            source=NO_ANSWER,
        )
    name = exception.DESCRIPTOR.name
    if status.message == BRIDGE_TOKEN_REJECTED:
        return bridge_token_rejected()
    members = MessageToDict(exception, always_print_fields_with_no_presence=True)
    retry_after = members.pop("retryAfterSeconds", None)
    message = members.pop("message")
    status_code = _OVERRIDES.get(name, http_status)
    return HttpError(status_code, name, message, members, retry_after, source=SERVICE)


def bridge_token_rejected() -> HttpError:
    """Return the error of all callers while the service rejects the bridge's own token.

    It is not their fault, and aws-rum-web stops sending after a 403.
    """
    return HttpError(
        503,
        "ServiceUnavailable",
        "The service rejects the token in OPENRUM_BRIDGE_TOKEN_FILE.",
        retry_after_s=1,
        source=SERVICE,
    )


def from_rpc_error(error: grpc.aio.AioRpcError) -> HttpError:
    """Return the error for a failed call."""
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_DETAILS_KEY and isinstance(value, bytes):
            return from_status(Status.FromString(value))
    if _TOO_LONG in (error.details() or ""):
        return HttpError(
            413,
            "RequestEntityTooLargeException",
            "The batch is longer than the service accepts.",
            source=SERVICE,
        )
    return from_status(Status(code=error.code().value[0]))


def error_response(error: HttpError, request_id: str) -> Response:
    """Return a response from which AWS SDKs read the error."""
    headers = {**error.headers, "x-amzn-ErrorType": error.error_type}
    # Version 1 of the AWS SDK for Go shows this header only, and not the message in the body.
    message = error.message[:_MAX_HEADER_CHARS]
    headers["x-amzn-ErrorMessage"] = _NOT_FOR_HEADERS.sub("?", message)
    headers["x-amzn-RequestId"] = request_id
    if error.retry_after_s is not None:
        # Seconds: boto3 cannot parse an HTTP date here.
        headers["Retry-After"] = str(error.retry_after_s)
    body = json.dumps({"message": error.message, **error.members})
    return Response(body, error.status, headers, "application/json")


def _exception(status: Status) -> Message | None:
    if not status.details:
        return None
    name = status.details[0].TypeName().removeprefix("rum.v1.")
    if name not in errors_pb2.DESCRIPTOR.message_types_by_name:
        return None
    exception: Message = getattr(errors_pb2, name)()
    try:
        status.details[0].Unpack(exception)
    except DecodeError:
        return None
    return exception
