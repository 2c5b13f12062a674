"""`openrum tail`: prints events as they are stored."""

from __future__ import annotations

__all__ = ["tail"]

import json
import time
from collections import deque
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import click

from rum.v1.control_plane_service_pb2 import TimeRange
from rum.v1.insight_service_pb2 import TailEventsRequest
from rum_cli.client import Client, ClientCommand, Target, connect
from rum_cli.event_rows import event_row, full_types
from rum_cli.events import read_documents, read_pages, type_option, visible
from rum_cli.filters import filter_option, session_option
from rum_cli.output import json_option, print_json_text, printable

_POLL_S = 1.0
_PAGE = 500
_KNOWN_PAGES = 10
_KNOWN = 1000
_REMOVED = "The latest events were removed. Events of the last second may be missing here."
# How wide the columns before Details are: nobody knows what will come.
_WIDTHS = (19, 31, 16, 36)


@click.command(cls=ClientCommand)
@click.argument("name")
@type_option
@filter_option
@session_option
@json_option
def tail(
    name: str,
    types: tuple[str, ...],
    filters: tuple[str, ...],
    session: str,
    as_json: bool,
    target: Target,
) -> None:
    """Print the events of the app monitor NAME as they are stored, until Ctrl-C.

    With --filter or --session, events come from the projector, about a second later.
    """
    with connect(target) as client, suppress(KeyboardInterrupt):
        if filters or session:
            request = TailEventsRequest(
                app_monitor=name, filter=filters, type=full_types(types), session_id=session
            )
            documents = _projected(client, request)
        else:
            documents = _stored(client, name, types)
        for new in documents:
            if new is None:
                if not as_json:
                    click.echo(f"Waiting for events of {name}. Stop with Ctrl-C.", err=True)
            elif as_json:
                print_json_text(new)
            else:
                click.echo(_line(json.loads(new)))


def _stored(client: Client, name: str, types: Sequence[str]) -> Iterator[str | None]:
    """Yield None, and then each new event in the log, oldest first."""
    every = TimeRange(after=0)
    known = _newest(client, name, types, every)
    yield None
    while True:
        new, is_known = _until_known(read_documents(client, name, types, every), known)
        if is_known or not known:
            yield from reversed(new)
        elif new:
            # New events cannot be told from old ones now. The whole log would be printed.
            click.echo(_REMOVED, err=True)
        else:
            known.clear()
        known.extend(map(_id, reversed(new)))
        time.sleep(_POLL_S)


def _until_known(
    documents: Iterable[str], known: Container[tuple[str, str]]
) -> tuple[list[str], bool]:
    """Return the documents before the first known one, and whether there is one."""
    new: list[str] = []
    for document in documents:
        if _id(document) in known:
            return new, True
        new.append(document)
    return new, False


def _newest(
    client: Client, name: str, types: Sequence[str], every: TimeRange
) -> deque[tuple[str, str]]:
    """Return the IDs of the newest events, oldest first.

    Many, because some can be erased or removed, and events are new if they come after a known one.
    """
    found: list[str] = []
    for number, page in enumerate(read_pages(client, name, types, every), 1):
        found += page
        if found and number >= _KNOWN_PAGES:
            break
    return deque(map(_id, reversed(found)), maxlen=_KNOWN)


def _projected(client: Client, request: TailEventsRequest) -> Iterator[str | None]:
    """Yield None, and then each new event in the projection, oldest first."""
    request.max_results = 1
    request.next_token = client.insight.TailEvents(request).next_token
    request.max_results = _PAGE
    yield None
    while True:
        page = client.insight.TailEvents(request)
        yield from (event.document for event in page.events)
        request.next_token = page.next_token
        if len(page.events) < _PAGE:
            time.sleep(_POLL_S)


def _id(document: str) -> tuple[str, str]:
    event = json.loads(document)
    return event["batch_id"], event["event_id"]


def _line(event: dict[str, Any]) -> str:
    *cells, details = map(printable, event_row(event))
    padded = [cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)]
    return "  ".join([*visible(padded), details]).rstrip()
