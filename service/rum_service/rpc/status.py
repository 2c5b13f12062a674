"""Turns an outcome into a google.rpc.Status whose details[0] names the exception.

If the caller should retry after a wait, details[1] is the google.rpc.RetryInfo that client
libraries of gRPC know.

By the canonical table the codes give the documented HTTP statuses, so any gRPC-JSON transcoder
returns them. RESOURCE_EXHAUSTED, INTERNAL and UNAVAILABLE may be retried; every other error is
final.
"""

from __future__ import annotations

__all__ = ["to_status"]

from dataclasses import fields

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from rum.v1 import errors_pb2
from rum_service import errors
from rum_service.errors import RumError

_CODES: dict[type[errors.RumError], int] = {
    errors.ValidationException: code_pb2.INVALID_ARGUMENT,  # 400
    errors.IncompleteSignatureException: code_pb2.INVALID_ARGUMENT,  # 400
    errors.InvalidPolicyRevisionIdException: code_pb2.INVALID_ARGUMENT,  # 400
    errors.MalformedPolicyDocumentException: code_pb2.INVALID_ARGUMENT,  # 400
    errors.PolicySizeLimitExceededException: code_pb2.INVALID_ARGUMENT,  # 400
    errors.AccessDeniedException: code_pb2.PERMISSION_DENIED,  # 403
    errors.MissingAuthenticationTokenException: code_pb2.PERMISSION_DENIED,  # 403
    errors.UnrecognizedClientException: code_pb2.PERMISSION_DENIED,  # 403
    errors.InvalidSignatureException: code_pb2.PERMISSION_DENIED,  # 403
    errors.ExpiredTokenException: code_pb2.PERMISSION_DENIED,  # 403
    errors.ResourceNotFoundException: code_pb2.NOT_FOUND,  # 404
    errors.PolicyNotFoundException: code_pb2.NOT_FOUND,  # 404
    errors.ConflictException: code_pb2.ALREADY_EXISTS,  # 409
    errors.ServiceQuotaExceededException: code_pb2.FAILED_PRECONDITION,  # 402, the one override
    errors.ThrottlingException: code_pb2.RESOURCE_EXHAUSTED,  # 429
    errors.InternalServerException: code_pb2.INTERNAL,  # 500
    errors.ProjectionUnavailableException: code_pb2.UNAVAILABLE,  # 503
    errors.QueryTimeoutException: code_pb2.DEADLINE_EXCEEDED,  # 504
}


_OK = Status()


def to_status(error: RumError | None) -> Status:
    """Return OK for None, else the status that carries the error with its members."""
    if error is None:
        return _OK
    details = [_packed(_to_message(error))]
    wait_s = getattr(error, "retry_after_seconds", None)
    if wait_s is not None:
        details.append(_packed(RetryInfo(retry_delay=Duration(seconds=wait_s))))
    return Status(code=_CODES[type(error)], message=error.message, details=details)


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


def _to_message(error: RumError) -> Message:
    message_type: type[Message] = getattr(errors_pb2, type(error).__name__)
    return message_type(**{field.name: getattr(error, field.name) for field in fields(error)})
