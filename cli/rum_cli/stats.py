"""`openrum stats`: how many events a running service received, and how they ended."""

from __future__ import annotations

__all__ = ["stats"]

from collections.abc import Iterator
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
from rum_cli.client import ClientCommand, Target, connect
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
@json_option
def stats(name: str | None, as_json: bool, target: Target) -> None:
    """Print how many events were received since the start, and how they ended.

    With NAME, prints the events of this app monitor only. Without it, also prints what a bridge in
    the same process received. Other bridges have their counts in their metrics. In each part the
    numbers of the other lines add up to those of `received`.
    """
    with connect(target) as client:
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
