"""The Condition element: operators, the keys of a request, and what an absent key means.

    operator                    key absent or empty       key with values v of the request
    ──────────────────────────  ────────────────────────  ─────────────────────────────────────
    StringEquals, IpAddress …   false                     some v matches
    StringNotEquals, Not… …     true                      no v matches
    ForAnyValue:…               false                     for some v the operator holds
    ForAllValues:…              true                      for every v the operator holds
    …IfExists                   true if absent            as without IfExists
    Null "true" / "false"       true / false              false / true

A condition value matches if any of its list does; all conditions of a statement must hold.
The empty string is a value for the first two rows and absent for the set operators and Null.
Sources: IAM User Guide, "Condition operators", "Single-valued vs. multivalued context keys",
"Conditions with multiple context keys or values", "Policy validation check reference"; keys:
"Using resource-based policies with CloudWatch RUM" and aws-rum-web docs/concepts/auth.md.
"""

from __future__ import annotations

__all__ = ["Condition", "PolicyRequest", "parse_conditions"]

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rum_service.auth.policy import addresses, document, wildcards

_Value = str | addresses.Address
_Holds = Callable[["PolicyRequest"], bool]
_Matches = Callable[[_Value], bool]
_Read = Callable[["PolicyRequest"], tuple[_Value, ...]]
_Values = list[tuple[str, str]]
"""(name of its place, text) of each value in the document"""


@dataclass(frozen=True, slots=True)
class PolicyRequest:
    """What a policy is asked about. An absent header, address or alias is None or empty."""

    action: str
    """`rum:PutRumEvents`, in any case."""
    resource: str
    """The app monitor's whole ARN, `arn:aws:rum:region:account:appmonitor/name`."""
    principal: str | None = None
    """The caller's ARN if the request is signed, else None."""
    aliases: tuple[str, ...] = ()
    """The request's `Alias`, as `rum:alias`."""
    source_ip: addresses.Address | None = None
    """The client's address, as `aws:SourceIp`."""
    referer: str | None = None
    """The Referer header, as `aws:referer`."""
    user_agent: str | None = None
    """The User-Agent header, as `aws:UserAgent`."""


def _one(value: _Value | None) -> tuple[_Value, ...]:
    return () if value is None else (value,)


_READERS: dict[str, _Read] = {
    "rum:alias": lambda request: request.aliases,
    "aws:sourceip": lambda request: _one(request.source_ip),
    "aws:referer": lambda request: _one(request.referer),
    "aws:useragent": lambda request: _one(request.user_agent),
}
# Undocumented: aws:SecureTransport and the other global keys are not documented for RUM. They
# are refused, and Bool with them: a Deny that can never hold is worse than a refused document.


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key, compiled."""

    operator: str
    """As in the document, `ForAnyValue:StringLikeIfExists`."""
    key: str
    """In lower case, `aws:sourceip`: key names have no case."""
    values: tuple[str, ...]
    """As in the document; numbers and Booleans as their JSON text."""
    holds: _Holds = field(repr=False, compare=False)
    """Says whether the condition is true of a request. Never raises."""


def parse_conditions(value: object, where: str, *, variables: bool) -> tuple[Condition, ...]:
    """Reads a Condition element, `{operator: {key: value or list}}`: one item per key, 1 or more.

    `variables` says whether `${*}`, `${?}` and `${$}` mean `*`, `?` and `$`, as of 2012-10-17.
    Raises MalformedPolicyDocumentException.
    """
    return tuple(
        condition
        for operator, block in document.entries(value, where)
        for condition in _block(operator, block, where, variables)
    )


def _block(operator: str, value: object, where: str, variables: bool) -> Iterator[Condition]:
    """Reads `{key: value or list}` of one operator."""
    if operator not in _OPERATORS and operator != "Null":
        raise document.malformed(where, f"unknown operator {document.shown(operator)}")
    where = f"{where}.{operator}"
    seen: set[str] = set()
    for name, texts in document.entries(value, where):
        key = name.lower()
        if key not in _READERS:
            raise document.malformed(where, f"unknown key {document.shown(name)}")
        if key in seen:  # source: the check reference, "Duplicate keys with different case"
            raise document.malformed(where, f"{name} appears twice")
        seen.add(key)
        values = document.scalars(texts, f"{where}.{name}")
        compiled = (
            _null(_READERS[key], values)
            if operator == "Null"
            else _comparison(operator, name, values, where, variables)
        )
        yield Condition(operator, key, tuple(text for _, text in values), compiled)


def _comparison(operator: str, name: str, values: _Values, where: str, variables: bool) -> _Holds:
    """Compiles any operator but Null. `aws:SourceIp` works with addresses, the others not."""
    quantified, compile_matches, negated, if_exists = _OPERATORS[operator]
    is_address = name.lower() == "aws:sourceip"
    if is_address != (compile_matches is _address):
        kind = "IpAddress or NotIpAddress" if is_address else "a String operator"
        raise document.malformed(where, f"{name} takes {kind}")
    return quantified(
        _READERS[name.lower()], compile_matches(values, variables), negated, if_exists
    )


def _plain(read: _Read, matches: _Matches, negated: bool, if_exists: bool) -> _Holds:
    # Undocumented: a plain operator on several values. We read it as "some", as with one.
    def holds(request: PolicyRequest) -> bool:
        values = read(request)
        for value in values:
            if matches(value):
                return not negated
        return negated or (if_exists and not values)

    return holds


def _for_any_value(read: _Read, matches: _Matches, negated: bool, if_exists: bool) -> _Holds:
    def holds(request: PolicyRequest) -> bool:
        values = read(request)
        for value in values:
            if value != "" and matches(value) != negated:
                return True
        return if_exists and not values

    return holds


def _for_all_values(read: _Read, matches: _Matches, negated: bool, if_exists: bool) -> _Holds:
    def holds(request: PolicyRequest) -> bool:
        return all(value == "" or matches(value) != negated for value in read(request))

    return holds


def _null(read: _Read, values: _Values) -> _Holds:
    if len(values) != 1 or values[0][1].lower() not in ("true", "false"):
        raise document.malformed(values[0][0], 'must be "true" or "false", once')
    absent = values[0][1].lower() == "true"
    return lambda request: absent != any(value != "" for value in read(request))


def _equals(values: _Values, variables: bool) -> _Matches:
    return frozenset(_literals(values, variables)).__contains__


def _equals_ignoring_case(values: _Values, variables: bool) -> _Matches:
    folded = frozenset(text.casefold() for text in _literals(values, variables))
    return lambda value: isinstance(value, str) and value.casefold() in folded


def _like(values: _Values, variables: bool) -> _Matches:
    _literals(values, variables)
    pattern = wildcards.compile_patterns([text for _, text in values], variables=variables)
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _literals(values: _Values, variables: bool) -> list[str]:
    texts: list[str] = []
    for at, text in values:
        try:
            texts.append(wildcards.literal(text, variables=variables))
        except ValueError as error:
            raise document.malformed(at, str(error)) from None
    return texts


def _address(values: _Values, variables: bool) -> _Matches:
    for at, text in values:
        try:
            addresses.compile_ranges([text])
        except ValueError:
            raise document.malformed(at, "must be an IPv4 or IPv6 address or CIDR range") from None
    contains = addresses.compile_ranges(text for _, text in values)
    return lambda value: not isinstance(value, str) and contains(value)


_MATCHES: dict[str, Callable[[_Values, bool], _Matches]] = {
    "StringEquals": _equals,
    "StringNotEquals": _equals,
    "StringEqualsIgnoreCase": _equals_ignoring_case,
    "StringNotEqualsIgnoreCase": _equals_ignoring_case,
    "StringLike": _like,
    "StringNotLike": _like,
    "IpAddress": _address,
    "NotIpAddress": _address,
}
_QUANTIFIED: dict[str, Callable[[_Read, _Matches, bool, bool], _Holds]] = {
    "": _plain,
    "ForAnyValue:": _for_any_value,
    "ForAllValues:": _for_all_values,
}
_OPERATORS = {
    f"{qualifier}{name}{suffix}": (quantified, matches, "Not" in name, suffix == "IfExists")
    for qualifier, quantified in _QUANTIFIED.items()
    for name, matches in _MATCHES.items()
    for suffix in ("", "IfExists")
}
# Null stands alone: to AWS it is an error with IfExists, and always true or always false with
# a set operator ("Null with if exists", "Null with qualifier").
