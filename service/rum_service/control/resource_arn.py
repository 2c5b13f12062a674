"""ARNs of app monitors: `arn:aws:rum:<region>:<account>:appmonitor/<name>`. Pure.

Source: "Actions, resources, and condition keys for AWS CloudWatch RUM", Service Authorization
Reference.
"""

from __future__ import annotations

__all__ = ["name_in_arn"]

import re

from rum_service.errors import ResourceNotFoundException

_ARN = re.compile(r"arn:aws[a-z-]*:rum:[a-z0-9-]+:(?P<account>\d{12}):appmonitor/(?P<name>.+)")


def name_in_arn(arn: str, *, account_id: str) -> str:
    """Return the name of the app monitor in an ARN. The ARN may have any region.

    Raises:
        ResourceNotFoundException: the ARN does not name an app monitor in this account.
    """
    parts = _ARN.fullmatch(arn)
    if parts is None or parts["account"] != account_id:
        raise ResourceNotFoundException("No resource has this ARN.", arn)
    return parts["name"]
