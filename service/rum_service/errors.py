"""The failures a caller is told of, as exceptions with AWS's names and members.

    RumError
    ├── ValidationException               the request is wrong; sending it again does not help
    ├── ResourceNotFoundException         the named resource does not exist
    ├── ConflictException                 the named resource exists already
    ├── AccessDeniedException             the caller may not do this
    ├── ServiceQuotaExceededException     no more resources of this kind
    ├── PolicyNotFoundException           the app monitor has no resource policy
    ├── InvalidPolicyRevisionIdException  the policy has changed since the caller read it
    ├── MalformedPolicyDocumentException  the policy document is not one
    ├── PolicySizeLimitExceededException  the policy document is too large
    ├── ThrottlingException               not now; try again after a wait
    └── InternalServerException           the service failed; try again after a wait

Domain code raises these and knows no gRPC code and no HTTP status: `status` translates, by table.
Source: PutRumEvents, CreateAppMonitor and PutResourcePolicy API pages, "Errors".
"""

from __future__ import annotations

__all__ = [
    "AccessDeniedException",
    "ConflictException",
    "InternalServerException",
    "InvalidPolicyRevisionIdException",
    "MalformedPolicyDocumentException",
    "PolicyNotFoundException",
    "PolicySizeLimitExceededException",
    "ResourceNotFoundException",
    "RumError",
    "ServiceQuotaExceededException",
    "ThrottlingException",
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
