"""The Condition element: operators, the request's keys, and how an absent key counts.

    operator                    key absent or empty       key with the values v
    ──────────────────────────  ────────────────────────  ─────────────────────────────────────
    StringEquals, IpAddress …   false                     some v matches
    StringNotEquals, Not… …     true                      no v matches
    ForAnyValue:…               false                     the operator holds for some v
    ForAllValues:…              true                      the operator holds for every v
    …IfExists                   true if absent            as without IfExists
    Null "true" / "false"       true / false              false / true

A value matches if it matches one entry of the condition's list. A statement applies only if all
its conditions hold. The first two operators treat the empty string as a value; the set operators
and Null treat it as absent.
Sources: IAM User Guide, "Condition operators", "Single-valued vs. multivalued context keys",
"Conditions with multiple context keys or values", "Policy validation check reference"; keys:
"Using resource-based policies with CloudWatch RUM" and aws-rum-web docs/concepts/auth.md.
"""

from __future__ import annotations

__all__ = ["Condition", "Operator", "PolicyRequest", "Quantifier", "parse_conditions"]

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from rum_service.auth.policy import addresses, document, wildcards

Condition = Callable[["PolicyRequest"], bool]
"""One operator on one key, compiled. Returns whether a request meets it. Never raises."""

_Value = str | addresses.Address
_Matches = Callable[[_Value], bool]
_Read = Callable[["PolicyRequest"], tuple[_Value, ...]]
_Texts = list[tuple[str, str]]
"""The condition's list: (path of an entry in the document, its text)."""


class PolicyRequest(NamedTuple):
    """A put to authorize. An absent header, address or alias is None or empty."""

    resource: str
    """The app monitor's ARN, `arn:aws:rum:region:account:appmonitor/name`."""
    principal: str | None = None
    """The caller's ARN; None for an anonymous caller."""
    aliases: tuple[str, ...] = ()
    """The request's `Alias`, as `rum:alias`."""
    source_ip: str | None = None
    """The client's address, as `aws:SourceIp`. Parsed only for a condition that checks it."""
    referer: str | None = None
    """The Referer header, as `aws:referer`."""
    user_agent: str | None = None
    """The User-Agent header, as `aws:UserAgent`."""


def _optional(value: _Value | None) -> tuple[_Value, ...]:
    return () if value is None else (value,)


# Undocumented: whether RUM supports aws:SecureTransport and the other global keys. We reject them,
# and the Bool operator: rejecting the document is safer than a Deny that never holds.
_READERS: dict[str, _Read] = {
    "rum:alias": lambda request: request.aliases,
    "aws:sourceip": lambda request: _optional(addresses.address_of(request.source_ip)),
    "aws:referer": lambda request: _optional(request.referer),
    "aws:useragent": lambda request: _optional(request.user_agent),
}


class Quantifier(Enum):
    """An operator's prefix: how it combines several values for one key."""

    NONE = ""
    ANY = "ForAnyValue:"
    ALL = "ForAllValues:"


_OPERATOR = re.compile(
    r"(?P<quantifier>ForAnyValue:|ForAllValues:|)"
    r"(?P<comparison>String(?:Not)?(?:Equals|EqualsIgnoreCase|Like)|(?:Not)?IpAddress)"
    r"(?P<if_exists>IfExists)?"
)


@dataclass(frozen=True, slots=True)
class Operator:
    """Any operator except Null."""

    quantifier: Quantifier
    comparison: str
    """Without `Not`: a key of `_COMPARISONS`."""
    negated: bool
    if_exists: bool

    @classmethod
    def parse(cls, name: str) -> Operator | None:
        """Return the operator with this name, such as `ForAnyValue:StringNotLikeIfExists`."""
        found = _OPERATOR.fullmatch(name)
        if found is None:
            return None
        return cls(
            Quantifier(found["quantifier"]),
            found["comparison"].replace("Not", ""),
            negated="Not" in found["comparison"],
            if_exists=found["if_exists"] is not None,
        )

    def compile(self, read: _Read, matches: _Matches) -> Condition:
        """Return the condition that the operator holds for the values that `read` returns."""
        negated, if_exists = self.negated, self.if_exists

        def any_value(request: PolicyRequest) -> bool:
            values = read(request)
            if not values:
                return if_exists
            return any(value != "" and matches(value) != negated for value in values)

        def all_values(request: PolicyRequest) -> bool:
            return all(value == "" or matches(value) != negated for value in read(request))

        def single_value(request: PolicyRequest) -> bool:
            # Undocumented: an operator without quantifier on several values. We chose "some match".
            values = read(request)
            for value in values:
                if matches(value):
                    return not negated
            return negated or (if_exists and not values)

        compiled = {
            Quantifier.NONE: single_value,
            Quantifier.ANY: any_value,
            Quantifier.ALL: all_values,
        }
        return compiled[self.quantifier]


def parse_conditions(value: object, where: str, *, variables: bool) -> tuple[Condition, ...]:
    """Compile a Condition element, `{operator: {key: value or list}}`.

    Args:
        where: the path of the element, for messages.
        variables: whether `${*}`, `${?}` and `${$}` mean `*`, `?` and `$`, as of 2012-10-17.

    Raises:
        MalformedPolicyDocumentException: the element is invalid.
    """
    return tuple(
        condition
        for operator, block in document.entries(value, where)
        for condition in _block(operator, block, where, variables)
    )


def _block(name: str, value: object, where: str, variables: bool) -> Iterator[Condition]:
    """Compile the `{key: value or list}` of one operator."""
    operator = Operator.parse(name)
    # Null has no variants: AWS reports Null with IfExists or a quantifier as an error ("Null with
    # if exists", "Null with qualifier").
    if operator is None and name != "Null":
        raise document.malformed(where, f"unknown operator {document.printable(name)}")
    where = f"{where}.{name}"
    seen: set[str] = set()
    for key, texts in document.entries(value, where):
        read = _READERS.get(key.lower())
        if read is None:
            raise document.malformed(where, f"unknown key {document.printable(key)}")
        if key.lower() in seen:  # source: the check reference, "Duplicate keys with different case"
            raise document.malformed(where, f"{key} appears twice")
        seen.add(key.lower())
        values = document.scalars(texts, f"{where}.{key}")
        if operator is None:
            yield _null(read, values)
        else:
            yield _comparison(operator, key, values, where, variables)


def _comparison(
    operator: Operator, key: str, values: _Texts, where: str, variables: bool
) -> Condition:
    is_address = key.lower() == "aws:sourceip"
    if is_address != (operator.comparison == "IpAddress"):
        kind = "IpAddress or NotIpAddress" if is_address else "a String operator"
        raise document.malformed(where, f"{key} requires {kind}")
    read = _READERS[key.lower()]
    matches = _COMPARISONS[operator.comparison](values, variables)
    return operator.compile(read, matches)


def _null(read: _Read, values: _Texts) -> Condition:
    if len(values) != 1 or values[0][1].lower() not in ("true", "false"):
        raise document.malformed(values[0][0], 'must be "true" or "false", once')
    absent = values[0][1].lower() == "true"
    return lambda request: absent != any(value != "" for value in read(request))


def _equals(values: _Texts, variables: bool) -> _Matches:
    return frozenset(_literals(values, variables)).__contains__


def _equals_ignoring_case(values: _Texts, variables: bool) -> _Matches:
    folded = frozenset(text.casefold() for text in _literals(values, variables))
    return lambda value: isinstance(value, str) and value.casefold() in folded


def _like(values: _Texts, variables: bool) -> _Matches:
    _literals(values, variables)
    pattern = wildcards.compile_patterns([text for _, text in values], variables=variables)
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _literals(values: _Texts, variables: bool) -> list[str]:
    texts: list[str] = []
    for at, text in values:
        try:
            texts.append(wildcards.literal(text, variables=variables))
        except ValueError as error:
            raise document.malformed(at, str(error)) from None
    return texts


def _in_ranges(values: _Texts, variables: bool) -> _Matches:
    for at, text in values:
        try:
            addresses.compile_ranges([text])
        except ValueError:
            raise document.malformed(at, "must be an IPv4 or IPv6 address or CIDR range") from None
    contains = addresses.compile_ranges(text for _, text in values)
    return lambda value: not isinstance(value, str) and contains(value)


_COMPARISONS: dict[str, Callable[[_Texts, bool], _Matches]] = {
    "StringEquals": _equals,
    "StringEqualsIgnoreCase": _equals_ignoring_case,
    "StringLike": _like,
    "IpAddress": _in_ranges,
}
