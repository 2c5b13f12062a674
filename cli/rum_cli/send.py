"""`openrum send`: send batches from a file, or a sample batch."""

from __future__ import annotations

__all__ = ["send"]

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import click
from google.rpc.status_pb2 import Status

from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsRequest
from rum.v1.control_plane_service_pb2 import GetAppMonitorRequest
from rum_bridge.errors import HttpError, from_status
from rum_bridge.json_text import load_json
from rum_bridge.puts.codec import decode_put
from rum_cli.calls import in_calls
from rum_cli.client import Client, ClientCommand, Target, connect
from rum_cli.event_rows import short_type
from rum_cli.failure import REJECTED, WRONG_USAGE, Failure
from rum_cli.invocation import command_line
from rum_cli.output import Column, json_option, print_json, print_table
from rum_cli.sample import sample_batch
from rum_service.events.summary import summary

_FIRST_MONITOR = "my-app"

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class _Batch:
    """One batch to send."""

    document: JsonObject
    entry: bytes
    """It as an entry of a BatchPutRumEventsRequest."""

    @property
    def batch_id(self) -> str:
        return str(self.document.get("BatchId"))


@dataclass(frozen=True)
class _Outcome:
    """The result for one batch."""

    batch: _Batch
    result: str
    """STORED, DUPLICATE (it was stored before) or REJECTED."""
    error: HttpError | None = None


@click.command(cls=ClientCommand)
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--sample", is_flag=True, help="Send a sample batch.")
@click.option("--id", "monitor_id", metavar="UUID", help="The id of the app monitor.")
@click.option(
    "--name", help=f"The name of the app monitor. With --sample, {_FIRST_MONITOR} by default."
)
@json_option
def send(
    file: BinaryIO | None,
    sample: bool,
    monitor_id: str | None,
    name: str | None,
    as_json: bool,
    target: Target,
) -> None:
    """Send the batches in FILE (- for standard input): one JSON document, or one per line.

    A batch is a PutRumEvents request body. Its member Id names the app monitor; without it, --id or
    --name does, or else AppMonitorDetails.id. Sending a file again stores nothing twice: stored
    batches are counted as duplicates.
    """
    if sample == (file is not None):
        raise click.UsageError("give either FILE or --sample")
    if monitor_id and name:
        raise click.UsageError("give either --id or --name")
    content = file.read() if file else b""
    with connect(target) as client:
        if sample and not monitor_id:
            name = name or _FIRST_MONITOR
        if name:
            monitor_id = _id_of(client, name)
        if sample:
            batches = [_sample(str(monitor_id), name or "")]
        else:
            documents = _documents(content, _place(file))
            batches = [_batch(document, monitor_id, at) for at, document in documents]
        outcomes = []
        for outcome in _send(client, batches):
            outcomes.append(outcome)
            _print_outcome(outcome, as_json=as_json)
    if not as_json:
        _print_counts(outcomes)
        if sample and outcomes[0].error is None:
            _print_sample(batches[0], name, target)
    if any(outcome.error for outcome in outcomes):
        raise SystemExit(REJECTED)


def _id_of(client: Client, name: str) -> str:
    response = client.control_plane.GetAppMonitor(GetAppMonitorRequest(name=name))
    return response.app_monitor.id


def _sample(monitor_id: str, name: str) -> _Batch:
    document = sample_batch(
        monitor_id, name or monitor_id, now=time.time(), new_id=lambda: str(uuid.uuid4())
    )
    return _batch(document, monitor_id, "the sample")


def _place(file: BinaryIO | None) -> str:
    return "standard input" if file is None or file.name == "<stdin>" else file.name


def _documents(content: bytes, place: str) -> Iterator[tuple[str, JsonObject]]:
    """Yield each document and its place: `place` if it is the only one, else its line."""
    try:
        yield place, load_json(content)
        return
    except HttpError:
        lines = content.splitlines()
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield f"line {number}", load_json(line)
            except HttpError as error:
                raise Failure(f"line {number}: {error.message}", WRONG_USAGE) from None


def _batch(document: JsonObject, monitor_id: str | None, place: str) -> _Batch:
    details = document.get("AppMonitorDetails")
    named = details.get("id") if isinstance(details, dict) else None
    found = document.get("Id") or monitor_id or named
    if not isinstance(found, str):
        raise click.UsageError(f"{place} has no app monitor id; use --id or --name")
    try:
        return _Batch(document, decode_put(found, document, place))
    except HttpError as error:
        raise Failure(f"{place}: {error.message}", WRONG_USAGE) from None


def _send(client: Client, batches: list[_Batch]) -> Iterator[_Outcome]:
    """Send batches and yield the result for each, in order."""
    for together in in_calls(batches, lambda batch: len(batch.entry)):
        request = BatchPutRumEventsRequest.FromString(b"".join(batch.entry for batch in together))
        response = client.bridge.BatchPutRumEvents(request)
        duplicates = set(response.duplicates)
        for index, (batch, status) in enumerate(zip(together, response.statuses, strict=True)):
            yield _outcome(batch, status, duplicate=index in duplicates)


def _outcome(batch: _Batch, status: Status, *, duplicate: bool) -> _Outcome:
    if status.code:
        return _Outcome(batch, "REJECTED", from_status(status))
    return _Outcome(batch, "DUPLICATE" if duplicate else "STORED")


def _print_outcome(outcome: _Outcome, *, as_json: bool) -> None:
    error = outcome.error
    if as_json:
        reason = {"Error": error.error_type, "Message": error.message} if error else {}
        print_json({"BatchId": outcome.batch.batch_id, "Result": outcome.result, **reason})
    elif error:
        click.echo(f"{outcome.batch.batch_id}: {error.error_type}: {error.message}", err=True)


def _print_counts(outcomes: list[_Outcome]) -> None:
    results = [outcome.result for outcome in outcomes]
    counts = [f"{results.count(name)} {name.lower()}" for name in ("STORED", "DUPLICATE")]
    click.echo(f"Batches: {', '.join(counts)}, {results.count('REJECTED')} rejected")


def _print_sample(batch: _Batch, name: str | None, target: Target) -> None:
    rows = [
        [short_type(event["type"]), summary(event["type"], json.loads(event["details"]))]
        for event in batch.document["RumEvents"]
    ]
    print_table([Column("Type", whole=True), Column("Details")], rows)
    if name:
        line = command_line("events", name, *target.arguments)
        click.echo(f"See the stored events: {line}")
