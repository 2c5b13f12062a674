"""Resource policies of app monitors: a document becomes a Policy once, which then decides fast.

    PolicyDocument ── parse ──► Policy ─┬─ denies ─┐
                                        └─ allows ─┴─ decide(policy, request) ──► Decision

A statement applies if its Principal covers the caller, its Resource the app monitor, and all its
conditions hold. A Deny that applies wins over every Allow. If none applies, the policy says
nothing: a signed caller may still be allowed otherwise, an unsigned one is refused.
Nothing here does I/O or reads a clock.

Sources: "Using resource-based policies with CloudWatch RUM"; IAM User Guide, "Grammar of the IAM
JSON policy language", "IAM JSON policy element reference" and "Policy evaluation logic".
"""

from __future__ import annotations

__all__ = [
    "ACTION",
    "Decision",
    "Outcome",
    "Policy",
    "PolicyRequest",
    "Statement",
    "decide",
    "parse",
]

import re
from dataclasses import dataclass
from enum import Enum

from rum_service.auth.policy import document, wildcards
from rum_service.auth.policy.conditions import Condition, PolicyRequest, parse_conditions
from rum_service.auth.policy.principals import Principals, account_of, parse_principals

ACTION = "rum:PutRumEvents"
"""The one action of a resource policy. Source: the RUM page, "Supported actions"."""

_VERSIONS = ("2012-10-17", "2008-10-17")
_STATEMENT = ("Sid", "Effect", "Principal", "Action", "Resource", "Condition")
_REFUSED = ("NotPrincipal", "NotAction", "NotResource")
_ACTION_LOWER = ACTION.lower()
_ARN = re.compile(
    r"arn:[a-z*?-]+:rum:[a-z0-9*?-]+:(?:[0-9]{12}|[0-9*?]*[*?][0-9*?]*):(?:\*|appmonitor/[^:]+)"
)


class Outcome(Enum):
    """What a policy says of a request."""

    ALLOW = "allow"
    """An Allow applies and no Deny does."""
    EXPLICIT_DENY = "explicit deny"
    """A Deny applies: nothing else can allow the request."""
    NO_MATCH = "no match"
    """No statement applies."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome and, for the log, what it rests on: `Statement[1] (Sid Office)`."""

    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, compiled. Its Action is always `ACTION`."""

    decision: Decision
    """What the policy says if the statement applies."""
    principals: Principals
    resources: re.Pattern[str]
    """Matches the ARNs of the app monitors it is about, whole."""
    conditions: tuple[Condition, ...]
    """All must hold; none means always."""

    def applies(self, request: PolicyRequest) -> bool:
        """Says whether the statement is about this request."""
        if not self.principals.cover(request.principal):
            return False
        if self.resources.fullmatch(request.resource) is None:
            return False
        return all(condition.holds(request) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Policy:
    """A resource policy, compiled. Immutable, so threads may share it."""

    version: str
    id: str | None
    denies: tuple[Statement, ...]
    allows: tuple[Statement, ...]


_NOTHING_APPLIES = Decision(Outcome.NO_MATCH, "no statement applies")
_OTHER_ACTION = Decision(Outcome.NO_MATCH, f"resource policies are about {ACTION} only")
_OTHER_ACCOUNT = Decision(Outcome.NO_MATCH, "the caller is of another account")


def decide(policy: Policy, request: PolicyRequest) -> Decision:
    """Says whether the policy allows a request, refuses it, or is silent. Never raises or blocks.

    An Allow never reaches a signed caller of another account than the app monitor's. Source: the
    RUM page, "do not support cross-account access". A Deny does.
    """
    if request.action.lower() != _ACTION_LOWER:
        return _OTHER_ACTION
    for statement in policy.denies:
        if statement.applies(request):
            return statement.decision
    caller = request.principal
    if caller is not None and account_of(caller) != account_of(request.resource):
        return _OTHER_ACCOUNT
    for statement in policy.allows:
        if statement.applies(request):
            return statement.decision
    return _NOTHING_APPLIES


def parse(text: str) -> Policy:
    """Compiles a policy document of at most 4,096 bytes.

    Raises PolicySizeLimitExceededException, or MalformedPolicyDocumentException with a message
    that names the element: `Statement[1].Condition.StringEquals: unknown key rum:foo`.
    """
    value = document.read(text)
    policy = document.members(
        value, "PolicyDocument", known=("Version", "Id", "Statement"), required=("Statement",)
    )
    version = policy.get("Version", "2008-10-17")  # source: "IAM JSON policy elements: Version"
    if version not in _VERSIONS:
        raise document.malformed("Version", f"must be {_VERSIONS[0]} or {_VERSIONS[1]}")
    identifier = _optional_string(policy, "Id", "Id")
    statements = _statements(policy["Statement"], variables=version == _VERSIONS[0])
    denies = tuple(s for s in statements if s.decision.outcome is Outcome.EXPLICIT_DENY)
    allows = tuple(s for s in statements if s.decision.outcome is Outcome.ALLOW)
    return Policy(str(version), identifier, denies, allows)


def _statements(value: object, *, variables: bool) -> list[Statement]:
    """Reads the Statement element: one object, or a list of 1 or more."""
    if not isinstance(value, list):
        return [_statement(value, "Statement", variables)]
    if not value:
        raise document.malformed("Statement", "must not be empty")
    return [_statement(item, f"Statement[{index}]", variables) for index, item in enumerate(value)]


def _statement(value: object, where: str, variables: bool) -> Statement:
    for name in _REFUSED:
        if isinstance(value, dict) and name in value:
            raise document.malformed(where, f"{name} is not supported")
    statement = document.members(
        value, where, known=_STATEMENT, required=("Effect", "Principal", "Action", "Resource")
    )
    conditions: tuple[Condition, ...] = ()
    sid = _optional_string(statement, "Sid", f"{where}.Sid")
    outcome = _effect(statement["Effect"], f"{where}.Effect")
    principals = parse_principals(statement["Principal"], f"{where}.Principal")
    _check_action(statement["Action"], f"{where}.Action")
    resources = _resources(statement["Resource"], f"{where}.Resource", variables)
    if "Condition" in statement:
        conditions = parse_conditions(
            statement["Condition"], f"{where}.Condition", variables=variables
        )
    reason = f"{where} (Sid {document.shown(sid)})" if sid else where
    return Statement(Decision(outcome, reason), principals, resources, conditions)


def _optional_string(element: dict[str, object], name: str, where: str) -> str | None:
    """Undocumented: which characters RUM takes in Id and Sid. We take any, also repeated."""
    value = element.get(name)
    if name in element and not isinstance(value, str):
        raise document.malformed(where, "must be a string")
    return value if isinstance(value, str) else None


def _effect(value: object, where: str) -> Outcome:
    if value == "Allow":
        return Outcome.ALLOW
    if value == "Deny":
        return Outcome.EXPLICIT_DENY
    raise document.malformed(where, "must be Allow or Deny")


def _check_action(value: object, where: str) -> None:
    """Refuses every action but `ACTION` and the wildcards that cover it.

    Undocumented: wildcards for RUM. We take them, as "IAM JSON policy elements: Action" does, and
    they stand for the one action there is: "Some services let you limit the actions".
    """
    for at, text in document.strings(value, where):
        service, _, name = text.lower().partition(":")
        pattern = wildcards.compile_patterns([name], variables=False)
        covers = service == "rum" and pattern.fullmatch("putrumevents")
        if text != "*" and not covers:
            raise document.malformed(at, f"must be {ACTION}")


def _resources(value: object, where: str, variables: bool) -> re.Pattern[str]:
    """Reads the Resource element: `*`, or ARNs of app monitors with `*` and `?` in their fields."""
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
