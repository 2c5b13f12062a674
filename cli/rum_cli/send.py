"""`openrum send`: puts batches from a file."""

from __future__ import annotations

__all__ = ["send"]

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import click

from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsRequest
from rum_bridge.codec import decode_put, load_json
from rum_bridge.errors import HttpError, from_status
from rum_cli.client import Target, client, service_options
from rum_cli.failure import REFUSED, WRONG_USAGE, Failure

_MAX_CALL_BATCHES = 100
# Far below what the service takes in one message; a batch that is longer goes alone.
_MAX_CALL_BYTES = 4 << 20

_Entry = tuple[dict[str, Any], bytes]


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--id", "monitor_id", metavar="UUID", help="The app monitor, where FILE names none.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a batch a line.")
@service_options
def send(file: BinaryIO, monitor_id: str | None, as_json: bool, target: Target) -> None:
    """Put the batches of FILE (- for standard input), one JSON document or one a line.

    A batch is the documented body of PutRumEvents; its app monitor is its member Id, else --id,
    else AppMonitorDetails.id. Sending a file again stores nothing twice.
    """
    batches = [
        (document, _entry(document, monitor_id, position))
        for position, document in _documents(file.read())
    ]
    refused = 0
    with client(target) as planes:
        for together in _calls(batches):
            request = BatchPutRumEventsRequest.FromString(b"".join(entry for _, entry in together))
            response = planes.bridge.BatchPutRumEvents(request)
            for (document, _), status in zip(together, response.statuses, strict=True):
                error = from_status(status) if status.code else None
                refused += error is not None
                _report(document, error, as_json)
    if not as_json:
        click.echo(f"{len(batches) - refused} batches stored, {refused} refused")
    if refused:
        raise SystemExit(REFUSED)


def _calls(batches: list[_Entry]) -> Iterator[list[_Entry]]:
    """Yields the batches, in order, as many at a time as one call takes."""
    together: list[_Entry] = []
    size = 0
    for document, entry in batches:
        size += len(entry)
        if together and (len(together) == _MAX_CALL_BATCHES or size > _MAX_CALL_BYTES):
            yield together
            together, size = [], len(entry)
        together.append((document, entry))
    if together:
        yield together


def _documents(content: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields each document with where it stands: the whole file if it is one, else its lines."""
    try:
        yield "the file", load_json(content)
        return
    except HttpError:
        lines = content.splitlines()
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield f"line {number}", load_json(line)
            except HttpError as error:
                raise Failure(f"line {number}: {error.message}", WRONG_USAGE) from None


def _entry(document: dict[str, Any], monitor_id: str | None, position: str) -> bytes:
    details = document.get("AppMonitorDetails")
    named = details.get("id") if isinstance(details, dict) else None
    found = document.get("Id") or monitor_id or named
    if not isinstance(found, str):
        raise click.UsageError(f"{position} names no app monitor; give --id")
    try:
        return decode_put(found, document, position)
    except HttpError as error:
        raise Failure(f"{position}: {error.message}", WRONG_USAGE) from None


def _report(document: dict[str, Any], error: HttpError | None, as_json: bool) -> None:
    batch_id = str(document.get("BatchId"))
    if as_json:
        outcome = {"error": error.error_type, "message": error.message} if error else {}
        click.echo(json.dumps({"BatchId": batch_id, "stored": error is None, **outcome}))
    elif error:
        click.echo(f"{batch_id}: {error.error_type}: {error.message}", err=True)
