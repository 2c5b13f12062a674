"""Lists and maps where the JSON of AWS says more than a message.

A message cannot tell an empty list from an absent one. Without the checks, a call with a misspelled
member would succeed and change nothing.
"""

from __future__ import annotations

__all__ = ["REQUIRED", "WITH_ITEMS", "check_lists", "with_emptied_lists", "with_empty_lists"]

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor

from rum.v1.app_monitor_pb2 import AppMonitorConfiguration
from rum_bridge.errors import validation_error

# Keyed "Message.member". Lists in the query are not here: clients leave out those without items.
REQUIRED = frozenset(
    ("BatchCreateRumMetricDefinitionsRequest.MetricDefinitions", "TagResourceRequest.Tags")
)
"""The lists and maps that the body of a request must have."""

WITH_ITEMS = frozenset(("CreateAppMonitorRequest.DomainList", "UpdateAppMonitorRequest.DomainList"))
"""The lists in the body of a request that must have an item."""


def check_lists(message: Descriptor, members: Mapping[str, Any]) -> None:
    """Check a request's members for the lists and maps that the model requires.

    Raises:
        HttpError: a ValidationException that names a member.
    """
    for field in message.fields:
        name, value = f"{message.name}.{field.json_name}", members.get(field.json_name)
        if name in REQUIRED and value is None:
            raise validation_error(f"{field.json_name} is required.")
        if name in WITH_ITEMS and value == []:
            raise validation_error(f"{field.json_name} must have at least 1 item.")


def with_emptied_lists(message: Descriptor, members: dict[str, Any]) -> dict[str, Any]:
    """Return a request's members, with the names of the lists that an update empties."""
    configuration = members.get("AppMonitorConfiguration")
    if "emptied_lists" not in message.fields_by_name or not isinstance(configuration, dict):
        return members
    lists = [field.json_name for field in AppMonitorConfiguration.DESCRIPTOR.fields]
    emptied = [name for name in lists if configuration.get(name) == []]
    return {**members, "EmptiedLists": emptied} if emptied else members


def with_empty_lists(message: Descriptor, members: dict[str, Any]) -> dict[str, Any]:
    """Return a response's members with its empty lists and maps, as AWS returns them.

    Callers write `response["Events"]`, or read the lists of an AppMonitorConfiguration. An empty
    DomainList beside a Domain would be wrong, so the lists of other structures are left out.
    """
    for field in message.fields:
        if field.is_repeated:
            is_map = field.message_type and field.message_type.GetOptions().map_entry
            members.setdefault(field.json_name, {} if is_map else [])
    configuration = members.get("AppMonitor", {}).get("AppMonitorConfiguration")
    if configuration is not None:
        with_empty_lists(AppMonitorConfiguration.DESCRIPTOR, configuration)
    return members
