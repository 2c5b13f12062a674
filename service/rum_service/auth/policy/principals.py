"""The Principal element: the callers that a statement covers.

Source: IAM User Guide, "AWS JSON policy elements: Principal".
"""

from __future__ import annotations

__all__ = ["Principals", "account_of", "parse_principals"]

import re
from dataclasses import dataclass

from rum_service.auth.policy import document

_PARTITION = r"arn:aws[a-z-]*"
_NAME = r"[!-)+->@-~]+"  # printable ASCII except `*` and `?`: principals have no wildcards
_ACCOUNT = re.compile(rf"(?:{_PARTITION}:iam::)?([0-9]{{12}})(?P<root>:root)?")
_ROLE = re.compile(rf"{_PARTITION}:iam::([0-9]{{12}}):role/(?:{_NAME}/)?([\w+=,.@-]+)", re.ASCII)
_OTHER = re.compile(
    rf"{_PARTITION}:(?:iam::[0-9]{{12}}:user/{_NAME}"
    rf"|sts::[0-9]{{12}}:(?:assumed-role/{_NAME}/{_NAME}|federated-user/{_NAME}))"
)
_FORMS = (
    'must be "*", a 12-digit account ID or the ARN of an account, user, role or session, '
    "without wildcards"
)


@dataclass(frozen=True, slots=True)
class Principals:
    """The callers that a statement covers: those that match one of the four fields."""

    everyone: bool
    accounts: frozenset[str]
    arns: frozenset[str]
    roles: frozenset[tuple[str, str]]
    """(account ID, role name without path): a session's ARN has no more of its role."""

    def cover(self, caller: str | None) -> bool:
        """Return whether the statement covers a caller: an ARN, or None for an anonymous caller."""
        if self.everyone:
            return True
        if caller is None:
            return False
        return (
            caller in self.arns or account_of(caller) in self.accounts or self._is_session(caller)
        )

    def _is_session(self, caller: str) -> bool:
        """Return whether the caller is a session for a named role: "IAM role principals"."""
        if not self.roles:
            return False
        fields = caller.split(":", 5)
        resource = fields[-1].split("/")
        return (
            len(fields) == 6
            and fields[2] == "sts"
            and len(resource) == 3
            and resource[0] == "assumed-role"
            and (fields[4], resource[1]) in self.roles
        )


def account_of(arn: str) -> str:
    """Return the account ID in an ARN, or an empty string if the text is not an ARN."""
    fields = arn.split(":", 5)
    return fields[4] if len(fields) == 6 else ""


def parse_principals(value: object, where: str) -> Principals:
    """Compile a Principal element: `"*"` or `{"AWS": one or a list}`.

    `"*"` and `{"AWS": "*"}` both cover every caller, also an anonymous one: "All principals".

    Raises:
        MalformedPolicyDocumentException: the element is invalid.
    """
    if value == "*":
        return Principals(True, frozenset(), frozenset(), frozenset())
    if isinstance(value, str):
        raise document.malformed(where, 'must be "*" or an object')
    # Undocumented: whether RUM supports Federated, Service or CanonicalUser. A signature identifies
    # none of them, so they would never match. Rejecting the document reports that early.
    named = document.members(value, where, known=("AWS",), required=("AWS",))
    return _gather(document.strings(named["AWS"], f"{where}.AWS"))


def _gather(names: list[tuple[str, str]]) -> Principals:
    everyone = False
    accounts: set[str] = set()
    arns: set[str] = set()
    roles: set[tuple[str, str]] = set()
    for at, name in names:
        if name == "*":
            everyone = True
        elif account := _account(name):
            accounts.add(account)
        elif _OTHER.fullmatch(name):
            arns.add(name)
        elif role := _ROLE.fullmatch(name):
            arns.add(name)
            roles.add((role[1], role[2]))
        else:
            raise document.malformed(at, _FORMS)
    return Principals(everyone, frozenset(accounts), frozenset(arns), frozenset(roles))


def _account(name: str) -> str | None:
    """Return the account ID in `123456789012` or `arn:aws:iam::123456789012:root`, else None."""
    match = _ACCOUNT.fullmatch(name)
    if match is None or name.startswith("arn:") != (match["root"] is not None):
        return None
    return match[1]
