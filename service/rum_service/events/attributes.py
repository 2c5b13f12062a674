"""Custom attributes of events: which members of the metadata are shown. Pure.

An attribute that is not valid is removed and its event kept. The log holds what was sent: only
what is read back is judged, so a mistake here loses nothing.
Source: "Specify custom metadata", Amazon CloudWatch User Guide; the metadata schema of aws-rum-web.
"""

from __future__ import annotations

__all__ = ["valid_attributes"]

import re
from collections.abc import Mapping

# What clients and the service write themselves. They hold every reserved keyword of the document,
# so a custom attribute named like one cannot be told from the client's own, and stays too.
_SCHEMA_KEYS = frozenset(
    {
        "aws:client",
        "aws:clientVersion",
        "aws:releaseId",
        "aws:userAgent",
        "browserLanguage",
        "browserName",
        "browserVersion",
        "countryCode",
        "deviceType",
        "domain",
        "interaction",
        "osName",
        "osVersion",
        "pageId",
        "pageTags",
        "pageTitle",
        "pageUrl",
        "parentPageId",
        "platformType",
        "referrerUrl",
        "subdivisionCode",
        "title",
        "url",
        "version",
    }
)
_MOST = 10
_LONGEST_VALUE = 256
_is_key = re.compile(r"(?!aws:)[A-Za-z0-9_:]{1,128}").fullmatch


def valid_attributes(metadata: Mapping[str, object]) -> dict[str, object]:
    """Returns the members of an event's merged metadata that are the client's own or valid.

    Undocumented: which custom attributes stay where there are more than ten. We keep the first
    ten valid ones, and session attributes come before those of the page.
    """
    custom = 0
    shown: dict[str, object] = {}
    for key, value in metadata.items():
        if key not in _SCHEMA_KEYS:
            if custom == _MOST or not (_is_key(key) and _is_value(value)):
                continue
            custom += 1
        shown[key] = value
    return shown


def _is_value(value: object) -> bool:
    return isinstance(value, str | int | float) and len(str(value)) <= _LONGEST_VALUE
