"""Resource policies: the outcome for a request, and the documents that are rejected."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rum_service.auth.policy import ACTION, Outcome, PolicyRequest, decide, parse, wildcards
from rum_service.auth.policy.conditions import Operator, Quantifier
from rum_service.errors import MalformedPolicyDocumentException, PolicySizeLimitExceededException

ALLOW, DENY, NO_MATCH = Outcome.ALLOW, Outcome.EXPLICIT_DENY, Outcome.NO_MATCH

SHOP = "arn:aws:rum:eu-west-1:123456789012:appmonitor/shop"
ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/ops/ada"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/web/guest"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/guest/browser"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
STRANGER = "arn:aws:iam::999999999999:user/eve"


def allow(when: Any = None, to: Any = "*", **elements: Any) -> dict[str, Any]:
    """Return a statement that allows `to` to put to the shop, with the elements given instead."""
    principal = "*" if to == "*" else {"AWS": to}
    statement = {"Effect": "Allow", "Principal": principal, "Action": ACTION, "Resource": SHOP}
    return statement | elements | ({} if when is None else {"Condition": when})


def deny(when: Any = None, **elements: Any) -> dict[str, Any]:
    return allow(when, Effect="Deny", **elements)


def document(*statements: Any, **elements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | elements)


def put(*aliases: str, ip: str | None = None, **members: Any) -> PolicyRequest:
    """Return an anonymous put to the shop, with the members given instead."""
    return PolicyRequest(aliases=aliases, source_ip=ip, **({"resource": SHOP} | members))


def alias(operator: str, *values: Any) -> dict[str, Any]:
    return {operator: {"rum:alias": values[0] if len(values) == 1 else values}}


def referer(operator: str, *values: str) -> dict[str, Any]:
    return {operator: {"aws:referer": values}}


def network(operator: str, *values: str) -> dict[str, Any]:
    return {operator: {"aws:SourceIp": values}}


PAGE = "https://www.example.com/cart"
ON_SITE = referer("StringLike", "https://www.example.com/*")
NAMED = alias("StringEquals", "alias1", "alias2")
NET = network("IpAddress", "203.0.113.0/24", "2001:db8::/32")
BUT_ONE = network("NotIpAddress", "198.51.100.252")
BOTS = {"StringLike": {"aws:UserAgent": ["curl/*", "*bot*"]}}
BOTH_KEYS = {"StringEquals": {"rum:alias": "a", "aws:referer": "b"}}

# fmt: off
DECISIONS: list[tuple[str, list[dict[str, Any]], PolicyRequest, Outcome]] = [
    # The examples of the documentation.
    ("anyone, anonymous", [allow()], put(), ALLOW),
    ("anyone, signed", [allow()], put(principal=USER), ALLOW),
    ("Deny NotIpAddress denies every other address, unlike the page's text",
     [allow(), deny(BUT_ONE)], put(ip="203.0.113.9"), DENY),
    ("the one address of Deny NotIpAddress", [allow(), deny(BUT_ONE)],
     put(ip="198.51.100.252"), ALLOW),
    ("one of two aliases", [allow(NAMED)], put("alias2"), ALLOW),
    ("another alias", [allow(NAMED)], put("alias3"), NO_MATCH),
    ("no alias where the policy requires one", [allow(NAMED)], put(), NO_MATCH),
    ("a page of the site", [allow(ON_SITE)], put(referer=PAGE), ALLOW),
    ("a page of another site", [allow(ON_SITE)], put(referer="https://x/"), NO_MATCH),
    ("no referer", [allow(ON_SITE)], put(), NO_MATCH),
    ("a user agent", [allow(), deny(BOTS)], put(user_agent="Googlebot/2.1"), DENY),
    # Effect.
    ("Deny before Allow wins", [deny(), allow()], put(), DENY),
    ("Deny after Allow wins", [allow(), deny()], put(), DENY),
    ("a Deny that does not apply has no effect", [allow(), deny(NET)], put(), ALLOW),
    ("only a Deny that does not apply", [deny(NET)], put(), NO_MATCH),
    ("one Allow of two is enough", [allow(NET), allow(NAMED)], put("alias1"), ALLOW),
    # Action.
    ("the case of an action does not matter", [allow(Action="RUM:putrumEVENTS")], put(), ALLOW),
    ("rum:* covers the only action", [allow(Action=["rum:*"])], put(), ALLOW),
    ("* covers the only action", [allow(Action="*")], put(), ALLOW),
    # Resource.
    ("another app monitor", [allow(Resource=SHOP + "2")], put(), NO_MATCH),
    ("a longer name", [allow()], put(resource=SHOP + "2"), NO_MATCH),
    ("the case of a name matters", [allow(Resource=SHOP.replace("shop", "Shop"))], put(), NO_MATCH),
    ("one of two resources", [allow(Resource=[SHOP + "2", SHOP])], put(), ALLOW),
    ("* is every resource", [allow(Resource="*")], put(), ALLOW),
    ("* and ? in the name", [allow(Resource=SHOP.replace("shop", "s?o*"))], put(), ALLOW),
    ("? is one character", [allow(Resource=SHOP + "?")], put(), NO_MATCH),
    ("* in other fields", [allow(Resource="arn:*:rum:*:*:*")], put(), ALLOW),
    # Principal.
    ('{"AWS": "*"} is everyone', [allow(Principal={"AWS": "*"})], put(), ALLOW),
    ("* in a list is everyone", [allow(to=[USER, "*"])], put(), ALLOW),
    ("an anonymous caller is not a user", [allow(to=USER)], put(), NO_MATCH),
    ("a user", [allow(to=USER)], put(principal=USER), ALLOW),
    ("the case of a user name matters", [allow(to=USER)], put(principal=USER.upper()), NO_MATCH),
    ("an account by ID", [allow(to=ACCOUNT)], put(principal=USER), ALLOW),
    ("the root ARN covers the whole account", [allow(to=ROOT)], put(principal=SESSION), ALLOW),
    ("an anonymous caller has no account", [allow(to=ACCOUNT)], put(), NO_MATCH),
    ("a role covers its sessions", [allow(to=ROLE)], put(principal=SESSION), ALLOW),
    ("a role does not cover sessions of another role", [allow(to=ROLE)],
     put(principal=SESSION.replace("guest", "host")), NO_MATCH),
    ("a role does not cover an ARN that only resembles a session", [allow(to=ROLE)],
     put(principal=SESSION.replace("sts", "iam")), NO_MATCH),
    ("a session", [allow(to=SESSION)], put(principal=SESSION), ALLOW),
    ("a session does not cover another session", [allow(to=SESSION)],
     put(principal=SESSION + "2"), NO_MATCH),
    ("no cross-account access", [allow()], put(principal=STRANGER), NO_MATCH),
    ("no cross-account access by name", [allow(to=STRANGER)], put(principal=STRANGER), NO_MATCH),
    ("a Deny applies to other accounts", [deny(to="999999999999")], put(principal=STRANGER), DENY),
    ("a caller that is not an ARN has no account", [allow()], put(principal="eve"), NO_MATCH),
    # String operators.
    ("StringEquals is case-sensitive", [allow(NAMED)], put("Alias1"), NO_MATCH),
    ("StringEquals compares * literally", [allow(alias("StringEquals", "a*"))],
     put("ab"), NO_MATCH),
    ("IgnoreCase is case-insensitive", [allow(alias("StringEqualsIgnoreCase", "äB"))],
     put("Äb"), ALLOW),
    ("Not: one of the list", [allow(alias("StringNotEquals", "a", "b"))], put("b"), NO_MATCH),
    ("Not: none of the list", [allow(alias("StringNotEquals", "a", "b"))], put("c"), ALLOW),
    ("Not without the key is true", [deny(alias("StringNotEquals", "a"))], put(), DENY),
    ("Not ignoring case", [allow(alias("StringNotEqualsIgnoreCase", "A"))], put("a"), NO_MATCH),
    ("StringLike matches the whole", [allow(alias("StringLike", "a?c"))], put("xabc"), NO_MATCH),
    ("StringLike over a newline", [allow(alias("StringLike", "a*c"))], put("a\nc"), ALLOW),
    ("StringNotLike any of the list", [allow(alias("StringNotLike", "x", "a*"))],
     put("ab"), NO_MATCH),
    ("StringNotLike without the key is true", [deny(referer("StringNotLike", "https://x/*"))],
     put(), DENY),
    ("${*} is a star", [allow(alias("StringLike", "a${*}?"))], put("a*b"), ALLOW),
    ("${*} matches only a star", [allow(alias("StringLike", "a${*}?"))], put("axb"), NO_MATCH),
    ("${$} in StringEquals", [allow(alias("StringEquals", "${$}{*}"))], put("${*}"), ALLOW),
    ("a number equals its text", [allow(alias("StringEquals", 7))], put("7"), ALLOW),
    ("a Boolean equals its text", [allow(alias("StringEquals", True, 1))], put("true"), ALLOW),
    ("the case of a key does not matter", [allow({"StringEquals": {"RUM:Alias": "x"}})],
     put("x"), ALLOW),
    # Addresses.
    ("an address in the range", [allow(NET)], put(ip="203.0.113.255"), ALLOW),
    ("an address outside the range", [allow(NET)], put(ip="203.0.114.0"), NO_MATCH),
    ("an IPv6 address in the range", [allow(NET)], put(ip="2001:db8:1::9"), ALLOW),
    ("IPv4 reported by a dual-stack listener", [allow(NET)], put(ip="::ffff:203.0.113.7"), ALLOW),
    ("an IPv4 range contains no IPv6 address", [allow(network("IpAddress", "0.0.0.0/0"))],
     put(ip="::1"), NO_MATCH),
    ("bits after the prefix are ignored", [allow(network("IpAddress", "203.0.113.9/24"))],
     put(ip="203.0.113.1"), ALLOW),
    ("IPv6 without a prefix is one address", [allow(network("IpAddress", "2001:db8::1"))],
     put(ip="2001:db8::2"), NO_MATCH),
    ("an IPv4-mapped range is an IPv4 range", [allow(network("IpAddress", "::ffff:10.0.0.0/104"))],
     put(ip="10.9.9.9"), ALLOW),
    ("the IPv4-mapped range is all of IPv4", [allow(network("IpAddress", "::ffff:0:0/96"))],
     put(ip="192.0.2.1"), ALLOW),
    ("IpAddress without an address is false", [allow(NET)], put(), NO_MATCH),
    ("NotIpAddress without an address is true", [deny(BUT_ONE)], put(), DENY),
    # IfExists and Null.
    ("IfExists without the key is true", [allow(alias("StringEqualsIfExists", "a"))], put(), ALLOW),
    ("IfExists with another value", [allow(alias("StringEqualsIfExists", "a"))],
     put("b"), NO_MATCH),
    ("Not…IfExists without the key is true", [deny(alias("StringNotEqualsIfExists", "a"))],
     put(), DENY),
    ("IpAddressIfExists without an address", [allow(network("IpAddressIfExists", "10.0.0.0/8"))],
     put(), ALLOW),
    ("Null true without the key", [deny(alias("Null", "true"))], put(), DENY),
    ("Null true with the key", [deny(alias("Null", "true"))], put("a"), NO_MATCH),
    ("Null false with the key", [allow(alias("Null", False))], put("a"), ALLOW),
    ("Null treats an empty header as absent", [deny(referer("Null", "true"))],
     put(referer=""), DENY),
    # Set operators.
    ("ForAnyValue: one value in the list is enough",
     [allow(alias("ForAnyValue:StringEquals", "a"))],
     put("b", "a"), ALLOW),
    ("ForAnyValue without the key is false", [allow(alias("ForAnyValue:StringEquals", "a"))],
     put(), NO_MATCH),
    ("ForAnyValue Not without the key is false", [deny(alias("ForAnyValue:StringNotEquals", "a"))],
     put(), NO_MATCH),
    ("ForAnyValue Not: one that differs", [deny(alias("ForAnyValue:StringNotEquals", "a"))],
     put("a", "b"), DENY),
    ("ForAnyValue Not: none that differs", [deny(alias("ForAnyValue:StringNotEquals", "a"))],
     put("a", "a"), NO_MATCH),
    ("ForAnyValue treats an empty value as absent",
     [deny(referer("ForAnyValue:StringNotEquals", "x"))], put(referer=""), NO_MATCH),
    ("ForAnyValue IfExists without the key is true",
     [allow(alias("ForAnyValue:StringLikeIfExists", "a*"))], put(), ALLOW),
    ("ForAllValues: all in the list", [allow(alias("ForAllValues:StringLike", "a*", "b"))],
     put("b", "ax"), ALLOW),
    ("ForAllValues: one not in the list", [allow(alias("ForAllValues:StringLike", "a*", "b"))],
     put("b", "c"), NO_MATCH),
    ("ForAllValues without the key is true", [allow(alias("ForAllValues:StringEquals", "a"))],
     put(), ALLOW),
    ("ForAllValues treats an empty value as absent",
     [allow(referer("ForAllValues:StringEquals", "x"))], put(referer=""), ALLOW),
    ("ForAllValues Not: one in the list",
     [allow(alias("ForAllValues:StringNotEquals", "a", "b"))], put("c", "a"), NO_MATCH),
    # Several conditions.
    ("all operators must hold", [allow(NAMED | NET)], put("alias1", ip="10.0.0.1"), NO_MATCH),
    ("all keys must hold", [allow(BOTH_KEYS)], put("a", referer="c"), NO_MATCH),
    ("all operators hold", [allow(NAMED | NET)], put("alias1", ip="203.0.113.9"), ALLOW),
]
# fmt: on


@pytest.mark.parametrize(
    ("statements", "request_", "expected"),
    [row[1:] for row in DECISIONS],
    ids=[row[0] for row in DECISIONS],
)
def test_a_policy_decides(
    statements: list[dict[str, Any]], request_: PolicyRequest, expected: Outcome
) -> None:
    assert expected is decide(parse(document(*statements)), request_)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"Statement": allow()}),
        document(allow(), Version="2008-10-17", Id="shop"),
        document(allow(alias("StringEqualsIfExists", "${aws:username}")), Version="2008-10-17"),
    ],
    ids=["no Version, one statement", "the old Version, an Id", "no variables in the old Version"],
)
def test_a_document_may_have_another_form(text: str) -> None:
    assert ALLOW is decide(parse(text), put())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("StringEquals", Operator(Quantifier.NONE, "StringEquals", False, False)),
        ("NotIpAddress", Operator(Quantifier.NONE, "IpAddress", True, False)),
        (
            "ForAllValues:StringNotEqualsIgnoreCaseIfExists",
            Operator(Quantifier.ALL, "StringEqualsIgnoreCase", True, True),
        ),
        ("ForAnyValue:StringLike", Operator(Quantifier.ANY, "StringLike", False, False)),
        ("", None),
        ("stringEquals", None),
        ("NotStringEquals", None),
        ("IpNotAddress", None),
        ("StringLikeIgnoreCase", None),
        ("ForSomeValues:StringLike", None),
        ("StringLikeIfExistsIfExists", None),
        ("StringLike\n", None),
    ],
)
def test_an_operator_is_parsed_from_its_name(name: str, expected: Operator | None) -> None:
    assert expected == Operator.parse(name)


WHEN = "Statement[0].Condition"
NO_ARN = 'must be "*" or an ARN arn:partition:rum:region:account:appmonitor/name'
NO_PRINCIPAL = (
    'must be "*", a 12-digit account ID or the ARN of an account, user, role or session, '
    "without wildcards"
)
NO_RANGE = "must be an IPv4 or IPv6 address or CIDR range"
NO_VARIABLES = "policy variables are not supported"

# fmt: off
MALFORMED_TEXTS: list[tuple[str, str, str]] = [
    ("empty", "", "PolicyDocument line 1 column 1: not JSON"),
    ("not JSON", '{"Statement": [}', "PolicyDocument line 1 column 16: not JSON"),
    ("a lone surrogate", "\ud800", "PolicyDocument line 1 column 1: not JSON"),
    ("NaN", '{"Id": NaN}', "PolicyDocument: NaN is not JSON"),
    ("100 lists deep", "[" * 100 + "]" * 100, "PolicyDocument: must be an object"),
    ("101 lists deep", "[" * 101 + "]" * 101, "PolicyDocument: nested too deeply"),
    ("a list", "[]", "PolicyDocument: must be an object"),
    ("no Statement", "{}", "PolicyDocument: Statement is missing"),
    ("unknown element", '{"Statment": []}', "PolicyDocument: unknown element Statment"),
    ("names in ASCII", '{"\\ud800é": 1}', "PolicyDocument: unknown element ??"),
    ("long names are shortened", f'{{"{"x" * 65}": 1}}',
     f"PolicyDocument: unknown element {'x' * 61}..."),
    ("repeated name", '{"Statement": {"Effect": "Deny", "Effect": "Allow"}}',
     "Effect: appears twice in one object"),
    ("one statement", '{"Statement": {"Action": "*"}}', "Statement: Effect is missing"),
    ("Version", document(allow(), Version="2020-01-01"),
     "Version: must be 2012-10-17 or 2008-10-17"),
    ("Id", document(allow(), Id=1), "Id: must be a string"),
    ("no statements", document(), "Statement: must not be empty"),
    ("second statement", document(allow(), "x"), "Statement[1]: must be an object"),
    ("unknown key", document(allow(), allow({"StringEquals": {"rum:foo": "x"}})),
     "Statement[1].Condition.StringEquals: unknown key rum:foo"),
]
MALFORMED_STATEMENTS: list[tuple[str, dict[str, Any], str]] = [
    ("unknown element", allow(Effekt="x"), "Statement[0]: unknown element Effekt"),
    ("no Principal", {"Effect": "Allow", "Action": ACTION, "Resource": SHOP},
     "Statement[0]: Principal is missing"),
    ("the case of Effect matters", allow(Effect="allow"),
     "Statement[0].Effect: must be Allow or Deny"),
    ("Sid", allow(Sid=1), "Statement[0].Sid: must be a string"),
    ("NotPrincipal", deny(NotPrincipal="*"), "Statement[0]: NotPrincipal is not supported"),
    ("NotAction", allow(NotAction="x"), "Statement[0]: NotAction is not supported"),
    ("NotResource", allow(NotResource="x"), "Statement[0]: NotResource is not supported"),
    ("another action", allow(Action=[ACTION, "rum:GetAppMonitor"]),
     "Statement[0].Action[1]: must be rum:PutRumEvents"),
    ("another service", allow(Action="s3:*"), "Statement[0].Action: must be rum:PutRumEvents"),
    ("no actions", allow(Action=[]), "Statement[0].Action: must not be empty"),
    ("an Action that is not text", allow(Action=[1]),
     "Statement[0].Action: must be a string or a list of strings"),
    ("Principal text", allow(Principal=USER), 'Statement[0].Principal: must be "*" or an object'),
    ("Principal list", allow(Principal=["*"]), "Statement[0].Principal: must be an object"),
    ("Principal Service", allow(Principal={"Service": "x"}),
     "Statement[0].Principal: unknown element Service"),
    ("no principals", allow(to=[]), "Statement[0].Principal.AWS: must not be empty"),
    ("Condition list", allow([]), f"{WHEN}: must be an object"),
    ("no conditions", allow({}), f"{WHEN}: must not be empty"),
    ("unknown operator", allow(alias("StringSame", "x")), f"{WHEN}: unknown operator StringSame"),
    ("Bool", deny({"Bool": {"aws:SecureTransport": False}}), f"{WHEN}: unknown operator Bool"),
    ("an extra colon", allow(alias(":StringLike", "x")),
     f"{WHEN}: unknown operator :StringLike"),
    ("NullIfExists", allow(alias("NullIfExists", "true")),
     f"{WHEN}: unknown operator NullIfExists"),
    ("Null of a set", allow(alias("ForAllValues:Null", "true")),
     f"{WHEN}: unknown operator ForAllValues:Null"),
    ("no keys", allow({"StringLike": {}}), f"{WHEN}.StringLike: must not be empty"),
    ("key twice", allow({"StringLike": {"rum:alias": "x", "RUM:Alias": "y"}}),
     f"{WHEN}.StringLike: RUM:Alias appears twice"),
    ("no values", allow(alias("StringLike", [])),
     f"{WHEN}.StringLike.rum:alias: must not be empty"),
    ("a value that is null", allow(alias("StringLike", [None])),
     f"{WHEN}.StringLike.rum:alias: must be a string, number or Boolean, or a list of them"),
    ("a variable", allow(alias("StringLike", "x", "${aws:username}")),
     f"{WHEN}.StringLike.rum:alias[1]: {NO_VARIABLES}"),
    ("Null of a word", allow(alias("Null", "yes")),
     f'{WHEN}.Null.rum:alias: must be "true" or "false", once'),
    ("Null twice", allow(alias("Null", "true", "false")),
     f'{WHEN}.Null.rum:alias[0]: must be "true" or "false", once'),
    ("a string operator on addresses", allow(network("StringLike", "10.*")),
     f"{WHEN}.StringLike: aws:SourceIp requires IpAddress or NotIpAddress"),
    ("an address operator on strings", allow(alias("IpAddress", "10.0.0.0/8")),
     f"{WHEN}.IpAddress: rum:alias requires a String operator"),
    *((f"Resource {arn!r}", allow(Resource=arn), f"Statement[0].Resource: {NO_ARN}")
      for arn in ["shop", "arn:aws:rum:*", "arn:aws:s3:::shop", "arn:aws:*:*:*:appmonitor/x",
                  "arn:aws:rum:eu-west-1:accountID:appmonitor/x", f"{SHOP[:-4]}", f"{SHOP}:x"]),
    *((f"Resource {arn!r}", allow(Resource=arn), f"Statement[0].Resource: {NO_VARIABLES}")
      for arn in [SHOP + "${aws:username}", SHOP + "${"]),
    *((f"Principal {name!r}", allow(to=["*", name]),
       f"Statement[0].Principal.AWS[1]: {NO_PRINCIPAL}")
      for name in ["", "ada", "12345678901", f"{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}",
                   f"arn:aws:iam::{ACCOUNT}:user/*", f"arn:aws:iam::{ACCOUNT}:role/a?",
                   f"arn:aws:iam::{ACCOUNT}:group/g", f"arn:aws:sts::{ACCOUNT}:assumed-role/r",
                   "AIDACKCEVSQ6C2EXAMPLE"]),
    *((f"address {text!r}", allow(network("IpAddress", "::1", text)),
       f"{WHEN}.IpAddress.aws:SourceIp[1]: {NO_RANGE}")
      for text in ["", "*", "10.0.0.256", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/255.0.0.0",
                   "fe80::1%eth0", "::/129", " ::1"]),
]
# fmt: on
MALFORMED = MALFORMED_TEXTS + [
    (why, document(statement), expected) for why, statement, expected in MALFORMED_STATEMENTS
]


@pytest.mark.parametrize(
    ("text", "expected"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED]
)
def test_a_malformed_document_is_rejected_with_the_path_of_the_element(
    text: str, expected: str
) -> None:
    with pytest.raises(MalformedPolicyDocumentException) as caught:
        parse(text)

    assert expected == caught.value.message


def test_the_limit_is_4096_bytes_of_utf_8() -> None:
    fits = document(allow()).ljust(4096)
    expected = "PolicyDocument must have at most 4096 bytes, not 4097"

    parse(fits)
    with pytest.raises(PolicySizeLimitExceededException) as caught:
        parse(fits[:-1] + "é")
    assert expected == caught.value.message


def test_many_stars_match_a_long_text_in_linear_time() -> None:
    """With backtracking, this was still running after 40 s."""
    stars = {"StringLike": {"aws:UserAgent": "*a" * 40 + "*b*c"}}

    assert NO_MATCH is decide(parse(document(deny(stars))), put(user_agent="a" * 8000))


# Without a deadline: a busy machine must not fail the tests.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.text("ab*?${}\n", max_size=8)
several = st.lists(texts, min_size=1, max_size=3)
ranges = st.sampled_from(["10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "::/0", "0.0.0.0/0"])
qualifiers = st.sampled_from(["", "ForAnyValue:", "ForAllValues:"])
suffixes = st.sampled_from(["", "IfExists"])
string_operators = st.builds(
    "{}String{}{}{}".format,
    qualifiers,
    st.sampled_from(["", "Not"]),
    st.sampled_from(["Equals", "EqualsIgnoreCase", "Like"]),
    suffixes,
)
address_operators = st.builds(
    "{}{}IpAddress{}".format, qualifiers, st.sampled_from(["", "Not"]), suffixes
)
keys = st.sampled_from(["rum:alias", "aws:referer", "aws:UserAgent"])
conditions = st.none() | st.one_of(
    st.dictionaries(
        string_operators,
        st.dictionaries(keys, several, min_size=1, max_size=2),
        min_size=1,
        max_size=2,
    ),
    st.dictionaries(
        address_operators,
        st.fixed_dictionaries({"aws:SourceIp": st.lists(ranges, min_size=1, max_size=2)}),
        min_size=1,
        max_size=2,
    ),
    st.fixed_dictionaries({"Null": st.dictionaries(keys, st.booleans(), min_size=1)}),
)
statements = st.builds(
    allow,
    conditions,
    Effect=st.sampled_from(["Allow", "Deny"]),
    Principal=st.sampled_from(["*", {"AWS": USER}, {"AWS": [ACCOUNT, ROLE]}]),
    Resource=st.sampled_from([SHOP, "*", SHOP[:-1] + "?", SHOP + "2"]),
)
policies = st.lists(statements, min_size=1, max_size=3)
requests = st.builds(
    PolicyRequest,
    resource=st.sampled_from([SHOP, SHOP + "2"]) | st.text(max_size=4),
    principal=st.none() | st.sampled_from([USER, SESSION, STRANGER]) | st.text(":a", max_size=9),
    aliases=st.lists(texts, max_size=2).map(tuple),
    source_ip=st.none() | st.ip_addresses().map(str) | st.text(max_size=20),
    referer=st.none() | texts,
    user_agent=st.none() | texts,
)


def outcome(items: list[dict[str, Any]], request: PolicyRequest) -> Outcome:
    return decide(parse(document(*items, Version="2008-10-17")), request)


@unhurried
@given(policies, requests)
def test_decide_returns_an_outcome_for_any_policy_and_request(
    items: list[dict[str, Any]], request: PolicyRequest
) -> None:
    assert outcome(items, request) in Outcome


@unhurried
@given(policies, statements, st.integers(0, 4), requests)
def test_another_deny_denies_or_changes_nothing(
    items: list[dict[str, Any]], more: dict[str, Any], place: int, request: PolicyRequest
) -> None:
    before = outcome(items, request)
    after = outcome([*items[:place], more | {"Effect": "Deny"}, *items[place:]], request)

    assert after in (before, DENY)


@unhurried
@given(policies, requests, st.randoms())
def test_the_order_of_statements_does_not_matter(
    items: list[dict[str, Any]], request: PolicyRequest, random: Any
) -> None:
    shuffled = random.sample(items, len(items))

    assert outcome(items, request) is outcome(shuffled, request)


def assert_parses_or_is_rejected(text: str) -> None:
    try:
        parse(text)
    except MalformedPolicyDocumentException as rejection:
        rejection.message.encode("ascii")
    except PolicySizeLimitExceededException:
        assert len(text.encode("utf-8", "surrogatepass")) > 4096


@unhurried
@given(st.text(st.characters(exclude_categories=())))
def test_any_text_parses_or_is_rejected(text: str) -> None:
    assert_parses_or_is_rejected(text)


elements = "Version Id Statement Sid Effect Principal AWS Action Resource Condition"
conditional = "StringLike ForAnyValue:IpAddress Null aws:SourceIp rum:alias"
names = st.sampled_from(elements.split() + conditional.split())
words = names | st.sampled_from(["*", "Allow", "2012-10-17", ACTION, SHOP, USER, "::1", "${"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=3)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.text(), inner),
    max_leaves=12,
)


@unhurried
@given(values, st.lists(st.tuples(st.sampled_from(sorted(allow({}))), values), max_size=2))
def test_any_json_parses_or_is_rejected(value: Any, changes: list[tuple[str, Any]]) -> None:
    assert_parses_or_is_rejected(json.dumps(value))
    assert_parses_or_is_rejected(document(allow() | dict(changes)))


@unhurried
@given(st.data())
def test_a_document_with_any_typo_parses_or_is_rejected(data: st.DataObject) -> None:
    text = document(allow(NAMED | NET, to=[USER, ROLE]), deny(alias("Null", "true")))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 5)))
    assert_parses_or_is_rejected(text[:start] + data.draw(st.text(max_size=3)) + text[end:])


@cache
def naive(pattern: str, text: str) -> bool:
    """Match as `*` and `?` are defined, without optimization."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return naive(pattern[1:], text) or (bool(text) and naive(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and naive(pattern[1:], text[1:])


@unhurried
@given(st.lists(st.text("ab*?$\n", max_size=10), min_size=1, max_size=3), st.text("ab*?$\n"))
def test_wildcards_match_as_they_are_defined(patterns: list[str], text: str) -> None:
    compiled = wildcards.compile_patterns(patterns, variables=False)

    expected = any(naive(pattern, text) for pattern in patterns)
    assert expected is (compiled.fullmatch(text) is not None)
