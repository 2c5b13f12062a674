"""ARNs of app monitors: `arn:aws:rum:<region>:<account>:appmonitor/<name>`. Pure.

Source: "Actions, resources, and condition keys for AWS CloudWatch RUM", Service Authorization
Reference.
"""

from __future__ import annotations

__all__ = ["app_monitor_name"]

import re

from rum_service.errors import ResourceNotFoundException

_ARN = re.compile(r"arn:aws[a-z-]*:rum:[a-z0-9-]+:(?P<account>\d{12}):appmonitor/(?P<name>.+)")


def app_monitor_name(arn: str, *, account_id: str) -> str:
    """Returns the name of the app monitor that an ARN of this account names, in any region.

    Raises:
        ResourceNotFoundException: it names something else.
    """
    parts = _ARN.fullmatch(arn)
    if parts is None or parts["account"] != account_id:
        raise ResourceNotFoundException("There is no resource with this ARN.", arn)
    return parts["name"]
