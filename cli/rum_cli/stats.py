"""`openrum stats`: the overview of an app monitor, or the outcomes of received events."""

from __future__ import annotations

__all__ = ["stats"]

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import click

from rum.operator.v1.operator_service_pb2 import (
    Account,
    Amount,
    End,
    GetStatisticsRequest,
    GetStatisticsResponse,
)
from rum.v1.control_plane_service_pb2 import GetAppMonitorRequest
from rum_cli.client import Client, ClientCommand, Target, connect
from rum_cli.durations import DURATION
from rum_cli.filters import filter_option
from rum_cli.output import Column, json_option, print_json, print_table, utc

_COLUMNS = [
    Column("Part"),
    Column("Outcome", whole=True),
    Column("App monitor"),
    Column("Reason"),
    Column("Source"),
    Column("Batches", whole=True),
    Column("Events", whole=True),
    Column("Bytes", whole=True),
]


class _Row(NamedTuple):
    """A line of the table."""

    part: str
    outcome: str
    app_monitor: str
    reason: str
    source: str
    batches: int
    events: int
    bytes: int


@click.command(cls=ClientCommand)
@click.argument("name", required=False)
@click.option(
    "--range",
    "length",
    type=DURATION,
    default="24h",
    show_default=True,
    help="With NAME: how far to look back, up to 400d.",
)
@filter_option
@click.option(
    "--received", is_flag=True, help="With NAME: print the outcomes of its events instead."
)
@json_option
def stats(
    name: str | None,
    length: timedelta,
    filters: tuple[str, ...],
    received: bool,
    as_json: bool,
    target: Target,
) -> None:
    """Print the overview of the app monitor NAME, or the outcomes of received events.

    With NAME, prints the numbers of the overview at /ui/, compared with the same weekdays a week
    before, or several weeks before if the range is longer. --filter limits the events.

    Without NAME, prints how many events the service has received since it started, and their
    outcomes. It also prints the counts of a bridge in the same process. Other bridges have them in
    their metrics. The outcomes of each part add up to `received`.
    """
    with connect(target) as client:
        if name is not None and not received:
            _overview(client, name, length, filters, as_json=as_json)
            return
        if name is not None:
            client.control_plane.GetAppMonitor(GetAppMonitorRequest(name=name))
        response = client.operator.GetStatistics(GetStatisticsRequest())
    rows = [row for row in _rows(response) if name in (None, row.app_monitor)]
    if as_json:
        for row in rows:
            print_json(_document(row))
    else:
        click.echo(f"Since {utc(response.start_time.ToJsonString())} UTC")
        print_table(_COLUMNS, [[str(cell) for cell in row] for row in rows])


def _overview(
    client: Client, name: str, length: timedelta, filters: Sequence[str], *, as_json: bool
) -> None:
    # Only here: rich takes longer to import than most commands to run.
    from rich.console import Console

    from rum_cli.overview import as_document, fetch
    from rum_cli.overview_text import print_overview

    found = fetch(client, name, length, filters)
    if as_json:
        print_json(as_document(found))
    else:
        print_overview(found, Console(soft_wrap=False))


def _rows(response: GetStatisticsResponse) -> Iterator[_Row]:
    for account in response.accounts:
        yield _row(account, End(outcome="received", amount=account.received))
        ended = [_row(account, end) for end in account.ended]
        yield from sorted(row for row in ended if row.batches or row.events)
        yield _row(account, End(outcome="in progress", amount=_in_progress(account)))


def _row(account: Account, end: End) -> _Row:
    counts = end.amount.batches, end.amount.events, end.amount.bytes
    return _Row(account.part, end.outcome, end.app_monitor_name, end.reason, end.source, *counts)


def _in_progress(account: Account) -> Amount:
    received = account.received
    return Amount(
        batches=received.batches - sum(end.amount.batches for end in account.ended),
        events=received.events - sum(end.amount.events for end in account.ended),
        bytes=received.bytes - sum(end.amount.bytes for end in account.ended),
    )


def _document(row: _Row) -> dict[str, Any]:
    members = {
        "Part": row.part,
        "Outcome": row.outcome,
        "AppMonitorName": row.app_monitor,
        "Reason": row.reason,
        "Source": row.source,
        "Batches": row.batches,
        "Events": row.events,
        "Bytes": row.bytes,
    }
    return {name: value for name, value in members.items() if value != ""}
