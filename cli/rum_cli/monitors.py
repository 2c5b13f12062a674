"""`openrum monitors`: makes and lists app monitors."""

from __future__ import annotations

__all__ = ["monitors"]

import json

import click
from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.table import Column, Table

from rum.v1.app_monitor_pb2 import AppMonitorSummary, CustomEvents
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest, ListAppMonitorsRequest
from rum_cli.client import Client, Target, client, service_options


@click.group()
def monitors() -> None:
    """Make and list app monitors."""


@monitors.command()
@click.argument("name")
@click.option("--id", "monitor_id", metavar="UUID", help="Keep this id, as from AWS.")
@click.option(
    "--domain",
    "domains",
    multiple=True,
    default=("localhost",),
    show_default=True,
    help="A domain of the application; may be given up to five times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@service_options
def create(
    name: str, monitor_id: str | None, domains: tuple[str, ...], as_json: bool, target: Target
) -> None:
    """Make the app monitor NAME and print its id. Custom events are kept."""
    request = CreateAppMonitorRequest(
        name=name, id=monitor_id, custom_events=CustomEvents(status="ENABLED")
    )
    if len(domains) == 1:
        request.domain = domains[0]
    else:
        request.domain_list.extend(domains)
    with client(target) as planes:
        response = planes.control_plane.CreateAppMonitor(request)
    click.echo(json.dumps({"Name": name, "Id": response.id}) if as_json else response.id)


@monitors.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an app monitor a line.")
@service_options
def list_(as_json: bool, target: Target) -> None:
    """List app monitors. Dropped: custom events that came where they are not enabled."""
    with client(target) as planes:
        summaries = all_monitors(planes)
    if as_json:
        for summary in summaries:
            click.echo(json.dumps(MessageToDict(summary)))
        return
    whole = Column("Id", min_width=36)  # to be copied from here
    console = Console()
    table = Table(
        # Folded, so that a terminal of 80 columns shows every column.
        Column("Name", overflow="fold", max_width=max(8, console.width - 72)),
        whole,
        "State",
        Column("Created (UTC)", max_width=10 if console.width < 100 else 19),
        Column("Dropped", min_width=7),
        show_edge=False,
        pad_edge=False,
    )
    for summary in summaries:
        created = summary.created[:19].replace("T", " ")
        dropped = str(summary.dropped_events)
        table.add_row(summary.name, summary.id, summary.state, created, dropped)
    console.print(table)


def all_monitors(planes: Client) -> list[AppMonitorSummary]:
    """Returns the app monitors of all pages."""
    found: list[AppMonitorSummary] = []
    request = ListAppMonitorsRequest(max_results=100)
    while True:
        page = planes.control_plane.ListAppMonitors(request)
        found += page.app_monitor_summaries
        if not page.next_token:
            return found
        request.next_token = page.next_token
