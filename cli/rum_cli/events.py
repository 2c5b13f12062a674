"""`openrum events` and `openrum tail`: read events back."""

from __future__ import annotations

__all__ = ["events", "tail"]

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from rum.v1.control_plane_service_pb2 import GetAppMonitorDataRequest, QueryFilter, TimeRange
from rum_cli.client import Client, Target, client, service_options

_POLL_S = 1.0
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Moment(click.ParamType[int]):
    """A time: ISO 8601, milliseconds since the Unix epoch, or how long ago, as 90s, 15m, 2h, 7d."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        if isinstance(value, int):
            return value
        text = str(value)
        try:
            if text.isdigit():
                return int(text)
            if text[:-1].isdigit() and text[-1] in _UNITS:
                ago = timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
                return round((datetime.now(UTC) - ago).timestamp() * 1000)
            moment = datetime.fromisoformat(text)
            return round(moment.astimezone(UTC).timestamp() * 1000)
        except (ValueError, OverflowError):
            self.fail(f"{text!r} is no time; use 2026-01-31T12:00, 1790000000000 or 15m", param)


@click.command()
@click.argument("name")
@click.option("--after", type=Moment(), default=0, help="Only events at or after this time.")
@click.option("--before", type=Moment(), help="Only events at or before this time.")
@click.option("--type", "types", multiple=True, help="Only events of this type; repeatable.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an event a line.")
@service_options
def events(
    name: str,
    after: int,
    before: int | None,
    types: tuple[str, ...],
    limit: int,
    as_json: bool,
    target: Target,
) -> None:
    """Print the events of the app monitor NAME, what was stored last first.

    Times are ISO 8601, milliseconds since the Unix epoch, or how long ago: 90s, 15m, 2h, 7d.
    """
    with client(target) as planes:
        found = _read(planes, name, types, TimeRange(after=after, before=before))
        shown = [document for document, _ in zip(found, range(limit), strict=False)]
    if as_json:
        for document in shown:
            click.echo(document)
        return
    table = Table("Time (UTC)", "Type", "Page", "Session", "Details")
    for document in shown:
        table.add_row(*_row(json.loads(document)))
    # No markup: what a page sent is text, whatever brackets it has.
    Console(markup=False, emoji=False, highlight=False).print(table)


@click.command()
@click.argument("name")
@click.option("--type", "types", multiple=True, help="Only events of this type; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an event a line.")
@service_options
def tail(name: str, types: tuple[str, ...], as_json: bool, target: Target) -> None:
    """Print the events of the app monitor NAME as they are stored, until interrupted."""
    with client(target) as planes, suppress(KeyboardInterrupt):
        last = next(_ids(_read(planes, name, types, TimeRange(after=0))), None)
        while True:
            new: list[str] = []
            for document in _read(planes, name, types, TimeRange(after=0)):
                if _id(document) == last:
                    break
                new.append(document)
            for document in reversed(new):
                click.echo(document if as_json else "  ".join(_row(json.loads(document))))
            last = _id(new[0]) if new else last
            time.sleep(_POLL_S)


def _read(
    planes: Client, name: str, types: tuple[str, ...], time_range: TimeRange
) -> Iterator[str]:
    request = GetAppMonitorDataRequest(name=name, time_range=time_range, max_results=100)
    if types:
        request.filters.append(QueryFilter(name="EventType", values=types))
    while True:
        page = planes.control_plane.GetAppMonitorData(request)
        yield from page.events
        if not page.next_token:
            return
        request.next_token = page.next_token


def _ids(documents: Iterator[str]) -> Iterator[tuple[str, str]]:
    return (_id(document) for document in documents)


def _id(document: str) -> tuple[str, str]:
    event = json.loads(document)
    return event["batch_id"], event["event_id"]


def _row(event: dict[str, Any]) -> list[str]:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=event["event_timestamp"])
    metadata = event["metadata"] if isinstance(event["metadata"], dict) else {}
    details = event["event_details"]
    text = details if isinstance(details, str) else json.dumps(details, ensure_ascii=False)
    cells = [
        moment.strftime("%Y-%m-%d %H:%M:%S"),
        event["event_type"].removeprefix("com.amazon.rum."),
        str(metadata.get("pageId", "")),
        event["sessionId"][:8],
        text if len(text) <= 60 else f"{text[:59]}…",
    ]
    return [_printable(cell) for cell in cells]


def _printable(text: str) -> str:
    """Returns text that cannot command a terminal: anybody may have sent it."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
