"""The failures a caller is told of, as exceptions with AWS's names and members.

    RumError
    ├── ValidationException                  the request is wrong; sending it again does not help
    ├── ResourceNotFoundException            the named resource does not exist
    ├── ConflictException                    the named resource exists already
    ├── AccessDeniedException                the caller may not do this
    ├── MissingAuthenticationTokenException  the request is not signed and had to be
    ├── IncompleteSignatureException         the signature is malformed
    ├── InvalidSignatureException            the signature is not that of this request or time
    ├── UnrecognizedClientException          the access key or session token is not known
    ├── ExpiredTokenException                the temporary credentials have expired
    ├── ServiceQuotaExceededException        no more resources of this kind
    ├── PolicyNotFoundException              the app monitor has no resource policy
    ├── InvalidPolicyRevisionIdException     the policy has changed since the caller read it
    ├── MalformedPolicyDocumentException     the policy document is not one
    ├── PolicySizeLimitExceededException     the policy document is too large
    ├── ThrottlingException                  not now; try again after a wait
    └── InternalServerException              the service failed; try again after a wait

Domain code raises these and knows no gRPC code and no HTTP status: `status` translates, by table.
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
    """A failure the caller is told of. The fields are the members of the message of its name."""

    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(eq=False)
class ValidationException(RumError):
    """A member of the request is not valid; `message` names it in its wire spelling."""


@dataclass(eq=False)
class AccessDeniedException(RumError):
    """The caller may not do this."""


@dataclass(eq=False)
class MissingAuthenticationTokenException(RumError):
    """The request is not signed and had to be."""

    message: str = "Request is missing Authentication Token"


@dataclass(eq=False)
class IncompleteSignatureException(RumError):
    """The signature is malformed; `message` names the part in its wire spelling."""


@dataclass(eq=False)
class InvalidSignatureException(RumError):
    """The signature is not that of this request, or not of this time, region or service."""


@dataclass(eq=False)
class UnrecognizedClientException(RumError):
    """The access key or the session token is not known; the text does not say which."""

    message: str = "The security token included in the request is invalid."


@dataclass(eq=False)
class ExpiredTokenException(RumError):
    """The temporary credentials have expired."""

    message: str = "The security token included in the request is expired"


@dataclass(eq=False)
class ServiceQuotaExceededException(RumError):
    """No more resources of this kind."""


@dataclass(eq=False)
class PolicyNotFoundException(RumError):
    """The app monitor exists and has no resource policy."""


@dataclass(eq=False)
class InvalidPolicyRevisionIdException(RumError):
    """The revision the caller named is not the policy's current one."""


@dataclass(eq=False)
class MalformedPolicyDocumentException(RumError):
    """The policy document is not one; `message` names the element: `Statement[1].Effect: ...`."""


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
    """The named resource exists already."""

    resource_name: str = ""
    resource_type: str | None = None


@dataclass(eq=False)
class ThrottlingException(RumError):
    """Refused for now; nothing of the request was stored. The wait is in whole seconds."""

    service_code: str | None = None
    quota_code: str | None = None
    retry_after_seconds: int | None = None


@dataclass(eq=False)
class InternalServerException(RumError):
    """The service failed. The text is fixed: the cause goes to the log, never to the caller."""

    message: str = "Internal service exception."
    retry_after_seconds: int | None = None
