"""The errors that callers see, as exceptions with AWS's names and members.

    RumError
    ├── ValidationException                  the request is invalid; a retry does not help
    ├── ResourceNotFoundException            the named resource does not exist
    ├── ConflictException                    the named resource already exists
    ├── AccessDeniedException                the caller may not do this
    ├── MissingAuthenticationTokenException  the request is not signed, but must be
    ├── IncompleteSignatureException         the signature is malformed
    ├── InvalidSignatureException            the signature does not match the request or the time
    ├── UnrecognizedClientException          the access key or session token is unknown
    ├── ExpiredTokenException                the temporary credentials have expired
    ├── ServiceQuotaExceededException        the limit of resources is reached
    ├── PolicyNotFoundException              the app monitor has no resource policy
    ├── InvalidPolicyRevisionIdException     the policy has changed since the caller read it
    ├── MalformedPolicyDocumentException     the policy document is invalid
    ├── PolicySizeLimitExceededException     the policy document is too large
    ├── ThrottlingException                  rejected for now; retry after a wait
    ├── QueryTimeoutException                a query of the projection took too long
    ├── ProjectionUnavailableException       no projector runs; retry after a wait
    └── InternalServerException              the service failed; retry after a wait

Domain code raises these and knows neither gRPC codes nor HTTP statuses: `rpc/status.py` translates.
Source: PutRumEvents, CreateAppMonitor and PutResourcePolicy API pages, "Errors"; Common errors of
AWS APIs.
"""

from __future__ import annotations

__all__ = [
    "AccessDeniedException",
    "ConflictException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InternalServerException",
    "InvalidPolicyRevisionIdException",
    "InvalidSignatureException",
    "MalformedPolicyDocumentException",
    "MissingAuthenticationTokenException",
    "PolicyNotFoundException",
    "PolicySizeLimitExceededException",
    "ProjectionUnavailableException",
    "QueryTimeoutException",
    "ResourceNotFoundException",
    "RumError",
    "ServiceQuotaExceededException",
    "ThrottlingException",
    "UnrecognizedClientException",
    "ValidationException",
]

from dataclasses import dataclass


@dataclass(eq=False)
class RumError(Exception):
    """An error for the caller. Its fields are the members of the message with its name."""

    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(eq=False)
class ValidationException(RumError):
    """A member of the request is invalid. `message` names it in its wire spelling."""


@dataclass(eq=False)
class AccessDeniedException(RumError):
    """The caller may not do this."""


@dataclass(eq=False)
class MissingAuthenticationTokenException(RumError):
    """The request is not signed, but must be."""

    message: str = "Request is missing Authentication Token"


@dataclass(eq=False)
class IncompleteSignatureException(RumError):
    """The signature is malformed. `message` names the part in its wire spelling."""


@dataclass(eq=False)
class InvalidSignatureException(RumError):
    """The signature does not match the request, the time, the region or the service."""


@dataclass(eq=False)
class UnrecognizedClientException(RumError):
    """The access key or the session token is unknown. The message does not say which."""

    message: str = "The security token included in the request is invalid."


@dataclass(eq=False)
class ExpiredTokenException(RumError):
    """The temporary credentials have expired."""

    message: str = "The security token included in the request is expired"


@dataclass(eq=False)
class ServiceQuotaExceededException(RumError):
    """The limit of resources is reached."""


@dataclass(eq=False)
class PolicyNotFoundException(RumError):
    """The app monitor exists, but has no resource policy."""


@dataclass(eq=False)
class InvalidPolicyRevisionIdException(RumError):
    """The revision in the request is not the current revision of the policy."""


@dataclass(eq=False)
class MalformedPolicyDocumentException(RumError):
    """The policy document is invalid. `message` names the element: `Statement[1].Effect: ...`."""


@dataclass(eq=False)
class PolicySizeLimitExceededException(RumError):
    """The policy document is larger than 4 KB."""


@dataclass(eq=False)
class ResourceNotFoundException(RumError):
    """The named resource does not exist. Never raised for a transient condition."""

    resource_name: str = ""
    resource_type: str | None = None


@dataclass(eq=False)
class ConflictException(RumError):
    """The named resource already exists."""

    resource_name: str = ""
    resource_type: str | None = None


@dataclass(eq=False)
class ThrottlingException(RumError):
    """Rejected for now. Nothing of the request was stored. The wait is in whole seconds."""

    service_code: str | None = None
    quota_code: str | None = None
    retry_after_seconds: int | None = None


@dataclass(eq=False)
class QueryTimeoutException(RumError):
    """A query of the projection took too long. A shorter time range makes it faster."""


@dataclass(eq=False)
class ProjectionUnavailableException(RumError):
    """No projector runs, so nothing can be queried. Events are stored all the same."""

    message: str = "The projector is not running."
    retry_after_seconds: int | None = None


@dataclass(eq=False)
class InternalServerException(RumError):
    """The service failed. The message is fixed: the cause is logged, never sent to the caller."""

    message: str = "Internal service exception."
    retry_after_seconds: int | None = None
