"""Custom attributes of events: the rules for members of the metadata. Pure.

Reading an event back removes its invalid attributes. The log keeps the event as it was sent, so a
mistake here loses nothing.
Source: "Specify custom metadata", Amazon CloudWatch User Guide; the metadata schema of aws-rum-web.
"""

from __future__ import annotations

__all__ = ["valid_attributes"]

import re
from collections.abc import Mapping

# The members that clients and the service set. These are all reserved keywords of the document, so
# a custom attribute with such a name looks like the client's member, and is kept too.
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
_MAX_CUSTOM = 10
_MAX_VALUE_LENGTH = 256
_is_key = re.compile(r"(?!aws:)[A-Za-z0-9_:]{1,128}").fullmatch


def valid_attributes(metadata: Mapping[str, object]) -> dict[str, object]:
    """Return an event's merged metadata without its invalid custom attributes.

    Undocumented: which custom attributes are kept if there are more than ten. We keep the first
    ten valid ones; session attributes come before those of the event.
    """
    custom = 0
    valid: dict[str, object] = {}
    for key, value in metadata.items():
        if key not in _SCHEMA_KEYS:
            if custom == _MAX_CUSTOM or not (_is_key(key) and _is_value(value)):
                continue
            custom += 1
        valid[key] = value
    return valid


def _is_value(value: object) -> bool:
    return isinstance(value, str | int | float) and len(str(value)) <= _MAX_VALUE_LENGTH
