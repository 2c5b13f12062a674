"""`openrum export`: write stored events to Parquet or JSON files."""

from __future__ import annotations

__all__ = ["export"]

import os
import signal
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from rum_cli.commands import Command
from rum_cli.counted import counted, listed
from rum_cli.environment import opening_database, read_settings, setting_rows
from rum_cli.export_folder import ExportFolder, FolderError, Manifest
from rum_cli.export_run import run_export
from rum_cli.export_slices import SliceExport
from rum_cli.failure import REJECTED, WRONG_USAGE, Failure
from rum_cli.moments import Moment
from rum_cli.progress import progress_bar
from rum_service.settings import ServiceSettings
from rum_service.storage.base import Store
from rum_service.storage.records import AppMonitorRecord

_MAX_JOBS = 64
# The years 1 to 9999.
_EARLIEST_MS = -62_135_596_800_000
_LATEST_MS = 253_402_300_799_999
_environment = partial(
    setting_rows, ServiceSettings, {"OPENRUM_DATABASE_URL", "OPENRUM_ACCOUNT_ID"}
)


@click.command(cls=Command, environment=_environment)
@click.argument("name")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["parquet", "jsonl"]),
    default="parquet",
    show_default=True,
    help="Parquet for queries; JSON lines for `openrum import`.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="The folder of the files; export/NAME-FORMAT by default.",
)
@click.option("--after", type=Moment(), metavar="TIME", help="Only events at or after this time.")
@click.option("--before", type=Moment(), metavar="TIME", help="Only events at or before this time.")
@click.option(
    "--compression",
    type=click.Choice(["gzip", "zstd", "none"]),
    default="gzip",
    show_default=True,
    help="The compression of JSON lines. Parquet files are always compressed.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, _MAX_JOBS),
    help="How many processes to use; as many as CPUs by default.",
)
def export(
    name: str,
    format_: str,
    output: Path | None,
    after: int | None,
    before: int | None,
    compression: str,
    jobs: int | None,
) -> None:
    """Write the events of the app monitor NAME to files, in a folder for each UTC day.

    Reads the database; the service may be running. Run the command again with the same folder to
    continue after a stop, or to add the events that have come since. TIME is ISO 8601, in local
    time unless it has an offset; or milliseconds since the Unix epoch; or a duration before now,
    such as 7d. Without it, an existing folder keeps its times.
    """
    from rum_service.storage import read_slices

    settings = read_settings(ServiceSettings)
    if after is not None and before is not None and after > before:
        raise Failure("--after must not be later than --before", WRONG_USAGE)
    with opening_database():
        store, slices = read_slices(settings.database_url)
    with closing(store):
        monitor = _monitor(store, name)
        wanted = Manifest(
            monitor.id,
            monitor.name,
            format_,
            compression if format_ == "jsonl" else "",
            after_ms=after,
            before_ms=before,
        )
        began_s = time.monotonic()
        # SIGTERM ends an export as Ctrl-C does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        path = output or Path("export") / f"{name}-{format_}"
        try:
            with ExportFolder(path) as folder:
                earlier = _begin(folder, wanted)
                export_ = SliceExport(
                    database_url=settings.database_url,
                    folder=path,
                    monitor=monitor,
                    format=format_,
                    compression=compression,
                    account_id=settings.account_id,
                    after_ms=_EARLIEST_MS if earlier.after_ms is None else earlier.after_ms,
                    before_ms=_LATEST_MS if earlier.before_ms is None else earlier.before_ms,
                )
                with progress_bar("Exporting") as update:
                    run_export(export_, folder, slices, jobs=jobs or _cpus(), progress=update)
                _print_result(path, earlier, folder.manifest, time.monotonic() - began_s)
                _name_damaged(path, earlier, folder.manifest)
        except KeyboardInterrupt:
            raise Failure("stopped; run the command again to continue", REJECTED) from None
        except OSError as error:
            raise Failure(f"{path}: {error.strerror or error}", REJECTED) from None
        except (FolderError, ValueError) as error:
            raise Failure(str(error), REJECTED) from None


def _monitor(store: Store, name: str) -> AppMonitorRecord:
    monitor = store.monitors.by_name(name)
    if monitor is None:
        raise Failure(f"there is no app monitor {name}", REJECTED)
    return monitor


def _begin(folder: ExportFolder, wanted: Manifest) -> Manifest:
    """Return the manifest of the folder, which is created if the export is new.

    Raises:
        FolderError: the folder has another export.
    """
    found = folder.found
    if found is None:
        folder.begin(wanted)
        return wanted
    given = replace(
        found,
        app_monitor_id=wanted.app_monitor_id,
        format=wanted.format,
        compression=wanted.compression,
        after_ms=found.after_ms if wanted.after_ms is None else wanted.after_ms,
        before_ms=found.before_ms if wanted.before_ms is None else wanted.before_ms,
    )
    if given != found:
        times = [
            f", {word} {_utc(value)}"
            for word, value in (("after", found.after_ms), ("before", found.before_ms))
            if value is not None
        ]
        raise FolderError(
            f"{folder.path} has an export of {found.app_monitor_name} ({found.app_monitor_id}) as"
            f" {' '.join(filter(None, (found.format, found.compression)))}{''.join(times)};"
            " use another folder"
        )
    return found


def _print_result(path: Path, earlier: Manifest, now: Manifest, seconds: float) -> None:
    new = _amount(
        now.events - earlier.events, len(now.files) - len(earlier.files), now.size - earlier.size
    )
    click.echo(f"Exported {new}, in {seconds:.1f} s")
    click.echo(f"{path} has {_amount(now.events, len(now.files), now.size)}")


def _amount(events: int, files: int, size: int) -> str:
    from rich.filesize import decimal

    return f"{counted(events, 'event')} in {counted(files, 'file')}, {decimal(size)}"


def _name_damaged(path: Path, earlier: Manifest, now: Manifest) -> None:
    """Name the batches that are missing. Raises Failure if this run skipped some of them."""
    if not now.damaged:
        return
    text = (
        f"{path} lacks {counted(len(now.damaged), 'damaged batch', 'damaged batches')}:"
        f" {listed(now.damaged)}. Run `openrum db check`"
    )
    if len(now.damaged) > len(earlier.damaged):
        raise Failure(text, REJECTED)
    click.echo(text, err=True)


def _utc(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat()


def _cpus() -> int:
    return min(len(os.sched_getaffinity(0)), _MAX_JOBS)
