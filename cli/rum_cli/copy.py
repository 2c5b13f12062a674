"""`openrum copy`: move a database to another machine or to another kind of database."""

from __future__ import annotations

__all__ = ["copy"]

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rum_cli.commands import Command
from rum_cli.counted import counted, listed
from rum_cli.environment import read_settings, setting_rows
from rum_cli.failure import REJECTED, WRONG_USAGE, Failure
from rum_cli.progress import progress_bar
from rum_service.settings import ServiceSettings

if TYPE_CHECKING:
    from rum_service.storage.database_copy import Copied

_NAMES = {
    "metric_destinations": ("metric destination", ""),
    "metric_definitions": ("metric definition", ""),
    "credentials": ("access key or token", "access keys and tokens"),
    "source_maps": ("source map", ""),
}
_environment = partial(
    setting_rows, ServiceSettings, {"OPENRUM_DATABASE_URL", "OPENRUM_SECRETS_KEY_FILE"}
)


@click.command(cls=Command, environment=_environment)
@click.option(
    "--from", "source", metavar="URL", help="The source; OPENRUM_DATABASE_URL by default."
)
@click.option(
    "--to", "target", metavar="URL", required=True, help="An empty database, or an earlier copy."
)
def copy(source: str | None, target: str) -> None:
    """Copy everything in a database to another one, between SQLite and PostgreSQL too.

    OpenRUM can keep running on the source, and store events. Run the command again to copy what
    has been added since, or to continue after an interruption. Nothing is copied twice.
    """
    from rum_service.storage import open_copy
    from rum_service.storage.database_copy import CopyInterruptedError

    settings = read_settings(ServiceSettings)
    began = time.monotonic()
    try:
        with (
            open_copy(source or settings.database_url, target) as database_copy,
            progress_bar("Copying") as update,
        ):
            copied = database_copy.run(update)
    except CopyInterruptedError as error:
        raise Failure(f"{error}; run the command again to continue", REJECTED) from None
    except (ValueError, OSError) as error:
        raise Failure(str(error), WRONG_USAGE) from None
    _print(copied, time.monotonic() - began)
    _print_remaining(copied, settings.secrets_key_file)
    if copied.differences:
        raise Failure(
            "the source changed during the comparison; stop OpenRUM and run the command again",
            REJECTED,
        )
    if copied.damaged:
        raise Failure(
            f"{counted(len(copied.damaged), 'batch is', 'batches are')} damaged in the source and"
            f" copied unchanged: {listed(copied.damaged)}. Run `openrum db check`",
            REJECTED,
        )


def _print(copied: Copied, took_s: float) -> None:
    from rich.filesize import decimal

    rate = copied.events / took_s if took_s else 0.0
    click.echo(
        f"Copied {counted(copied.batches, 'batch', 'batches')} with"
        f" {counted(copied.events, 'event')} in {took_s:.1f} s ({rate:,.0f} events/s)"
    )
    if copied.replaced:
        ranges = counted(copied.replaced, "range")
        click.echo(f"Copied {ranges} again, changed in the source meanwhile")
    for name, total in sorted(copied.monitors.items()):
        click.echo(
            f"  {name or 'deleted app monitors'}: {counted(total.batches, 'batch', 'batches')},"
            f" {counted(total.events, 'event')}, {decimal(total.payload_bytes)}"
        )
    others = [
        counted(copied.rows[table], *names) for table, names in _NAMES.items() if copied.rows[table]
    ]
    if others:
        click.echo(f"  {', '.join(others)}")
    if not copied.differences:
        click.echo("Numbers, sizes and checksums of the batches are equal in both databases.")


def _print_remaining(copied: Copied, key_file: Path) -> None:
    click.echo("\nTo move to the copy:")
    click.echo("  1. Stop OpenRUM, and run this command again. It copies what came since.")
    click.echo("  2. Set OPENRUM_DATABASE_URL to the copy, and start OpenRUM.")
    if copied.access_keys:
        click.echo(f"  {key_file} belongs to the access keys: on another machine, copy it too.")
