"""Decides whether a caller may perform an operation. Pure.

    a put            the app monitor's resource policy: an explicit deny rejects, an allow accepts;
                     otherwise the caller's own access to the app monitor, `write`
    anything else    the caller's own access: `read` for read-only operations, else `admin`

Never reject for a transient failure, such as a database that is away: a 403 makes aws-rum-web stop
sending until the page reloads.
"""

from __future__ import annotations

__all__ = ["Authorization"]

from rum_service.auth import policy
from rum_service.auth.callers import ADMIN, READ, TRUSTED, UNVERIFIED, WRITE, Caller
from rum_service.auth.operations import Operation
from rum_service.auth.origins import is_allowed_page
from rum_service.errors import (
    AccessDeniedException,
    MissingAuthenticationTokenException,
    RumError,
    UnrecognizedClientException,
)
from rum_service.monitors import Monitor


class Authorization:
    """The rules of one service."""

    def __init__(self, *, check_origin: bool, region: str, account_id: str) -> None:
        self._check_origin = check_origin
        self._arn_prefix = f"arn:aws:rum:{region}:{account_id}:appmonitor/"

    def authorize(
        self,
        caller: Caller,
        operation: Operation,
        monitor: Monitor[policy.Policy] | None,
        *,
        name: str | None = None,
        alias: str | None = None,
    ) -> None:
        """Return if the caller may perform the operation.

        Args:
            monitor: the app monitor that the request is about, where the decision depends on it:
                for a put, and for a principal whose access covers one app monitor.
            name: the name of the app monitor in the request, for the message.
            alias: the request's `Alias`, for the condition key `rum:alias`.

        Raises:
            AccessDeniedException: the caller may not.
            MissingAuthenticationTokenException: an anonymous caller may not.
            UnrecognizedClientException: a caller with a temporary key of AWS may not.
        """
        if operation.is_put and monitor is not None:
            self._check_page(caller, monitor)
        if caller.principal is TRUSTED:
            return
        if operation.is_put and monitor is not None and monitor.policy is not None:
            outcome = policy.decide(monitor.policy, self._policy_request(caller, monitor, alias))
            if outcome is policy.Outcome.EXPLICIT_DENY:
                raise AccessDeniedException(
                    "The resource policy of the app monitor denies rum:PutRumEvents explicitly."
                )
            if outcome is policy.Outcome.ALLOW:
                return
        access = WRITE if operation.is_put else READ if operation.is_read_only else ADMIN
        if not caller.principal.may(access, monitor.key if monitor else None):
            raise self._rejection(caller, operation, monitor.name if monitor else name)

    def _check_page(self, caller: Caller, monitor: Monitor[policy.Policy]) -> None:
        if self._check_origin and not is_allowed_page(
            caller.origin, caller.referer, monitor.domains
        ):
            raise AccessDeniedException("The page is not in a domain of this app monitor.")

    def _policy_request(
        self, caller: Caller, monitor: Monitor[policy.Policy], alias: str | None
    ) -> policy.PolicyRequest:
        return policy.PolicyRequest(
            resource=self._arn_prefix + monitor.name,
            principal=caller.principal.arn,
            aliases=() if alias is None else (alias,),
            source_ip=caller.source_ip,
            referer=caller.referer,
            user_agent=caller.user_agent,
        )

    def _rejection(self, caller: Caller, operation: Operation, name: str | None) -> RumError:
        if caller.principal is UNVERIFIED:
            return UnrecognizedClientException()
        if caller.principal.arn is None:
            return MissingAuthenticationTokenException()
        return AccessDeniedException(
            f"User: {caller.principal.arn} is not authorized to perform: rum:{operation.name} on"
            f" resource: {self._arn_prefix}{name or '*'}"
        )
