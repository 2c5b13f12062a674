"""`openrum events`: prints stored events."""

from __future__ import annotations

__all__ = ["events", "read_documents", "read_pages", "type_option", "visible"]

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import click

from rum.v1.control_plane_service_pb2 import GetAppMonitorDataRequest, QueryFilter, TimeRange
from rum_cli.client import Client, ClientCommand, Target, connect
from rum_cli.event_rows import event_row, full_types
from rum_cli.filters import filter_option, session_option
from rum_cli.invocation import command_line
from rum_cli.moments import Moment
from rum_cli.output import (
    Column,
    is_narrow,
    json_option,
    print_json_text,
    print_table,
)
from rum_cli.pages import pages
from rum_service.events.conditions import Condition, parse_conditions
from rum_service.events.dimensions import dimensions

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_PAGE = 100
# Below this width a terminal has no room for whole session ids.
_SESSION_COLUMNS = 120
_SESSION = 3
_COLUMNS = [
    Column("Time (UTC)", whole=True),
    Column("Type"),
    Column("Page"),
    Column("Session", whole=True),
    Column("Details"),
]


def type_option(command: Decorated) -> Decorated:
    """Add the option `--type`, as the argument `types`."""
    return click.option(
        "--type",
        "types",
        multiple=True,
        metavar="TYPE",
        help="Print only events of this type, for example js_error_event. Repeat it for several.",
    )(command)


@click.command(cls=ClientCommand)
@click.argument("name")
@click.option("--after", type=Moment(), metavar="TIME", help="Only events at or after this time.")
@click.option("--before", type=Moment(), metavar="TIME", help="Only events at or before this time.")
@type_option
@filter_option
@session_option
@click.option(
    "--limit", type=click.IntRange(1), default=100, show_default=True, help="At most this many."
)
@json_option
def events(
    name: str,
    after: int | None,
    before: int | None,
    types: tuple[str, ...],
    filters: tuple[str, ...],
    session: str,
    limit: int,
    as_json: bool,
    target: Target,
) -> None:
    """Print the events of the app monitor NAME, newest first.

    They come from the log, so --filter and --session read all events in the time range until
    --limit of them match. In a large log, limit the range with --after.

    TIME is ISO 8601, in local time unless it has an offset; or milliseconds since the Unix epoch;
    or a duration before now, such as 90s, 15m, 2h or 7d. Session ids are shown where the output has
    at least 120 columns or is not a terminal.
    """
    with connect(target) as client:
        documents = read_documents(client, name, types, TimeRange(after=after or 0, before=before))
        conditions = parse_conditions(filters)
        if conditions or session:
            documents = (
                each for each in documents if _meets(json.loads(each), conditions, session)
            )
        found = list(islice(documents, limit))
    if as_json:
        for document in found:
            print_json_text(document)
    elif found:
        rows = [visible(event_row(json.loads(document))) for document in found]
        print_table(visible(_COLUMNS), rows)
    elif types or filters or session or after is not None or before is not None:
        line = command_line("events", name, *target.arguments)
        click.echo(f"No event of {name} matches. See all: {line}", err=True)
    else:
        line = command_line("send", "--sample", "--name", name, *target.arguments)
        click.echo(f"{name} has no events. Send a sample batch: {line}", err=True)


def read_documents(
    client: Client, name: str, types: Sequence[str], time_range: TimeRange
) -> Iterator[str]:
    """Yield event documents of all pages, newest first."""
    for page in read_pages(client, name, types, time_range):
        yield from page


def read_pages(
    client: Client, name: str, types: Sequence[str], time_range: TimeRange
) -> Iterator[Sequence[str]]:
    """Yield pages of event documents, newest first. A page can be empty."""
    request = GetAppMonitorDataRequest(name=name, time_range=time_range, max_results=_PAGE)
    if types:
        request.filters.append(QueryFilter(name="EventType", values=full_types(types)))
    for page in pages(client.control_plane.GetAppMonitorData, request):
        yield page.events


def _meets(event: dict[str, Any], conditions: Sequence[Condition], session: str) -> bool:
    if session and event["sessionId"] != session:
        return False
    found = dimensions(_metadata(event))
    return all(condition.is_met(found) for condition in conditions)


def _metadata(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event's merged metadata, also if the event's own is not a JSON object."""
    metadata = event["metadata"]
    if isinstance(metadata, dict):
        return metadata
    pairs = zip(event["metadata_keys"], event["metadata_values"], strict=True)
    return {key: text.removeprefix(f"{key}=") for key, text in pairs}


_Cell = TypeVar("_Cell")


def visible(cells: Sequence[_Cell]) -> list[_Cell]:
    """Return the cells of the columns that the output has room for."""
    narrow = is_narrow(_SESSION_COLUMNS)
    return [cell for index, cell in enumerate(cells) if index != _SESSION or not narrow]
