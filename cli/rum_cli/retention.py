"""`openrum retention`: how many days the events of app monitors are kept."""

from __future__ import annotations

__all__ = ["retention"]

from typing import Any

import click

from rum.operator.v1.operator_service_pb2 import (
    ListRetentionRequest,
    Retention,
    SetRetentionRequest,
    SetRetentionResponse,
)
from rum.v1.control_plane_service_pb2 import GetAppMonitorRequest
from rum_cli.client import Client, ClientCommand, Target, connect
from rum_cli.counted import counted
from rum_cli.output import Column, json_option, print_json, print_table, utc

_COLUMNS = [Column("App monitor"), Column("Kept", whole=True), Column("Oldest batch (UTC)")]
_MAX_DAYS = 36_500


class _Days(click.ParamType[int]):
    name = "days"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        text = str(value)
        if not (text.isascii() and text.isdecimal() and int(text) <= _MAX_DAYS):
            self.fail(f"{text} is not a whole number of days from 0 to {_MAX_DAYS:,}", param, ctx)
        return int(text)


_yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


@click.group()
def retention() -> None:
    """Show and set how many days events are kept."""


@retention.command(cls=ClientCommand)
@click.argument("name", required=False)
@json_option
def show(name: str | None, as_json: bool, target: Target) -> None:
    """Show how many days events are kept, for all app monitors or for NAME."""
    with connect(target) as client:
        found = client.operator.ListRetention(ListRetentionRequest()).retention
        shown = [each for each in found if name in (None, each.app_monitor_name)]
        if not shown and name is not None:
            client.control_plane.GetAppMonitor(GetAppMonitorRequest(name=name))  # it fails
    if as_json:
        for each in shown:
            print_json(_document(each))
    else:
        print_table(_COLUMNS, [_row(each) for each in shown])


# Otherwise -1 would be an unknown option.
@retention.command(name="set", cls=ClientCommand, context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("days", type=_Days())
@_yes_option
def set_(name: str, days: int, yes: bool, target: Target) -> None:
    """Keep the events of the app monitor NAME for DAYS days.

    The days begin when an event is received. 0 keeps them forever. Older events are deleted
    permanently within some minutes.
    """
    _change(SetRetentionRequest(app_monitor_name=name, days=days), target, yes=yes)


@retention.command(cls=ClientCommand)
@click.argument("name")
@_yes_option
def reset(name: str, yes: bool, target: Target) -> None:
    """Reset the retention of NAME to OPENRUM_RETENTION_DAYS of the service.

    Older events are deleted permanently.
    """
    _change(SetRetentionRequest(app_monitor_name=name), target, yes=yes)


def _change(request: SetRetentionRequest, target: Target, *, yes: bool) -> None:
    """Change the retention. Before it deletes events, say how many, and ask."""
    name = request.app_monitor_name
    with connect(target) as client:
        asked = _ask(client, request)
        if asked.batches:
            are = "is" if asked.batches == 1 else "are"
            click.echo(
                f"This permanently deletes {counted(asked.batches, 'batch', 'batches')} of {name}"
                f" that {are} older than {counted(asked.days, 'day')}, within some minutes.",
                err=True,
            )
            if not yes:
                click.confirm("Continue?", abort=True, err=True)
        done = client.operator.SetRetention(request)
    kept = f"kept for {counted(done.days, 'day')}" if done.days else "kept forever"
    default = "" if request.HasField("days") else ", the default"
    click.echo(f"The events of {name} are {kept}{default}")


def _ask(client: Client, request: SetRetentionRequest) -> SetRetentionResponse:
    """Return the effect that a change would have."""
    asked = SetRetentionRequest(validate_only=True)
    asked.MergeFrom(request)
    return client.operator.SetRetention(asked)


def _row(found: Retention) -> list[str]:
    kept = counted(found.days, "day") if found.days else "forever"
    oldest = utc(found.oldest_time.ToJsonString()) if found.HasField("oldest_time") else "none"
    return [found.app_monitor_name, f"{kept} (default)" if found.is_default else kept, oldest]


def _document(found: Retention) -> dict[str, Any]:
    document: dict[str, Any] = {
        "AppMonitorName": found.app_monitor_name,
        "Days": found.days,
        "IsDefault": found.is_default,
    }
    if found.HasField("oldest_time"):
        document["OldestBatch"] = found.oldest_time.ToJsonString()
    return document
