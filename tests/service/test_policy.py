"""Resource policies: what a document says of a request, and which documents are refused."""

from __future__ import annotations

import json
from functools import cache
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rum_service.auth.policy import wildcards
from rum_service.auth.policy.evaluation import ACTION, Outcome, PolicyRequest, decide, parse
from rum_service.errors import MalformedPolicyDocumentException, PolicySizeLimitExceededException

ALLOW, DENY, SILENT = Outcome.ALLOW, Outcome.EXPLICIT_DENY, Outcome.NO_MATCH

SHOP = "arn:aws:rum:eu-west-1:123456789012:appmonitor/shop"
ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/ops/ada"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/web/guest"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/guest/browser"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
STRANGER = "arn:aws:iam::999999999999:user/eve"


def allow(when: Any = None, to: Any = "*", **elements: Any) -> dict[str, Any]:
    """A statement that allows `to` (default anyone) on the shop, but for the elements given."""
    principal = "*" if to == "*" else {"AWS": to}
    statement = {"Effect": "Allow", "Principal": principal, "Action": ACTION, "Resource": SHOP}
    return statement | elements | ({} if when is None else {"Condition": when})


def deny(when: Any = None, **elements: Any) -> dict[str, Any]:
    return allow(when, Effect="Deny", **elements)


def document(*statements: Any, **elements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | elements)


def asked(*aliases: str, ip: str | None = None, **members: Any) -> PolicyRequest:
    """An unsigned request to put events to the shop, but for the members given."""
    defaults = {"action": ACTION, "resource": SHOP}
    source_ip = None if ip is None else ip_address(ip)
    return PolicyRequest(aliases=aliases, source_ip=source_ip, **(defaults | members))


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
    ("anyone, unsigned", [allow()], asked(), ALLOW),
    ("anyone, signed", [allow()], asked(principal=USER), ALLOW),
    ("Deny NotIpAddress denies all but the address, whatever the page's prose says",
     [allow(), deny(BUT_ONE)], asked(ip="203.0.113.9"), DENY),
    ("the one address of Deny NotIpAddress", [allow(), deny(BUT_ONE)],
     asked(ip="198.51.100.252"), ALLOW),
    ("one of two aliases", [allow(NAMED)], asked("alias2"), ALLOW),
    ("another alias", [allow(NAMED)], asked("alias3"), SILENT),
    ("no alias where one is asked for", [allow(NAMED)], asked(), SILENT),
    ("a page of the site", [allow(ON_SITE)], asked(referer=PAGE), ALLOW),
    ("a page of another site", [allow(ON_SITE)], asked(referer="https://x/"), SILENT),
    ("no referer", [allow(ON_SITE)], asked(), SILENT),
    ("a user agent", [allow(), deny(BOTS)], asked(user_agent="Googlebot/2.1"), DENY),
    # Effect.
    ("Deny before Allow wins", [deny(), allow()], asked(), DENY),
    ("Deny after Allow wins", [allow(), deny()], asked(), DENY),
    ("a Deny that does not apply is nothing", [allow(), deny(NET)], asked(), ALLOW),
    ("only a Deny that does not apply", [deny(NET)], asked(), SILENT),
    ("one Allow of two is enough", [allow(NET), allow(NAMED)], asked("alias1"), ALLOW),
    # Action.
    ("actions have no case", [allow(Action="RUM:putrumEVENTS")], asked(), ALLOW),
    ("nor in the request", [allow()], asked(action="rum:putRUMevents"), ALLOW),
    ("rum:* covers the one action", [allow(Action=["rum:*"])], asked(), ALLOW),
    ("* covers the one action", [allow(Action="*")], asked(), ALLOW),
    ("rum:* covers no other", [allow(Action="rum:*")], asked(action="rum:GetAppMonitor"), SILENT),
    # Resource.
    ("another app monitor", [allow(Resource=SHOP + "2")], asked(), SILENT),
    ("a longer name", [allow()], asked(resource=SHOP + "2"), SILENT),
    ("names have case", [allow(Resource=SHOP.replace("shop", "Shop"))], asked(), SILENT),
    ("one of two resources", [allow(Resource=[SHOP + "2", SHOP])], asked(), ALLOW),
    ("* is every resource", [allow(Resource="*")], asked(), ALLOW),
    ("* and ? in the name", [allow(Resource=SHOP.replace("shop", "s?o*"))], asked(), ALLOW),
    ("? is one character", [allow(Resource=SHOP + "?")], asked(), SILENT),
    ("* in other fields", [allow(Resource="arn:*:rum:*:*:*")], asked(), ALLOW),
    # Principal.
    ('{"AWS": "*"} is everyone', [allow(Principal={"AWS": "*"})], asked(), ALLOW),
    ("* in a list is everyone", [allow(to=[USER, "*"])], asked(), ALLOW),
    ("unsigned is no user", [allow(to=USER)], asked(), SILENT),
    ("a user", [allow(to=USER)], asked(principal=USER), ALLOW),
    ("user names have case", [allow(to=USER)], asked(principal=USER.upper()), SILENT),
    ("an account by id", [allow(to=ACCOUNT)], asked(principal=USER), ALLOW),
    ("an account by root ARN is all of it", [allow(to=ROOT)], asked(principal=SESSION), ALLOW),
    ("unsigned is of no account", [allow(to=ACCOUNT)], asked(), SILENT),
    ("a role covers its sessions", [allow(to=ROLE)], asked(principal=SESSION), ALLOW),
    ("but no other role's", [allow(to=ROLE)],
     asked(principal=SESSION.replace("guest", "host")), SILENT),
    ("nor what only looks like a session", [allow(to=ROLE)],
     asked(principal=SESSION.replace("sts", "iam")), SILENT),
    ("a session", [allow(to=SESSION)], asked(principal=SESSION), ALLOW),
    ("a session is not the next one", [allow(to=SESSION)], asked(principal=SESSION + "2"), SILENT),
    ("no cross-account access", [allow()], asked(principal=STRANGER), SILENT),
    ("nor by name", [allow(to=STRANGER)], asked(principal=STRANGER), SILENT),
    ("a Deny reaches other accounts", [deny(to="999999999999")], asked(principal=STRANGER), DENY),
    ("a caller that is no ARN is of no account", [allow()], asked(principal="eve"), SILENT),
    # String operators.
    ("StringEquals has case", [allow(NAMED)], asked("Alias1"), SILENT),
    ("StringEquals takes * literally", [allow(alias("StringEquals", "a*"))], asked("ab"), SILENT),
    ("IgnoreCase has none", [allow(alias("StringEqualsIgnoreCase", "äB"))], asked("Äb"), ALLOW),
    ("Not: one of the list", [allow(alias("StringNotEquals", "a", "b"))], asked("b"), SILENT),
    ("Not: none of the list", [allow(alias("StringNotEquals", "a", "b"))], asked("c"), ALLOW),
    ("Not with no key is true", [deny(alias("StringNotEquals", "a"))], asked(), DENY),
    ("Not ignoring case", [allow(alias("StringNotEqualsIgnoreCase", "A"))], asked("a"), SILENT),
    ("StringLike matches the whole", [allow(alias("StringLike", "a?c"))], asked("xabc"), SILENT),
    ("StringLike over a newline", [allow(alias("StringLike", "a*c"))], asked("a\nc"), ALLOW),
    ("StringNotLike any of the list", [allow(alias("StringNotLike", "x", "a*"))],
     asked("ab"), SILENT),
    ("StringNotLike with no key is true", [deny(referer("StringNotLike", "https://x/*"))],
     asked(), DENY),
    ("${*} is a star", [allow(alias("StringLike", "a${*}?"))], asked("a*b"), ALLOW),
    ("${*} is only a star", [allow(alias("StringLike", "a${*}?"))], asked("axb"), SILENT),
    ("${$} in StringEquals", [allow(alias("StringEquals", "${$}{*}"))], asked("${*}"), ALLOW),
    ("a number is its text", [allow(alias("StringEquals", 7))], asked("7"), ALLOW),
    ("a Boolean is its text", [allow(alias("StringEquals", True, 1))], asked("true"), ALLOW),
    ("key names have no case", [allow({"StringEquals": {"RUM:Alias": "x"}})], asked("x"), ALLOW),
    # Addresses.
    ("an address of the range", [allow(NET)], asked(ip="203.0.113.255"), ALLOW),
    ("an address beside the range", [allow(NET)], asked(ip="203.0.114.0"), SILENT),
    ("an IPv6 address of the range", [allow(NET)], asked(ip="2001:db8:1::9"), ALLOW),
    ("IPv4 seen by a dual-stack listener", [allow(NET)], asked(ip="::ffff:203.0.113.7"), ALLOW),
    ("IPv6 is in no IPv4 range", [allow(network("IpAddress", "0.0.0.0/0"))],
     asked(ip="::1"), SILENT),
    ("bits after the prefix are ignored", [allow(network("IpAddress", "203.0.113.9/24"))],
     asked(ip="203.0.113.1"), ALLOW),
    ("IPv6 without prefix is one address", [allow(network("IpAddress", "2001:db8::1"))],
     asked(ip="2001:db8::2"), SILENT),
    ("an IPv4-mapped range is IPv4", [allow(network("IpAddress", "::ffff:10.0.0.0/104"))],
     asked(ip="10.9.9.9"), ALLOW),
    ("the IPv4-mapped range is all of IPv4", [allow(network("IpAddress", "::ffff:0:0/96"))],
     asked(ip="192.0.2.1"), ALLOW),
    ("IpAddress with no address is false", [allow(NET)], asked(), SILENT),
    ("NotIpAddress with no address is true", [deny(BUT_ONE)], asked(), DENY),
    # IfExists and Null.
    ("IfExists with no key is true", [allow(alias("StringEqualsIfExists", "a"))], asked(), ALLOW),
    ("IfExists with another value", [allow(alias("StringEqualsIfExists", "a"))],
     asked("b"), SILENT),
    ("Not…IfExists with no key is true", [deny(alias("StringNotEqualsIfExists", "a"))],
     asked(), DENY),
    ("IpAddressIfExists with no address", [allow(network("IpAddressIfExists", "10.0.0.0/8"))],
     asked(), ALLOW),
    ("Null true with no key", [deny(alias("Null", "true"))], asked(), DENY),
    ("Null true with a key", [deny(alias("Null", "true"))], asked("a"), SILENT),
    ("Null false with a key", [allow(alias("Null", False))], asked("a"), ALLOW),
    ("Null takes an empty header for none", [deny(referer("Null", "true"))],
     asked(referer=""), DENY),
    # Set operators.
    ("ForAnyValue: one is enough", [allow(alias("ForAnyValue:StringEquals", "a"))],
     asked("b", "a"), ALLOW),
    ("ForAnyValue with no key is false", [allow(alias("ForAnyValue:StringEquals", "a"))],
     asked(), SILENT),
    ("ForAnyValue Not with no key is false", [deny(alias("ForAnyValue:StringNotEquals", "a"))],
     asked(), SILENT),
    ("ForAnyValue Not: one that differs", [deny(alias("ForAnyValue:StringNotEquals", "a"))],
     asked("a", "b"), DENY),
    ("ForAnyValue Not: none that differs", [deny(alias("ForAnyValue:StringNotEquals", "a"))],
     asked("a", "a"), SILENT),
    ("ForAnyValue takes an empty value for none",
     [deny(referer("ForAnyValue:StringNotEquals", "x"))], asked(referer=""), SILENT),
    ("ForAnyValue IfExists with no key is true",
     [allow(alias("ForAnyValue:StringLikeIfExists", "a*"))], asked(), ALLOW),
    ("ForAllValues: all in the list", [allow(alias("ForAllValues:StringLike", "a*", "b"))],
     asked("b", "ax"), ALLOW),
    ("ForAllValues: one not in the list", [allow(alias("ForAllValues:StringLike", "a*", "b"))],
     asked("b", "c"), SILENT),
    ("ForAllValues with no key is true", [allow(alias("ForAllValues:StringEquals", "a"))],
     asked(), ALLOW),
    ("ForAllValues takes an empty value for none",
     [allow(referer("ForAllValues:StringEquals", "x"))], asked(referer=""), ALLOW),
    ("ForAllValues Not: one in the list",
     [allow(alias("ForAllValues:StringNotEquals", "a", "b"))], asked("c", "a"), SILENT),
    # All of it together.
    ("all operators must hold", [allow(NAMED | NET)], asked("alias1", ip="10.0.0.1"), SILENT),
    ("all keys must hold", [allow(BOTH_KEYS)], asked("a", referer="c"), SILENT),
    ("all hold", [allow(NAMED | NET)], asked("alias1", ip="203.0.113.9"), ALLOW),
]
# fmt: on


@pytest.mark.parametrize(
    ("statements", "request_", "expected"),
    [row[1:] for row in DECISIONS],
    ids=[row[0] for row in DECISIONS],
)
def test_decision(
    statements: list[dict[str, Any]], request_: PolicyRequest, expected: Outcome
) -> None:
    decision = decide(parse(document(*statements)), request_)

    assert expected is decision.outcome


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"Statement": allow()}),
        document(allow(), Version="2008-10-17", Id="shop"),
        document(allow(alias("StringEqualsIfExists", "${aws:username}")), Version="2008-10-17"),
    ],
    ids=["no Version, one statement", "the old Version, an Id", "no variables in the old Version"],
)
def test_documents_of_other_forms(text: str) -> None:
    assert ALLOW is decide(parse(text), asked()).outcome


def test_the_reason_names_the_statement_and_its_sid() -> None:
    policy = parse(document(allow(Sid="Public"), deny(NAMED)))
    expected = ["Statement[0] (Sid Public)", "Statement[1]"]

    assert expected == [decide(policy, asked()).reason, decide(policy, asked("alias1")).reason]


WHEN = "Statement[0].Condition"
NO_ARN = 'must be "*" or an ARN arn:partition:rum:region:account:appmonitor/name'
NO_PRINCIPAL = (
    'must be "*", a 12-digit account id or the ARN of an account, user, role or session, '
    "without wildcards"
)
NO_RANGE = "must be an IPv4 or IPv6 address or CIDR range"
NO_VARIABLES = "policy variables are not supported"

# fmt: off
MALFORMED_TEXTS: list[tuple[str, str, str]] = [
    ("empty", "", "PolicyDocument line 1 column 1: not JSON"),
    ("not JSON", '{"Statement": [}', "PolicyDocument line 1 column 16: not JSON"),
    ("half a character", "\ud800", "PolicyDocument line 1 column 1: not JSON"),
    ("NaN", '{"Id": NaN}', "PolicyDocument: NaN is not JSON"),
    ("deep", "[" * 4000, "PolicyDocument: nested too deeply"),
    ("a list", "[]", "PolicyDocument: must be an object"),
    ("no Statement", "{}", "PolicyDocument: Statement is missing"),
    ("unknown element", '{"Statment": []}', "PolicyDocument: unknown element Statment"),
    ("names in ASCII", '{"\\ud800é": 1}', "PolicyDocument: unknown element ??"),
    ("names cut", f'{{"{"x" * 65}": 1}}', f"PolicyDocument: unknown element {'x' * 61}..."),
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
    ("Effect has case", allow(Effect="allow"), "Statement[0].Effect: must be Allow or Deny"),
    ("Sid", allow(Sid=1), "Statement[0].Sid: must be a string"),
    ("NotPrincipal", deny(NotPrincipal="*"), "Statement[0]: NotPrincipal is not supported"),
    ("NotAction", allow(NotAction="x"), "Statement[0]: NotAction is not supported"),
    ("NotResource", allow(NotResource="x"), "Statement[0]: NotResource is not supported"),
    ("another action", allow(Action=[ACTION, "rum:GetAppMonitor"]),
     "Statement[0].Action[1]: must be rum:PutRumEvents"),
    ("another service", allow(Action="s3:*"), "Statement[0].Action: must be rum:PutRumEvents"),
    ("no actions", allow(Action=[]), "Statement[0].Action: must not be empty"),
    ("Action that is no text", allow(Action=[1]),
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
    ("a colon too many", allow(alias(":StringLike", "x")),
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
    ("a value that is none", allow(alias("StringLike", [None])),
     f"{WHEN}.StringLike.rum:alias: must be a string, number or Boolean, or a list of them"),
    ("a variable", allow(alias("StringLike", "x", "${aws:username}")),
     f"{WHEN}.StringLike.rum:alias[1]: {NO_VARIABLES}"),
    ("Null of a word", allow(alias("Null", "yes")),
     f'{WHEN}.Null.rum:alias: must be "true" or "false", once'),
    ("Null twice", allow(alias("Null", "true", "false")),
     f'{WHEN}.Null.rum:alias[0]: must be "true" or "false", once'),
    ("a string operator on addresses", allow(network("StringLike", "10.*")),
     f"{WHEN}.StringLike: aws:SourceIp takes IpAddress or NotIpAddress"),
    ("an address operator on strings", allow(alias("IpAddress", "10.0.0.0/8")),
     f"{WHEN}.IpAddress: rum:alias takes a String operator"),
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
def test_malformed_document(text: str, expected: str) -> None:
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


def test_many_stars_against_a_long_text_end_soon() -> None:
    """Still running after 40 s where stars are tried in every way."""
    stars = {"StringLike": {"aws:UserAgent": "*a" * 40 + "*b*c"}}

    assert SILENT is decide(parse(document(deny(stars))), asked(user_agent="a" * 8000)).outcome


# What follows is searched by hypothesis, without a clock: a busy machine is no failure.
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
    action=st.sampled_from([ACTION, "rum:GetAppMonitor"]) | st.text(max_size=4),
    resource=st.sampled_from([SHOP, SHOP + "2"]) | st.text(max_size=4),
    principal=st.none() | st.sampled_from([USER, SESSION, STRANGER]) | st.text(":a", max_size=9),
    aliases=st.lists(texts, max_size=2).map(tuple),
    source_ip=st.none() | st.ip_addresses(),
    referer=st.none() | texts,
    user_agent=st.none() | texts,
)


def outcome(items: list[dict[str, Any]], request: PolicyRequest) -> Outcome:
    return decide(parse(document(*items, Version="2008-10-17")), request).outcome


@unhurried
@given(policies, requests)
def test_decide_always_decides(items: list[dict[str, Any]], request: PolicyRequest) -> None:
    assert outcome(items, request) in Outcome


@unhurried
@given(policies, statements, st.integers(0, 4), requests)
def test_one_more_deny_denies_or_changes_nothing(
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


def parses_or_is_refused(text: str) -> None:
    try:
        parse(text)
    except MalformedPolicyDocumentException as refusal:
        refusal.message.encode("ascii")
    except PolicySizeLimitExceededException:
        assert len(text.encode("utf-8", "surrogatepass")) > 4096


@unhurried
@given(st.text(st.characters(exclude_categories=())))
def test_any_text_parses_or_is_refused(text: str) -> None:
    parses_or_is_refused(text)


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
def test_any_json_parses_or_is_refused(value: Any, changes: list[tuple[str, Any]]) -> None:
    parses_or_is_refused(json.dumps(value))
    parses_or_is_refused(document(allow() | dict(changes)))


@unhurried
@given(st.data())
def test_any_slip_in_a_document_parses_or_is_refused(data: st.DataObject) -> None:
    text = document(allow(NAMED | NET, to=[USER, ROLE]), deny(alias("Null", "true")))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 5)))
    parses_or_is_refused(text[:start] + data.draw(st.text(max_size=3)) + text[end:])


@cache
def naive(pattern: str, text: str) -> bool:
    """The definition of `*` and `?`, word for word."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return naive(pattern[1:], text) or (bool(text) and naive(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and naive(pattern[1:], text[1:])


@unhurried
@given(st.lists(st.text("ab*?$\n", max_size=10), min_size=1, max_size=3), st.text("ab*?$\n"))
def test_wildcards_agree_with_their_definition(patterns: list[str], text: str) -> None:
    compiled = wildcards.compile_patterns(patterns, variables=False)

    expected = any(naive(pattern, text) for pattern in patterns)
    assert expected is (compiled.fullmatch(text) is not None)
