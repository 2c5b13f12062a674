"""`openrum quota`: how many bytes app monitors use in the database, and may use."""

from __future__ import annotations

__all__ = ["quota"]

from typing import Any

import click

from rum.operator.v1.operator_service_pb2 import (
    ListUsageRequest,
    SetStoredBytesQuotaRequest,
    Usage,
)
from rum_cli.client import ClientCommand, Target, connect
from rum_cli.output import Column, json_option, print_json, print_table
from rum_cli.sizes import SIZE

_COLUMNS = [Column("App monitor"), Column("Bytes", whole=True), Column("Quota", whole=True)]


@click.group()
def quota() -> None:
    """Show and set how many bytes app monitors may store."""


@quota.command(name="list", cls=ClientCommand)
@json_option
def list_(as_json: bool, target: Target) -> None:
    """List how many bytes app monitors use.

    The numbers are the sizes of the compressed batches in the database.
    """
    with connect(target) as client:
        usage = client.operator.ListUsage(ListUsageRequest()).usage
    if as_json:
        for found in usage:
            print_json(_document(found))
    else:
        print_table(_COLUMNS, [_row(found) for found in usage])


@quota.command(name="set", cls=ClientCommand)
@click.argument("name")
@click.argument("size", type=SIZE)
def set_(name: str, size: int, target: Target) -> None:
    """Set how many bytes the app monitor NAME may use.

    SIZE is a number of bytes or has a unit, such as 500MB, 20GB or 1TiB. 0 means no limit.
    """
    _set(SetStoredBytesQuotaRequest(app_monitor_name=name, quota=size), target)
    click.echo(f"The quota of {name} is {size} bytes" if size else f"{name} has no quota")


@quota.command(cls=ClientCommand)
@click.argument("name")
def reset(name: str, target: Target) -> None:
    """Reset the quota of NAME to OPENRUM_STORED_BYTES_QUOTA of the service."""
    _set(SetStoredBytesQuotaRequest(app_monitor_name=name), target)
    click.echo(f"{name} has the default quota")


def _set(request: SetStoredBytesQuotaRequest, target: Target) -> None:
    with connect(target) as client:
        client.operator.SetStoredBytesQuota(request)


def _row(usage: Usage) -> list[str]:
    return [
        usage.app_monitor_name,
        str(usage.stored_bytes),
        str(usage.quota) if usage.HasField("quota") else "none",
    ]


def _document(usage: Usage) -> dict[str, Any]:
    document: dict[str, Any] = {
        "AppMonitorName": usage.app_monitor_name,
        "StoredBytes": usage.stored_bytes,
    }
    return {**document, "Quota": usage.quota} if usage.HasField("quota") else document
