"""`openrum monitors`: create, list, show, update and delete app monitors."""

from __future__ import annotations

__all__ = ["monitors"]

from collections.abc import Iterator
from typing import Any

import click
from google.protobuf.json_format import MessageToDict

from rum.v1.app_monitor_pb2 import (
    AppMonitor,
    AppMonitorConfiguration,
    AppMonitorSummary,
    CustomEvents,
)
from rum.v1.control_plane_service_pb2 import (
    CreateAppMonitorRequest,
    DeleteAppMonitorRequest,
    GetAppMonitorRequest,
    ListAppMonitorsRequest,
    UpdateAppMonitorRequest,
)
from rum_cli.client import Client, ClientCommand, Target, connect
from rum_cli.invocation import command_line
from rum_cli.output import Column, json_option, print_json, print_table, utc
from rum_cli.pages import pages

_PAGE = 100
_COLUMNS = [
    Column("Name"),
    Column("Id", whole=True),
    Column("State", whole=True),
    Column("Created (UTC)"),
    Column("Dropped", whole=True),
]
_custom_events_choice = click.Choice(["on", "off"])


@click.group()
def monitors() -> None:
    """Create, show, update and delete app monitors."""


@monitors.command(cls=ClientCommand)
@click.argument("name")
@click.option("--id", "monitor_id", metavar="UUID", help="Use this id, for example one from AWS.")
@click.option(
    "--domain",
    "domains",
    multiple=True,
    default=("localhost",),
    show_default=True,
    help="A domain of the application. Repeat it for up to five domains.",
)
@click.option(
    "--custom-events",
    type=_custom_events_choice,
    default="on",
    show_default=True,
    help="Whether to store custom events.",
)
@json_option
def create(
    name: str,
    monitor_id: str | None,
    domains: tuple[str, ...],
    custom_events: str,
    as_json: bool,
    target: Target,
) -> None:
    """Create the app monitor NAME and print its id."""
    request = CreateAppMonitorRequest(
        name=name,
        id=monitor_id,
        custom_events=_custom_events(custom_events),
        # AWS's default is 0.1: nine of ten visits would not be recorded.
        app_monitor_configuration=AppMonitorConfiguration(session_sample_rate=1.0),
    )
    _set_domains(request, domains)
    with connect(target) as client:
        response = client.control_plane.CreateAppMonitor(request)
    if as_json:
        print_json({"Name": name, "Id": response.id})
    else:
        click.echo(response.id)


@monitors.command(name="list", cls=ClientCommand)
@json_option
def list_(as_json: bool, target: Target) -> None:
    """List app monitors.

    The column Dropped counts events that were dropped from stored batches: custom events while
    the app monitor did not store them, and session replays that were off or over their quota.
    """
    with connect(target) as client:
        summaries = list(_all_summaries(client))
    if as_json:
        for summary in summaries:
            print_json(_document(summary))
    elif not summaries:
        line = command_line("monitors", "create", "NAME", *target.arguments)
        click.echo(f"There are no app monitors. Create one: {line}", err=True)
    else:
        print_table(_COLUMNS, [_row(summary) for summary in summaries])


@monitors.command(cls=ClientCommand)
@click.argument("name")
@json_option
def show(name: str, as_json: bool, target: Target) -> None:
    """Show the app monitor NAME."""
    with connect(target) as client:
        monitor = client.control_plane.GetAppMonitor(GetAppMonitorRequest(name=name)).app_monitor
    if as_json:
        print_json(_document(monitor))
    else:
        print_table([Column("Member", whole=True), Column("Value")], _members(monitor))


@monitors.command(cls=ClientCommand)
@click.argument("name")
@click.option(
    "--domain",
    "domains",
    multiple=True,
    help="Replace the domains by this one. Repeat it for up to five domains.",
)
@click.option("--custom-events", type=_custom_events_choice, help="Whether to store custom events.")
def update(name: str, domains: tuple[str, ...], custom_events: str | None, target: Target) -> None:
    """Change the domains or the custom events of the app monitor NAME."""
    if not domains and custom_events is None:
        raise click.UsageError("nothing to update; use --domain or --custom-events")
    request = UpdateAppMonitorRequest(name=name)
    _set_domains(request, domains)
    if custom_events is not None:
        request.custom_events.CopyFrom(_custom_events(custom_events))
    with connect(target) as client:
        client.control_plane.UpdateAppMonitor(request)
    click.echo(f"{name} is updated")


@monitors.command(cls=ClientCommand)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def delete(name: str, yes: bool, target: Target) -> None:
    """Delete the app monitor NAME and all its events permanently."""
    with connect(target) as client:
        if not yes:
            # Reject a wrong name before the question.
            client.control_plane.GetAppMonitor(GetAppMonitorRequest(name=name))
            click.confirm(
                f"Delete the app monitor {name} and all its events permanently?",
                abort=True,
                err=True,
            )
        client.control_plane.DeleteAppMonitor(DeleteAppMonitorRequest(name=name))
    click.echo(f"{name} is deleted")


def _all_summaries(client: Client) -> Iterator[AppMonitorSummary]:
    """Yield the app monitors, by name."""
    request = ListAppMonitorsRequest(max_results=_PAGE)
    for page in pages(client.control_plane.ListAppMonitors, request):
        yield from page.app_monitor_summaries


def _set_domains(
    request: CreateAppMonitorRequest | UpdateAppMonitorRequest, domains: tuple[str, ...]
) -> None:
    # The API has one member for a single domain and another one for several.
    if len(domains) == 1:
        request.domain = domains[0]
    else:
        request.domain_list.extend(domains)


def _custom_events(choice: str) -> CustomEvents:
    return CustomEvents(status="ENABLED" if choice == "on" else "DISABLED")


def _document(message: AppMonitor | AppMonitorSummary) -> dict[str, Any]:
    # ProtoJSON writes 64-bit integers as strings. This count is far below 2^53.
    return {**MessageToDict(message), "DroppedEvents": message.dropped_events}


def _row(summary: AppMonitorSummary) -> list[str]:
    created, dropped = utc(summary.created), str(summary.dropped_events)
    return [summary.name, summary.id, summary.state, created, dropped]


def _members(monitor: AppMonitor) -> list[list[str]]:
    enabled = monitor.custom_events.status == "ENABLED"
    return [
        ["Name", monitor.name],
        ["Id", monitor.id],
        ["Domains", ", ".join(monitor.domain_list) or monitor.domain],
        ["Custom events", "on" if enabled else "off"],
        ["Dropped events", str(monitor.dropped_events)],
        ["State", monitor.state],
        ["Platform", monitor.platform],
        ["Created (UTC)", utc(monitor.created)],
        ["Modified (UTC)", utc(monitor.last_modified)],
        ["Tags", ", ".join(f"{key}={value}" for key, value in sorted(monitor.tags.items()))],
    ]
