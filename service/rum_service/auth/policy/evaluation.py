"""The evaluation of resource policies.

    PolicyDocument ── parse ──► Policy ─┬─ denies ─┐
                                        └─ allows ─┴─ decide(policy, request) ──► Outcome

A statement applies if its Principal covers the caller, its Resource the app monitor, and all its
conditions hold. A Deny that applies wins over every Allow. If no statement applies, the policy
does not decide: the caller's access does.

Sources: "Using resource-based policies with CloudWatch RUM"; IAM User Guide, "Grammar of the IAM
JSON policy language", "IAM JSON policy element reference" and "Policy evaluation logic".
"""

from __future__ import annotations

__all__ = ["ACTION", "Outcome", "Policy", "decide", "parse"]

import re
from dataclasses import dataclass
from enum import Enum

from rum_service.auth.policy import document, wildcards
from rum_service.auth.policy.conditions import Condition, PolicyRequest, parse_conditions
from rum_service.auth.policy.principals import Principals, account_of, parse_principals

ACTION = "rum:PutRumEvents"
"""The only action of resource policies. Source: the RUM page, "Supported actions"."""

_VERSIONS = ("2012-10-17", "2008-10-17")
_STATEMENT = ("Sid", "Effect", "Principal", "Action", "Resource", "Condition")
_UNSUPPORTED = ("NotPrincipal", "NotAction", "NotResource")
_ARN = re.compile(
    r"arn:[a-z*?-]+:rum:[a-z0-9*?-]+:(?:[0-9]{12}|[0-9*?]*[*?][0-9*?]*):(?:\*|appmonitor/[^:]+)"
)


class Outcome(Enum):
    """The result of evaluating a policy for a request."""

    ALLOW = "allow"
    """An Allow applies and no Deny does."""
    EXPLICIT_DENY = "explicit deny"
    """A Deny applies. Nothing else can allow the request."""
    NO_MATCH = "no match"
    """No statement applies."""


@dataclass(frozen=True, slots=True)
class _Statement:
    """One statement, compiled. Its Action is always `ACTION`."""

    denies: bool
    """Whether Effect is Deny; else it is Allow."""
    principals: Principals
    resources: re.Pattern[str]
    """Matches the whole ARN of an app monitor in Resource."""
    conditions: tuple[Condition, ...]
    """The conditions that must all hold. An empty tuple always holds."""

    def applies(self, request: PolicyRequest) -> bool:
        """Return whether the statement applies to a request."""
        if not self.principals.cover(request.principal):
            return False
        if self.resources.fullmatch(request.resource) is None:
            return False
        return all(condition(request) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Policy:
    """A resource policy, compiled. Immutable, so threads may share it."""

    denies: tuple[_Statement, ...]
    allows: tuple[_Statement, ...]


def decide(policy: Policy, request: PolicyRequest) -> Outcome:
    """Evaluate a policy for a put. Never raises or blocks.

    An Allow does not apply to a signed caller from another account, a Deny does. Source: the RUM
    page, "do not support cross-account access".
    """
    for statement in policy.denies:
        if statement.applies(request):
            return Outcome.EXPLICIT_DENY
    caller = request.principal
    if caller is not None and account_of(caller) != account_of(request.resource):
        return Outcome.NO_MATCH
    for statement in policy.allows:
        if statement.applies(request):
            return Outcome.ALLOW
    return Outcome.NO_MATCH


def parse(text: str) -> Policy:
    """Compile a policy document of at most 4,096 bytes.

    Raises:
        PolicySizeLimitExceededException: the document is longer.
        MalformedPolicyDocumentException: the document is invalid. The message names the element:
            `Statement[1].Condition.StringEquals: unknown key rum:foo`.
    """
    value = document.read(text)
    policy = document.members(
        value, "PolicyDocument", known=("Version", "Id", "Statement"), required=("Statement",)
    )
    version = policy.get("Version", "2008-10-17")  # source: "IAM JSON policy elements: Version"
    if version not in _VERSIONS:
        raise document.malformed("Version", f"must be {_VERSIONS[0]} or {_VERSIONS[1]}")
    _check_optional_string(policy, "Id", "Id")
    statements = _statements(policy["Statement"], variables=version == _VERSIONS[0])
    return Policy(
        denies=tuple(statement for statement in statements if statement.denies),
        allows=tuple(statement for statement in statements if not statement.denies),
    )


def _statements(value: object, *, variables: bool) -> list[_Statement]:
    """Compile the Statement element: an object, or a list that is not empty."""
    if not isinstance(value, list):
        return [_statement(value, "Statement", variables)]
    if not value:
        raise document.malformed("Statement", "must not be empty")
    return [_statement(item, f"Statement[{index}]", variables) for index, item in enumerate(value)]


def _statement(value: object, where: str, variables: bool) -> _Statement:
    for name in _UNSUPPORTED:
        if isinstance(value, dict) and name in value:
            raise document.malformed(where, f"{name} is not supported")
    statement = document.members(
        value, where, known=_STATEMENT, required=("Effect", "Principal", "Action", "Resource")
    )
    conditions: tuple[Condition, ...] = ()
    _check_optional_string(statement, "Sid", f"{where}.Sid")
    denies = _is_deny(statement["Effect"], f"{where}.Effect")
    principals = parse_principals(statement["Principal"], f"{where}.Principal")
    _check_action(statement["Action"], f"{where}.Action")
    resources = _resources(statement["Resource"], f"{where}.Resource", variables)
    if "Condition" in statement:
        conditions = parse_conditions(
            statement["Condition"], f"{where}.Condition", variables=variables
        )
    return _Statement(denies, principals, resources, conditions)


def _check_optional_string(element: dict[str, object], name: str, where: str) -> None:
    # Undocumented: the characters that RUM allows in Id and Sid, and whether a Sid may repeat. We
    # allow any string, and repetition.
    if name in element and not isinstance(element[name], str):
        raise document.malformed(where, "must be a string")


def _is_deny(value: object, where: str) -> bool:
    if value not in ("Allow", "Deny"):
        raise document.malformed(where, "must be Allow or Deny")
    return value == "Deny"


def _check_action(value: object, where: str) -> None:
    """Reject every action except `ACTION` and the wildcards that cover it.

    Undocumented: whether RUM supports wildcards. We do, as "IAM JSON policy elements: Action" does;
    they mean the only action: "Some services let you limit the actions".
    """
    for at, text in document.strings(value, where):
        service, _, name = text.lower().partition(":")
        pattern = wildcards.compile_patterns([name], variables=False)
        covers = service == "rum" and pattern.fullmatch("putrumevents")
        if text != "*" and not covers:
            raise document.malformed(at, f"must be {ACTION}")


def _resources(value: object, where: str, variables: bool) -> re.Pattern[str]:
    """Compile the Resource element: `*`, or ARNs of app monitors that may have `*` and `?`."""
    texts = document.strings(value, where)
    for at, text in texts:
        try:
            wildcards.literal(text, variables=variables)
        except ValueError as error:
            raise document.malformed(at, str(error)) from None
        if text != "*" and not _ARN.fullmatch(text):
            raise document.malformed(
                at, 'must be "*" or an ARN arn:partition:rum:region:account:appmonitor/name'
            )
    return wildcards.compile_patterns([text for _, text in texts], variables=variables)
