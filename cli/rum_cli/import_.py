"""`openrum import`: store events that were exported, from OpenRUM or from CloudWatch RUM."""

from __future__ import annotations

__all__ = ["import_"]

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsEntry, BatchPutRumEventsRequest
from rum_bridge.errors import HttpError, from_status
from rum_cli.calls import in_calls
from rum_cli.client import Client, ClientCommand, Target, connect
from rum_cli.failure import REJECTED, Failure
from rum_cli.import_batches import ImportBatch, ImportBatches
from rum_cli.import_files import STANDARD_INPUT, files_in, lines_of
from rum_cli.import_lines import LineError, parse_line
from rum_cli.import_targets import ImportTargets
from rum_cli.progress import progress_bar

_ATTEMPTS = 10
_MAX_WAIT_S = 5
_MAX_PRINTED = 100
_RETRIED = {429, 500, 503}


class _Counts:
    """The number of events for each outcome."""

    def __init__(self) -> None:
        self.valid = self.stored = self.duplicate = self.rejected = self.problems = 0

    def report(self, place: str, reason: str, *, events: int = 1) -> None:
        """Count events that cannot be imported, and print why."""
        self.rejected += events
        self.problems += 1
        if self.problems <= _MAX_PRINTED:
            click.echo(f"{place}: {reason}", err=True)


@click.command(name="import", cls=ClientCommand)
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
)
@click.option("--name", help="Store all events for this app monitor instead.")
@click.option("--dry-run", is_flag=True, help="Read and check everything, and store nothing.")
def import_(files: tuple[Path, ...], name: str | None, dry_run: bool, target: Target) -> None:
    """Store the events in FILE, one event per line, or in all files in a folder.

    `-` reads from standard input.

    FILE comes from `openrum export --format jsonl`, from the log group of CloudWatch RUM, or from
    an export of CloudWatch Logs, which starts each line with a timestamp. It can be compressed with
    gzip or zstd.

    An event is stored for the app monitor whose ID is in the document. That app monitor must exist.
    An event that is stored already is not stored again, so an import can be repeated. Lines that
    cannot be imported are printed. The caller needs admin access.
    """
    counts = _Counts()
    with connect(target) as client:
        now_ms = round(time.time() * 1000)
        targets = ImportTargets(client, name, now_ms=now_ms)
        batches = ImportBatches(targets.find, now_ms=now_ms)
        found = files_in(files)
        with progress_bar("Importing") as update:
            read = _batches(found, batches, counts, update)
            kept = filter(targets.keeps, read)
            for together in in_calls(kept, lambda batch: batch.request.ByteSize()):
                counts.valid += sum(len(batch.request.rum_events) for batch in together)
                if not dry_run:
                    _store(client, together, counts)
    if counts.problems > _MAX_PRINTED:
        click.echo(f"... and {counts.problems - _MAX_PRINTED} more problems", err=True)
    for warning in targets.warnings():
        click.echo(warning, err=True)
    rejected = counts.rejected + targets.too_old
    if dry_run:
        click.echo(f"Events: {counts.valid} can be imported, {rejected} cannot")
    else:
        click.echo(
            f"Events: {counts.stored} stored, {counts.duplicate} already stored,"
            f" {rejected} not imported"
        )
    if counts.problems or targets.too_old:
        raise SystemExit(REJECTED)


def _batches(
    files: list[Path],
    batches: ImportBatches,
    counts: _Counts,
    update: Callable[[int, int], None],
) -> Iterator[ImportBatch]:
    """Yield the batches in the files. Report the lines that cannot be imported."""
    total = sum(_size(file) for file in files)
    done = 0
    for file in files:
        progress = partial(_update, update, done, total)
        try:
            for number, line in lines_of(file, progress):
                place = f"{file}:{number}"
                try:
                    batch = batches.add(parse_line(line), place)
                except LineError as error:
                    counts.report(place, str(error))
                else:
                    if batch:
                        yield batch
        except LineError as error:
            counts.report(str(file), str(error), events=0)
        except OSError as error:
            raise Failure(f"{file}: {error.strerror}", REJECTED) from None
        for place, reason, events in batches.incomplete():
            counts.report(place, reason, events=events)
        done += _size(file)


def _size(file: Path) -> int:
    return 0 if file == STANDARD_INPUT else file.stat().st_size


def _update(update: Callable[[int, int], None], done: int, total: int, read: int) -> None:
    update(done + read, total)


def _store(client: Client, batches: list[ImportBatch], counts: _Counts) -> None:
    """Store batches, and try again while the service is busy."""
    for attempt in range(1, _ATTEMPTS + 1):
        if not batches:
            return
        entries = [
            BatchPutRumEventsEntry(
                request=batch.request.SerializeToString(), imported=batch.imported
            )
            for batch in batches
        ]
        response = client.bridge.BatchPutRumEvents(BatchPutRumEventsRequest(entries=entries))
        duplicates = set(response.duplicates)
        again: list[ImportBatch] = []
        wait_s = 0
        for index, (batch, status) in enumerate(zip(batches, response.statuses, strict=True)):
            events = len(batch.request.rum_events)
            if not status.code:
                counts.duplicate += events if index in duplicates else 0
                counts.stored += 0 if index in duplicates else events
                continue
            error = from_status(status)
            if _may_retry(error) and attempt < _ATTEMPTS:
                again.append(batch)
                wait_s = max(wait_s, error.retry_after_s or 1)
            else:
                counts.report(batch.place, f"{error.error_type}: {error.message}", events=events)
        if again:
            time.sleep(min(wait_s, _MAX_WAIT_S))
        batches = again


def _may_retry(error: HttpError) -> bool:
    return error.status in _RETRIED
