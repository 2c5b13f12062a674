"""Decides who may do what. Where it is open it asks nobody anything.

    a put            the resource policy denies → no; it allows → yes; else the caller's own access
    anything else    the caller's own access: `read` to look, `admin` to change

403 switches a browser off for the life of the page, so what fails for a moment (a database, say)
is never one of these refusals.
"""

from __future__ import annotations

__all__ = ["Authorization"]

import ipaddress
from collections.abc import Awaitable, Callable
from functools import lru_cache

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.auth.authentication import Authentication
from rum_service.auth.callers import ADMIN, READ, WRITE, Call, Caller, Operation, Principal
from rum_service.auth.origins import is_allowed_page
from rum_service.auth.policy import evaluation as policy
from rum_service.errors import (
    AccessDeniedException,
    MissingAuthenticationTokenException,
    ResourceNotFoundException,
    RumError,
)
from rum_service.storage.records import AppMonitorRecord

FindMonitor = Callable[[str], Awaitable[AppMonitorRecord]]

_PUT = "PutRumEvents"
_parsed = lru_cache(maxsize=1024)(policy.parse)


class Authorization:
    """To be used on one event loop."""

    def __init__(
        self,
        authentication: Authentication,
        *,
        required: bool,
        check_origin: bool,
        region: str,
        account_id: str,
    ) -> None:
        self._authentication = authentication
        self._required = required
        self._check_origin = check_origin
        self._arn_prefix = f"arn:aws:rum:{region}:{account_id}:appmonitor/"

    async def admit_put(
        self, call: Call, request: PutRumEventsRequest, monitor: AppMonitorRecord
    ) -> None:
        """Returns when the caller may put to the app monitor.

        Raises:
            AccessDeniedException, MissingAuthenticationTokenException: the caller may not.
            RumError: the caller's credential is wrong, with AWS's name for it.
        """
        if self._is_open_to(call):
            if self._check_origin and call.relayed:
                self._admit_page(call.relayed.origin, call.relayed.referer, monitor)
            return
        asked = Operation(_PUT, "POST", f"/appmonitors/{request.id}", monitor.name)
        caller = await self._authentication.caller(call, asked)
        if self._check_origin:
            self._admit_page(caller.origin, caller.referer, monitor)
        if not self._policy_allows(caller, request, monitor) and not caller.principal.may(
            WRITE, monitor.key
        ):
            raise self._refusal(caller.principal, asked)

    async def admit(self, call: Call, asked: Operation, find: FindMonitor) -> None:
        """Returns when the caller may do what is not a put; raises as `admit_put` does.

        Args:
            find: finds an app monitor by name, or raises ResourceNotFoundException.
        """
        if self._is_open_to(call):
            return
        principal = (await self._authentication.caller(call, asked)).principal
        access = READ if asked.shows else ADMIN
        key = None
        if asked.app_monitor_name and principal.app_monitor is not None:
            try:
                key = (await find(asked.app_monitor_name)).key
            except ResourceNotFoundException:
                raise self._refusal(principal, asked) from None  # tells nothing of other names
        if not principal.may(access, key):
            raise self._refusal(principal, asked)

    def _is_open_to(self, call: Call) -> bool:
        exposed = call.relayed is not None and call.relayed.authorization_required
        return not self._required and not exposed

    def _admit_page(
        self, origin: str | None, referer: str | None, monitor: AppMonitorRecord
    ) -> None:
        if not is_allowed_page(origin or None, referer or None, monitor.document):
            raise AccessDeniedException("The page is not of a domain of this app monitor.")

    def _policy_allows(
        self, caller: Caller, request: PutRumEventsRequest, monitor: AppMonitorRecord
    ) -> bool:
        if monitor.policy is None:
            return False
        decision = policy.decide(
            _parsed(monitor.policy),
            policy.PolicyRequest(
                action=policy.ACTION,
                resource=self._arn_prefix + monitor.name,
                principal=caller.principal.arn,
                aliases=(request.alias,) if request.HasField("alias") else (),
                source_ip=_address(caller.source_ip),
                referer=caller.referer,
                user_agent=caller.user_agent,
            ),
        )
        if decision.outcome is policy.Outcome.EXPLICIT_DENY:
            raise AccessDeniedException(
                "The resource policy of the app monitor denies rum:PutRumEvents explicitly."
            )
        return decision.outcome is policy.Outcome.ALLOW

    def _refusal(self, principal: Principal, asked: Operation) -> RumError:
        if principal.arn is None:
            return MissingAuthenticationTokenException()
        resource = self._arn_prefix + (asked.app_monitor_name or "*")
        return AccessDeniedException(
            f"User: {principal.arn} is not authorized to perform: rum:{asked.action} on resource: "
            f"{resource}"
        )


def _address(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text) if text else None
    except ValueError:
        return None
